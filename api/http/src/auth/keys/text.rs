//! A key as its owner holds it: `untxt_<id>_<secret>`. The id finds its row,
//! the secret, 256 random bits, is compared. Of the secret only the SHA-256 is
//! kept: against so much randomness a slow hash adds nothing.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

const PREFIX: &str = "untxt_";

/// A key, in the only form that lets somebody in. It is never logged and has no
/// `Debug`.
pub(super) struct KeyText {
    pub(super) id: Uuid,
    secret: String,
}

impl KeyText {
    /// A new one.
    pub(super) fn new() -> Self {
        Self { id: Uuid::now_v7(), secret: hex::encode(rand::random::<[u8; 32]>()) }
    }

    /// Reads what was presented; `None` when it has not the form of a key.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let well_formed = id.len() == 32 && secret.len() == 64;
        let id = Uuid::try_parse(id).ok().filter(|_| well_formed)?;
        Some(Self { id, secret: secret.to_owned() })
    }

    /// As it is handed out.
    pub(super) fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id.simple(), self.secret)
    }

    /// What is kept of the secret.
    pub(super) fn hash(&self) -> String {
        hex::encode(Sha256::digest(&self.secret))
    }

    /// Whether `hash` was made from this secret; takes as long for any.
    pub(super) fn is_of(&self, hash: &str) -> bool {
        self.hash().as_bytes().ct_eq(hash.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_handed_out_and_fits_its_own_hash_only() {
        let (key, other) = (KeyText::new(), KeyText::new());
        let read = KeyText::parse(&key.reveal()).unwrap();
        assert_eq!(read.id, key.id);
        assert!(read.is_of(&key.hash()) && !read.is_of(&other.hash()) && !read.is_of(""));
        assert!(!key.hash().contains(&read.secret));
    }

    #[test]
    fn what_is_no_key_is_not_looked_up() {
        let id = "0".repeat(32);
        for text in ["", "untxt_", "eyJhbGciOiJub25lIn0.e30.", "untxt_1_2", &format!("untxt_{id}_abc")] {
            assert!(KeyText::parse(text).is_none(), "{text}");
        }
    }
}
