//! How who is told knows that it was this server who told.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ring::hmac;

/// Bytes of a secret: fewer can be guessed.
const SECRET_BYTES_MIN: usize = 16;

/// Secrets at once: the one in use and the one it takes the place of.
const SECRETS_MAX: usize = 2;

/// What webhooks are signed with. Never printed.
#[derive(Clone, Default)]
pub struct Secrets(Arc<[hmac::Key]>);

impl Secrets {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of the `untxt-signature` header: `t` in seconds since 1970, and
    /// for each secret a `v1`, HMAC-SHA256 over `{t}.{body}` in hexadecimal.
    #[must_use]
    pub fn sign(&self, seconds: i64, body: &[u8]) -> String {
        let mut signature = format!("t={seconds}");
        for key in &*self.0 {
            let mut context = hmac::Context::with_key(key);
            context.update(format!("{seconds}.").as_bytes());
            context.update(body);
            signature.push_str(",v1=");
            signature.push_str(&hex::encode(context.sign()));
        }
        signature
    }
}

impl FromStr for Secrets {
    type Err = String;

    /// One secret, or two with a comma between them. The error does not repeat
    /// them.
    fn from_str(text: &str) -> Result<Self, String> {
        let secrets: Vec<&str> = text.split(',').map(str::trim).collect();
        if secrets.len() > SECRETS_MAX {
            return Err(format!("at most {SECRETS_MAX} secrets, the new one and the old one"));
        }
        if secrets.iter().any(|secret| secret.len() < SECRET_BYTES_MIN) {
            return Err(format!("a secret has at least {SECRET_BYTES_MIN} characters"));
        }
        let key = |secret: &&str| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Ok(Self(secrets.iter().map(key).collect()))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_others_compute() {
        let secrets: Secrets = "whsec-0123456789, whsec-9876543210".parse().unwrap();
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac SECRET
        assert_eq!(secrets.sign(1_700_000_000, br#"{"a":1}"#), EXPECTED);
        assert_eq!(format!("{secrets:?}"), "Secrets(2)");
    }

    const EXPECTED: &str = "t=1700000000,\
        v1=cf8dea5761501b727b10c5111533dd1ce995f14520a8069e2db69ff01090687c,\
        v1=b5f226c86b22eff2b862d8222d8976ae1a8f06a988dc0b283bc5fd898d4edc37";

    #[test]
    fn weak_secrets_are_refused_without_being_told() {
        for text in ["short", "whsec-0123456789,short", "whsec-0123456789,"] {
            let error = text.parse::<Secrets>().unwrap_err();
            assert!(error.contains("at least 16") && !error.contains("short"), "{error}");
        }
        assert!("a,b,c".parse::<Secrets>().unwrap_err().contains("at most 2"));
    }
}
