//! A guest that works as long as its setting `ms` says (0 by default) and stops
//! when it is told to.

use std::hint::black_box;

use serde::Deserialize;
use untxt_plugin_sdk::{
    Block, Description, Engine, Error, Failure, Line, Options, Page, PageText, Word, host, settings,
    stop_if_cancelled,
};

/// Rounds between two looks at the host: well under a millisecond.
const ROUNDS: u32 = 20_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    ms: u32,
}

struct Slow;

impl Engine for Slow {
    fn describe() -> Description {
        Description {
            settings_schema: concat!(
                r#"{"type":"object","additionalProperties":false,"#,
                r#""properties":{"ms":{"type":"integer","minimum":0,"maximum":4294967295}}}"#
            )
            .to_owned(),
            ..Description::new("slow", env!("CARGO_PKG_VERSION"))
        }
    }

    fn check(options: &Options) -> Result<(), Failure> {
        settings::<Settings>(options).map(drop)
    }

    fn recognize(_page: &Page, options: &Options) -> Result<PageText, Error> {
        let Settings { ms } = settings(options)?;
        burn(u64::from(ms))?;
        let words = vec![Word::new("slow", None)];
        Ok(PageText::simple(vec![Block::paragraph(None, vec![Line { bounds: None, words }])]))
    }
}

/// A guest has no clock; what its time budget loses is the time that passed.
/// With a budget under `ms` this ends only by the host's hand.
fn burn(ms: u64) -> Result<(), Error> {
    let start_ms = host::remaining_ms();
    while start_ms.saturating_sub(host::remaining_ms()) < ms {
        stop_if_cancelled()?;
        (0..ROUNDS).for_each(|round| {
            black_box(round);
        });
    }
    Ok(())
}

untxt_plugin_sdk::export!(Slow);
