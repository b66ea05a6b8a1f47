//! What an operator installs: a component, with its manifest and the assets that
//! the manifest names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::error::PluginError;
use crate::manifest::{Asset, MANIFEST_BYTES_MAX, Manifest};
use crate::signature::{SIGNATURE_BYTES_MAX, SIGNATURE_SUFFIX, Signed, Trust};

/// Name of the manifest in a package's folder.
pub const MANIFEST_FILE: &str = "plugin.toml";

/// Bytes of all assets of an engine: they stay in memory while it is loaded.
pub(crate) const ASSETS_BYTES_MAX: u64 = 256 << 20;

/// A component that is not installed yet.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its default name: the manifest's id, else the file's name.
    pub name: String,
    /// The component.
    pub wasm: Vec<u8>,
    /// Its manifest.
    pub manifest: Option<Manifest>,
    /// The manifest's text; empty without one.
    pub manifest_text: String,
    /// The assets that the manifest names, by name.
    pub assets: Assets,
    /// The signature that came with it, of the manifest or, without one, of the
    /// component. It is not verified.
    pub signature: Option<String>,
}

/// Files that an engine may read, by name.
pub type Assets = BTreeMap<String, Bytes>;

impl Package {
    /// Reads the component at `path`, or the folder at `path` that holds a
    /// `plugin.toml` and the component it names. A signature lies beside what it
    /// signs, the component or the `plugin.toml`, with `.minisig` behind its name.
    ///
    /// # Errors
    /// [`PluginError::Package`] that names the file: it can't be read, is larger
    /// than `component_bytes_max`, or its manifest is invalid.
    pub fn read(path: &Path, component_bytes_max: u64) -> Result<Self, PluginError> {
        if !path.is_dir() {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let signature = signature_of(path)?;
            return Ok(Self { signature, ..Self::bare(&name, file(path, component_bytes_max)?) });
        }
        let manifest_path = path.join(MANIFEST_FILE);
        let unreadable = |reason: String| PluginError::Package { what: shown(&manifest_path), reason };
        let manifest_text = String::from_utf8(file(&manifest_path, MANIFEST_BYTES_MAX)?)
            .map_err(|_| unreadable("not UTF-8".to_owned()))?;
        let manifest = Manifest::parse(&manifest_text).map_err(unreadable)?;
        let wasm = file(&path.join(manifest.component_file()), component_bytes_max)?;
        let assets = assets(&manifest, |asset| path.join(asset.file()))?;
        let (name, signature) = (manifest.id.clone(), signature_of(&manifest_path)?);
        Ok(Self { name, wasm, manifest: Some(manifest), manifest_text, assets, signature })
    }

    /// A component without manifest, assets and signature.
    #[must_use]
    pub fn bare(name: &str, wasm: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            wasm,
            manifest: None,
            manifest_text: String::new(),
            assets: Assets::new(),
            signature: None,
        }
    }

    /// SHA-256 of the component, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(&self.wasm))
    }

    /// Who signed it, by the keys that `trust` has. Of a package with a manifest the
    /// manifest is signed, and it has to name the component.
    ///
    /// # Errors
    /// As [`Trust::verify`]; the signed manifest names no component, or another.
    pub fn verify(&self, trust: &Trust) -> Result<Option<Signed>, String> {
        let bytes = if self.manifest.is_some() { self.manifest_text.as_bytes() } else { &self.wasm };
        let signed = trust.verify(bytes, self.signature.as_deref())?;
        if signed.is_some() {
            self.manifest_names_component()?;
        }
        Ok(signed)
    }

    fn manifest_names_component(&self) -> Result<(), String> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        match &manifest.sha256 {
            None => Err("a signed manifest has to contain the component's sha256".to_owned()),
            Some(named) if *named != self.digest() => {
                Err(format!("the signed manifest names another component, with SHA-256 {named}"))
            }
            Some(_) => Ok(()),
        }
    }
}

/// The assets that `manifest` names, read from `place` and compared with their
/// digests.
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

/// The signature beside the file at `path`, if there is one.
///
/// # Errors
/// [`PluginError::Package`] that names the signature's file: it can't be read.
pub(crate) fn signature_of(path: &Path) -> Result<Option<String>, PluginError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(SIGNATURE_SUFFIX);
    let beside = PathBuf::from(beside);
    if beside.exists() { read_signature(&beside).map(Some) } else { Ok(None) }
}

/// The signature in the file at `path`.
///
/// # Errors
/// [`PluginError::Package`] that names the file: it can't be read, or is not text.
pub fn read_signature(path: &Path) -> Result<String, PluginError> {
    let text = String::from_utf8(file(path, SIGNATURE_BYTES_MAX)?);
    text.map_err(|_| PluginError::Package { what: shown(path), reason: "not UTF-8".to_owned() })
}

fn file(path: &Path, bytes_max: u64) -> Result<Vec<u8>, PluginError> {
    let unreadable = |reason: String| PluginError::Package { what: shown(path), reason };
    let meta = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !meta.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    if meta.len() > bytes_max {
        return Err(unreadable(format!("it has {} bytes, and {bytes_max} are allowed", meta.len())));
    }
    fs::read(path).map_err(|error| unreadable(error.to_string()))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
