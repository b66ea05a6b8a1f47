//! Markdown, as GitHub reads it.

use super::list::List;
use super::notes::{document_facts, page_failure, page_warnings};
use super::outline::Outline;
use super::writer::{Content, TextWriter, Writer};
use super::{cells, escape};
use crate::documents::model::{Block, Page};

/// The format.
pub(super) const WRITER: Writer = Writer {
    name: "md",
    extension: "md",
    content_type: "text/markdown; charset=utf-8",
    archive_extension: None,
    about: "Markdown",
    content: Content::Text(TextWriter { head: |_| HEAD.to_owned(), page, between: "", tail }),
};

const HEAD: &str = "# Extracted Text\n\n";

fn tail(outline: &Outline<'_>) -> String {
    let facts: String = document_facts(outline)
        .into_iter()
        .map(|(name, value)| format!("- {name}: {}\n", escape::md(&value)))
        .collect();
    format!("---\n\n{facts}")
}

fn page(outline: &Outline<'_>, page: &Page) -> String {
    let has_heading = outline.figures.pages > 1;
    let heading = if has_heading { format!("## Page {}\n\n", page.index + 1) } else { String::new() };
    let text: String = match page_failure(page.index, &page.status) {
        Some(apology) => format!("_{}_\n\n", escape::md(&apology)),
        None => page.blocks.iter().map(|block| self::block(block, page)).collect(),
    };
    let warnings: String = page_warnings(page).map(|words| format!("_{}_\n\n", escape::md(&words))).collect();
    heading + &warnings + &text
}

fn block(block: &Block, page: &Page) -> String {
    match block.role.as_str() {
        "heading" => format!("### {}\n\n", escape::md(&block.text())),
        "caption" => format!("_{}_\n\n", escape::md(block.text().trim())),
        "list" => list(&List::of(block)),
        "table" => table(&cells::rows(block, page)),
        _ => joined(block.lines.iter().map(|line| escape::md_line(&line.text()))),
    }
}

fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n") + "\n\n"
}

/// Further lines of an item stand below its text.
fn list(list: &List) -> String {
    let item = |(index, lines): (u32, &Vec<String>)| {
        let sign = list.first.map_or_else(|| "- ".to_owned(), |first| format!("{}. ", first + index));
        let lines: Vec<String> = lines.iter().map(|line| escape::md_line(line)).collect();
        sign.clone() + &lines.join(&format!("\n{}", " ".repeat(sign.len())))
    };
    joined((0..).zip(&list.items).map(item))
}

/// The first line is the head: Markdown knows no table without one.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cell = |column: usize| row.get(column).map(|cell| escape::md(cell)).unwrap_or_default();
        let cells: Vec<String> = (0..columns).map(cell).collect();
        text += &format!("| {} |\n", cells.join(" | "));
        if index == 0 {
            text += &format!("|{}\n", " --- |".repeat(columns));
        }
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::{Format, fixture};

    #[test]
    fn roles_become_markup_and_text_does_not() {
        let md = fixture::render(Format::Md, &fixture::document(), "a_b.pdf");
        let text = "# Extracted Text\n\n## Page 1\n\n\
                    _Not all of page 1 could be read: the picture in object 5 (\\<F--x\\>, 8 x 9) ends in the middle_\n\n\
                    ### Invoice 42\n\nTen \\<b\\>\\&\n\\*stars\\* bell\n\n- first\n- second\n\n\
                    | Item no | Price |\n| --- | --- |\n| A\\|B | 7 |\n\n## Page 2\n\n\
                    _Page 2 could not be recognised: PAGE\\_TIMEOUT: late \\& \\<gone\\>_\n\n---\n\n- Confidence: 98.5%\n";
        assert!(md.starts_with(text), "{md}");
        assert!(md.contains("- File: a\\_b.pdf\n"));
    }

    #[test]
    fn items_keep_their_numbers_and_lose_their_signs() {
        let mut document = fixture::document();
        let [first, second] = document.pages[0].blocks[2].lines.as_mut_slice() else { panic!("two items") };
        first.words[0].text = "7. first *item*".to_owned();
        second.words[0].text = "- goes on".to_owned();
        let md = fixture::render(Format::Md, &document, "x.pdf");
        assert!(md.contains("\n- 7\\. first \\*item\\*\n- goes on\n"), "{md}");
        document.pages[0].blocks[2].lines[1].words[0].text = "8. second".to_owned();
        let md = fixture::render(Format::Md, &document, "x.pdf");
        assert!(md.contains("\n7. first \\*item\\*\n8. second\n"), "{md}");
        document.pages[0].blocks[2].lines[1].words[0].text = "+ second".to_owned();
        let md = fixture::render(Format::Md, &document, "x.pdf");
        assert!(md.contains("\n7. first \\*item\\*\n   \\+ second\n"), "{md}");
        document.pages[0].blocks[2].role = "caption".to_owned();
        let md = fixture::render(Format::Md, &document, "x.pdf");
        assert!(md.contains("\n_7. first \\*item\\* + second_\n"), "{md}");
    }
}
