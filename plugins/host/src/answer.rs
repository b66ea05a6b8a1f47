//! Validates an engine's answer.

use crate::contract::untxt::ocr::types;
use crate::guest::layout_engine::{self as wit, Layout};
use crate::limits::EngineLimits;
use crate::page::{Alternative, Block, Cell, Corners, Line, Page, PageText, Point, Rect, Table, Word};

/// Readings of a word that are kept beside the likeliest: people choose among few,
/// and each is written into every result.
const ALTERNATIVES_MAX: usize = 10;

/// The answer as the host's own types.
///
/// # Errors
/// The rule that it violates.
pub(crate) fn validate(answer: Layout, page: &Page, limits: &EngineLimits) -> Result<PageText, String> {
    let page_bounds = PageBounds { width: page.width, height: page.height };
    if answer.html.as_ref().is_some_and(|html| html.len() > limits.html_bytes_max) {
        return Err(format!("more than {} bytes of HTML", limits.html_bytes_max));
    }
    check_counts(&answer.blocks, limits)?;
    let text = PageText {
        language: answer.language.filter(|tag| is_language(tag)),
        confidence: confidence(answer.confidence)?,
        attributes: answer.attributes,
        html: answer.html,
        blocks: answer.blocks.into_iter().map(|block| page_bounds.block(block)).collect::<Result<_, _>>()?,
    };
    check_bytes(&text, limits)?;
    Ok(text)
}

struct PageBounds {
    width: u32,
    height: u32,
}

impl PageBounds {
    fn block(&self, block: wit::Block) -> Result<Block, String> {
        let mut lines = self.lines(block.lines)?;
        let corners = self.corners(block.corners);
        Ok(Block {
            bounds: self.bounds(block.bounds, corners)?,
            corners,
            table: block.table.map(|table| self.table(table, &mut lines)).transpose()?,
            lines,
            role: block.role,
            attributes: block.attributes,
        })
    }

    /// The table; the lines of its cells are added to `lines`.
    fn table(&self, table: wit::Table, lines: &mut Vec<Line>) -> Result<Table, String> {
        let wit::Table { rows, columns, cells } = table;
        // Within the bound of `check_counts`.
        let mut taken = vec![false; rows as usize * columns as usize];
        let mut kept = Vec::with_capacity(cells.len());
        for cell in cells {
            let wit::Cell { row, column, row_span, column_span, header, bounds, .. } = cell;
            let place = format!("the cell at row {row}, column {column} of {row_span} x {column_span}");
            let end = |from: u32, span: u32, whole: u32| {
                from.checked_add(span).filter(|end| span > 0 && *end <= whole)
            };
            let (Some(bottom), Some(right)) = (end(row, row_span, rows), end(column, column_span, columns))
            else {
                return Err(format!("{place} does not fit the table of {rows} x {columns}"));
            };
            for row in row..bottom {
                let at = |column: u32| row as usize * columns as usize + column as usize;
                let places = &mut taken[at(column)..at(right)];
                if places.contains(&true) {
                    return Err(format!("{place} overlaps another"));
                }
                places.fill(true);
            }
            let first = lines.len();
            lines.extend(self.lines(cell.lines)?);
            let (bounds, lines) = (self.bounds(bounds, None)?, first..lines.len());
            kept.push(Cell { row, column, row_span, column_span, header, bounds, lines });
        }
        Ok(Table { rows, columns, cells: kept })
    }

    fn lines(&self, lines: Vec<wit::Line>) -> Result<Vec<Line>, String> {
        lines.into_iter().map(|line| self.line(line)).collect()
    }

    fn line(&self, line: wit::Line) -> Result<Line, String> {
        let corners = self.corners(line.corners);
        Ok(Line {
            bounds: self.bounds(line.bounds, corners)?,
            corners,
            words: line.words.into_iter().map(|word| self.word(word)).collect::<Result<_, _>>()?,
        })
    }

    fn word(&self, word: wit::Word) -> Result<Word, String> {
        let corners = self.corners(word.corners);
        let alternatives = word.alternatives.into_iter().take(ALTERNATIVES_MAX);
        let alternative = |other: wit::Alternative| {
            Ok(Alternative { confidence: confidence(other.confidence)?, text: other.text })
        };
        Ok(Word {
            bounds: self.bounds(word.bounds, corners)?,
            corners,
            confidence: confidence(word.confidence)?,
            text: word.text,
            alternatives: alternatives.map(alternative).collect::<Result<_, String>>()?,
        })
    }

    fn bounds(&self, bounds: Option<types::Rect>, corners: Option<Corners>) -> Result<Option<Rect>, String> {
        let Some(types::Rect { x, y, width, height }) = bounds else {
            return Ok(corners.and_then(|corners| Rect::around(&corners, self.width, self.height)));
        };
        let fits =
            |from: u32, extent: u32, whole: u32| from.checked_add(extent).is_some_and(|end| end <= whole);
        if fits(x, width, self.width) && fits(y, height, self.height) {
            return Ok(Some(Rect { x, y, width, height }));
        }
        Err(format!(
            "a box at {x},{y} of {width} x {height} exceeds the page of {} x {}",
            self.width, self.height
        ))
    }

    /// Turned text at the edge of a page has corners off the page.
    fn corners(&self, corners: Option<wit::Corners>) -> Option<Corners> {
        let wit::Corners { top_left, top_right, bottom_right, bottom_left } = corners?;
        let on_page = |point: wit::Point| Point {
            x: u32::try_from(point.x).unwrap_or_default().min(self.width),
            y: u32::try_from(point.y).unwrap_or_default().min(self.height),
        };
        Some([top_left, top_right, bottom_right, bottom_left].map(on_page))
    }
}

fn confidence(confidence: Option<f32>) -> Result<Option<f32>, String> {
    match confidence {
        Some(figure) if !(0.0..=1.0).contains(&figure) => {
            Err(format!("a confidence of {figure} is outside of 0..1"))
        }
        other => Ok(other),
    }
}

/// Counts everything that is kept once for each: a page has no more blocks, lines or
/// places in tables than it may have words.
fn check_counts(blocks: &[wit::Block], limits: &EngineLimits) -> Result<(), String> {
    let (mut lines, mut words, mut places) = (0, 0, 0_u64);
    for block in blocks {
        let table = block.table.as_ref();
        let area = table.map_or(0, |table| u64::from(table.rows) * u64::from(table.columns));
        places = places.saturating_add(area);
        let in_cells = table.iter().flat_map(|table| &table.cells).flat_map(|cell| &cell.lines);
        for line in block.lines.iter().chain(in_cells) {
            lines += 1;
            words += line.words.len();
        }
    }
    let allowed = limits.words_max;
    let cells = usize::try_from(places).unwrap_or(usize::MAX);
    for (count, what) in
        [(words, "words"), (lines, "lines"), (blocks.len(), "blocks"), (cells, "cells in tables")]
    {
        if count > allowed {
            return Err(format!("{count} {what}, and {allowed} are allowed"));
        }
    }
    Ok(())
}

fn check_bytes(text: &PageText, limits: &EngineLimits) -> Result<(), String> {
    let pairs = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    };
    let mut bytes = pairs(&text.attributes);
    for block in &text.blocks {
        bytes += block.role.len() + pairs(&block.attributes);
        for word in block.lines.iter().flat_map(|line| &line.words) {
            let others = word.alternatives.iter().map(|other| other.text.len());
            bytes += word.text.len() + others.sum::<usize>();
        }
    }
    if bytes > limits.text_bytes_max {
        return Err(format!("{bytes} bytes of text, and {} are allowed", limits.text_bytes_max));
    }
    Ok(())
}

/// Whether `tag` could be a BCP 47 tag: at most 35 letters, digits, hyphens.
fn is_language(tag: &str) -> bool {
    !tag.is_empty() && tag.len() <= 35 && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::PixelFormat;

    #[test]
    fn ten_readings_of_a_word_are_kept_and_their_text_counts() {
        let page = Page::new(0, 1, 0, (1, 1), PixelFormat::Luma8, vec![0], Vec::new()).expect("it fits");
        let layout = || {
            let text = "x".to_owned();
            let other = wit::Alternative { text: text.clone(), confidence: None };
            let alternatives = vec![other; ALTERNATIVES_MAX + 2];
            let word = wit::Word { text, bounds: None, corners: None, confidence: None, alternatives };
            let line = wit::Line { bounds: None, corners: None, words: vec![word] };
            let role = String::new();
            let (lines, attributes) = (vec![line], Vec::new());
            let block = wit::Block { role, bounds: None, corners: None, lines, table: None, attributes };
            Layout {
                blocks: vec![block],
                html: None,
                language: None,
                confidence: None,
                attributes: Vec::new(),
            }
        };
        let limits = EngineLimits { text_bytes_max: ALTERNATIVES_MAX + 1, ..EngineLimits::default() };
        let text = validate(layout(), &page, &limits).expect("they fit");
        assert_eq!(text.blocks[0].lines[0].words[0].alternatives.len(), ALTERNATIVES_MAX);
        let less = EngineLimits { text_bytes_max: ALTERNATIVES_MAX, ..limits };
        let error = validate(layout(), &page, &less).expect_err("one byte too many");
        assert_eq!(error, "11 bytes of text, and 10 are allowed");
    }
}
