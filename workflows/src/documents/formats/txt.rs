//! Plain text: a line each, an empty line between blocks, a form feed between
//! pages, as `pdftotext` has it. What could not be read is said in brackets.

use super::notes::{page_failure, page_warnings};
use super::writer::{Content, TextWriter, Writer};
use super::{cells, escape};
use crate::documents::model::{Block, Page};

/// The format.
pub(super) const WRITER: Writer = Writer {
    name: "txt",
    extension: "txt",
    content_type: "text/plain; charset=utf-8",
    archive_extension: None,
    about: "plain text",
    content: Content::Text(TextWriter {
        head: |_| String::new(),
        page: |_, page| self::page(page),
        between: "\u{c}",
        tail: |_| String::new(),
    }),
};

fn page(page: &Page) -> String {
    let warnings = page_warnings(page).map(|words| format!("[{words}]"));
    let blocks: Vec<String> =
        page.blocks.iter().map(|block| self::block(block, page)).chain(warnings).collect();
    let text = page_failure(page.index, &page.status)
        .map_or_else(|| blocks.join("\n\n"), |words| format!("[{words}]"));
    escape::plain(&text) + "\n"
}

fn block(block: &Block, page: &Page) -> String {
    match block.role.as_str() {
        "table" => {
            let rows: Vec<String> = cells::rows(block, page).iter().map(|row| row.join("\t")).collect();
            rows.join("\n")
        }
        _ => block.text(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, fixture};

    #[test]
    fn text_and_nothing_else() {
        assert_eq!(
            fixture::render(Format::Txt, &fixture::document(), "x.pdf"),
            "Invoice 42\n\nTen <b>&\n*stars* bell\n\nfirst\nsecond\n\nItem no\tPrice\nA|B\t7\n\n\
             [Not all of page 1 could be read: the picture in object 5 (<F--x>, 8 x 9) ends in the middle]\n\u{c}\
             [Page 2 could not be recognised: PAGE_TIMEOUT: late & <gone>]\n"
        );
    }
}
