//! The step that delivers: one request, of whose response only the head is read.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::Utc;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{Request, StatusCode, response};
use serde_json::json;
use untxt_engine::error::{Budget, StepError};
use untxt_engine::step::{Step, StepContext, StepOutput};
use untxt_net::{HttpError, RequestOptions, send_for_head};

use super::delivery::Delivery;
use super::settings::{ALLOW_PRIVATE, WebhookSettings};
use crate::user_url::{UserUrl, busy_wait, message_for_tenant};

/// How long a delivery may take, from resolving the name to the end of the
/// response's head.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// The code of the step.
pub(super) struct Deliver(pub(super) WebhookSettings);

#[async_trait]
impl Step for Deliver {
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        let delivery = Delivery::of(&context.run)?;
        let target =
            UserUrl::parse(&delivery.url).map_err(|reason| StepError::permanent("WEBHOOK_URL", reason))?;
        let request = self.request(&context, &delivery, &target)?;
        let options = RequestOptions {
            policy: self.0.addresses.clone(),
            public_needs_tls: true,
            // The body is not read.
            body_bytes_max: 0,
            timeout: TIMEOUT,
        };
        let response =
            send_for_head(request, &options).await.map_err(|error| failed(target.host(), &error))?;
        check_response(target.host(), &response)?;
        let output = json!({ "status": response.status.as_u16() });
        Ok(StepOutput::new(output))
    }
}

impl Deliver {
    fn request(
        &self,
        context: &StepContext,
        delivery: &Delivery,
        target: &UserUrl,
    ) -> Result<Request<Bytes>, StepError> {
        if self.0.secrets.is_empty() {
            let message = "this worker has no UNTXT_WEBHOOK_SECRETS to sign with";
            return Err(StepError::retry(Budget::Transport, "WEBHOOK_UNSIGNED", message));
        }
        let body = Bytes::from(delivery.body.to_string());
        let headers = self.headers(context, delivery, &body)?;
        let mut request = Request::post(target.uri.clone())
            .body(body)
            .map_err(|error| StepError::permanent("WEBHOOK_URL", error.to_string()))?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn headers(
        &self,
        context: &StepContext,
        delivery: &Delivery,
        body: &[u8],
    ) -> Result<HeaderMap, StepError> {
        let value = |text: String| {
            HeaderValue::from_str(&text)
                .map_err(|error| StepError::permanent("INPUT_UNREADABLE", error.to_string()))
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("untxt/", env!("CARGO_PKG_VERSION"))));
        headers.insert("untxt-event", value(delivery.event.clone())?);
        headers.insert("untxt-event-id", value(context.run.id.to_string())?);
        let seconds = Utc::now().timestamp();
        headers.insert("untxt-signature", value(self.0.secrets.sign(seconds, body))?);
        Ok(headers)
    }
}

/// What the server's response means.
fn check_response(host: &str, response: &response::Parts) -> Result<(), StepError> {
    let status = response.status;
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::GONE => Err(StepError::permanent(
            "WEBHOOK_GONE",
            format!("{host} answers {status}: it accepts no more deliveries"),
        )),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let after = busy_wait(&response.headers);
            let message = format!("{host} is busy ({status}); the next attempt is in {after:?}");
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            Err(StepError::retry(Budget::Throttle, "WEBHOOK_BUSY", message).after_ms(after_ms))
        }
        _ if status.is_redirection() => {
            let message =
                format!("{host} answers {status}; redirects are not followed, use the URL it redirects to");
            Err(StepError::retry(Budget::Transport, "WEBHOOK_REDIRECTED", message))
        }
        _ => Err(StepError::retry(Budget::Transport, "WEBHOOK_STATUS", format!("{host} answers {status}"))),
    }
}

/// Why there is no response.
fn failed(host: &str, error: &HttpError) -> StepError {
    let code = match error {
        HttpError::Url(_) => return StepError::permanent("WEBHOOK_URL", error.to_string()),
        HttpError::Refused { .. } | HttpError::PlainText { .. } => {
            return StepError::permanent("WEBHOOK_ADDRESS_REFUSED", message_for_tenant(error, ALLOW_PRIVATE));
        }
        HttpError::TimedOut(_) => {
            let message = format!("{host} did not answer within {TIMEOUT:?}");
            return StepError::retry(Budget::Transport, "WEBHOOK_TIMEOUT", message);
        }
        HttpError::Unresolved { .. } => "WEBHOOK_UNRESOLVED",
        HttpError::Unreachable { .. } => "WEBHOOK_UNREACHABLE",
        HttpError::Tls { .. } => "WEBHOOK_TLS",
        HttpError::Protocol { .. } | HttpError::TooLarge(_) => "WEBHOOK_NO_ANSWER",
    };
    StepError::retry(Budget::Transport, code, error.to_string())
}
