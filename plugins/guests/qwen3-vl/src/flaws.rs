//! What is wrong with an answer that came in good order: cut, going round in
//! circles, refusing, or empty.

use crate::config::Settings;
use crate::heard::Heard;

/// Lengths of what is repeated.
const PATTERN_CHARS_MAX: usize = 250;

/// A loop may be cut off in the middle of what it repeats.
const TAIL_CHARS: usize = 50;

/// A refusal is short, whatever it says.
const REFUSAL_CHARS_MAX: usize = 400;

const REFUSALS: [&str; 12] = [
    "i'm sorry",
    "i am sorry",
    "sorry,",
    "i cannot",
    "i can't",
    "i can’t",
    "i'm unable",
    "i am unable",
    "i'm not able",
    "as an ai",
    "unfortunately, i",
    "抱歉",
];

/// The flaw's code and what was seen.
pub(crate) fn of(heard: &Heard, settings: &Settings) -> Option<(&'static str, String)> {
    let text = heard.text();
    if let Some(refusal) = &heard.refusal {
        return Some(("refused", format!("the model refuses: {}", excerpt(refusal))));
    }
    if heard.finish_reason.as_deref() == Some("content_filter") {
        return Some(("refused", "the server's filter took the answer".to_owned()));
    }
    if let Some(pattern) = repeated(text) {
        return Some(("repetition", format!("the answer ends in {:?} over and over", excerpt(&pattern))));
    }
    if heard.finish_reason.as_deref() == Some("length") {
        return Some(("truncated", "the answer was cut at the limit of tokens".to_owned()));
    }
    // Some servers say `stop` whatever happened.
    if heard.completion_tokens.is_some_and(|tokens| tokens >= settings.max_tokens) {
        return Some(("truncated", format!("the answer has all of its {} tokens", settings.max_tokens)));
    }
    if text.is_empty() {
        return Some(("empty", "the answer says nothing".to_owned()));
    }
    let start: String = text.chars().take(30).collect::<String>().to_lowercase();
    if text.chars().count() <= REFUSAL_CHARS_MAX && REFUSALS.iter().any(|refusal| start.starts_with(refusal))
    {
        return Some(("refused", format!("the model refuses: {}", excerpt(text))));
    }
    None
}

/// What the text ends in over and over, if it does.
fn repeated(text: &str) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let cut = chars.len().saturating_sub(TAIL_CHARS);
    looped(&chars).or_else(|| looped(&chars[..cut])).map(|pattern| pattern.iter().collect())
}

fn looped(chars: &[char]) -> Option<&[char]> {
    (1..=PATTERN_CHARS_MAX.min(chars.len())).find_map(|length| {
        let pattern = &chars[chars.len() - length..];
        // Blank space and dots are repeated on many a page.
        if !pattern.iter().any(|c| c.is_alphanumeric()) {
            return None;
        }
        let count = chars.rchunks_exact(length).take_while(|chunk| *chunk == pattern).count();
        let allowed = 4 * (length + 3) / length;
        (count > allowed).then_some(pattern)
    })
}

/// The part before what is repeated, and before a tag that was cut.
pub(crate) fn sound_part(text: &str) -> &str {
    let mut sound = text;
    if let Some(pattern) = repeated(text)
        && let Some(at) = text.find(&pattern.repeat(3))
    {
        sound = &text[..at + pattern.len()];
    }
    match (sound.rfind('<'), sound.rfind('>')) {
        (Some(open), Some(close)) if open > close => &sound[..open],
        (Some(open), None) => &sound[..open],
        _ => sound,
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw(said: &str) -> Option<&'static str> {
        of(&Heard::saying(said), &Settings::default()).map(|(code, _)| code)
    }

    #[test]
    fn loops_are_found_and_long_pages_are_none() {
        assert_eq!(flaw(&format!("<p>{}", "total 12,00 ".repeat(30))), Some("repetition"));
        assert_eq!(flaw(&"a".repeat(40)), Some("repetition"));
        assert_eq!(flaw(&format!("{}tot", "total ".repeat(30))), Some("repetition"));
        assert_eq!(flaw(&format!("Contents{}", ".".repeat(200))), None);
        let rows: String = (0..200).map(|row| format!("<tr><td>{row}</td></tr>")).collect();
        assert_eq!(flaw(&format!("<table>{rows}</table>")), None);
    }

    #[test]
    fn refusals_and_silence_are_no_text() {
        assert_eq!(flaw("I'm sorry, but I can't read this image."), Some("refused"));
        assert_eq!(flaw(""), Some("empty"));
        assert_eq!(flaw("```html\n```"), Some("empty"));
        let letter =
            format!("I cannot thank you enough. {}", "It was a pleasure to be with you all. And ".repeat(3));
        assert_eq!(flaw(&format!("{letter}{}", (0..200).map(|n| n.to_string()).collect::<String>())), None);
    }

    #[test]
    fn the_sound_part_of_a_loop_says_it_once() {
        assert_eq!(sound_part(&format!("a b {}", "c d ".repeat(40))).trim(), "a b c d");
        assert_eq!(sound_part("<p>one</p><p data-b"), "<p>one</p>");
    }
}
