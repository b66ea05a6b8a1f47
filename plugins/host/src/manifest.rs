//! `plugin.toml`: what an engine's author says about it, and what it asks for.

use serde::Deserialize;
use untxt_net::Origin;

/// Bytes of the file.
pub const MANIFEST_BYTES_MAX: u64 = 64 << 10;

/// World of engines that only compute.
pub const WORLD: &str = "ocr-engine";

/// World of engines that call servers.
pub const WORLD_HTTP: &str = "ocr-engine-http";

/// World of engines with models that the host computes.
pub const WORLD_MODELS: &str = "ocr-engine-models";

/// Worlds of engines that answer with the layout of the page, without servers and
/// with them.
const LAYOUT_WORLDS: [&str; 2] = ["ocr-engine-layout", "ocr-engine-layout-http"];

/// Files beside a component.
const ASSETS_MAX: usize = 64;

/// The manifest of one version of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The id that `describe` returns; the default name of the engine.
    pub id: String,
    /// The version that `describe` returns.
    pub version: String,
    /// The world it is built for.
    #[serde(default = "world")]
    pub world: String,
    /// File of the component, beside the manifest; `<id>.wasm` when absent.
    pub component: Option<String>,
    /// SHA-256 of the component, hexadecimal.
    pub sha256: Option<String>,
    /// Licence of the engine, for people.
    pub license: Option<String>,
    /// Where its sources are, for people.
    pub source: Option<String>,
    /// What it requests.
    #[serde(default)]
    pub wants: Wants,
    /// Files it reads.
    #[serde(default)]
    pub assets: Vec<Asset>,
}

/// A file that comes with the component.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Name by which the engine reads it.
    pub name: String,
    /// Its file beside the manifest; the name when absent.
    pub file: Option<String>,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

impl Asset {
    /// Name of its file.
    #[must_use]
    pub fn file(&self) -> &str {
        self.file.as_deref().unwrap_or(&self.name)
    }
}

/// What an engine requests: less than the default limits. More is only granted by
/// the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wants {
    /// Linear memory, MiB.
    pub memory_mib: Option<usize>,
    /// Memory of the process that computes its models, MiB.
    pub model_memory_mib: Option<usize>,
    /// Wall clock of a page, milliseconds.
    pub wall_ms: Option<u64>,
    /// Origins it calls, such as `https://api.example.com`; `*` for every origin that
    /// the operator lists.
    pub http: Vec<String>,
    /// Names of the secrets that those servers need.
    pub secrets: Vec<String>,
}

impl Manifest {
    /// Parses a manifest.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let manifest: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let worlds = [&[WORLD, WORLD_HTTP, WORLD_MODELS][..], &LAYOUT_WORLDS].concat();
        if !worlds.contains(&manifest.world.as_str()) {
            let worlds = worlds.join("`, `");
            return Err(format!("world = {:?}: must be one of `{worlds}`", manifest.world));
        }
        let wants = &manifest.wants;
        let wants_servers = !wants.http.is_empty() || !wants.secrets.is_empty();
        if wants_servers && !manifest.asks_servers() {
            return Err(format!(
                "wants.http and wants.secrets need a world with servers, such as `{WORLD_HTTP}`"
            ));
        }
        for origin in manifest.wants.http.iter().filter(|origin| *origin != "*") {
            Origin::parse(origin).map_err(|reason| format!("wants.http: {reason}"))?;
        }
        check_file_name("component", &manifest.component_file())?;
        manifest.assets.iter().try_for_each(|asset| check_file_name("assets.file", asset.file()))?;
        let digests = manifest.assets.iter().map(|asset| &asset.sha256).chain(&manifest.sha256);
        for digest in digests {
            if digest.len() != 64 || !digest.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')) {
                return Err(format!("sha256 = {digest:?}: must be 64 digits of 0-9, a-f"));
            }
        }
        if manifest.assets.len() > ASSETS_MAX {
            return Err(format!("{} assets; {ASSETS_MAX} are allowed", manifest.assets.len()));
        }
        Ok(manifest)
    }

    /// Whether it is built for a world with servers.
    #[must_use]
    pub fn asks_servers(&self) -> bool {
        self.world.ends_with("-http")
    }

    /// Name of the component's file.
    #[must_use]
    pub fn component_file(&self) -> String {
        self.component.clone().unwrap_or_else(|| format!("{}.wasm", self.id))
    }
}

/// It is joined to a path, so it must be a plain file name.
fn check_file_name(what: &str, file: &str) -> Result<(), String> {
    if std::path::Path::new(file).file_name() == Some(file.as_ref()) {
        return Ok(());
    }
    Err(format!("{what} = {file:?}: must be the name of a file beside the manifest"))
}

fn world() -> String {
    WORLD.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_version_are_enough_and_unknown_keys_are_refused() {
        let plain = Manifest::parse("id = \"a\"\nversion = \"1\"").expect("it is enough");
        assert_eq!((plain.component_file().as_str(), plain.world.as_str()), ("a.wasm", WORLD));
        for (text, says) in [
            ("id = \"a\"", "version"),
            ("id = \"a\"\nversion = \"1\"\nwant = 1", "want"),
            ("id = \"a\"\nversion = \"1\"\nworld = \"b\"", "ocr-engine"),
            ("id = \"a\"\nversion = \"1\"\ncomponent = \"../x.wasm\"", "beside the manifest"),
            ("id = \"../a\"\nversion = \"1\"", "beside the manifest"),
            ("id = \"a\"\nversion = \"1\"\n[wants]\nhttp = [\"*\"]", "ocr-engine-http"),
            ("id = \"a\"\nversion = \"1\"\nsha256 = \"../x\"", "64 digits"),
        ] {
            let error = Manifest::parse(text).expect_err("it is wrong");
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
