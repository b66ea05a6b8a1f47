//! Lists all engines with all versions.

use super::Registry;
use super::built_in::{self, built_ins};
use super::find::{ComponentSource, FoundComponent};
use super::operate::blocking;
use super::version_store::VersionStore;
use crate::boxed;
use crate::engine::Described;
use crate::error::PluginError;
use crate::signature::{Signed, Trust};

/// An engine as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Name under which it is installed.
    pub name: String,
    /// SHA-256 of its component, hexadecimal; empty when the file can't be read.
    pub digest: String,
    /// The version from its description; empty when it can't be used.
    pub version: String,
    /// Whether it is built in.
    pub built_in: bool,
    /// Its description of itself; `None` when it can't be used.
    pub described: Option<Described>,
    /// Why it can't be used.
    pub error: Option<String>,
    /// All kept versions, including the active and the built-in one.
    pub versions: Vec<ListedVersion>,
}

/// A version as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedVersion {
    /// SHA-256 of its component, hexadecimal.
    pub digest: String,
    /// Whether the name resolves to it.
    pub active: bool,
    /// Why it is quarantined.
    pub quarantined: Option<String>,
    /// Who signed it, if one of the trusted keys did.
    pub signed: Option<Signed>,
}

impl Registry {
    /// All engines by name; those that can't be used have an error.
    #[boxed]
    pub async fn list(&self) -> Vec<Listed> {
        let mut names = self.store.names();
        names.extend(built_ins().map(str::to_owned));
        let mut listed = Vec::new();
        for name in names {
            listed.push(self.listed(name).await);
        }
        listed
    }

    async fn listed(&self, name: String) -> Listed {
        let name_lock = self.name_lock(&name);
        let _guard = name_lock.lock().await;
        let found = self.find(&name).await;
        let digest = match &found {
            Ok(Some(found)) => found.digest.clone(),
            _ => String::new(),
        };
        let built_in = matches!(&found, Ok(Some(FoundComponent { source: ComponentSource::BuiltIn, .. })));
        let (store, trust, key, active) =
            (self.store.clone(), self.trust.clone(), name.clone(), digest.clone());
        let versions = blocking(move || listed_versions(&store, &trust, &key, &active)).await;
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
        let mut described = used.as_ref().ok().map(|engine| engine.described().clone());
        if let Some(described) = described.as_mut().filter(|described| described.about.is_none() && built_in)
        {
            described.about = built_in::about(&name).map(str::to_owned);
        }
        Listed { name, digest, version, built_in, described, error: used.err().or(unreadable), versions }
    }
}

fn listed_versions(
    store: &VersionStore,
    trust: &Trust,
    name: &str,
    active: &str,
) -> Result<Vec<ListedVersion>, PluginError> {
    let mut digests = store.versions(name);
    digests.extend(built_in::digest(name));
    digests.extend((!active.is_empty()).then(|| active.to_owned()));
    let mut history = store.history(name)?;
    let version = |digest: String| ListedVersion {
        active: digest == active,
        quarantined: history.quarantined.remove(&digest),
        signed: signed(store, trust, name, &digest),
        digest,
    };
    Ok(digests.into_iter().map(version).collect())
}

/// Who signed a version, if one of the trusted keys did and it can be read.
fn signed(store: &VersionStore, trust: &Trust, name: &str, digest: &str) -> Option<Signed> {
    if !trust.has_keys() || store.signature(name, digest).ok().flatten().is_none() {
        return None;
    }
    let wasm = std::fs::read(store.version(name, digest)).ok()?;
    let package = store.without_assets(name, wasm).ok().filter(|package| package.digest() == digest)?;
    package.verify(trust).ok().flatten()
}
