//! Packages from elsewhere.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use sha2::{Digest, Sha256};
use untxt_net::{RequestOptions, send};

use crate::error::PluginError;
use crate::manifest::{MANIFEST_BYTES_MAX, Manifest};
use crate::package::{ASSETS_BYTES_MAX, Assets, Package};
use crate::signature::{SIGNATURE_BYTES_MAX, SIGNATURE_SUFFIX};

/// How long a file may be on its way.
const FETCH_TIMEOUT: Duration = Duration::from_secs(120);

impl Package {
    /// Fetches what is at `url`: a component, or a manifest, where the path ends in
    /// `.toml`, and from beside it the component and the assets that it names. An
    /// operator chose the URL, so any address is dialled. What is fetched is trusted
    /// by its digest alone: `sha256` is that of what is at `url`, and a manifest has
    /// to contain those of all the rest.
    ///
    /// # Errors
    /// [`PluginError::Package`] that names the URL: it can't be reached, answers
    /// anything but 200, is another file or a manifest that says what it may not,
    /// or is larger than `component_bytes_max`, assets together than 256 MiB.
    pub async fn fetch(url: &str, sha256: &str, component_bytes_max: u64) -> Result<Self, PluginError> {
        if path_and_query(url).0.ends_with(".toml") {
            return folder(url, sha256, component_bytes_max).await;
        }
        let wasm = believed(url, sha256, component_bytes_max).await?;
        let name = path_and_query(url).0.rsplit('/').next().unwrap_or_default();
        Ok(Self::bare(name.strip_suffix(".wasm").unwrap_or(name), wasm.to_vec()))
    }

    /// Fetches the signature of what is at `url`, which has `.minisig` behind its
    /// path. `None` where the server has none.
    ///
    /// # Errors
    /// [`PluginError::Package`] that names the URL: it can't be reached, fails, or
    /// what it has is too large or no text.
    pub async fn fetch_signature(url: &str) -> Result<Option<String>, PluginError> {
        let (path, query) = path_and_query(url);
        let url = format!("{path}{SIGNATURE_SUFFIX}{query}");
        let answer = get(&url, SIGNATURE_BYTES_MAX).await?;
        // Stores that may not be listed say "forbidden" of what isn't there.
        let missing = [StatusCode::NOT_FOUND, StatusCode::GONE, StatusCode::FORBIDDEN];
        if missing.contains(&answer.status()) {
            return Ok(None);
        }
        let text = String::from_utf8(whole(&url, answer)?.to_vec());
        text.map(Some).map_err(|_| failed(&url, &"not UTF-8"))
    }
}

async fn folder(url: &str, sha256: &str, component_bytes_max: u64) -> Result<Package, PluginError> {
    let beside = beside(url).map_err(|reason| failed(url, &reason))?;
    let text = believed(url, sha256, MANIFEST_BYTES_MAX).await?.to_vec();
    let manifest_text = String::from_utf8(text).map_err(|_| failed(url, &"not UTF-8"))?;
    let manifest = Manifest::parse(&manifest_text).map_err(|reason| failed(url, &reason))?;
    let unnamed = "a manifest that is fetched has to say the component's sha256";
    let digest = manifest.sha256.as_ref().ok_or_else(|| failed(url, &unnamed))?;
    let wasm = believed(&beside(&manifest.component_file()), digest, component_bytes_max).await?.to_vec();
    let mut left = ASSETS_BYTES_MAX;
    let mut assets = Assets::new();
    for asset in &manifest.assets {
        let bytes = believed(&beside(asset.file()), &asset.sha256, left).await?;
        left -= bytes.len() as u64;
        assets.insert(asset.name.clone(), bytes);
    }
    let name = manifest.id.clone();
    Ok(Package { name, wasm, manifest: Some(manifest), manifest_text, assets, signature: None })
}

/// Addresses of the files beside the one at `url`.
fn beside(url: &str) -> Result<impl Fn(&str) -> String, String> {
    let (path, query) = path_and_query(url);
    if !query.is_empty() {
        return Err(
            "the files beside a manifest are asked for without a query, so it may have none".to_owned()
        );
    }
    let end = path.rfind('/').map_or(0, |slash| slash + 1);
    let folder = path[..end].to_owned();
    Ok(move |file: &str| format!("{folder}{}", escaped(file)))
}

/// A file's name as a segment of a path.
fn escaped(file: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    file.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn path_and_query(url: &str) -> (&str, &str) {
    url.split_at(url.find(['?', '#']).unwrap_or(url.len()))
}

/// What is at `url`, if it has that digest.
async fn believed(url: &str, sha256: &str, bytes_max: u64) -> Result<Bytes, PluginError> {
    let bytes = whole(url, get(url, bytes_max).await?)?;
    let (found, wanted) = (hex::encode(Sha256::digest(&bytes)), sha256.trim_start_matches("sha256:"));
    if found.eq_ignore_ascii_case(wanted) {
        return Ok(bytes);
    }
    Err(failed(url, &format!("it has SHA-256 {found}; {wanted} is expected")))
}

async fn get(url: &str, bytes_max: u64) -> Result<Response<Bytes>, PluginError> {
    let request = Request::get(url).body(Bytes::new()).map_err(|error| failed(url, &error))?;
    let body_bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let options = RequestOptions::for_named_server(body_bytes_max, FETCH_TIMEOUT);
    send(request, &options).await.map_err(|error| failed(url, &error))
}

fn whole(url: &str, answer: Response<Bytes>) -> Result<Bytes, PluginError> {
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        status => Err(failed(url, &format!("the server answers {status}"))),
    }
}

fn failed(url: &str, reason: &dyn ToString) -> PluginError {
    PluginError::Package { what: without_secrets(url), reason: reason.to_string() }
}

/// `url` as it may be shown: a login and what follows a `?` may be secrets.
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
    fn a_failure_names_the_address_without_its_secrets() {
        let told = |url| failed(url, &"gone").to_string();
        let text = told("https://me:s3cret@example.com:8443/a@b/engine.wasm?token=s3cret#s3cret");
        assert!(text.contains("https://example.com:8443/a@b/engine.wasm"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
        assert!(told("http://example.com").contains("http://example.com"));
    }
}
