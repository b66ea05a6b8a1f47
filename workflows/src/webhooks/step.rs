//! The step that tells.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::Utc;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use serde_json::json;
use tokio::time::timeout;
use untxt_engine::decide::Done;
use untxt_engine::error::{Budget, StepError};
use untxt_engine::step::{Step, StepContext, StepOutput};

use super::delivery::Delivery;
use super::post::{self, Answer, PATIENCE, PostError};
use super::settings::WebhookSettings;
use super::target::{Target, TargetError};
use crate::dial::{self, DialError, Secure};

/// How long a server that says it is busy is left alone when it does not say
/// for how long.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// The code of the step.
pub(super) struct Deliver(pub(super) WebhookSettings);

#[async_trait]
impl Step for Deliver {
    async fn run(&self, context: &StepContext) -> Result<StepOutput, StepError> {
        let delivery = Delivery::of(&context.run)?;
        let target = Target::parse(&delivery.url).map_err(|error| unfit(&error))?;
        let answer = timeout(PATIENCE, self.deliver(context, &delivery, &target)).await;
        let answer = answer.map_err(|_| {
            let message = format!("{} did not answer within {PATIENCE:?}", target.host());
            StepError::retry(Budget::Transport, "WEBHOOK_TIMEOUT", message)
        })??;
        judged(&target, answer)?;
        let output = json!({ "status": answer.status.as_u16() });
        Ok(StepOutput { done: Done { output, items: None }, rows: Vec::new() })
    }
}

impl Deliver {
    async fn deliver(
        &self,
        context: &StepContext,
        delivery: &Delivery,
        target: &Target,
    ) -> Result<Answer, StepError> {
        if self.0.secrets.is_empty() {
            let message = "this worker has no UNTXT_WEBHOOK_SECRETS to sign with";
            return Err(StepError::retry(Budget::Transport, "WEBHOOK_UNSIGNED", message));
        }
        let secure = target.is_tls().then(|| secure(target)).transpose()?;
        let addresses = target.addresses(&self.0.allowed).await.map_err(|error| unfit(&error))?;
        let body = Bytes::from(delivery.body.to_string());
        let headers = self.headers(context, delivery, &body)?;
        let answer = post::post(target, &addresses, secure, headers, body).await;
        answer.map_err(|error| unanswered(target, &error))
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

fn secure(target: &Target) -> Result<Secure, StepError> {
    let config = dial::tls().map_err(|reason| StepError::retry(Budget::Transport, "WEBHOOK_TLS", reason))?;
    Ok(Secure { server_name: target.server_name(), config })
}

/// What the server's answer means.
fn judged(target: &Target, answer: Answer) -> Result<(), StepError> {
    let (host, status) = (target.host(), answer.status);
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::GONE => {
            Err(StepError::permanent("WEBHOOK_GONE", format!("{host} wants to hear no more (410)")))
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let after = answer.retry_after.unwrap_or(BUSY_WAIT);
            let message = format!("{host} is busy ({status}) and wants to be left alone for {after:?}");
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            Err(StepError::retry(Budget::Throttle, "WEBHOOK_BUSY", message).after_ms(after_ms))
        }
        _ if status.is_redirection() => {
            let message =
                format!("{host} answers {status}; redirects are not followed, name the place itself");
            Err(StepError::retry(Budget::Transport, "WEBHOOK_REDIRECTED", message))
        }
        _ => Err(StepError::retry(Budget::Transport, "WEBHOOK_STATUS", format!("{host} answers {status}"))),
    }
}

fn unfit(error: &TargetError) -> StepError {
    match error {
        TargetError::Url(_) => StepError::permanent("WEBHOOK_URL", error.to_string()),
        TargetError::Refused { .. } | TargetError::Plain { .. } => {
            StepError::permanent("WEBHOOK_ADDRESS_REFUSED", error.to_string())
        }
        TargetError::Unresolved { .. } => {
            StepError::retry(Budget::Transport, "WEBHOOK_UNRESOLVED", error.to_string())
        }
    }
}

fn unanswered(target: &Target, error: &PostError) -> StepError {
    let code = match error {
        PostError::Dial(DialError::Unreachable(_)) => "WEBHOOK_UNREACHABLE",
        PostError::Dial(DialError::Tls(_)) => "WEBHOOK_TLS",
        PostError::Dial(DialError::Http(_)) => "WEBHOOK_NO_ANSWER",
        PostError::Request(_) => return StepError::permanent("WEBHOOK_URL", error.to_string()),
    };
    StepError::retry(Budget::Transport, code, format!("{}: {error}", target.host()))
}
