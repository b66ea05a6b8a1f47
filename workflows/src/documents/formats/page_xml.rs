//! PAGE XML 2019-07-15 (<https://github.com/PRImA-Research-Lab/PAGE-XML>): regions,
//! lines and words with polygons in pixels of the page image, and their order. A
//! file describes one page, so a document of several is an archive of files.
//!
//! What the region is stands in its `type`, or for a list, which PAGE has no type
//! for, in `custom`. Tables and figures are regions of their own with their text in
//! one of text within. What could not be read of a page is a comment in the
//! metadata.

use chrono::SecondsFormat;

use super::notes::{page_failure, page_warnings};
use super::outline::Outline;
use super::places::Area;
use super::writer::{Content, TextWriter, Writer};
use super::{escape, language};
use crate::documents::model::{Block, Line, Page, Word};

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
    let around = match block.role.as_str() {
        "table" => "TableRegion",
        "figure" => "ImageRegion",
        role => return text(page, &format!("region_{path}"), text_type(role), block, area),
    };
    let within = match block.lines.is_empty() {
        true => String::new(),
        false => text(page, &format!("text_{path}"), "", block, area),
    };
    format!("<{around} id=\"region_{path}\">\n{}{within}</{around}>\n", coordinates(area))
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

fn text(page: &Page, id: &str, kind: &str, block: &Block, area: Area) -> String {
    let path = id.split_once('_').map_or(id, |(_, path)| path);
    let lines: String = (1..)
        .zip(&block.lines)
        .map(|(number, line)| self::line(page, &format!("{path}_{number}"), line, area))
        .collect();
    format!(
        "<TextRegion id=\"{id}\"{kind}>\n{}{lines}{}</TextRegion>\n",
        coordinates(area),
        equivalent(&block.text(), None)
    )
}

fn line(page: &Page, path: &str, line: &Line, within: Area) -> String {
    let area = Area::of_line(line, page, within);
    let words: String = (1..)
        .zip(&line.words)
        .map(|(number, word)| self::word(page, &format!("{path}_{number}"), word, area))
        .collect();
    format!(
        "<TextLine id=\"line_{path}\">\n{}{words}{}</TextLine>\n",
        coordinates(area),
        equivalent(&line.text(), None)
    )
}

fn word(page: &Page, path: &str, word: &Word, within: Area) -> String {
    let area = Area::of_word(word, page, within);
    format!(
        "<Word id=\"word_{path}\">{}{}</Word>\n",
        coordinates(area).trim_end(),
        equivalent(&word.text, page.confidence_of(word)).trim_end()
    )
}

fn equivalent(text: &str, confidence: Option<f32>) -> String {
    let confidence = confidence.map(|part| format!(" conf=\"{}\"", escape::part(part))).unwrap_or_default();
    format!("<TextEquiv{confidence}><Unicode>{}</Unicode></TextEquiv>\n", escape::html(text))
}

/// The corners, clockwise from the upper left; they are pixels of the box.
fn coordinates(area: Area) -> String {
    let Area { left, top, right, bottom } = area;
    let (right, bottom) = (right.saturating_sub(1).max(left), bottom.saturating_sub(1).max(top));
    format!("<Coords points=\"{left},{top} {right},{top} {right},{bottom} {left},{bottom}\"/>\n")
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
