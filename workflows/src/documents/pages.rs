//! Which pages a client wants: `1-3,5`.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use thiserror::Error;

/// Parts of a range, and so the work of reading one: who wants more of them
/// wants all pages.
const PARTS_MAX: usize = 200;

/// Pages, from 1, not yet checked against a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRange {
    parts: Vec<RangeInclusive<u32>>,
}

/// Why a range can't be used. Positions are characters, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PageRangeError {
    /// It is not a range.
    #[error("pages {range:?}: {reason} at character {position}; write them like 1-3,5")]
    Syntax {
        /// As it was written, shortened.
        range: String,
        /// What is wrong.
        reason: &'static str,
        /// Where.
        position: usize,
    },
    /// It has too many parts.
    #[error("the range of pages has {parts} parts; {PARTS_MAX} are allowed")]
    TooManyParts {
        /// How many it has.
        parts: usize,
    },
    /// The document ends before.
    #[error("page {page} is asked for, but the document has {pages}")]
    NoSuchPage {
        /// From 1.
        page: u32,
        /// How many there are.
        pages: u32,
    },
}

impl PageRange {
    /// Reads `1-3,5`. Spaces around numbers do not matter.
    ///
    /// # Errors
    /// [`PageRangeError::Syntax`] and [`PageRangeError::TooManyParts`].
    pub fn parse(range: &str) -> Result<Self, PageRangeError> {
        let parts = range.split(',').count();
        if parts > PARTS_MAX {
            return Err(PageRangeError::TooManyParts { parts });
        }
        let mut position = 1;
        let mut read = Vec::with_capacity(parts);
        for part in range.split(',') {
            let wrong = |(reason, at): (&'static str, usize)| PageRangeError::Syntax {
                range: range.chars().take(60).collect(),
                reason,
                position: position + at,
            };
            read.push(span(part).map_err(wrong)?);
            position += part.chars().count() + 1;
        }
        Ok(Self { parts: read })
    }

    /// The pages of a document with `pages` pages, from 0, each once, in order.
    ///
    /// # Errors
    /// [`PageRangeError::NoSuchPage`].
    pub fn indexes(&self, pages: u32) -> Result<Vec<u32>, PageRangeError> {
        if let Some(page) = self.parts.iter().map(|part| *part.end()).find(|end| *end > pages) {
            return Err(PageRangeError::NoSuchPage { page, pages });
        }
        let wanted: BTreeSet<u32> = self.parts.iter().cloned().flatten().map(|page| page - 1).collect();
        Ok(wanted.into_iter().collect())
    }

    /// The page, from 0, that stands at `index` of [`PageRange::indexes`], which
    /// need not be made for it.
    #[must_use]
    pub fn nth(&self, index: u32) -> Option<u32> {
        let mut before = 0;
        for (start, end) in self.spans() {
            if index - before < end - start {
                return Some(start + (index - before));
            }
            before += end - start;
        }
        None
    }

    /// How many of its pages come before `page`, from 0: the place of `page` in
    /// [`PageRange::indexes`], if it is one of them.
    #[must_use]
    pub fn before(&self, page: u32) -> u32 {
        self.spans().map(|(start, end)| end.min(page).saturating_sub(start)).sum()
    }

    /// Its pages, from 0, as spans in order that don't overlap: each from the first
    /// of them to the one behind the last.
    fn spans(&self) -> impl Iterator<Item = (u32, u32)> {
        let mut parts: Vec<_> = self.parts.iter().map(|part| (part.start() - 1, *part.end())).collect();
        parts.sort_unstable();
        let mut counted_to = 0;
        let spans = parts.into_iter().map(move |(start, end)| {
            let span = (start.max(counted_to), end.max(counted_to));
            counted_to = span.1;
            span
        });
        spans.filter(|(start, end)| start < end)
    }
}

/// What is wrong, and how many characters into the part.
type Wrong = (&'static str, usize);

fn span(part: &str) -> Result<RangeInclusive<u32>, Wrong> {
    let Some((first, last)) = part.split_once('-') else {
        let page = number(part, 0)?;
        return Ok(page..=page);
    };
    let after_dash = first.chars().count() + 1;
    let (first, last) = (number(first, 0)?, number(last, after_dash)?);
    if first > last {
        return Err(("the last page stands before the first", after_dash));
    }
    Ok(first..=last)
}

fn number(text: &str, at: usize) -> Result<u32, Wrong> {
    let at = at + text.chars().take_while(|c| c.is_whitespace()).count();
    let digits = text.trim();
    if digits.is_empty() {
        return Err(("a page number is missing", at));
    }
    if let Some(odd) = digits.chars().position(|c| !c.is_ascii_digit()) {
        return Err(("something that is no digit", at + odd));
    }
    match digits.parse() {
        Ok(0) => Err(("pages are counted from 1, and 0", at)),
        Ok(page) => Ok(page),
        Err(_) => Err(("a number that no document has", at)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn indexes(range: &str) -> Vec<u32> {
        PageRange::parse(range).unwrap().indexes(10).unwrap()
    }

    fn position(range: &str) -> usize {
        match PageRange::parse(range) {
            Err(PageRangeError::Syntax { position, .. }) => position,
            other => panic!("{range:?} gave {other:?}"),
        }
    }

    #[test]
    fn pages_come_once_and_in_order() {
        assert_eq!(indexes("5,1-3, 2 - 4 ,5"), [0, 1, 2, 3, 4]);
        assert_eq!(indexes("10"), [9]);
    }

    #[test]
    fn each_page_of_a_range_is_found_without_all_others() {
        for range in ["5,1-3, 2 - 4 ,5", "10", "1-10", "7-9,2", "3-5,4,3-4,9-10,1"] {
            let parsed = PageRange::parse(range).unwrap();
            let one_by_one: Vec<u32> = (0..).map_while(|index| parsed.nth(index)).collect();
            assert_eq!(one_by_one, indexes(range), "{range}");
        }
    }

    #[test]
    fn an_error_says_where() {
        assert_eq!(position(""), 1);
        assert_eq!(position("1,,3"), 3);
        assert_eq!(position("1-3,x"), 5);
        assert_eq!(position("3-1"), 3);
        assert_eq!(position("0"), 1);
        assert_eq!(position("1-"), 3);
        assert_eq!(position("-1"), 1);
        assert_eq!(position("1-2-3"), 4);
        assert_eq!(position("1,99999999999"), 3);
        let text = PageRange::parse("1-3,x").unwrap_err().to_string();
        assert_eq!(text, "pages \"1-3,x\": something that is no digit at character 5; write them like 1-3,5");
    }

    #[test]
    fn what_the_document_has_not_is_refused_before_it_costs_anything() {
        let all = PageRange::parse("1-4294967295").unwrap();
        assert_eq!(all.indexes(7), Err(PageRangeError::NoSuchPage { page: u32::MAX, pages: 7 }));
        let many = vec!["1"; PARTS_MAX + 1].join(",");
        assert_eq!(PageRange::parse(&many), Err(PageRangeError::TooManyParts { parts: PARTS_MAX + 1 }));
    }

    /// A range as a client may write it, with its parts.
    fn ranges() -> impl Strategy<Value = (String, Vec<(u32, u32)>)> {
        let part = (1..60_u32, 0..20_u32, any::<bool>(), " {0,2}").prop_map(|(first, more, alone, space)| {
            let (first, last) = (first, first + if alone { 0 } else { more });
            let text =
                if alone { format!("{space}{first}") } else { format!("{first}{space}-{space}{last}") };
            (text, (first, last))
        });
        proptest::collection::vec(part, 1..12).prop_map(|parts| {
            let (texts, parts): (Vec<String>, Vec<(u32, u32)>) = parts.into_iter().unzip();
            (texts.join(","), parts)
        })
    }

    proptest! {
        #[test]
        fn a_range_means_each_page_of_its_parts_once_and_in_order((text, parts) in ranges()) {
            let parsed = PageRange::parse(&text).unwrap();
            let wanted: BTreeSet<u32> = parts.iter().flat_map(|(first, last)| first - 1..*last).collect();
            let found = parsed.indexes(100).unwrap();
            prop_assert_eq!(&found, &wanted.into_iter().collect::<Vec<_>>());
            let one_by_one: Vec<u32> = (0..).map_while(|index| parsed.nth(index)).collect();
            prop_assert_eq!(&one_by_one, &found);
            for page in 0..=100 {
                let before = found.iter().filter(|known| **known < page).count();
                prop_assert_eq!(parsed.before(page) as usize, before, "page {}", page);
            }
        }

        #[test]
        fn a_range_fits_the_documents_that_have_its_last_page((text, parts) in ranges()) {
            let last = parts.iter().map(|(_, last)| *last).max().unwrap();
            let parsed = PageRange::parse(&text).unwrap();
            prop_assert!(parsed.indexes(last).is_ok());
            let refused = parsed.indexes(last - 1).unwrap_err();
            let is_refused = matches!(refused, PageRangeError::NoSuchPage { pages, .. } if pages == last - 1);
            prop_assert!(is_refused, "{refused}");
        }

        #[test]
        fn any_text_is_read_or_refused_at_a_place_in_it(text in "[0-9,x -]{0,30}") {
            if let Err(PageRangeError::Syntax { position, .. }) = PageRange::parse(&text) {
                prop_assert!((1..=text.len() + 1).contains(&position), "{position} in {text:?}");
            }
        }
    }
}
