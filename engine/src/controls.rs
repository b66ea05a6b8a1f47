//! What operators set about the order of work: what is paused, and how much of
//! it a tenant gets. Stands in the journal; every process that works follows it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

/// All of it, as of one moment. What is not named is not restricted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Controls {
    /// Grows with every change; 0 when nothing was ever set.
    pub revision: u64,
    /// Workflows whose deliveries are not handed out.
    pub paused_workflows: BTreeSet<String>,
    /// Tenants for which something was set, by name.
    pub tenants: BTreeMap<String, TenantControls>,
    /// Workflows and tenants for which something was set that this program can't
    /// read; nothing holds for them until it is set again.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unreadable: BTreeSet<String>,
}

/// What a tenant gets in each workflow's queue. Its JSON form is a stored format
/// and only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TenantControls {
    /// Its share against others of the same level: twice the weight, twice as
    /// many deliveries.
    pub weight: NonZeroU32,
    /// Most deliveries in flight at once; `None`: as many as there are slots.
    pub concurrency: Option<NonZeroU32>,
    /// Most starts a minute, spread evenly; `None`: no such limit.
    pub starts_per_minute: Option<NonZeroU32>,
    /// Nothing of it is handed out.
    pub paused: bool,
}

impl Default for TenantControls {
    fn default() -> Self {
        Self { weight: NonZeroU32::MIN, concurrency: None, starts_per_minute: None, paused: false }
    }
}

/// What is to be changed of what a tenant gets; what is `None` stays as it is
/// when the change is written, whatever it was when it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantPatch {
    /// Its share against others.
    pub weight: Option<NonZeroU32>,
    /// Most at once; `Some(None)` lifts the limit.
    pub concurrency: Option<Option<NonZeroU32>>,
    /// Most starts a minute; `Some(None)` lifts the limit.
    pub starts_per_minute: Option<Option<NonZeroU32>>,
    /// Whether nothing of it is handed out.
    pub paused: Option<bool>,
}

impl TenantPatch {
    fn changed(self, set: TenantControls) -> TenantControls {
        TenantControls {
            weight: self.weight.unwrap_or(set.weight),
            concurrency: self.concurrency.unwrap_or(set.concurrency),
            starts_per_minute: self.starts_per_minute.unwrap_or(set.starts_per_minute),
            paused: self.paused.unwrap_or(set.paused),
        }
    }
}

/// One thing that an operator sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlChange {
    /// A workflow goes on or stands still.
    Workflow {
        /// Its name.
        name: String,
        /// Whether it stands still.
        paused: bool,
    },
    /// A tenant gets this.
    Tenant {
        /// Its name, at most 64 bytes.
        name: String,
        /// All that is set for it.
        controls: TenantControls,
    },
    /// Some of what a tenant gets is changed.
    Adjust {
        /// Its name, at most 64 bytes.
        name: String,
        /// What is changed.
        patch: TenantPatch,
    },
}

impl ControlChange {
    /// What it comes to, given what is set.
    pub(crate) fn on(self, set: &Controls) -> Self {
        match self {
            Self::Adjust { name, patch } => {
                let controls = patch.changed(set.of(&name));
                Self::Tenant { name, controls }
            }
            whole => whole,
        }
    }

    /// What it is about.
    fn subject(&self) -> String {
        match self {
            Self::Workflow { name, .. } => format!("workflow {name}"),
            Self::Tenant { name, .. } | Self::Adjust { name, .. } => format!("tenant {name}"),
        }
    }
}

impl Controls {
    /// What the tenant gets.
    #[must_use]
    pub fn of(&self, tenant: &str) -> TenantControls {
        self.tenants.get(tenant).copied().unwrap_or_default()
    }

    /// Whether nothing is begun for the tenant in the workflow.
    #[must_use]
    pub fn paused(&self, workflow: &str, tenant: &str) -> bool {
        self.paused_workflows.contains(workflow) || self.of(tenant).paused
    }

    /// Something was set as revision `revision` that can't be read.
    pub(crate) fn pass_over(&mut self, name: String, revision: u64) {
        self.revision = revision;
        self.unreadable.insert(name);
    }

    /// Follows a change, which becomes revision `revision`.
    pub(crate) fn follow(&mut self, change: ControlChange, revision: u64) {
        self.revision = revision;
        self.unreadable.remove(&change.subject());
        match change {
            ControlChange::Workflow { name, paused: true } => {
                self.paused_workflows.insert(name);
            }
            ControlChange::Workflow { name, paused: false } => {
                self.paused_workflows.remove(&name);
            }
            ControlChange::Tenant { name, controls } if controls == TenantControls::default() => {
                self.tenants.remove(&name);
            }
            ControlChange::Tenant { name, controls } => {
                self.tenants.insert(name, controls);
            }
            adjust @ ControlChange::Adjust { .. } => self.follow(adjust.on(self), revision),
        }
    }
}

/// The controls as this process knows them; they lag behind the journal by a
/// second or so.
#[derive(Debug, Default)]
pub struct CurrentControls(RwLock<Arc<Controls>>);

impl CurrentControls {
    /// All of it.
    #[must_use]
    pub fn get(&self) -> Arc<Controls> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether nothing is to be begun for the tenant in the workflow. Cheap: it
    /// may be asked for every delivery.
    #[must_use]
    pub fn paused(&self, workflow: &str, tenant: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).paused(workflow, tenant)
    }

    /// Takes `controls` over unless what is known is as new; whether it did.
    pub(crate) fn take(&self, controls: &Arc<Controls>) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let newer = controls.revision > known.revision;
        if newer {
            *known = Arc::clone(controls);
        }
        newer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(controls: TenantControls) -> ControlChange {
        ControlChange::Tenant { name: "t".to_owned(), controls }
    }

    #[test]
    fn what_is_set_back_leaves_nothing_but_its_revision() {
        let mut controls = Controls::default();
        controls.follow(tenant(TenantControls { paused: true, ..TenantControls::default() }), 1);
        controls.follow(ControlChange::Workflow { name: "w".to_owned(), paused: true }, 2);
        assert!(controls.paused("other", "t") && controls.paused("w", "other"));
        assert!(!controls.paused("other", "other"));
        controls.follow(tenant(TenantControls::default()), 3);
        controls.follow(ControlChange::Workflow { name: "w".to_owned(), paused: false }, 4);
        assert_eq!(controls, Controls { revision: 4, ..Controls::default() });
    }

    #[test]
    fn an_older_view_does_not_replace_a_newer_one() {
        let current = CurrentControls::default();
        let at = |revision| Arc::new(Controls { revision, ..Controls::default() });
        assert!(current.take(&at(2)));
        assert!(!current.take(&at(1)) && !current.take(&at(2)));
        assert_eq!(current.get().revision, 2);
    }

    #[test]
    fn the_stored_form_stays_what_it_is() {
        let limit = NonZeroU32::new(3);
        let controls = TenantControls { concurrency: limit, ..TenantControls::default() };
        let stored = serde_json::to_string(&controls).unwrap();
        assert_eq!(stored, r#"{"weight":1,"concurrency":3,"startsPerMinute":null,"paused":false}"#);
        assert_eq!(serde_json::from_str::<TenantControls>(&stored).unwrap(), controls);
        assert_eq!(serde_json::from_str::<TenantControls>("{}").unwrap(), TenantControls::default());
    }
}
