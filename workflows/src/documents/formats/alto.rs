//! ALTO 4.4 (<https://www.loc.gov/standards/alto/>): pages, blocks, lines and
//! words with boxes in pixels of the page image. Only what 4.2 knows is used, so
//! that readers of 4.2 and 4.3 take it as well.
//!
//! A table is a `ComposedBlock` of a `TextBlock` for each cell that the engine found,
//! or else of one; what a block is stands in the
//! tag that its `TAGREFS` name. ALTO has no place for what could not be read of a
//! page: it is said in comments.

use super::notes::comments;
use super::outline::Outline;
use super::places::{Area, pixels_of, points};
use super::writer::{Content, TextWriter, Writer};
use super::{escape, language};
use crate::documents::model::{Block, Corners, Line, Page, Word};

/// The format.
pub(super) const WRITER: Writer = Writer {
    name: "alto",
    extension: "alto.xml",
    content_type: "application/xml",
    archive_extension: None,
    about: "ALTO 4: text with positions for libraries and archives",
    content: Content::Text(TextWriter {
        head,
        page: |_, page| self::page(page),
        between: "",
        tail: |_| TAIL.to_owned(),
    }),
};

/// What the block may be; each has a tag.
const ROLES: [&str; 7] = ["paragraph", "heading", "table", "figure", "list", "caption", "other"];

const TAIL: &str = "</Layout>\n</alto>\n";

fn head(outline: &Outline<'_>) -> String {
    let tags: String =
        ROLES.iter().map(|role| format!("<StructureTag ID=\"role_{role}\" LABEL=\"{role}\"/>\n")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <alto xmlns=\"http://www.loc.gov/standards/alto/ns-v4#\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"http://www.loc.gov/standards/alto/ns-v4# \
         http://www.loc.gov/standards/alto/v4/alto-4-4.xsd\" SCHEMAVERSION=\"4.4\">\n\
         <Description>\n<MeasurementUnit>pixel</MeasurementUnit>\n\
         <sourceImageInformation><fileName>{}</fileName></sourceImageInformation>\n\
         {}</Description>\n<Tags>\n{tags}</Tags>\n<Layout>\n",
        escape::html(outline.filename),
        processing(outline),
    )
}

/// What a page refers to by the word for its source.
fn processing(outline: &Outline<'_>) -> String {
    let engine = outline.engine;
    let simulated = if engine.simulated { " (simulated: the text was made up)" } else { "" };
    let (name, digest) = (escape::html(&engine.name), escape::html(&engine.digest));
    let kind = outline.figures.confidence_kind().as_str();
    format!(
        "<Processing ID=\"engine\">\n<processingCategory>contentGeneration</processingCategory>\n\
         <processingStepDescription>text recognition{simulated}</processingStepDescription>\n\
         <processingStepSettings>engine: {name}; engine digest: {digest}; confidence kind: {kind}\
         </processingStepSettings>\n<processingSoftware><softwareName>untxt</softwareName>\
         <softwareVersion>{}</softwareVersion></processingSoftware>\n</Processing>\n\
         <Processing ID=\"text-layer\">\n<processingCategory>contentGeneration</processingCategory>\n\
         <processingStepDescription>text layer of the document</processingStepDescription>\n</Processing>\n",
        super::VERSION,
    )
}

fn page(page: &Page) -> String {
    let number = page.index + 1;
    let confidence = page.mean_confidence().map(|part| format!(" PC=\"{}\"", escape::part(part)));
    let blocks: String =
        (1..).zip(&page.blocks).map(|(number, block)| self::block(page, number, block)).collect();
    let space = match page.blocks.is_empty() {
        true => String::new(),
        false => format!("<PrintSpace{}>\n{blocks}</PrintSpace>\n", place(Area::of_page(page))),
    };
    format!(
        "<Page ID=\"page_{number}\" PHYSICAL_IMG_NR=\"{number}\" WIDTH=\"{}\" HEIGHT=\"{}\" \
         PROCESSINGREFS=\"{}\"{}>\n{}{space}</Page>\n",
        page.width,
        page.height,
        page.source.as_str(),
        confidence.unwrap_or_default(),
        comments(page),
    )
}

/// Of a figure without text there is but the place.
fn block(page: &Page, number: usize, block: &Block) -> String {
    let area = Area::of_block(block, page);
    let (at, path) = (place(area), format!("{}_{number}", page.index + 1));
    let role = ROLES.iter().find(|role| **role == block.role).unwrap_or(&"other");
    let language = page.language.as_deref().filter(|tag| language::is_tag(tag));
    let language = language.map(|tag| format!(" LANG=\"{tag}\"")).unwrap_or_default();
    let tag = format!(" TAGREFS=\"role_{role}\"");
    let shape = shape(block.corners, page);
    let texts: Vec<String> = (0..)
        .zip(block.parts())
        .map(|(number, part)| {
            let (id, area) = match part.cell {
                Some(cell) => (format!("cell_{path}_{number}"), Area::of_cell(cell, block, page, area)),
                None => (format!("block_{path}"), area),
            };
            let (tag, shape) = if is_group(role) { ("", "") } else { (tag.as_str(), shape.as_str()) };
            let line =
                |(at, line): &(usize, &Line)| self::line(page, &format!("{path}_{}", at + 1), line, area);
            let lines: String = part.lines.iter().map(line).collect();
            format!("<TextBlock ID=\"{id}\"{tag}{}{language}>\n{shape}{lines}</TextBlock>\n", place(area))
        })
        .collect();
    match *role {
        "figure" if block.lines.is_empty() => match shape.is_empty() {
            true => format!("<Illustration ID=\"block_{path}\"{tag}{at}/>\n"),
            false => format!("<Illustration ID=\"block_{path}\"{tag}{at}>\n{shape}</Illustration>\n"),
        },
        role if is_group(role) => format!(
            "<ComposedBlock ID=\"group_{path}\"{tag}{at} TYPE=\"{role}\">\n{shape}{}</ComposedBlock>\n",
            texts.concat()
        ),
        _ => texts.concat(),
    }
}

/// Whether blocks of text stand in one of this role.
fn is_group(role: &str) -> bool {
    matches!(role, "figure" | "table")
}

fn shape(corners: Option<Corners>, page: &Page) -> String {
    let Some(corners) = corners else { return String::new() };
    format!("<Shape><Polygon POINTS=\"{}\"/></Shape>\n", points(&pixels_of(corners, page)))
}

/// The schema has no line without a word.
fn line(page: &Page, path: &str, line: &Line, within: Area) -> String {
    if line.words.is_empty() {
        return String::new();
    }
    let area = Area::of_line(line, page, within);
    let mut words = String::new();
    let mut before: Option<Area> = None;
    for (number, word) in (1..).zip(&line.words) {
        let at = Area::of_word(word, page, area);
        words += &before.map(|before| space(before, at)).unwrap_or_default();
        words += &string(page, &format!("{path}_{number}"), word, at);
        before = Some(at);
    }
    let shape = shape(line.corners, page);
    format!("<TextLine ID=\"line_{path}\"{}>\n{shape}{words}</TextLine>\n", place(area))
}

fn string(page: &Page, path: &str, word: &Word, area: Area) -> String {
    let confidence = page.confidence_of(word).map(|part| format!(" WC=\"{}\"", escape::part(part)));
    let content = |text: &str| escape::html(&escape::cell(text));
    let alternatives: String = word
        .alternatives
        .iter()
        .map(|other| format!("<ALTERNATIVE>{}</ALTERNATIVE>\n", content(&other.text)))
        .collect();
    let inside = shape(word.corners, page) + &alternatives;
    let end = if inside.is_empty() { "/>".to_owned() } else { format!(">\n{inside}</String>") };
    format!(
        "<String ID=\"word_{path}\"{}{} CONTENT=\"{}\"{end}\n",
        place(area),
        confidence.unwrap_or_default(),
        content(&word.text),
    )
}

/// Between words that do not stand side by side from left to right it is nowhere.
fn space(left: Area, right: Area) -> String {
    match right.left.checked_sub(left.right) {
        Some(width) => format!("<SP HPOS=\"{}\" VPOS=\"{}\" WIDTH=\"{width}\"/>\n", left.right, left.top),
        None => "<SP/>\n".to_owned(),
    }
}

fn place(area: Area) -> String {
    let Area { left, top, .. } = area;
    format!(" HPOS=\"{left}\" VPOS=\"{top}\" WIDTH=\"{}\" HEIGHT=\"{}\"", area.width(), area.height())
}

#[cfg(test)]
mod tests {
    use super::super::{Format, fixture};

    #[test]
    fn words_have_places_confidences_and_spaces_between_them() {
        let alto = fixture::render(Format::Alto, &fixture::document(), "a&b.pdf");
        for part in [
            "<fileName>a&amp;b.pdf</fileName>",
            "<String ID=\"word_1_1_1_1\" HPOS=\"100\" VPOS=\"140\" WIDTH=\"60\" HEIGHT=\"28\" WC=\"0.985\" CONTENT=\"Invoice\"/>\n\
             <SP HPOS=\"160\" VPOS=\"140\" WIDTH=\"140\"/>\n",
            "<TextBlock ID=\"block_1_1\" TAGREFS=\"role_heading\" HPOS=\"100\"",
            "CONTENT=\"&lt;b&gt;&amp;\"",
            "<Page ID=\"page_2\" PHYSICAL_IMG_NR=\"2\" WIDTH=\"0\" HEIGHT=\"0\" PROCESSINGREFS=\"engine\">\n<!-- Page 2 could",
        ] {
            assert!(alto.contains(part), "{part} is not in\n{alto}");
        }
    }

    #[test]
    fn what_the_schema_has_no_form_for_is_left_out() {
        let mut document = fixture::document();
        let page = &mut document.pages[0];
        page.language = Some("de_AT\"".to_owned());
        page.blocks[0].lines[0].words.clear();
        page.blocks[0].role = "headline".to_owned();
        page.blocks[2].role = "figure".to_owned();
        page.blocks[2].lines.clear();
        page.blocks[1].lines[0].words.reverse();
        let alto = fixture::render(Format::Alto, &document, "x.pdf");
        assert!(!alto.contains("LANG=") && !alto.contains("line_1_1_1"), "{alto}");
        assert!(alto.contains("<TextBlock ID=\"block_1_1\" TAGREFS=\"role_other\""), "{alto}");
        assert!(alto.contains("<Illustration ID=\"block_1_3\" TAGREFS=\"role_figure\""), "{alto}");
        assert!(alto.contains("<SP/>\n"), "{alto}");
    }
}
