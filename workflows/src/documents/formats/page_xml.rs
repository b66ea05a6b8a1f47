//! PAGE XML 2019-07-15 (<https://github.com/PRImA-Research-Lab/PAGE-XML>): regions,
//! lines and words with polygons in pixels of the page image, and their order. A
//! file describes one page, so a document of several is an archive of files.
//!
//! What the region is stands in its `type`, or for a list, which PAGE has no type
//! for, in `custom`. Tables and figures are regions of their own with their text in
//! one of text within, or in one for each cell that the engine found. What could not be read of a page is a comment in the
//! metadata.

use chrono::SecondsFormat;

use super::notes::{page_failure, page_warnings};
use super::outline::Outline;
use super::places::{Area, pixels_of, points};
use super::writer::{Content, TextWriter, Writer};
use super::{escape, language};
use crate::documents::model::{Block, Cell, Corners, Line, Page, Part, Table, Word};

/// The format.
pub(super) const WRITER: Writer = Writer {
    name: "page",
    extension: "page.xml",
    content_type: "application/xml",
    archive_extension: Some("page.zip"),
    about: "PAGE XML 2019: regions, lines and words with their outlines, a file a page",
    content: Content::Text(TextWriter {
        head: |_| String::new(),
        page,
        between: "",
        tail: |_| String::new(),
    }),
};

const NAMESPACE: &str = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15";

fn page(outline: &Outline<'_>, page: &Page) -> String {
    let regions: String =
        (1..).zip(&page.blocks).map(|(number, block)| region(page, number, block)).collect();
    let language = page.language.as_deref().and_then(language::known);
    let language = language.map(|name| format!(" primaryLanguage=\"{name}\"")).unwrap_or_default();
    let confidence = page.mean_confidence().map(|part| format!(" conf=\"{}\"", escape::part(part)));
    let resolution = match page.dpi {
        0 => String::new(),
        dpi => format!(" imageXResolution=\"{dpi}\" imageYResolution=\"{dpi}\" imageResolutionUnit=\"PPI\""),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <PcGts xmlns=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"{NAMESPACE} {NAMESPACE}/pagecontent.xsd\" pcGtsId=\"page_{}\">\n\
         {}<Page imageFilename=\"{}\" imageWidth=\"{}\" imageHeight=\"{}\"{resolution}{language}{}>\n\
         {}{regions}</Page>\n</PcGts>\n",
        page.index + 1,
        metadata(outline, page),
        escape::html(outline.filename),
        page.width,
        page.height,
        confidence.unwrap_or_default(),
        reading_order(page),
    )
}

fn metadata(outline: &Outline<'_>, page: &Page) -> String {
    let Outline { engine, filename, .. } = outline;
    let at = outline.made_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let place = format!("Page {} of {filename}", page.index + 1);
    let notes = page_failure(page.index, &page.status).into_iter().chain(page_warnings(page));
    let comments: Vec<String> = [place].into_iter().chain(notes).collect();
    let simulated =
        if engine.simulated { "<Label type=\"simulated\" value=\"the text was made up\"/>" } else { "" };
    format!(
        "<Metadata>\n<Creator>untxt {}</Creator>\n<Created>{at}</Created>\n<LastChange>{at}</LastChange>\n\
         <Comments>{}</Comments>\n\
         <MetadataItem type=\"processingStep\" name=\"recognition/text-recognition\" value=\"{}\">\n\
         <Labels><Label type=\"engine-digest\" value=\"{}\"/><Label type=\"confidence-kind\" value=\"{}\"/>\
         <Label type=\"source\" value=\"{}\"/>{simulated}</Labels>\n</MetadataItem>\n</Metadata>\n",
        super::VERSION,
        escape::html(&comments.join("\n")),
        escape::html(&engine.name),
        escape::html(&engine.digest),
        page.confidence_kind.as_str(),
        page.source.as_str(),
    )
}

/// Blocks are in reading order. The schema has no empty one.
fn reading_order(page: &Page) -> String {
    if page.blocks.is_empty() {
        return String::new();
    }
    let number = page.index + 1;
    let references: String = (1..=page.blocks.len())
        .map(|block| {
            format!("<RegionRefIndexed index=\"{}\" regionRef=\"region_{number}_{block}\"/>\n", block - 1)
        })
        .collect();
    format!(
        "<ReadingOrder>\n<OrderedGroup id=\"order_{number}\">\n{references}</OrderedGroup>\n</ReadingOrder>\n"
    )
}

fn region(page: &Page, number: usize, block: &Block) -> String {
    let area = Area::of_block(block, page);
    let path = format!("{}_{number}", page.index + 1);
    let outline = coordinates(area, block.corners, page);
    let region = |id: &str, kind: &str, outline: &str, part: &Part<'_>, area: Area| {
        let line = |(at, line): &(usize, &Line)| self::line(page, &format!("{path}_{}", at + 1), line, area);
        let lines: String = part.lines.iter().map(line).collect();
        let text = equivalent(&part.text("\n"), None, None);
        format!("<TextRegion id=\"{id}\"{kind}>\n{outline}{lines}{text}</TextRegion>\n")
    };
    let (around, grid) = match (block.role.as_str(), &block.table) {
        ("table", Some(Table { rows, columns, .. })) => {
            ("TableRegion", format!(" rows=\"{rows}\" columns=\"{columns}\""))
        }
        ("table", None) => ("TableRegion", String::new()),
        ("figure", _) => ("ImageRegion", String::new()),
        (role, _) => {
            let (id, kind) = (format!("region_{path}"), text_type(role));
            let lines = (0..).zip(&block.lines).collect();
            return region(&id, kind, &outline, &Part { cell: None, lines }, area);
        }
    };
    let parts = (0..).zip(block.parts()).map(|(number, part)| match part.cell {
        None if part.lines.is_empty() => String::new(),
        None => region(&format!("text_{path}"), "", &coordinates(area, None, page), &part, area),
        Some(cell) => {
            let area = Area::of_cell(cell, block, page, area);
            let outline = coordinates(area, None, page) + &cell_role(cell);
            region(&format!("cell_{path}_{number}"), "", &outline, &part, area)
        }
    });
    let parts: String = parts.collect();
    format!("<{around} id=\"region_{path}\"{grid}>\n{outline}{parts}</{around}>\n")
}

fn cell_role(cell: &Cell) -> String {
    let Cell { row, column, row_span, column_span, header, .. } = cell;
    format!(
        "<Roles><TableCellRole rowIndex=\"{row}\" columnIndex=\"{column}\" rowSpan=\"{row_span}\" \
         colSpan=\"{column_span}\" header=\"{header}\"/></Roles>\n"
    )
}

fn text_type(role: &str) -> &'static str {
    match role {
        "paragraph" => " type=\"paragraph\"",
        "heading" => " type=\"heading\"",
        "caption" => " type=\"caption\"",
        "list" => " type=\"other\" custom=\"structure {type:list;}\"",
        _ => " type=\"other\"",
    }
}

fn line(page: &Page, path: &str, line: &Line, within: Area) -> String {
    let area = Area::of_line(line, page, within);
    let words: String = (1..)
        .zip(&line.words)
        .map(|(number, word)| self::word(page, &format!("{path}_{number}"), word, area))
        .collect();
    format!(
        "<TextLine id=\"line_{path}\">\n{}{words}{}</TextLine>\n",
        coordinates(area, line.corners, page),
        equivalent(&line.text(), None, None)
    )
}

fn word(page: &Page, path: &str, word: &Word, within: Area) -> String {
    let area = Area::of_word(word, page, within);
    let index = |index| (!word.alternatives.is_empty()).then_some(index);
    let others: String = (1..)
        .zip(&word.alternatives)
        .map(|(number, other)| equivalent(&other.text, index(number), page.rated(other.confidence)))
        .collect();
    format!(
        "<Word id=\"word_{path}\">{}{}</Word>\n",
        coordinates(area, word.corners, page).trim_end(),
        (equivalent(&word.text, index(0), page.confidence_of(word)) + &others).trim_end()
    )
}

/// A reading; of several, the one with the lowest index counts.
fn equivalent(text: &str, index: Option<usize>, confidence: Option<f32>) -> String {
    let index = index.map(|index| format!(" index=\"{index}\"")).unwrap_or_default();
    let confidence = confidence.map(|part| format!(" conf=\"{}\"", escape::part(part))).unwrap_or_default();
    format!("<TextEquiv{index}{confidence}><Unicode>{}</Unicode></TextEquiv>\n", escape::html(text))
}

/// The corners that the engine gave, or else those of the box, clockwise from the
/// upper left; they are pixels of the page.
fn coordinates(area: Area, corners: Option<Corners>, page: &Page) -> String {
    let Area { left, top, right, bottom } = area;
    let (right, bottom) = (right.saturating_sub(1).max(left), bottom.saturating_sub(1).max(top));
    let corners = match corners {
        Some(corners) => pixels_of(corners, page)
            .map(|(x, y)| (x.min(page.width.saturating_sub(1)), y.min(page.height.saturating_sub(1)))),
        None => [(left, top), (right, top), (right, bottom), (left, bottom)],
    };
    format!("<Coords points=\"{}\"/>\n", points(&corners))
}

#[cfg(test)]
mod tests {
    use super::super::{Format, fixture};

    #[test]
    fn regions_stand_in_order_and_words_have_outlines() {
        let page = fixture::render(Format::Page, &fixture::document(), "a&b.pdf");
        for part in [
            "<Page imageFilename=\"a&amp;b.pdf\" imageWidth=\"1000\" imageHeight=\"1400\" imageXResolution=\"150\"",
            "<RegionRefIndexed index=\"3\" regionRef=\"region_1_4\"/>",
            "<TextRegion id=\"region_1_1\" type=\"heading\">\n<Coords points=\"100,140 699,140 699,167 100,167\"/>",
            "<Word id=\"word_1_1_1_1\"><Coords points=\"100,140 159,140 159,167 100,167\"/>\
             <TextEquiv conf=\"0.985\"><Unicode>Invoice</Unicode></TextEquiv></Word>",
            "<TextRegion id=\"region_1_3\" type=\"other\" custom=\"structure {type:list;}\">",
            "<TableRegion id=\"region_1_4\">\n<Coords points=\"100,560 699,560 699,629 100,629\"/>\n<TextRegion id=\"text_1_4\">",
            "<Created>2026-11-23T12:34:56.000Z</Created>",
            "<Comments>Page 2 of a&amp;b.pdf\nPage 2 could not be recognised: PAGE_TIMEOUT: late &amp; &lt;gone&gt;</Comments>",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
    }

    #[test]
    fn a_language_is_named_if_the_schema_knows_it() {
        let mut document = fixture::document();
        document.pages[0].language = Some("de-AT".to_owned());
        let page = fixture::render(Format::Page, &document, "x.pdf");
        assert!(page.contains(" primaryLanguage=\"German\""), "{page}");
        document.pages[0].language = Some("tlh".to_owned());
        let page = fixture::render(Format::Page, &document, "x.pdf");
        assert!(!page.contains("primaryLanguage"), "{page}");
    }
}
