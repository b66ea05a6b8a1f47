//! Who signed a package: a minisign signature, verified against the operator's
//! keys.
//!
//! Of a component alone the component is signed. Of a package with a manifest the
//! manifest is signed, which contains the SHA-256 of the component and of every
//! asset.

use std::fs;
use std::path::{Path, PathBuf};

use minisign_verify::{Error, PublicKey, Signature};

/// Suffix of a signature's file, after the name of the signed file.
pub const SIGNATURE_SUFFIX: &str = ".minisig";

/// Bytes of a signature: minisign's bound for the trusted comment, and the rest.
pub(crate) const SIGNATURE_BYTES_MAX: u64 = 16 << 10;

/// Bytes of a file with a key.
const KEY_BYTES_MAX: u64 = 4 << 10;

/// Characters of a trusted comment that are shown.
const COMMENT_CHARS_MAX: usize = 200;

/// The keys that an operator trusts. By default there are none, and no signature is
/// required.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    keys: Option<PathBuf>,
    required: bool,
}

/// A valid signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The operator's name of the key: that of its file without `.pub`.
    pub key: String,
    /// The signature's trusted comment, cut to what can be shown.
    pub comment: String,
}

impl Trust {
    /// Trust in the minisign keys at `keys`: a file, or a folder with a file
    /// `*.pub` for each key. With `required`, packages that none of them signed are
    /// refused. Keys are read at every verification, so they can be changed while
    /// a server runs.
    ///
    /// # Errors
    /// Why no key can be read.
    pub fn new(keys: PathBuf, required: bool) -> Result<Self, String> {
        read(&keys)?;
        Ok(Self { keys: Some(keys), required })
    }

    /// Whether there are keys to verify signatures with.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Who signed `bytes` with `signature`; nobody where there is no signature, or
    /// there are no keys to check one with.
    ///
    /// # Errors
    /// Why it is refused: the signature is invalid, is by none of the keys, or is
    /// missing and required.
    pub fn verify(&self, bytes: &[u8], signature: Option<&str>) -> Result<Option<Signed>, String> {
        let Some(path) = &self.keys else { return Ok(None) };
        let Some(text) = signature else {
            let needed = "it is not signed; with UNTXT_PLUGIN_SIGNATURES=required only engines signed by a key \
                          in UNTXT_PLUGIN_KEYS are accepted";
            return if self.required { Err(needed.to_owned()) } else { Ok(None) };
        };
        let signature = Signature::decode(text).map_err(|_| "it is not a minisign signature".to_owned())?;
        let key = signer(&read(path)?, path, bytes, &signature)?;
        let comment = signature.trusted_comment().chars().filter(|c| !c.is_control());
        Ok(Some(Signed { key, comment: comment.take(COMMENT_CHARS_MAX).collect() }))
    }
}

/// A key and the name of its file.
type Key = (String, PublicKey);

fn signer(keys: &[Key], path: &Path, bytes: &[u8], signature: &Signature) -> Result<String, String> {
    for (name, key) in keys {
        match key.verify(bytes, signature, false) {
            Ok(()) => return Ok(name.clone()),
            Err(Error::UnexpectedKeyId) => {}
            Err(Error::UnexpectedAlgorithm) => {
                return Err(
                    "it is a legacy minisign signature; sign again with minisign 0.10 or later, or with -H"
                        .to_owned(),
                );
            }
            Err(_) => return Err(format!("it is invalid: key `{name}` signed something else")),
        }
    }
    let known: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
    Err(format!("it is by none of the keys in {} ({})", path.display(), known.join(", ")))
}

fn read(path: &Path) -> Result<Vec<Key>, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    if !fs::metadata(path).map_err(wrong)?.is_dir() {
        return Ok(vec![key(path)?]);
    }
    let mut files: Vec<PathBuf> = fs::read_dir(path)
        .map_err(wrong)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.extension().is_some_and(|kind| kind == "pub"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(format!("{} holds no key: it has no file that ends in .pub", path.display()));
    }
    files.iter().map(|file| key(file)).collect()
}

fn key(path: &Path) -> Result<Key, String> {
    let wrong = |reason: String| format!("{}: {reason}", path.display());
    let bytes = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if bytes > KEY_BYTES_MAX {
        return Err(wrong(format!("it has {bytes} bytes, and a key has at most {KEY_BYTES_MAX}")));
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let key = PublicKey::decode(&text).map_err(|_| wrong("it is not a minisign public key".to_owned()))?;
    Ok((path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), key))
}
