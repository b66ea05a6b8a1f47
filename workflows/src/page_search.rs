//! Words in the pages of a task: found line by line in the pages' results, which are
//! read a few at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use untxt_engine::journal::JournalError;
use untxt_engine::state::{ItemStatus, ItemSummary};

use crate::boxed;
use crate::documents::model::Rect;
use crate::page_queries::{TaskPages, groups, on_its_own_thread, step};
use crate::records::Records;

/// Matches of one answer.
pub const MATCHES_MAX: usize = 200;

/// Characters that can be searched for.
pub const QUERY_CHARS_MAX: usize = 200;

/// Characters of a line that an answer shows: lines of print have some hundred.
const LINE_CHARS_MAX: usize = 1_000;

/// How long one answer looks, but for the pages that are read at that time.
const LOOKS_FOR: Duration = Duration::from_secs(2);

/// Pages whose states are read at once.
const PAGES_AT_ONCE: u32 = 256;

/// Where a search goes on: in a page, behind as many of its matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchCursor {
    /// Pages up to this number, from 1, were searched.
    pub after_page: u32,
    /// Of the next page so many matches were told.
    pub told: u32,
}

impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.after_page, self.told)
    }
}

/// The text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a cursor that this server has given")]
pub struct InvalidSearchCursor;

impl FromStr for SearchCursor {
    type Err = InvalidSearchCursor;

    fn from_str(text: &str) -> Result<Self, InvalidSearchCursor> {
        let (page, told) = text.split_once('-').ok_or(InvalidSearchCursor)?;
        let number = |text: &str| text.parse().map_err(|_| InvalidSearchCursor);
        Ok(Self { after_page: number(page)?, told: number(told)? })
    }
}

/// Words that follow each other in a line and have the text that was searched for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// Number of the page, from 1.
    pub page: u32,
    /// Place of the block in the page, from 0.
    pub block: u32,
    /// Place of the line in the block, from 0.
    pub line: u32,
    /// Place of the first word in the line, from 0.
    pub first: u32,
    /// Place of the last word in the line, from 0.
    pub last: u32,
    /// The line, or the beginning of a very long one.
    pub text: String,
    /// Around the words; `None` where the engine knows no places.
    #[serde(rename = "box")]
    pub bounds: Option<Rect>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// In reading order; [`MATCHES_MAX`] at most.
    pub matches: Vec<Match>,
    /// Pages with a result that were looked through for this answer.
    pub pages_searched: u32,
    /// Where to go on; `None` when all pages were searched.
    pub next: Option<SearchCursor>,
}

/// What is searched for: text in small letters without marks, and with single spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    /// The text that `query` stands for; `None` if it is empty or has more than
    /// [`QUERY_CHARS_MAX`] characters.
    #[must_use]
    pub fn parse(query: &str) -> Option<Self> {
        if query.chars().count() > QUERY_CHARS_MAX {
            return None;
        }
        let words: Vec<String> =
            query.split_whitespace().map(folded).filter(|word| !word.is_empty()).collect();
        Some(words.join(" ")).filter(|text| !text.is_empty()).map(Self)
    }
}

/// In small letters without marks: `É` as `e`, `ﬁ` as `fi`.
fn folded(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

impl Records {
    /// Looks for `text` in the pages of a task that have a result, behind `after`: at most
    /// [`MATCHES_MAX`] matches, and no longer than some seconds.
    ///
    /// # Errors
    /// [`JournalError::Pruned`]; when the journal does not answer.
    #[boxed]
    pub async fn search_pages(
        &self,
        pages: &TaskPages,
        text: &SearchText,
        after: SearchCursor,
    ) -> Result<Found, JournalError> {
        let began = Instant::now();
        let (mut found, mut told) = (Found::default(), after.told as usize);
        let mut from = pages.first_after(after.after_page);
        while from < pages.total() {
            let count = PAGES_AT_ONCE.min(pages.total() - from);
            let summaries = self.engine().item_summaries(pages.run(), step(), from, count).await?;
            let done: Vec<&ItemSummary> =
                summaries.iter().filter(|item| item.state.status == ItemStatus::Done).collect();
            for group in groups(&done) {
                if found.pages_searched > 0 && began.elapsed() >= LOOKS_FOR {
                    found.next = Some(SearchCursor { after_page: pages.number(group.start) - 1, told: 0 });
                    return Ok(found);
                }
                let (start, count) = (group.start, group.end - group.start);
                let outputs = self.engine().item_outputs(pages.run(), step(), start, count).await?;
                let wanted = text.clone();
                let looking = move || {
                    let matches = outputs.iter().map(|(item, text)| (*item, in_page(text, &wanted)));
                    matches.collect::<BTreeMap<u32, Vec<Match>>>()
                };
                for (item, matches) in on_its_own_thread(looking).await? {
                    let page = pages.number(item);
                    // What was told of it was told of the page that the last answer ended in.
                    let skipped = if page == after.after_page + 1 { std::mem::take(&mut told) } else { 0 };
                    let room = MATCHES_MAX - found.matches.len();
                    let all = matches.len();
                    let new = matches.into_iter().skip(skipped).take(room);
                    found.matches.extend(new.map(|found| Match { page, ..found }));
                    found.pages_searched += 1;
                    if skipped + room < all {
                        let told = u32::try_from(skipped + room).unwrap_or(u32::MAX);
                        found.next = Some(SearchCursor { after_page: page - 1, told });
                        return Ok(found);
                    }
                }
            }
            from += count;
        }
        Ok(found)
    }
}

/// A stored page, as far as it is searched.
#[derive(Deserialize)]
struct Page {
    blocks: Vec<Block>,
}

#[derive(Deserialize)]
struct Block {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    words: Vec<Word>,
}

#[derive(Deserialize)]
struct Word {
    text: String,
    #[serde(default)]
    bounds: Option<Rect>,
}

/// The matches in a stored page, in order. One that can't be read has none.
fn in_page(stored: &str, wanted: &SearchText) -> Vec<Match> {
    let Ok(page) = serde_json::from_str::<Page>(stored) else { return Vec::new() };
    let mut matches = Vec::new();
    for (block, of_block) in (0..).zip(&page.blocks) {
        for (line, of_line) in (0..).zip(&of_block.lines) {
            for (first, last) in of_line.find(&wanted.0) {
                let words = &of_line.words[first..=last];
                let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                matches.push(Match {
                    page: 0,
                    block,
                    line,
                    first: place(first),
                    last: place(last),
                    text: of_line.text(),
                    bounds: around(words),
                });
            }
        }
    }
    matches
}

impl Line {
    fn text(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        words.join(" ").chars().take(LINE_CHARS_MAX).collect()
    }

    /// The first and last word of each place where the line has the text.
    fn find(&self, wanted: &str) -> Vec<(usize, usize)> {
        let (mut text, mut ends) = (String::new(), Vec::with_capacity(self.words.len()));
        for word in &self.words {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&folded(&word.text));
            ends.push(text.len());
        }
        // The word that a byte of the text is in, or the one behind a space.
        let word_at = |at: usize| ends.partition_point(|end| *end <= at);
        text.match_indices(wanted).map(|(at, _)| (word_at(at), word_at(at + wanted.len() - 1))).collect()
    }
}

/// The box around words; `None` if one of them has none.
fn around(words: &[Word]) -> Option<Rect> {
    let boxes: Option<Vec<Rect>> = words.iter().map(|word| word.bounds).collect();
    let boxes = boxes?;
    let least = |side: fn(&Rect) -> f32| boxes.iter().map(side).fold(f32::INFINITY, f32::min);
    let most = |side: fn(&Rect) -> f32| boxes.iter().map(side).fold(0.0, f32::max);
    let (x, y) = (least(|place| place.x), least(|place| place.y));
    let (right, bottom) = (most(|place| place.x + place.width), most(|place| place.y + place.height));
    // No more digits than the boxes have.
    let digits = |number: f32| (number * 1e5).round() / 1e5;
    Some(Rect { x, y, width: digits(right - x), height: digits(bottom - y) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        let word = |(at, text): (u8, &str)| {
            let x = f32::from(at) / 10.0;
            Word { text: text.to_owned(), bounds: Some(Rect { x, y: 0.5, width: 0.08, height: 0.02 }) }
        };
        Line { words: (0..).zip(text.split(' ')).map(word).collect() }
    }

    fn find(wanted: &str, text: &str) -> Vec<(usize, usize)> {
        line(text).find(&SearchText::parse(wanted).unwrap().0)
    }

    #[test]
    fn words_are_found_in_part_in_a_row_and_whatever_marks_they_bear() {
        assert_eq!(find("amount", "The Amount and the amounts"), [(1, 1), (4, 4)]);
        assert_eq!(find("the amount", "The Amount and the amounts"), [(0, 1), (3, 4)]);
        assert_eq!(find("  net\tamount ", "net amount"), [(0, 1)]);
        assert_eq!(find("Société", "SOCIETE GENERALE"), [(0, 0)]);
        assert_eq!(find("societe", "Société"), [(0, 0)]);
        assert_eq!(find("STRASSE", "Hauptstrasse 7"), [(0, 0)]);
        assert_eq!(find("find", "ﬁnd it"), [(0, 0)]);
        assert_eq!(find("e a", "the amount"), [(0, 1)]);
        assert_eq!(find("amount the", "the amount"), []);
        assert_eq!(find("日本", "日本語 です"), [(0, 0)]);
    }

    #[test]
    fn what_is_nothing_or_too_long_is_not_searched_for() {
        for nothing in ["", "  ", "\u{301}"] {
            assert_eq!(SearchText::parse(nothing), None, "{nothing:?}");
        }
        assert_eq!(SearchText::parse(&"x".repeat(QUERY_CHARS_MAX + 1)), None);
    }

    #[test]
    fn a_match_has_the_box_around_its_words() {
        let stored = r#"{"blocks":[{"lines":[]},{"lines":[{"words":[
            {"text":"The","bounds":{"x":0.1,"y":0.2,"width":0.1,"height":0.02}},
            {"text":"net","bounds":{"x":0.25,"y":0.19,"width":0.1,"height":0.04}},
            {"text":"sum"}]}]}]}"#;
        let found = in_page(stored, &SearchText::parse("the net").unwrap());
        let place = Rect { x: 0.1, y: 0.19, width: 0.25, height: 0.04 };
        assert_eq!((found.len(), found[0].block, found[0].line), (1, 1, 0));
        assert_eq!((found[0].first, found[0].last, found[0].bounds), (0, 1, Some(place)));
        assert_eq!(found[0].text, "The net sum");
        assert_eq!(in_page(stored, &SearchText::parse("sum").unwrap())[0].bounds, None);
        assert_eq!(in_page("nonsense", &SearchText::parse("sum").unwrap()), []);
    }

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let cursor = SearchCursor { after_page: 12, told: 200 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "12", "-1", "a-b"] {
            assert_eq!(text.parse::<SearchCursor>(), Err(InvalidSearchCursor), "{text}");
        }
    }
}
