//! What an engine may use besides its page: what its manifest requests and its
//! operator grants.

use std::collections::BTreeMap;
use std::fmt;

use untxt_net::{AddressPolicy, Origin};

use crate::grants::{Grants, Secret};
use crate::inference::Model;
use crate::package::{Assets, Package};

/// Assets, servers and secrets of an engine.
pub(crate) struct Capabilities {
    pub(crate) assets: Assets,
    /// SHA-256 of the assets.
    asset_digests: BTreeMap<String, String>,
    servers: Vec<(Origin, AddressPolicy)>,
    secrets: Vec<Secret>,
}

impl Capabilities {
    /// What `package` requests and `grants` allow.
    pub(crate) fn of(package: &Package, grants: &Grants) -> Self {
        let assets = package.assets.clone();
        let named = package.manifest.iter().flat_map(|manifest| &manifest.assets);
        let asset_digests = named.map(|asset| (asset.name.clone(), asset.sha256.clone())).collect();
        let Some(manifest) = package.manifest.as_ref().filter(|manifest| manifest.asks_servers()) else {
            return Self { assets, asset_digests, servers: Vec::new(), secrets: Vec::new() };
        };
        let wanted = |origin: &Origin| {
            manifest.wants.http.iter().any(|want| want == "*" || Origin::parse(want).as_ref() == Ok(origin))
        };
        let servers = grants.origins().filter(|(origin, _)| wanted(origin)).collect();
        let wants = |secret: &&Secret| manifest.wants.secrets.contains(&secret.name);
        let secrets = grants.secrets.iter().filter(wants).cloned().collect();
        Self { assets, asset_digests, servers, secrets }
    }

    /// The asset of that name as a model.
    pub(crate) fn model(&self, name: &str) -> Option<Model> {
        let (file, digest) = (self.assets.get(name)?.clone(), self.asset_digests.get(name)?.clone());
        Some(Model { name: name.to_owned(), digest, file })
    }

    /// Which addresses the server at `origin` may have; `None` if it is not granted.
    pub(crate) fn policy(&self, origin: &Origin) -> Option<AddressPolicy> {
        self.servers.iter().find(|(granted, _)| granted == origin).map(|(_, policy)| policy.clone())
    }

    /// The granted servers, for messages.
    pub(crate) fn servers(&self) -> Vec<String> {
        self.servers.iter().map(|(origin, _)| origin.to_string()).collect()
    }

    /// The secrets that are sent to the server at `origin`.
    pub(crate) fn secrets(&self, origin: &Origin) -> impl Iterator<Item = &Secret> {
        self.secrets.iter().filter(move |secret| Origin::parse(&secret.origin).as_ref() == Ok(origin))
    }
}

/// Names assets and secrets; shows no value of a secret.
impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets: Vec<&String> = self.secrets.iter().map(|secret| &secret.name).collect();
        let assets: Vec<&String> = self.assets.keys().collect();
        f.debug_struct("Capabilities")
            .field("assets", &assets)
            .field("servers", &self.servers)
            .field("secrets", &secrets)
            .finish()
    }
}
