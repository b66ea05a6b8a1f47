//! Markdown, as GitHub reads it.

use super::notes::{document_facts, page_failure, page_warnings};
use super::outline::Outline;
use super::writer::Writer;
use super::{cells, escape};
use crate::documents::model::{Block, Line, Page};

/// The format.
pub(super) const WRITER: Writer = Writer {
    name: "md",
    extension: "md",
    content_type: "text/markdown; charset=utf-8",
    archive_extension: None,
    about: "Markdown",
    head: |_| HEAD.to_owned(),
    page,
    between: "",
    tail,
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
        "list" => lines(block, |line| format!("- {}", escape::md_line(&line.text()))),
        "table" => table(block, page),
        _ => lines(block, |line| escape::md_line(&line.text())),
    }
}

fn lines(block: &Block, line: impl Fn(&Line) -> String) -> String {
    let lines: Vec<String> = block.lines.iter().map(line).collect();
    lines.join("\n") + "\n\n"
}

/// The first line is the head: Markdown knows no table without one.
fn table(block: &Block, page: &Page) -> String {
    let rows: Vec<Vec<String>> = block.lines.iter().map(|line| cells::cells(line, page)).collect();
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
}
