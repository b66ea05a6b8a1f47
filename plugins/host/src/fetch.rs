//! Downloads packages.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use sha2::{Digest, Sha256};
use untxt_net::{RequestOptions, send};

use crate::boxed;
use crate::error::PluginError;
use crate::manifest::{MANIFEST_BYTES_MAX, Manifest};
use crate::package::{ASSETS_BYTES_MAX, Assets, Package};
use crate::signature::{SIGNATURE_BYTES_MAX, SIGNATURE_SUFFIX};

/// How long the download of a file may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(120);

impl Package {
    /// Fetches what is at `url`: a component, or a manifest, where the path ends in
    /// `.toml`, and from beside it the component and the assets that it names. An
    /// operator chose the URL, so any address is dialled. What is fetched is trusted
    /// by its digest alone: `sha256` is that of what is at `url`, and a manifest has
    /// to contain those of all the rest.
    ///
    /// # Errors
    /// [`PluginError::Package`] that names the URL: the server can't be reached or
    /// answers anything but 200, the digest differs, the manifest is invalid, or the
    /// component is larger than `component_bytes_max` or the assets together than
    /// 256 MiB.
    #[boxed]
    pub async fn fetch(url: &str, sha256: &str, component_bytes_max: u64) -> Result<Self, PluginError> {
        if path_and_query(url).0.ends_with(".toml") {
            return with_manifest(url, sha256, component_bytes_max).await;
        }
        let wasm = verified(url, sha256, component_bytes_max).await?;
        let name = path_and_query(url).0.rsplit('/').next().unwrap_or_default();
        Ok(Self::bare(name.strip_suffix(".wasm").unwrap_or(name), wasm.to_vec()))
    }

    /// Fetches the signature of what is at `url`, which has `.minisig` behind its
    /// path. `None` if the server has none.
    ///
    /// # Errors
    /// [`PluginError::Package`] that names the URL: the server can't be reached or
    /// fails, or the file is too large or not text.
    #[boxed]
    pub async fn fetch_signature(url: &str) -> Result<Option<String>, PluginError> {
        let (path, query) = path_and_query(url);
        let url = format!("{path}{SIGNATURE_SUFFIX}{query}");
        let answer = get(&url, SIGNATURE_BYTES_MAX).await?;
        // Object stores that can't be listed answer 403 for what isn't there.
        let missing = [StatusCode::NOT_FOUND, StatusCode::GONE, StatusCode::FORBIDDEN];
        if missing.contains(&answer.status()) {
            return Ok(None);
        }
        let text = String::from_utf8(body_if_ok(&url, answer)?.to_vec());
        text.map(Some).map_err(|_| failed(&url, &"not UTF-8"))
    }
}

async fn with_manifest(url: &str, sha256: &str, component_bytes_max: u64) -> Result<Package, PluginError> {
    let beside = siblings(url).map_err(|reason| failed(url, &reason))?;
    let text = verified(url, sha256, MANIFEST_BYTES_MAX).await?.to_vec();
    let manifest_text = String::from_utf8(text).map_err(|_| failed(url, &"not UTF-8"))?;
    let manifest = Manifest::parse(&manifest_text).map_err(|reason| failed(url, &reason))?;
    let unnamed = "a manifest that is downloaded has to contain the component's sha256";
    let digest = manifest.sha256.as_ref().ok_or_else(|| failed(url, &unnamed))?;
    let wasm = verified(&beside(&manifest.component_file()), digest, component_bytes_max).await?.to_vec();
    let mut left = ASSETS_BYTES_MAX;
    let mut assets = Assets::new();
    for asset in &manifest.assets {
        let bytes = verified(&beside(asset.file()), &asset.sha256, left).await?;
        left -= bytes.len() as u64;
        assets.insert(asset.name.clone(), bytes);
    }
    let name = manifest.id.clone();
    Ok(Package { name, wasm, manifest: Some(manifest), manifest_text, assets, signature: None })
}

/// The URL of a file beside the one at `url`.
fn siblings(url: &str) -> Result<impl Fn(&str) -> String, String> {
    let (path, query) = path_and_query(url);
    if !query.is_empty() {
        return Err(
            "the URL of a manifest must not have a query, as the files beside it are downloaded without one"
                .to_owned(),
        );
    }
    let end = path.rfind('/').map_or(0, |slash| slash + 1);
    let folder = path[..end].to_owned();
    Ok(move |file: &str| format!("{folder}{}", percent_encoded(file)))
}

/// A file's name as a segment of a path.
fn percent_encoded(file: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    file.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn path_and_query(url: &str) -> (&str, &str) {
    url.split_at(url.find(['?', '#']).unwrap_or(url.len()))
}

/// What is at `url`, if it has that digest.
async fn verified(url: &str, sha256: &str, bytes_max: u64) -> Result<Bytes, PluginError> {
    let bytes = body_if_ok(url, get(url, bytes_max).await?)?;
    let (found, wanted) = (hex::encode(Sha256::digest(&bytes)), sha256.trim_start_matches("sha256:"));
    if found.eq_ignore_ascii_case(wanted) {
        return Ok(bytes);
    }
    Err(failed(url, &format!("it has SHA-256 {found}, and {wanted} is expected")))
}

async fn get(url: &str, bytes_max: u64) -> Result<Response<Bytes>, PluginError> {
    let request = Request::get(url).body(Bytes::new()).map_err(|error| failed(url, &error))?;
    let body_bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let options = RequestOptions::for_named_server(body_bytes_max, FETCH_TIMEOUT);
    send(request, &options).await.map_err(|error| failed(url, &error))
}

fn body_if_ok(url: &str, answer: Response<Bytes>) -> Result<Bytes, PluginError> {
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        status => Err(failed(url, &format!("the server answers {status}"))),
    }
}

fn failed(url: &str, reason: &dyn ToString) -> PluginError {
    PluginError::Package { what: without_secrets(url), reason: reason.to_string() }
}

/// `url` for messages, without credentials and query, which may be secrets.
fn without_secrets(url: &str) -> String {
    let (path, _) = path_and_query(url);
    let Some((scheme, rest)) = path.split_once("://") else { return path.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_url_without_its_secrets() {
        let told = |url| failed(url, &"gone").to_string();
        let text = told("https://me:s3cret@example.com:8443/a@b/engine.wasm?token=s3cret#s3cret");
        assert!(text.contains("https://example.com:8443/a@b/engine.wasm"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
        assert!(told("http://example.com").contains("http://example.com"));
    }
}
