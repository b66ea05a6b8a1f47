//! The results of conformance cases, as JSON and JUnit.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

/// The result of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Passed, with what was observed.
    Passed(String),
    /// Failed, with the reason.
    Failed(String),
    /// Skipped, with the reason.
    Skipped(String),
}

/// A case and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Name of the case.
    pub name: &'static str,
    /// Its result.
    pub outcome: Outcome,
    /// Wall clock.
    pub took: Duration,
}

/// The results of all cases of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConformanceReport {
    /// Name of the engine.
    pub engine: String,
    /// In the order they ran.
    pub cases: Vec<Case>,
}

impl ConformanceReport {
    /// Whether no case failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.cases.iter().any(|case| matches!(case.outcome, Outcome::Failed(_)))
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let cases: Vec<Value> = self.cases.iter().map(case).collect();
        json!({ "engine": self.engine, "passed": self.passed(), "cases": cases })
    }

    /// As JUnit XML.
    #[must_use]
    pub fn junit(&self) -> String {
        let count =
            |wanted: fn(&Outcome) -> bool| self.cases.iter().filter(|case| wanted(&case.outcome)).count();
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n",
            escaped(&self.engine),
            self.cases.len(),
            count(|outcome| matches!(outcome, Outcome::Failed(_))),
            count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        );
        for case in &self.cases {
            let inside = match &case.outcome {
                Outcome::Passed(_) => String::new(),
                Outcome::Failed(why) => format!("<failure message=\"{}\"/>", escaped(why)),
                Outcome::Skipped(why) => format!("<skipped message=\"{}\"/>", escaped(why)),
            };
            let seconds = case.took.as_secs_f64();
            // Writing to a string can't fail.
            let _ = writeln!(
                xml,
                "  <testcase classname=\"{}\" name=\"{}\" time=\"{seconds:.3}\">{inside}</testcase>",
                escaped(&self.engine),
                case.name
            );
        }
        xml.push_str("</testsuite>\n");
        xml
    }
}

fn case(case: &Case) -> Value {
    let (outcome, text) = match &case.outcome {
        Outcome::Passed(text) => ("passed", text),
        Outcome::Failed(text) => ("failed", text),
        Outcome::Skipped(text) => ("skipped", text),
    };
    json!({ "name": case.name, "outcome": outcome, "text": text, "ms": case.took.as_secs_f64() * 1_000.0 })
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML can't represent most of them.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_junit_agree() {
        let case = |name, outcome| Case { name, outcome, took: Duration::from_millis(1_500) };
        let report = ConformanceReport {
            engine: "a\"<b>".to_owned(),
            cases: vec![
                case("one", Outcome::Passed("9 words".to_owned())),
                case("two", Outcome::Failed("1 < 2 & \u{1}".to_owned())),
                case("three", Outcome::Skipped("no server".to_owned())),
            ],
        };
        assert!(!report.passed());
        assert_eq!(report.json()["cases"][1]["text"], "1 < 2 & \u{1}");
        let xml = report.junit();
        assert!(
            xml.contains("<testsuite name=\"a&quot;&lt;b&gt;\" tests=\"3\" failures=\"1\" skipped=\"1\">"),
            "{xml}"
        );
        assert!(xml.contains("time=\"1.500\"><failure message=\"1 &lt; 2 &amp;  \"/>"), "{xml}");
    }
}
