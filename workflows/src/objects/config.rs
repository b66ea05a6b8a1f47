//! Which store is meant.

use std::fmt;
use std::path::PathBuf;

use super::error::ObjectError;

/// Any of these says that AWS is meant. Others, such as `AWS_CA_BUNDLE` or
/// `AWS_PAGER`, are found on machines that have no account.
const MEANS_AWS: [&str; 13] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// A key pair that was given outright.
#[derive(Clone, PartialEq, Eq)]
pub struct StaticCredentials {
    /// Who.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// Of a temporary pair.
    pub session_token: Option<String>,
}

impl fmt::Debug for StaticCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticCredentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// Where objects are kept, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectsConfig {
    /// URL of an S3 server. None: AWS when `aws`, else the embedded store.
    pub endpoint: Option<String>,
    /// URL under which clients see the store that `endpoint` names; none: the
    /// same. URLs that are handed out are signed for it.
    pub public_endpoint: Option<String>,
    /// Whether the environment says that AWS is meant.
    pub aws: bool,
    /// The bucket.
    pub bucket: String,
    /// The region; none: wherever the SDK finds one.
    pub region: Option<String>,
    /// Key of SSE-KMS for every object that is written.
    pub kms_key_id: Option<String>,
    /// `endpoint/bucket/key` rather than `bucket.endpoint/key`; none: with an
    /// endpoint of one's own, yes.
    pub force_path_style: Option<bool>,
    /// A key pair; none: the SDK's chain of providers.
    pub credentials: Option<StaticCredentials>,
    /// Where the embedded store keeps its files.
    pub embedded_dir: PathBuf,
    /// Bytes that the embedded store takes in one request by a signed URL.
    pub embedded_put_bytes_max: u64,
}

impl ObjectsConfig {
    /// The embedded store in `embedded_dir`, with everything else at its
    /// default.
    #[must_use]
    pub fn embedded(embedded_dir: PathBuf) -> Self {
        Self {
            endpoint: None,
            public_endpoint: None,
            aws: false,
            bucket: "untxt".to_owned(),
            region: None,
            kms_key_id: None,
            force_path_style: None,
            credentials: None,
            embedded_dir,
            embedded_put_bytes_max: 100 << 20,
        }
    }

    /// What the variables say. `lookup` gives a variable's value; an empty one
    /// counts as unset.
    ///
    /// # Errors
    /// [`ObjectError::Config`] when a value can't be understood, or a KMS key
    /// is set where nothing could use it.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        embedded_dir: PathBuf,
    ) -> Result<Self, ObjectError> {
        let get = |name: &str| lookup(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        let endpoint =
            ["S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].iter().find_map(|name| get(name));
        let config = Self {
            endpoint,
            public_endpoint: get("S3_PUBLIC_ENDPOINT"),
            aws: MEANS_AWS.iter().any(|name| get(name).is_some()),
            bucket: get("S3_BUCKET").unwrap_or_else(|| "untxt".to_owned()),
            region: get("S3_REGION"),
            kms_key_id: get("S3_KMS_KEY_ID"),
            force_path_style: get("S3_FORCE_PATH_STYLE").map(|v| flag(&v)).transpose()?,
            credentials: credentials(&get)?,
            ..Self::embedded(embedded_dir)
        };
        config.check()?;
        Ok(config)
    }

    /// Whether the store inside this process is meant.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.endpoint.is_none() && !self.aws
    }

    /// Refuses what can't work, whoever built it.
    pub(super) fn check(&self) -> Result<(), ObjectError> {
        if !s3s::path::check_bucket_name(&self.bucket) {
            let why = "3 to 63 of a-z, 0-9, '.' and '-', beginning and ending with a letter or digit";
            return Err(ObjectError::Config(format!(
                "S3_BUCKET={:?} is no bucket's name: {why}",
                self.bucket
            )));
        }
        if let Some(endpoint) = &self.endpoint
            && !(endpoint.starts_with("http://") || endpoint.starts_with("https://"))
        {
            let text = "S3_ENDPOINT is no URL: it begins with http:// or https://";
            return Err(ObjectError::Config(text.to_owned()));
        }
        // Errors and the log name the endpoint.
        if self.endpoint.as_ref().is_some_and(|endpoint| endpoint.contains('@')) {
            let text = "S3_ENDPOINT has a user or password in it, which no S3 server takes; set \
                        AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead";
            return Err(ObjectError::Config(text.to_owned()));
        }
        if self.public_endpoint.as_ref().is_some_and(|url| !is_http(url) || url.contains('@')) {
            return Err(ObjectError::Config(
                "S3_PUBLIC_ENDPOINT is no URL of a store: it begins with http:// or https:// and has no user in it"
                    .to_owned(),
            ));
        }
        if self.is_embedded() && self.public_endpoint.is_some() {
            return Err(ObjectError::Config(
                "S3_PUBLIC_ENDPOINT is set, but the embedded store is served by the server itself: \
                 set S3_ENDPOINT too, or UNTXT_PUBLIC_URL instead"
                    .to_owned(),
            ));
        }
        if self.is_embedded() && self.kms_key_id.is_some() {
            return Err(ObjectError::Config(
                "S3_KMS_KEY_ID is set, but the embedded store knows no KMS: \
                 set S3_ENDPOINT or AWS credentials, or unset S3_KMS_KEY_ID"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

fn is_http(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn flag(value: &str) -> Result<bool, ObjectError> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(ObjectError::Config(format!("S3_FORCE_PATH_STYLE={value:?} is neither true nor false"))),
    }
}

fn credentials(get: &impl Fn(&str) -> Option<String>) -> Result<Option<StaticCredentials>, ObjectError> {
    match (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")) {
        (Some(access_key_id), Some(secret_access_key)) => {
            let session_token = get("AWS_SESSION_TOKEN");
            Ok(Some(StaticCredentials { access_key_id, secret_access_key, session_token }))
        }
        (None, None) => Ok(None),
        _ => Err(ObjectError::Config(
            "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set; set both or neither".to_owned(),
        )),
    }
}
