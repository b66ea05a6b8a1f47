//! Fetching a document from a URL that a user wrote: spooled to disk while it comes, like
//! an upload. Redirects are followed, each to an address that is checked like the first.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderValue, LOCATION, USER_AGENT};
use http::{Request, StatusCode};
use tokio::time::Instant;
use untxt_engine::error::{Budget, StepError};
use untxt_net::{AddressPolicy, HttpError, OpenResponse, RequestOptions, open};

use crate::incoming::{Incoming, IncomingError, Spooled};
use crate::step_error;
use crate::temp_dirs::TempDirs;
use crate::user_url::{UserUrl, busy_wait, message_for_tenant};

/// The setting that lists the private addresses that documents may be fetched from. It is
/// not that of webhooks: what is fetched is shown to whoever asked for it.
const ALLOW_PRIVATE: &str = "UNTXT_FETCH_ALLOW_PRIVATE";

/// Redirects that are followed: as many as a shortened link, a change to https and a
/// store's signed URL need, and some more.
const REDIRECTS_MAX: usize = 5;

/// How documents are fetched.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// Which addresses may be called.
    pub addresses: AddressPolicy,
    /// From the first name to the last byte, over all redirects. A worker's slot is
    /// taken meanwhile.
    pub deadline: Duration,
    /// Bytes of a document.
    pub bytes_max: u64,
}

impl FetchSettings {
    /// The longest deadline: less than step `download` may take, so that there is time
    /// to store what came.
    pub const DEADLINE_MAX: Duration = Duration::from_secs(10 * 60);
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self { addresses: AddressPolicy::default(), deadline: Duration::from_secs(120), bytes_max: 100 << 20 }
    }
}

impl FetchSettings {
    /// Checks a URL while its user can still be told what is wrong with it.
    ///
    /// # Errors
    /// The reason, for the user.
    pub(crate) async fn check(&self, url: &str) -> Result<UserUrl, String> {
        let url = UserUrl::parse(url)?;
        url.check_for_user(&self.addresses, ALLOW_PRIVATE).await?;
        Ok(url)
    }

    /// Fetches the document at `url` to this machine.
    ///
    /// # Errors
    /// `URL_INVALID`, `URL_ADDRESS_REFUSED`, `URL_REDIRECTS`, `URL_STATUS` for a client
    /// error, `FILE_TOO_LARGE` and those of a document of unknown type are permanent.
    /// `URL_STATUS` for a server error, `URL_BUSY`, `URL_TIMEOUT`, `URL_UNRESOLVED`,
    /// `URL_UNREACHABLE`, `URL_TLS`, `URL_NO_ANSWER` and `DISK` are retried.
    pub(crate) async fn fetch(&self, url: &str, temp_dirs: &TempDirs) -> Result<Spooled, StepError> {
        let (mut response, host) = self.open(url).await?;
        let begun = Incoming::begin(temp_dirs, self.bytes_max).await;
        let mut incoming = begun.map_err(|error| not_taken(&error))?;
        while let Some(bytes) = response.chunk().await.map_err(|error| self.failed(&host, &error))? {
            incoming.write(&bytes).await.map_err(|error| not_taken(&error))?;
        }
        incoming.finish().await.map_err(|error| not_taken(&error))
    }

    /// The response that the redirects from `url` lead to, and the host that gives it.
    async fn open(&self, url: &str) -> Result<(OpenResponse, String), StepError> {
        let ends_at = Instant::now() + self.deadline;
        let invalid = |reason: String| StepError::permanent("URL_INVALID", reason);
        let mut url = UserUrl::parse(url).map_err(invalid)?;
        for _ in 0..=REDIRECTS_MAX {
            let options = RequestOptions {
                policy: self.addresses.clone(),
                public_needs_tls: true,
                // What comes is counted where it is spooled.
                body_bytes_max: usize::MAX,
                timeout: ends_at.saturating_duration_since(Instant::now()),
            };
            let opened = open(request(&url)?, &options).await;
            let response = opened.map_err(|error| self.failed(url.host(), &error))?;
            let Some(location) = redirect(&response)? else {
                check_status(url.host(), &response)?;
                return Ok((response, url.host().to_owned()));
            };
            url = url.redirected(location).map_err(|reason| {
                StepError::permanent(
                    "URL_REDIRECTS",
                    format!("{} redirects to a URL that is none: {reason}", url.host()),
                )
            })?;
        }
        let message = format!(
            "more than {REDIRECTS_MAX} redirects, the last to {}; use the URL they lead to",
            url.host()
        );
        Err(StepError::permanent("URL_REDIRECTS", message))
    }

    /// Why `host` did not give the document.
    fn failed(&self, host: &str, error: &HttpError) -> StepError {
        let code = match error {
            HttpError::Url(_) => return StepError::permanent("URL_INVALID", error.to_string()),
            HttpError::Refused { .. } | HttpError::PlainText { .. } => {
                return StepError::permanent("URL_ADDRESS_REFUSED", message_for_tenant(error, ALLOW_PRIVATE));
            }
            HttpError::TimedOut(_) => {
                let message = format!(
                    "{host} did not send the document within {:?}; UNTXT_FETCH_SECONDS sets the limit",
                    self.deadline
                );
                return StepError::retry(Budget::Transport, "URL_TIMEOUT", message);
            }
            HttpError::Unresolved { .. } => "URL_UNRESOLVED",
            HttpError::Unreachable { .. } => "URL_UNREACHABLE",
            HttpError::Tls { .. } => "URL_TLS",
            HttpError::Protocol { .. } | HttpError::TooLarge(_) => "URL_NO_ANSWER",
        };
        StepError::retry(Budget::Transport, code, error.to_string())
    }
}

fn request(url: &UserUrl) -> Result<Request<Bytes>, StepError> {
    let mut request = Request::get(url.uri.clone())
        .body(Bytes::new())
        .map_err(|error| StepError::permanent("URL_INVALID", error.to_string()))?;
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("untxt/", env!("CARGO_PKG_VERSION"))));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(request)
}

/// Where `response` redirects to, if it does.
fn redirect(response: &OpenResponse) -> Result<Option<&str>, StepError> {
    let is_redirect = matches!(
        response.head.status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    if !is_redirect {
        return Ok(None);
    }
    let location = response.head.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let missing = || StepError::permanent("URL_REDIRECTS", "a redirect names no URL to go to");
    location.ok_or_else(missing).map(Some)
}

/// Whether the body of `response` is the document.
fn check_status(host: &str, response: &OpenResponse) -> Result<(), StepError> {
    let status = response.head.status;
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let after = busy_wait(&response.head.headers);
            let message = format!("{host} is busy ({status}); the next attempt is in {after:?}");
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            Err(StepError::retry(Budget::Throttle, "URL_BUSY", message).after_ms(after_ms))
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => {
            Err(StepError::retry(Budget::Transport, "URL_STATUS", format!("{host} answers {status}")))
        }
        _ if status.is_server_error() => {
            Err(StepError::retry(Budget::Transport, "URL_STATUS", format!("{host} answers {status}")))
        }
        _ => {
            let message =
                format!("{host} answers {status}; the URL has to lead to the document without signing in");
            Err(StepError::permanent("URL_STATUS", message))
        }
    }
}

/// Why what came is not taken.
fn not_taken(error: &IncomingError) -> StepError {
    match error {
        IncomingError::TooLarge { .. } => StepError::permanent("FILE_TOO_LARGE", error.to_string()),
        IncomingError::Document(error) => step_error::of_document(error),
        IncomingError::DiskFull(error) => step_error::of_full_disk(error),
        IncomingError::Disk(error) => step_error::of_disk("spool the document", error),
    }
}
