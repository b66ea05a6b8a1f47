//! English names of languages.

/// By primary subtag (IANA language subtag registry), those that engines name
/// most.
const NAMES: [(&str, &str); 36] = [
    ("ar", "Arabic"),
    ("bg", "Bulgarian"),
    ("bn", "Bengali"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("et", "Estonian"),
    ("fa", "Persian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hr", "Croatian"),
    ("hu", "Hungarian"),
    ("id", "Indonesian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("la", "Latin"),
    ("lt", "Lithuanian"),
    ("lv", "Latvian"),
    ("nl", "Dutch"),
    ("no", "Norwegian"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sv", "Swedish"),
    ("th", "Thai"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
];

/// Whether `tag` has the form of a language in XML Schema: `de`, `de-AT`.
pub(super) fn is_tag(tag: &str) -> bool {
    let part =
        |part: &str| matches!(part.len(), 1..=8) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let first = tag.split('-').next().unwrap_or_default();
    tag.split('-').all(part) && first.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The English name of the language that `tag` (BCP 47) stands for; the tag
/// itself if it is not among them.
pub(super) fn name(tag: &str) -> &str {
    known(tag).unwrap_or(tag)
}

/// The same of those that are among them.
pub(super) fn known(tag: &str) -> Option<&'static str> {
    let primary = tag.split(['-', '_']).next().unwrap_or(tag);
    NAMES.iter().find(|(code, _)| code.eq_ignore_ascii_case(primary)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_letters_and_digits_between_dashes() {
        assert!(["de", "de-AT", "sr-Latn-RS", "x-1"].into_iter().all(is_tag));
        assert!(!["", "de_AT", "1-de", "de-", "\"", "deutschland"].into_iter().any(is_tag));
    }
}
