//! A delivery's form in Redis.

use uuid::Uuid;

use crate::id::{Delivery, RunId, Slot};
use crate::queue::Pulled;

/// Run, step, whether there is an item, item, attempt.
const LENGTH: usize = 16 + 2 + 1 + 4 + 4;

/// The scripts never look into it.
pub(super) fn encode(delivery: &Delivery) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..16].copy_from_slice(delivery.slot.run.0.as_bytes());
    bytes[16..18].copy_from_slice(&delivery.slot.step.to_be_bytes());
    bytes[18] = u8::from(delivery.slot.item.is_some());
    bytes[19..23].copy_from_slice(&delivery.slot.item.unwrap_or_default().to_be_bytes());
    bytes[23..].copy_from_slice(&delivery.attempt.to_be_bytes());
    bytes
}

/// What a script gave for `id`, the tenant after the delivery; `None` when this
/// program did not write it.
pub(super) fn decode(id: &[u8], bytes: &[u8]) -> Option<Pulled> {
    let (bytes, tenant) = bytes.split_at_checked(LENGTH)?;
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let slot = Slot {
        run: RunId(Uuid::from_slice(&bytes[..16]).ok()?),
        step: u16::from_be_bytes([bytes[16], bytes[17]]),
        item: (bytes[18] != 0).then_some(number(19)?),
    };
    let delivery = Delivery { slot, attempt: number(23)? };
    let tenant = String::from_utf8(tenant.to_vec()).ok()?;
    (delivery.id().as_bytes() == id).then_some(Pulled { delivery, tenant })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_comes_back_as_it_was_and_a_forged_one_does_not_come() {
        for item in [None, Some(0), Some(u32::MAX)] {
            let slot = Slot { run: RunId::new(), step: 700, item };
            let delivery = Delivery { slot, attempt: 3 };
            let id = delivery.id();
            let bytes = [&encode(&delivery)[..], "größer".as_bytes()].concat();
            let pulled = Pulled { delivery, tenant: "größer".to_owned() };
            assert_eq!(decode(id.as_bytes(), &bytes), Some(pulled));
            assert_eq!(decode(Uuid::nil().as_bytes(), &bytes), None);
            assert_eq!(decode(id.as_bytes(), &bytes[..20]), None);
        }
    }
}
