//! References to engines: `name`, or `name@sha256:…` for one version.

use std::fmt;
use std::str::FromStr;

/// Least digits of a digest that identify a version.
const DIGEST_DIGITS_MIN: usize = 12;

const DIGEST_DIGITS: usize = 64;

/// An engine, or one version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its name.
    pub name: String,
    /// SHA-256 of the component, hexadecimal: all of it, or at least its first twelve
    /// digits. `None`: the active version.
    pub digest: Option<String>,
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, digest) = match text.split_once('@') {
            None => (text, None),
            Some((name, version)) => {
                let digest = version.strip_prefix("sha256:").filter(|digest| is_digest(digest));
                let wrong = || {
                    format!(
                        "a version is sha256: followed by {DIGEST_DIGITS_MIN} to {DIGEST_DIGITS} digits of 0-9, a-f"
                    )
                };
                (name, Some(digest.ok_or_else(wrong)?.to_owned()))
            }
        };
        if !is_name(name) {
            return Err("a name is 1 to 64 lower-case letters, digits and hyphens".to_owned());
        }
        Ok(Self { name: name.to_owned(), digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.digest {
            None => f.write_str(&self.name),
            Some(digest) => write!(f, "{}@sha256:{digest}", self.name),
        }
    }
}

/// Names are file names: lower-case letters, digits and hyphens, at most 64.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.len() <= 64 && name.chars().all(plain)
}

/// Digests are file names, too.
pub(super) fn is_digest(text: &str) -> bool {
    let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    (DIGEST_DIGITS_MIN..=DIGEST_DIGITS).contains(&text.len()) && text.chars().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_named_by_its_digest() {
        let read = |text: &str| text.parse::<Reference>();
        assert_eq!(read("a-1"), Ok(Reference { name: "a-1".to_owned(), digest: None }));
        let pinned = read("a@sha256:0123456789ab").expect("it is one");
        assert_eq!(pinned.to_string(), "a@sha256:0123456789ab");
        for wrong in
            ["", "A", "../a", "a@", "a@0123456789ab", "a@sha256:0123", "a@sha256:../../../../x", "a@b@c"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
