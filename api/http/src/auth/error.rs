//! Failed authentication and authorisation.

use salvo::http::StatusCode;
use sea_orm::DbErr;
use serde_json::json;
use untxt_engine::journal::JournalError;

use super::jwt::ProviderError;
use super::keys::KeyError;
use super::principal::Scope;
use crate::error::ApiError;

/// Why a key, token or ticket is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// It is unknown, expired or revoked; the text is for the caller.
    #[error("{0}")]
    Refused(String),
    /// The table of keys and tickets can't be read.
    #[error("the database does not answer: {0}; check DATABASE_URL and the server")]
    Database(#[from] DbErr),
    /// It can't be done and written down.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The provider's signing keys are unavailable.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl AuthError {
    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
    }
}

/// 401 `UNAUTHENTICATED`: no credentials were `presented`, or they are not accepted.
pub(crate) fn unauthenticated(message: impl Into<String>, presented: bool) -> ApiError {
    let error = if presented { r#", error="invalid_token""# } else { "" };
    ApiError::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
        .with_challenge(format!(r#"Bearer realm="untxt"{error}"#))
}

/// 403 `SCOPE_MISSING`: the caller is authenticated, but may not do that.
pub(crate) fn scope_missing(scope: Scope) -> ApiError {
    let name = scope.as_str();
    let message = format!("this requires the scope `{name}`, which the key or token lacks");
    ApiError::new(StatusCode::FORBIDDEN, "SCOPE_MISSING", message)
        .with_challenge(format!(r#"Bearer realm="untxt", error="insufficient_scope", scope="{name}""#))
        .with_details(json!({ "scope": name }))
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Refused(text) => unauthenticated(text, true),
            AuthError::Database(error) => error.into(),
            AuthError::Journal(error) => error.into(),
            AuthError::Provider(error) => Self::away("identity provider", &error),
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Field { field, reason } => Self::field(field, reason),
            KeyError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "KEY_NOT_FOUND", error.to_string()),
            KeyError::Database(error) => error.into(),
            KeyError::Journal(error) => error.into(),
        }
    }
}
