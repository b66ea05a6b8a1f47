//! The names by which runs, slots, deliveries and workers are known.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One execution of a workflow, from its submission to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl RunId {
    /// A new id that sorts by its time of creation (UUID version 7).
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for RunId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A worker process. Unique over restarts: a new process takes a new name, so
/// that what the old one held can never be mistaken for the new one's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerName(String);

impl WorkerName {
    /// A name nobody else has: `prefix` and a random part.
    #[must_use]
    pub fn unique(prefix: &str) -> Self {
        let random = Uuid::new_v4().simple().to_string();
        Self(format!("{prefix}-{}", &random[..12]))
    }

    /// The name as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for WorkerName {
    fn from(name: String) -> Self {
        Self(name)
    }
}

impl fmt::Display for WorkerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What can be claimed: a whole step of a run, or one item of a step that fans
/// out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// The run.
    pub run: RunId,
    /// Position of the step in its definition, from 0.
    pub step: u16,
    /// Position of the item, from 0; `None` for a step that does not fan out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} step {}", self.run, self.step)?;
        self.item.map_or(Ok(()), |item| write!(f, " item {item}"))
    }
}

/// A request for an attempt, as it travels through a queue. It carries no state: what
/// it asks for is loaded from the journal, and a delivery that came twice, late
/// or for nothing is refused there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Delivery {
    /// What is to be attempted.
    #[serde(flatten)]
    pub slot: Slot,
    /// Which attempt this delivery asks for, from 1.
    pub attempt: u32,
}

/// Namespace of delivery and dead-letter ids (a constant of this project).
const NAMESPACE: Uuid = Uuid::from_u128(0x2f6d_9c1e_5b1a_4f0a_9a63_c7d5_e0b8_4412);

impl Delivery {
    /// The same id for the same delivery, always: pushing it again changes
    /// nothing (UUID version 5 over run, step, item and attempt).
    #[must_use]
    pub fn id(&self) -> Uuid {
        let item = self.slot.item.map_or_else(|| "-".to_owned(), |i| i.to_string());
        let name = format!("{}/{}/{item}/{}", self.slot.run, self.slot.step, self.attempt);
        Uuid::new_v5(&NAMESPACE, name.as_bytes())
    }
}

/// The id of the dead letter that a run's event `seq` made: the same whenever
/// it is derived.
#[must_use]
pub fn dead_letter_id(run: RunId, seq: u64) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("dead/{run}/{seq}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_delivery_has_the_same_id_and_any_other_has_another() {
        let slot = Slot { run: RunId(Uuid::nil()), step: 1, item: Some(3) };
        let delivery = Delivery { slot, attempt: 1 };
        assert_eq!(delivery.id(), Delivery { slot, attempt: 1 }.id());
        let others = [
            Delivery { slot, attempt: 2 },
            Delivery { slot: Slot { item: Some(4), ..slot }, attempt: 1 },
            Delivery { slot: Slot { item: None, ..slot }, attempt: 1 },
            Delivery { slot: Slot { step: 2, ..slot }, attempt: 1 },
        ];
        assert!(others.iter().all(|other| other.id() != delivery.id()));
    }

    #[test]
    fn a_delivery_travels_as_flat_json() {
        let slot = Slot { run: RunId(Uuid::nil()), step: 1, item: Some(3) };
        let wire = serde_json::to_string(&Delivery { slot, attempt: 2 }).unwrap();
        assert_eq!(wire, r#"{"run":"00000000-0000-0000-0000-000000000000","step":1,"item":3,"attempt":2}"#);
    }
}
