//! The names of all settings. A name that is none of them is refused: a
//! mistyped one would leave its setting at the default without a word, and
//! with `UNTXT_AUTH` that means that nobody has to say who they are.

use std::path::Path;

use crate::error::ConfigError;

/// Name of the optional file, in the working directory.
pub const FILE: &str = "untxt.toml";

/// Every setting that the program looks up, wherever it is set.
pub(crate) const NAMES: [&str; 57] = [
    "UNTXT_DATA_DIR",
    "UNTXT_LISTEN",
    "UNTXT_AUTH",
    "UNTXT_JWT_ISSUER",
    "UNTXT_JWT_AUDIENCE",
    "UNTXT_JWT_SCOPE_CLAIM",
    "UNTXT_JWT_SKEW_SECONDS",
    "UNTXT_OIDC_CLIENT_ID",
    "UNTXT_OIDC_CLIENT_SECRET",
    "UNTXT_OIDC_SCOPES",
    "UNTXT_AUTH_FAILURES_PER_MINUTE",
    "UNTXT_PUBLIC_URL",
    "UNTXT_TRUSTED_PROXIES",
    "UNTXT_WORKER_LISTEN",
    "UNTXT_WORKER_CONCURRENCY",
    "UNTXT_LEASE_MS",
    "UNTXT_RETAIN_DAYS",
    "UNTXT_RETAIN_TASKS_DAYS",
    "UNTXT_RETAIN_DEAD_LETTERS_DAYS",
    "UNTXT_MAX_UPLOAD_BYTES",
    "UNTXT_SPOOL_BYTES_MAX",
    "UNTXT_DISK_RESERVE_BYTES",
    "UNTXT_PAGE_IMAGE_CACHE_BYTES_MAX",
    "UNTXT_DOCUMENT_DECODE_SECONDS",
    "UNTXT_UPLOADS_PER_MINUTE",
    "UNTXT_TASKS_IN_FLIGHT_MAX",
    "UNTXT_SOCKETS_PER_USER_MAX",
    "UNTXT_SOCKETS_MAX",
    "UNTXT_CLIENT_TIMEOUT_MS",
    "UNTXT_SOCKET_PING_MS",
    "UNTXT_CORS_ORIGINS",
    "UNTXT_ENGINE",
    "UNTXT_TEXT_LAYER",
    "UNTXT_PLUGIN_DIR",
    "UNTXT_PLUGIN_KEYS",
    "UNTXT_PLUGIN_SIGNATURES",
    "UNTXT_ENGINE_TIMEOUT_MS",
    "UNTXT_FETCH_ALLOW_PRIVATE",
    "UNTXT_FETCH_SECONDS",
    "UNTXT_WEBHOOK_SECRETS",
    "UNTXT_WEBHOOK_ALLOW_PRIVATE",
    "UNTXT_WEBHOOK_ATTEMPTS",
    "UNTXT_LOG",
    "UNTXT_LOG_FORMAT",
    "DATABASE_URL",
    "REDIS_URL",
    "S3_ENDPOINT",
    "S3_PUBLIC_ENDPOINT",
    "S3_BUCKET",
    "S3_REGION",
    "S3_KMS_KEY_ID",
    "S3_FORCE_PATH_STYLE",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// Variables of the examples and tests that come with the program. They may be
/// set in the same shell.
const BESIDE: [&str; 3] = ["UNTXT_URL", "UNTXT_UPLOADS_URL", "UNTXT_BIN"];

/// Prefixes of what libraries read out of the environment themselves: in the
/// file it would have no effect, unless it is in [`NAMES`].
const ENVIRONMENT_ONLY: [&str; 2] = ["AWS_", "OTEL_"];

/// How alike two names have to be (Jaro-Winkler, 0 to 1) for one to be taken
/// for the other mistyped: `UNTXT_AUHT` and `UNTXT_AUTH` are at 0.98, names of
/// different settings mostly below 0.9.
const ALIKE_MIN: f64 = 0.8;

/// Refuses a key of the file at `path` that sets nothing.
pub(crate) fn check_key(path: &Path, name: &str) -> Result<(), ConfigError> {
    if NAMES.contains(&name) {
        return Ok(());
    }
    let reason = if ENVIRONMENT_ONLY.iter().any(|prefix| name.starts_with(prefix)) {
        format!("{name} is read from the environment only; set it there")
    } else {
        format!("{name} is not a setting{}", suggestion(name))
    };
    Err(ConfigError::File { path: path.to_owned(), reason })
}

/// Refuses a variable of this program's own prefix that sets nothing.
pub(crate) fn check_variable(name: &str) -> Result<(), ConfigError> {
    if !name.starts_with("UNTXT_") || NAMES.contains(&name) || BESIDE.contains(&name) {
        return Ok(());
    }
    let suggestion = suggestion(name);
    Err(ConfigError::Together(format!(
        "{name} is set in the environment, but is not a setting{suggestion}; unset it or correct its name \
         (api/guides/configuration.md lists all settings, which {FILE} takes as well)"
    )))
}

/// The setting that was most likely meant, to be put behind a sentence.
fn suggestion(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    NAMES
        .iter()
        .map(|known| (strsim::jaro_winkler(&upper, known), known))
        .filter(|(alike, _)| *alike >= ALIKE_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| format!("; did you mean {known}?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> String {
        check_key(Path::new(FILE), name).unwrap_err().to_string()
    }

    #[test]
    fn a_mistyped_name_is_refused_with_the_one_that_was_meant() {
        assert!(refused("UNTXT_AUHT").ends_with("UNTXT_AUHT is not a setting; did you mean UNTXT_AUTH?"));
        assert!(refused("untxt_listen").ends_with("did you mean UNTXT_LISTEN?"));
        assert!(refused("UNTXT_DATABASE_URL").contains("did you mean"));
        assert!(refused("colour").ends_with("colour is not a setting"));
        let variable = check_variable("UNTXT_MAX_UPLOAD_BYTE").unwrap_err().to_string();
        assert!(variable.contains("did you mean UNTXT_MAX_UPLOAD_BYTES?"), "{variable}");
    }

    #[test]
    fn what_would_have_no_effect_in_the_file_is_refused_there() {
        assert!(refused("AWS_PROFILE").contains("environment only"));
        assert!(refused("OTEL_EXPORTER_OTLP_ENDPOINT").contains("environment only"));
        check_key(Path::new(FILE), "AWS_ACCESS_KEY_ID").unwrap();
        check_key(Path::new(FILE), "S3_BUCKET").unwrap();
    }

    #[test]
    fn variables_of_others_are_none_of_our_business() {
        for name in ["PATH", "UNTXTRA", "AWS_PAGER", "UNTXT_URL"] {
            check_variable(name).unwrap();
        }
    }

    #[test]
    fn the_guide_lists_every_setting() {
        let guide = include_str!("../../guides/configuration.md");
        for name in NAMES.iter().filter(|name| !name.starts_with("AWS_")) {
            assert!(
                guide.contains(&format!("\n| `{name}` |")),
                "{name} is not in api/guides/configuration.md"
            );
        }
    }
}
