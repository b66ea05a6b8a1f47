//! The SDK's client for either store, and its failures in our words.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::config::ObjectsConfig;
use super::embedded::{Embedded, SIGNED_HOST};
use super::error::{ObjectError, Place};

/// A store that can be reached takes a connection well within this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One part of 5 MiB at 90 KiB a second. Bodies that are fetched are watched
/// by the SDK's stalled-stream protection instead.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// Over a connection that was just closed, a leader that moved, a throttle.
/// A longer outage is for the step's own retries, which hold no worker.
const ATTEMPTS_MAX: u32 = 3;

/// What custom stores mean by no region.
const REGION_UNSAID: &str = "us-east-1";

/// Where a client sends its requests.
pub(super) struct Aim {
    pub(super) endpoint: String,
    pub(super) bucket: String,
}

impl Aim {
    pub(super) fn bucket(&self) -> Box<Place> {
        self.at(None)
    }

    pub(super) fn object(&self, key: &str) -> Box<Place> {
        self.at(Some(key.to_owned()))
    }

    fn at(&self, key: Option<String>) -> Box<Place> {
        Box::new(Place { endpoint: self.endpoint.clone(), bucket: self.bucket.clone(), key })
    }
}

/// The client of the server in this process, and what signs URLs of it.
pub(super) fn of_embedded(server: &Embedded) -> Clients {
    let at = |endpoint: String| Client::from_conf(embedded_at(server, endpoint));
    Clients { asks: at(server.endpoint()), signs: at(format!("http://{SIGNED_HOST}")) }
}

/// The clients of one store.
pub(super) struct Clients {
    /// Speaks to the store.
    pub(super) asks: Client,
    /// Signs URLs for others, for where they see the store.
    pub(super) signs: Client,
}

fn embedded_at(server: &Embedded, endpoint: String) -> Config {
    let (access_key, secret_key) = server.key_pair();
    Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http_client())
        .timeout_config(timeouts())
        .retry_config(retries())
        .region(Region::from_static(REGION_UNSAID))
        .credentials_provider(Credentials::new(access_key, secret_key, None, None, "embedded"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build()
}

/// The client of AWS or of the server that is configured, and what to call it.
/// Without a key pair in the configuration the SDK looks, in this order, into
/// the environment, the profile files (keys and assumed roles), a web identity
/// token, the container's endpoint and the instance's metadata service. SSO
/// and `credential_process` are not built in.
pub(super) async fn of_config(config: &ObjectsConfig) -> Result<(Clients, String), ObjectError> {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http_client())
        .timeout_config(timeouts())
        .retry_config(retries());
    loader = match (&config.region, &config.endpoint) {
        (Some(region), _) => loader.region(Region::new(region.clone())),
        // Not asking the metadata service, which is not there.
        (None, Some(_)) => {
            let environment = EnvironmentVariableRegionProvider::new();
            loader.region(RegionProviderChain::first_try(environment).or_else(REGION_UNSAID))
        }
        (None, None) => loader,
    };
    if let Some(pair) = config.credentials.clone() {
        let (id, secret, token) = (pair.access_key_id, pair.secret_access_key, pair.session_token);
        loader = loader.credentials_provider(Credentials::new(id, secret, token, None, "configuration"));
    }
    let found = loader.load().await;
    let Some(region) = found.region() else {
        let text = "no region is known for the bucket; set S3_REGION or AWS_REGION";
        return Err(ObjectError::Config(text.to_owned()));
    };
    let endpoint = config.endpoint.clone().unwrap_or_else(|| format!("AWS S3 in {region}"));
    let path_style = config.force_path_style.unwrap_or_else(|| config.endpoint.is_some());
    let mut client = aws_sdk_s3::config::Builder::from(&found)
        .force_path_style(path_style)
        // Payloads are hashed and signed as it is; servers older than 2025
        // refuse the newer checksums.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    client.set_endpoint_url(config.endpoint.clone());
    let asks = Client::from_conf(client.build());
    let signs = match &config.public_endpoint {
        Some(url) => Client::from_conf(asks.config().to_builder().endpoint_url(url.as_str()).build()),
        None => asks.clone(),
    };
    Ok((Clients { asks, signs }, endpoint))
}

/// TLS by rustls with ring and the system's root certificates.
fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS_MAX)
        .with_initial_backoff(Duration::from_millis(200))
        .with_max_backoff(Duration::from_secs(2))
}

/// What a failed call means. Decided by status and code, never by text.
pub(super) fn failure<E>(doing: &'static str, at: Box<Place>, error: SdkError<E>) -> ObjectError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match &error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let (code, said) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
            let detail = format!("HTTP {status} {code} {said}").trim_end().to_owned();
            match Meaning::of(status, code) {
                Meaning::NotThere => ObjectError::NotFound { at },
                Meaning::NoBucket => ObjectError::Config(no_bucket(&at)),
                Meaning::OtherRegion => {
                    ObjectError::Config(format!("{at} is in another region ({detail}); set S3_REGION"))
                }
                Meaning::BadKmsKey => ObjectError::Config(format!(
                    "{doing} {at}: the KMS key can't be used ({detail}); check S3_KMS_KEY_ID"
                )),
                Meaning::Denied => ObjectError::Denied { doing, at, detail },
                Meaning::BytesDiffer => ObjectError::Corrupt { doing, at, detail },
                Meaning::NotNow => ObjectError::Unavailable { doing, at, detail, source: Some(error.into()) },
                Meaning::Never => ObjectError::Refused { doing, at, detail },
            }
        }
        SdkError::ConstructionFailure(_) => {
            let detail = DisplayErrorContext(&error).to_string();
            ObjectError::Config(format!("{doing} {at} can't even be asked for: {detail}"))
        }
        _ => match credentials_missing(&error) {
            Some(CredentialsError::CredentialsNotLoaded(_)) => {
                let detail = "no credentials are configured: set AWS_ACCESS_KEY_ID or AWS_PROFILE".to_owned();
                ObjectError::Denied { doing, at, detail }
            }
            Some(other) => {
                let detail = format!("credentials could not be fetched: {}", innermost(other));
                ObjectError::Unavailable { doing, at, detail, source: Some(error.into()) }
            }
            None => {
                let detail = innermost(&error);
                ObjectError::Unavailable { doing, at, detail, source: Some(error.into()) }
            }
        },
    }
}

/// The SDK reports a provider that failed as a request that could not be sent.
fn credentials_missing<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a CredentialsError> {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.filter_map(|cause| cause.downcast_ref()).next()
}

/// The cause that says something: those around it say "dispatch failure".
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// What an error answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    NotThere,
    NoBucket,
    OtherRegion,
    BadKmsKey,
    Denied,
    BytesDiffer,
    NotNow,
    Never,
}

impl Meaning {
    /// The codes are S3's; where one comes with a status that means something
    /// else elsewhere, the code decides.
    fn of(status: u16, code: &str) -> Self {
        match (status, code) {
            (_, "NoSuchBucket") => Self::NoBucket,
            (_, "BadDigest" | "XAmzContentSHA256Mismatch" | "InvalidDigest") => Self::BytesDiffer,
            (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") | (301, _) => Self::OtherRegion,
            (_, "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired") | (401 | 403, _) => Self::Denied,
            (400, "RequestTimeout") => Self::NotNow,
            (400, code) if code.starts_with("KMS.") => Self::BadKmsKey,
            (404, _) => Self::NotThere,
            // A 501 stays one.
            (501, _) => Self::Never,
            (307 | 408 | 409 | 429 | 500.., _) => Self::NotNow,
            _ => Self::Never,
        }
    }
}

/// The text for a bucket that isn't there.
pub(super) fn no_bucket(at: &Place) -> String {
    format!("there is no bucket {} at {}; create it or set S3_BUCKET", at.bucket, at.endpoint)
}
