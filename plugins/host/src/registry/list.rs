//! All engines with all versions, for people.

use super::find::{Found, Source, built_in_digest};
use super::operate::blocking;
use super::shelf::Shelf;
use super::{BUILT_IN, Registry};
use crate::error::PluginError;
use crate::signature::{Signed, Trust};

/// An engine as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name it is asked for by.
    pub name: String,
    /// SHA-256 of its component, hexadecimal; empty when the file can't be read.
    pub digest: String,
    /// The version it says it is; empty when it can't be used.
    pub version: String,
    /// Whether it came with the program.
    pub built_in: bool,
    /// Why it can't be used.
    pub error: Option<String>,
    /// All versions that are kept, the one that serves and the built-in one
    /// among them.
    pub versions: Vec<ListedVersion>,
}

/// A version as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedVersion {
    /// SHA-256 of its component, hexadecimal.
    pub digest: String,
    /// Whether it is what the name means now.
    pub active: bool,
    /// Why it serves nobody.
    pub quarantined: Option<String>,
    /// Who signed it, by the keys that are trusted now.
    pub signed: Option<Signed>,
}

impl Registry {
    /// All engines by name, those that can't be used with the reason.
    pub async fn list(&self) -> Vec<Listed> {
        let mut names = self.shelf.names();
        names.insert(BUILT_IN.to_owned());
        let mut listed = Vec::new();
        for name in names {
            listed.push(self.listed(name).await);
        }
        listed
    }

    async fn listed(&self, name: String) -> Listed {
        let gate = self.gate(&name);
        let _alone = gate.lock().await;
        let found = self.find(&name).await;
        let digest = match &found {
            Ok(Some(found)) => found.digest.clone(),
            _ => String::new(),
        };
        let built_in = matches!(&found, Ok(Some(Found { source: Source::BuiltIn, .. })));
        let (shelf, trust, key, active) =
            (self.shelf.clone(), self.trust.clone(), name.clone(), digest.clone());
        let versions = blocking(move || listed_versions(&shelf, &trust, &key, &active)).await;
        let used = match found {
            Ok(Some(found)) => match self.refuse_quarantined(&name, &found.digest).await {
                Ok(()) => self.ready(&name, found).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            },
            Ok(None) => Err("none of its versions is active".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let version = used.as_ref().map(|engine| engine.version().to_owned()).unwrap_or_default();
        let (versions, unreadable) = match versions {
            Ok(versions) => (versions, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        Listed { name, digest, version, built_in, error: used.err().or(unreadable), versions }
    }
}

fn listed_versions(
    shelf: &Shelf,
    trust: &Trust,
    name: &str,
    active: &str,
) -> Result<Vec<ListedVersion>, PluginError> {
    let mut digests = shelf.versions(name);
    digests.extend((name == BUILT_IN).then(built_in_digest));
    digests.extend((!active.is_empty()).then(|| active.to_owned()));
    let mut record = shelf.record(name)?;
    let version = |digest: String| ListedVersion {
        active: digest == active,
        quarantined: record.quarantined.remove(&digest),
        signed: signed(shelf, trust, name, &digest),
        digest,
    };
    Ok(digests.into_iter().map(version).collect())
}

/// Who signed a version, if somebody whose key is trusted did and it can be read.
fn signed(shelf: &Shelf, trust: &Trust, name: &str, digest: &str) -> Option<Signed> {
    if !trust.has_keys() || shelf.signature(name, digest).ok().flatten().is_none() {
        return None;
    }
    let wasm = std::fs::read(shelf.version(name, digest)).ok()?;
    let package = shelf.without_assets(name, wasm).ok().filter(|package| package.digest() == digest)?;
    package.verify(trust).ok().flatten()
}
