//! Packages from elsewhere.

use std::time::Duration;

use bytes::Bytes;
use hyper::{Request, Response, StatusCode};

use crate::error::PluginError;
use crate::http::{self, Allowed, Reach};
use crate::package::Package;
use crate::signature::{SIGNATURE_BYTES_MAX, SIGNATURE_SUFFIX};

/// How long a file may be on its way.
const FETCH_TIME: Duration = Duration::from_secs(120);

impl Package {
    /// Fetches the component at `url`, an operator's own choice, so any address
    /// is dialled. What comes is believed by its digest alone.
    ///
    /// # Errors
    /// [`PluginError::Package`] that names the URL: it can't be reached, answers
    /// anything but 200, or is larger than `component_bytes_max`.
    pub async fn fetch(url: &str, component_bytes_max: u64) -> Result<Self, PluginError> {
        let answer = get(url, component_bytes_max).await?;
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let name = name.strip_suffix(".wasm").unwrap_or(name);
        Ok(Self::bare(name, whole(url, answer)?.to_vec()))
    }

    /// Fetches the signature of what is at `url`, which has `.minisig` behind its
    /// path. `None` where the server has none.
    ///
    /// # Errors
    /// [`PluginError::Package`] that names the URL: it can't be reached, fails, or
    /// what it has is too large or no text.
    pub async fn fetch_signature(url: &str) -> Result<Option<String>, PluginError> {
        let (path, query) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
        let url = format!("{path}{SIGNATURE_SUFFIX}{query}");
        let answer = get(&url, SIGNATURE_BYTES_MAX).await?;
        // Stores that may not be listed say "forbidden" of what isn't there.
        let missing = [StatusCode::NOT_FOUND, StatusCode::GONE, StatusCode::FORBIDDEN];
        if missing.contains(&answer.status()) {
            return Ok(None);
        }
        let text = String::from_utf8(whole(&url, answer)?.to_vec());
        text.map(Some).map_err(|_| failed(&url, &"it is not UTF-8"))
    }
}

async fn get(url: &str, bytes_max: u64) -> Result<Response<Bytes>, PluginError> {
    let request = Request::get(url).body(Bytes::new()).map_err(|error| failed(url, &error))?;
    let body_bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let allowed = Allowed { reach: Reach::Anywhere, body_bytes_max, time: FETCH_TIME };
    http::send(request, allowed).await.map_err(|error| failed(url, &error))
}

fn whole(url: &str, answer: Response<Bytes>) -> Result<Bytes, PluginError> {
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        status => Err(failed(url, &format!("the server answers {status}"))),
    }
}

fn failed(url: &str, reason: &dyn ToString) -> PluginError {
    PluginError::Package { what: url.to_owned(), reason: reason.to_string() }
}
