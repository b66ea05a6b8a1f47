//! Labels of metrics about one version of an engine.

use metrics::Label;

/// Digits of a digest that tell versions of one engine apart.
const DIGEST_DIGITS: usize = 12;

/// Engine names come from operators, so labels are bounded.
pub(crate) fn metric_labels(engine: &str, digest: &str) -> Vec<Label> {
    let digest: String = digest.chars().take(DIGEST_DIGITS).collect();
    vec![Label::new("engine", engine.to_owned()), Label::new("digest", digest)]
}
