//! A page for a browser. Its frame is what clients of the first version parse:
//! the title, the heading, paragraphs, and the metadata under them.

use super::cells::{self, Placed};
use super::escape;
use super::list::List;
use super::notes::{document_facts, page_failure, page_warnings};
use super::outline::Outline;
use super::writer::{Content, TextWriter, Writer};
use crate::documents::model::{Block, Page};

/// The format.
pub(super) const WRITER: Writer = Writer {
    name: "html",
    extension: "html",
    content_type: "text/html; charset=utf-8",
    archive_extension: None,
    about: "a page for a browser",
    content: Content::Text(TextWriter { head, page, between: "", tail }),
};

fn head(outline: &Outline<'_>) -> String {
    let language = outline.figures.language.as_deref().unwrap_or("und");
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n  <meta charset=\"utf-8\">\n  <title>OCR Result</title>\n</head>\n\
         <body>\n  <h1>Extracted Text</h1>\n",
        escape::html(language)
    )
}

fn page(outline: &Outline<'_>, page: &Page) -> String {
    if outline.figures.pages == 1 { contents(page) } else { section(page) }
}

fn tail(outline: &Outline<'_>) -> String {
    let facts: String = document_facts(outline)
        .into_iter()
        .map(|(name, value)| format!("    <p>{name}: {}</p>\n", escape::html(&value)))
        .collect();
    format!("  <div class=\"metadata\">\n{facts}  </div>\n</body>\n</html>\n")
}

fn section(page: &Page) -> String {
    let number = page.index + 1;
    format!("  <section id=\"page-{number}\">\n  <h2>Page {number}</h2>\n{}  </section>\n", contents(page))
}

/// The engine's own rendering, which was sanitised when it came, or the blocks.
fn contents(page: &Page) -> String {
    if let Some(apology) = page_failure(page.index, &page.status) {
        return format!("  <p class=\"failed\">{}</p>\n", escape::html(&apology));
    }
    let warnings: String = page_warnings(page)
        .map(|words| format!("  <p class=\"warning\">{}</p>\n", escape::html(&words)))
        .collect();
    let text = match page.html.as_deref().filter(|html| !html.trim().is_empty()) {
        Some(html) => format!("{html}\n"),
        None => page.blocks.iter().map(|block| self::block(block, page)).collect(),
    };
    warnings + &text
}

fn block(block: &Block, page: &Page) -> String {
    match block.role.as_str() {
        "heading" => format!("  <h3>{}</h3>\n", text(block, " ")),
        "list" => list(&List::of(block)),
        "table" => {
            format!(
                "  <table>\n{}  </table>\n",
                wrapped(&cells::placed_rows(block, page), |row| self::row(row))
            )
        }
        "figure" => format!("  <figure>{}</figure>\n", text(block, "\n")),
        "caption" => format!("  <p class=\"caption\">{}</p>\n", text(block, "\n")),
        _ => format!("  <p>{}</p>\n", text(block, "\n")),
    }
}

fn text(block: &Block, between: &str) -> String {
    let lines: Vec<String> = block.lines.iter().map(|line| escape::html(&line.text())).collect();
    lines.join(between)
}

fn list(list: &List) -> String {
    let items = wrapped(&list.items, |lines| format!("<li>{}</li>", escape::html(&lines.join("\n"))));
    match list.first {
        Some(1) => format!("  <ol>\n{items}  </ol>\n"),
        Some(first) => format!("  <ol start=\"{first}\">\n{items}  </ol>\n"),
        None => format!("  <ul>\n{items}  </ul>\n"),
    }
}

fn wrapped<T>(parts: &[T], wrap: impl Fn(&T) -> String) -> String {
    parts.iter().map(|part| format!("    {}\n", wrap(part))).collect()
}

fn row(cells: &[Placed]) -> String {
    let span = |name: &str, span: u32| if span > 1 { format!(" {name}=\"{span}\"") } else { String::new() };
    let cell = |cell: &Placed| {
        let tag = if cell.header { "th" } else { "td" };
        let spans = span("rowspan", cell.row_span) + &span("colspan", cell.column_span);
        format!("<{tag}{spans}>{}</{tag}>", escape::html(&cell.text))
    };
    let cells: String = cells.iter().map(cell).collect();
    format!("<tr>{cells}</tr>")
}

#[cfg(test)]
mod tests {
    use super::super::{Format, fixture};

    #[test]
    fn it_has_the_frame_that_clients_know() {
        let mut document = fixture::document();
        document.pages.truncate(1);
        document.language = Some("en".to_owned());
        let html = fixture::render(Format::Html, &document, "<x>.pdf");
        for part in [
            "<title>OCR Result</title>",
            "<h1>Extracted Text</h1>",
            "<div class=\"metadata\">\n    <p>Confidence: 98.5%</p>",
            "<p>Language: English</p>",
            "<p>Engine: reader</p>",
            "<p>File: &lt;x&gt;.pdf</p>",
            "<h3>Invoice 42</h3>",
            "<p>Ten &lt;b&gt;&amp;\n*stars* bell</p>",
            "<li>second</li>",
            "<tr><td>Item no</td><td>Price</td></tr>",
            "<p class=\"warning\">Not all of page 1 could be read: the picture in object 5 (&lt;F--x&gt;, 8 x 9) ends",
            "<p>Warnings: 1</p>",
        ] {
            assert!(html.contains(part), "{part} is not in\n{html}");
        }
        assert!(!html.contains("Simulated") && !html.contains("<section"));
    }

    #[test]
    fn many_pages_are_sections_and_what_is_made_up_says_so() {
        let mut document = fixture::document();
        document.engine.simulated = true;
        document.pages[0].html = Some("<p>own</p>".to_owned());
        document.pages[0].warnings.clear();
        let html = fixture::render(Format::Html, &document, "x.pdf");
        assert!(html.contains("<section id=\"page-1\">\n  <h2>Page 1</h2>\n<p>own</p>\n"), "{html}");
        assert!(html.contains(
            "<p class=\"failed\">Page 2 could not be recognised: PAGE_TIMEOUT: late &amp; &lt;gone&gt;</p>"
        ));
        assert!(html.contains("<p>Language: German</p>") && html.contains("<p>Simulated: yes"));
        assert!(html.contains("<p>Pages not recognised: 2</p>"));
    }

    #[test]
    fn a_list_that_counts_up_is_numbered() {
        let mut document = fixture::document();
        for (index, start) in [(1, ""), (4, " start=\"4\"")] {
            for (number, line) in (index..).zip(&mut document.pages[0].blocks[2].lines) {
                line.words[0].text = format!("{number}. item");
            }
            let html = fixture::render(Format::Html, &document, "x.pdf");
            assert!(
                html.contains(&format!("<ol{start}>\n    <li>item</li>\n    <li>item</li>\n  </ol>")),
                "{html}"
            );
        }
    }
}
