//! TSV, as Tesseract writes it: a line for the page (level 1), for each block (2),
//! paragraph (3), line (4) and word (5), and twelve columns. Places are pixels of
//! the page image; `conf` is 0 to 100, and -1 where there is none, which is so in
//! every line but those of words. Numbers count from 1 within what holds the
//! thing, and are 0 where the thing is no part of such.
//!
//! Only the page's line has a text that Tesseract's has not: what of the page
//! could not be read.

use super::escape;
use super::notes::{page_failure, page_warnings};
use super::places::Area;
use super::writer::{Content, TextWriter, Writer};
use crate::documents::model::{Block, Page};

/// The format.
pub(super) const WRITER: Writer = Writer {
    name: "tsv",
    extension: "tsv",
    content_type: "text/tab-separated-values; charset=utf-8",
    archive_extension: None,
    about: "a table of words with positions and confidences, as Tesseract writes it",
    content: Content::Text(TextWriter {
        head: |_| HEAD.to_owned(),
        page: |_, page| self::page(page),
        between: "",
        tail: |_| String::new(),
    }),
};

const HEAD: &str =
    "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n";

fn page(page: &Page) -> String {
    let notes: Vec<String> =
        page_failure(page.index, &page.status).into_iter().chain(page_warnings(page)).collect();
    let area = Area::of_page(page);
    let mut text = row(page, [0, 0, 0, 0], area, "-1", &notes.join(" "));
    for (number, block) in (1..).zip(&page.blocks) {
        text += &self::block(page, number, block);
    }
    text
}

/// A block is one paragraph.
fn block(page: &Page, number: usize, block: &Block) -> String {
    let area = Area::of_block(block, page);
    let mut text = row(page, [number, 0, 0, 0], area, "-1", "");
    text += &row(page, [number, 1, 0, 0], area, "-1", "");
    for (line_number, line) in (1..).zip(&block.lines) {
        let within = Area::of_line(line, page, area);
        text += &row(page, [number, 1, line_number, 0], within, "-1", "");
        for (word_number, word) in (1..).zip(&line.words) {
            let confidence = page.confidence_of(word).map_or_else(|| "-1".to_owned(), percent);
            let area = Area::of_word(word, page, within);
            text += &row(page, [number, 1, line_number, word_number], area, &confidence, &word.text);
        }
    }
    text
}

/// A confidence is known to a thousandth.
fn percent(part: f32) -> String {
    ((part.clamp(0.0, 1.0) * 1e3).round() / 10.0).to_string()
}

/// `numbers`: of the block, the paragraph, the line and the word. Each that is not
/// 0 is a level below the page.
fn row(page: &Page, numbers: [usize; 4], area: Area, confidence: &str, text: &str) -> String {
    let level = 1 + numbers.iter().filter(|number| **number > 0).count();
    let [block, paragraph, line, word] = numbers;
    let (Area { left, top, .. }, width, height) = (area, area.width(), area.height());
    format!(
        "{level}\t{}\t{block}\t{paragraph}\t{line}\t{word}\t{left}\t{top}\t{width}\t{height}\t{confidence}\t{}\n",
        page.index + 1,
        escape::cell(text),
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Format, fixture};
    use crate::documents::model::ConfidenceKind;

    #[test]
    fn every_line_has_twelve_columns_whatever_the_text_is() {
        let mut document = fixture::document();
        document.pages[0].blocks[0].lines[0].words[0].text = "a\tb\nc\r\"d".to_owned();
        let tsv = fixture::render(Format::Tsv, &document, "x.pdf");
        assert!(tsv.lines().all(|line| line.split('\t').count() == 12), "{tsv}");
        assert!(tsv.contains("\t98.5\ta b c\"d\n"), "{tsv}");
    }

    #[test]
    fn numbers_count_within_what_holds_a_thing() {
        let tsv = fixture::render(Format::Tsv, &fixture::document(), "x.pdf");
        for line in [
            "2\t1\t2\t0\t0\t0\t100\t280\t600\t70\t-1\t\n",
            "3\t1\t2\t1\t0\t0\t100\t280\t600\t70\t-1\t\n",
            "4\t1\t2\t1\t2\t0\t100\t322\t600\t28\t-1\t\n",
            "5\t1\t2\t1\t2\t2\t200\t322\t60\t28\t98.5\tbell\n",
            "1\t2\t0\t0\t0\t0\t0\t0\t0\t0\t-1\tPage 2 could not be recognised: PAGE_TIMEOUT: late & <gone>\n",
        ] {
            assert!(tsv.contains(line), "{line} is not in\n{tsv}");
        }
    }

    #[test]
    fn a_figure_that_is_worth_nothing_is_none() {
        let mut document = fixture::document();
        document.pages[0].confidence_kind = ConfidenceKind::None;
        let tsv = fixture::render(Format::Tsv, &document, "x.pdf");
        assert!(tsv.contains("\t-1\tInvoice\n") && !tsv.contains("98.5"), "{tsv}");
    }
}
