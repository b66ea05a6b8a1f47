//! What an operator installs: a component, with its manifest and the files that
//! this names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::error::PluginError;
use crate::http::{self, Allowed, Reach};
use crate::manifest::{Asset, MANIFEST_BYTES_MAX, Manifest};

/// Name of the manifest in a package's folder.
pub const MANIFEST_FILE: &str = "plugin.toml";

/// All assets of an engine: they stay in memory while it is ready.
const ASSETS_BYTES_MAX: u64 = 256 << 20;

/// How long a component may be on its way.
const FETCH_TIME: Duration = Duration::from_secs(120);

/// A component that has not passed the gate.
#[derive(Clone, Debug)]
pub struct Package {
    /// The name it has by itself: its manifest's id, else its file's.
    pub name: String,
    /// The component.
    pub wasm: Vec<u8>,
    /// Its manifest.
    pub manifest: Option<Manifest>,
    /// The manifest as it was written; empty without one.
    pub manifest_text: String,
    /// The files it names, by name.
    pub assets: Assets,
}

/// Files that an engine may read, by name.
pub type Assets = BTreeMap<String, Bytes>;

impl Package {
    /// Reads the component at `path`, or the folder at `path` that holds a
    /// `plugin.toml` and the component it names.
    ///
    /// # Errors
    /// [`PluginError::Package`] that names the file: it can't be read, is larger
    /// than `component_bytes_max`, or its manifest says what it may not.
    pub fn read(path: &Path, component_bytes_max: u64) -> Result<Self, PluginError> {
        if !path.is_dir() {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            return Ok(Self::bare(&name, file(path, component_bytes_max)?));
        }
        let manifest_path = path.join(MANIFEST_FILE);
        let unreadable = |reason: String| PluginError::Package { what: shown(&manifest_path), reason };
        let manifest_text = String::from_utf8(file(&manifest_path, MANIFEST_BYTES_MAX)?)
            .map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
        let manifest = Manifest::parse(&manifest_text).map_err(unreadable)?;
        let wasm = file(&path.join(manifest.component_file()), component_bytes_max)?;
        let assets = assets(&manifest, |asset| path.join(asset.file()))?;
        Ok(Self { name: manifest.id.clone(), wasm, manifest: Some(manifest), manifest_text, assets })
    }

    /// A component and nothing else.
    #[must_use]
    pub fn bare(name: &str, wasm: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            wasm,
            manifest: None,
            manifest_text: String::new(),
            assets: Assets::new(),
        }
    }

    /// Fetches the component at `url`, an operator's own choice, so any address
    /// is dialled. What comes is believed by its digest alone.
    ///
    /// # Errors
    /// [`PluginError::Package`] that names the URL: it can't be reached, answers
    /// anything but 200, or is larger than `component_bytes_max`.
    pub async fn fetch(url: &str, component_bytes_max: u64) -> Result<Self, PluginError> {
        let failed = |reason: String| PluginError::Package { what: url.to_owned(), reason };
        let request =
            hyper::Request::get(url).body(Bytes::new()).map_err(|error| failed(error.to_string()))?;
        let name = request.uri().path().rsplit('/').next().unwrap_or_default();
        let name = name.strip_suffix(".wasm").unwrap_or(name).to_owned();
        let allowed = Allowed {
            reach: Reach::Anywhere,
            body_bytes_max: usize::try_from(component_bytes_max).unwrap_or(usize::MAX),
            time: FETCH_TIME,
        };
        let answer = http::send(request, allowed).await.map_err(|error| failed(error.to_string()))?;
        if answer.status() != hyper::StatusCode::OK {
            return Err(failed(format!("the server answers {}", answer.status())));
        }
        Ok(Self::bare(&name, answer.into_body().to_vec()))
    }

    /// SHA-256 of the component, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(&self.wasm))
    }
}

/// The files that `manifest` names, each from where `place` says, checked.
///
/// # Errors
/// [`PluginError::Package`] that names the file.
pub(crate) fn assets(manifest: &Manifest, place: impl Fn(&Asset) -> PathBuf) -> Result<Assets, PluginError> {
    let mut left = ASSETS_BYTES_MAX;
    let mut assets = Assets::new();
    for asset in &manifest.assets {
        let path = place(asset);
        let bytes = file(&path, left)?;
        left -= bytes.len() as u64;
        let found = hex::encode(Sha256::digest(&bytes));
        if found != asset.sha256 {
            let reason =
                format!("asset {:?} has SHA-256 {found}; its manifest says {}", asset.name, asset.sha256);
            return Err(PluginError::Package { what: shown(&path), reason });
        }
        assets.insert(asset.name.clone(), bytes.into());
    }
    Ok(assets)
}

fn file(path: &Path, bytes_max: u64) -> Result<Vec<u8>, PluginError> {
    let unreadable = |reason: String| PluginError::Package { what: shown(path), reason };
    let meta = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !meta.is_file() {
        return Err(unreadable("it is no file".to_owned()));
    }
    if meta.len() > bytes_max {
        return Err(unreadable(format!("it has {} bytes; {bytes_max} are allowed", meta.len())));
    }
    fs::read(path).map_err(|error| unreadable(error.to_string()))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
