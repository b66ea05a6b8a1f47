//! What an engine may do besides computing: what its author wants and its
//! operator grants, both.

use std::fmt;

use untxt_net::{AddressPolicy, Origin};

use crate::grants::{Grants, Secret};
use crate::package::{Assets, Package};

/// What a call is given.
pub(crate) struct Granted {
    pub(crate) assets: Assets,
    servers: Vec<(Origin, AddressPolicy)>,
    secrets: Vec<Secret>,
}

impl Granted {
    /// What `package` wants and `grants` give.
    pub(crate) fn of(package: &Package, grants: &Grants) -> Self {
        let assets = package.assets.clone();
        let Some(manifest) = package.manifest.as_ref().filter(|manifest| manifest.asks_servers()) else {
            return Self { assets, servers: Vec::new(), secrets: Vec::new() };
        };
        let wanted = |origin: &Origin| {
            manifest.wants.http.iter().any(|want| want == "*" || Origin::parse(want).as_ref() == Ok(origin))
        };
        let servers = grants.origins().filter(|(origin, _)| wanted(origin)).collect();
        let wants = |secret: &&Secret| manifest.wants.secrets.contains(&secret.name);
        let secrets = grants.secrets.iter().filter(wants).cloned().collect();
        Self { assets, servers, secrets }
    }

    /// Which addresses the server at `origin` may have; `None` if it is not granted.
    pub(crate) fn policy(&self, origin: &Origin) -> Option<AddressPolicy> {
        self.servers.iter().find(|(granted, _)| granted == origin).map(|(_, policy)| policy.clone())
    }

    /// The servers that may be asked, for people.
    pub(crate) fn servers(&self) -> Vec<String> {
        self.servers.iter().map(|(origin, _)| origin.to_string()).collect()
    }

    /// What the server at `origin` is to be told of who asks.
    pub(crate) fn secrets(&self, origin: &Origin) -> impl Iterator<Item = &Secret> {
        self.secrets.iter().filter(move |secret| Origin::parse(&secret.origin).as_ref() == Ok(origin))
    }
}

/// Names what there is; what a secret says is nobody's business.
impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets: Vec<&String> = self.secrets.iter().map(|secret| &secret.name).collect();
        let assets: Vec<&String> = self.assets.keys().collect();
        f.debug_struct("Granted")
            .field("assets", &assets)
            .field("servers", &self.servers)
            .field("secrets", &secrets)
            .finish()
    }
}
