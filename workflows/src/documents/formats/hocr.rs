//! hOCR 1.2 (<https://kba.github.io/hocr-spec/1.2/>): XHTML in which classes
//! say what is a page, an area, a paragraph, a line and a word, and titles say
//! where it stands, in pixels of the page image. It also keeps to what hocr-tools
//! need: everything has a box that is not empty, and no title a semicolon within
//! quotes.

use super::escape;
use super::notes::comments;
use super::outline::Outline;
use super::places::{Area, pixels_of};
use super::writer::{Content, TextWriter, Writer};
use crate::documents::model::{Block, Corners, Engine, Line, Page, Word};

/// The format.
pub(super) const WRITER: Writer = Writer {
    name: "hocr",
    extension: "hocr",
    content_type: "text/vnd.hocr+html; charset=utf-8",
    archive_extension: None,
    about: "hOCR 1.2: text with the positions of words",
    content: Content::Text(TextWriter {
        head,
        page: |outline, page| self::page(page, outline.filename),
        between: "",
        tail: |_| TAIL.to_owned(),
    }),
};

fn head(outline: &Outline<'_>) -> String {
    let language = escape::html(outline.figures.language.as_deref().unwrap_or("und"));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \
         \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"{language}\" lang=\"{language}\">\n<head>\n\
         <title>OCR Result</title>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=utf-8\" />\n\
         <meta name=\"ocr-system\" content=\"{}\" />\n\
         <meta name=\"ocr-capabilities\" content=\"ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_wconf ocrp_poly\" />\n\
         <meta name=\"ocr-number-of-pages\" content=\"{}\" />\n</head>\n<body>\n",
        escape::html(&system(outline.engine)),
        outline.figures.pages,
    )
}

const TAIL: &str = "</body>\n</html>\n";

fn system(engine: &Engine) -> String {
    let simulated = if engine.simulated { " (simulated: the text was made up)" } else { "" };
    format!("untxt, engine {}{simulated}", engine.name)
}

fn page(page: &Page, filename: &str) -> String {
    let number = page.index + 1;
    let mut title = format!(
        "image {}; bbox 0 0 {} {}; ppageno {}",
        quoted(filename),
        page.width,
        page.height,
        page.index
    );
    if page.dpi > 0 {
        title += &format!("; scan_res {0} {0}", page.dpi);
    }
    // hOCR has no place for what could not be read.
    let mut body = comments(page);
    for (index, block) in page.blocks.iter().enumerate() {
        body += &area(page, &format!("{number}_{}", index + 1), block);
    }
    format!(
        "<div class=\"ocr_page\" id=\"page_{number}\" title=\"{}\">\n{body}</div>\n",
        escape::html(&title)
    )
}

/// A string of the specification's grammar; what it, or who reads it, has no form
/// for is left out.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace(['"', '\\', ';'], "_"))
}

/// `path` is what the ids of an element are made of: the numbers of what holds it,
/// and its own.
fn area(page: &Page, path: &str, block: &Block) -> String {
    let area = Area::of_block(block, page);
    let lines: String = (1..)
        .zip(&block.lines)
        .map(|(number, line)| self::line(page, &format!("{path}_{number}"), line, area))
        .collect();
    let at = bbox(area) + &polygon(block.corners, page);
    format!(
        "<div class=\"ocr_carea\" id=\"block_{path}\" title=\"{at}\">\n\
         <p class=\"ocr_par\" id=\"par_{path}\" title=\"{at}\">\n{lines}</p>\n</div>\n"
    )
}

fn line(page: &Page, path: &str, line: &Line, within: Area) -> String {
    let area = Area::of_line(line, page, within);
    let words: Vec<String> = (1..)
        .zip(&line.words)
        .map(|(number, word)| self::word(page, &format!("{path}_{number}"), word, area))
        .collect();
    format!(
        "<span class=\"ocr_line\" id=\"line_{path}\" title=\"{}{}{}\">{}</span>\n",
        bbox(area),
        polygon(line.corners, page),
        angle(line.corners, page),
        words.join(" ")
    )
}

fn word(page: &Page, path: &str, word: &Word, within: Area) -> String {
    let at = bbox(Area::of_word(word, page, within)) + &polygon(word.corners, page);
    let confidence = page.confidence_of(word).map(|part| format!("; x_wconf {:.0}", part * 100.0));
    format!(
        "<span class=\"ocrx_word\" id=\"word_{path}\" title=\"{at}{}\">{}</span>",
        confidence.unwrap_or_default(),
        escape::html(&word.text)
    )
}

fn bbox(Area { left, top, right, bottom }: Area) -> String {
    format!("bbox {left} {top} {right} {bottom}")
}

fn polygon(corners: Option<Corners>, page: &Page) -> String {
    let Some(corners) = corners else { return String::new() };
    let numbers = pixels_of(corners, page).map(|(x, y)| format!("{x} {y}"));
    format!("; poly {}", numbers.join(" "))
}

/// Degrees against the clock by which the text is turned, if it is by a tenth at least.
#[expect(clippy::cast_precision_loss, reason = "sides are far below 2^24 pixels")]
fn angle(corners: Option<Corners>, page: &Page) -> String {
    let Some([[left, from], [right, to], ..]) = corners else { return String::new() };
    let (along, down) = ((right - left) * page.width as f32, (to - from) * page.height as f32);
    let degrees = ((-down).atan2(along).to_degrees() * 10.0).round() / 10.0;
    if degrees == 0.0 { String::new() } else { format!("; textangle {degrees}") }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, fixture};

    #[test]
    fn places_are_pixels_and_confidences_are_said_only_when_known() {
        let mut document = fixture::document();
        document.pages[0].blocks[0].lines[0].words[1].confidence = None;
        let hocr = fixture::render(Format::Hocr, &document, "a \"b\"; & c.pdf");
        for part in [
            "id=\"page_1\" title=\"image &quot;a _b__ &amp; c.pdf&quot;; bbox 0 0 1000 1400; ppageno 0; scan_res 150 150\"",
            "<div class=\"ocr_carea\" id=\"block_1_1\" title=\"bbox 100 140 700 168\">\n\
             <p class=\"ocr_par\" id=\"par_1_1\" title=\"bbox 100 140 700 168\">",
            "<span class=\"ocr_line\" id=\"line_1_1_1\" title=\"bbox 100 140 700 168\">",
            "<span class=\"ocrx_word\" id=\"word_1_1_1_1\" title=\"bbox 100 140 160 168; x_wconf 98\">Invoice</span>",
            "<span class=\"ocrx_word\" id=\"word_1_1_1_2\" title=\"bbox 300 140 360 168\">42</span>",
            "content=\"untxt, engine reader\"",
            "<!-- Not all of page 1 could be read: the picture in object 5 (&lt;F‐‐x&gt;, 8 x 9) ends in the middle -->",
            "<div class=\"ocr_page\" id=\"page_2\"",
        ] {
            assert!(hocr.contains(part), "{part} is not in\n{hocr}");
        }
    }

    #[test]
    fn it_is_well_formed() {
        let hocr = fixture::render(Format::Hocr, &fixture::document(), "x--y<.pdf");
        let mut open = Vec::new();
        for tag in hocr.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
            let name = tag.split([' ', '\n']).next().unwrap();
            match name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if name.starts_with(['?', '!']) || tag.ends_with('/') => {}
                None => open.push(name),
            }
        }
        assert_eq!(open, [""; 0]);
    }
}
