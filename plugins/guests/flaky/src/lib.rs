//! A guest that asks to be called again: on every attempt, or with the setting
//! `succeedsAt` until that attempt.

use serde::Deserialize;
use untxt_plugin_sdk::{
    Block, Description, Engine, Error, Failure, Line, Options, Page, PageText, Word, settings,
};

/// How long it asks the host to wait.
const AFTER_MS: u64 = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    succeeds_at: Option<u32>,
}

struct Flaky;

impl Engine for Flaky {
    fn describe() -> Description {
        Description {
            settings_schema: concat!(
                r#"{"type":"object","additionalProperties":false,"#,
                r#""properties":{"succeedsAt":{"type":"integer","minimum":1,"maximum":4294967295}}}"#
            )
            .to_owned(),
            ..Description::new("flaky", env!("CARGO_PKG_VERSION"))
        }
    }

    fn check(options: &Options) -> Result<(), Failure> {
        settings::<Settings>(options).map(drop)
    }

    fn recognize(_page: &Page, options: &Options) -> Result<PageText, Error> {
        let settings: Settings = settings(options)?;
        let attempt = attempt(options);
        if settings.succeeds_at.is_some_and(|at| attempt >= at) {
            let words = vec![Word::new(format!("attempt-{attempt}"), None)];
            return Ok(PageText::simple(vec![Block::paragraph(None, vec![Line { bounds: None, words }])]));
        }
        Err(Error::retryable("upstream-5xx", format!("attempt {attempt} is not served"), Some(AFTER_MS)))
    }
}

/// The attempt as the host counts it; the first when it does not say.
fn attempt(options: &Options) -> u32 {
    let said = options.attributes.iter().find(|(name, _)| name == "attempt");
    said.and_then(|(_, value)| value.parse().ok()).unwrap_or(1)
}

untxt_plugin_sdk::export!(Flaky);
