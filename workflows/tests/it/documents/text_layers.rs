//! Text that PDFs carry, in the order in which people read it.

use untxt_workflows::documents::renderer::TextLine;

use super::bench::Bench;
use super::pdf_file::{pages, pdf, stream};

fn texts(lines: &[TextLine]) -> Vec<String> {
    let words =
        |line: &TextLine| line.words.iter().map(|word| word.text.clone()).collect::<Vec<_>>().join(" ");
    lines.iter().map(words).collect()
}

/// What is read of a page of A4 with `content`, where `/F` is Helvetica.
async fn read(content: &str) -> Vec<String> {
    let file = pages((595, 842), "", &[content]);
    texts(&Bench::new().gray(&file, 0).await.0.text_layer)
}

/// The same where `/F` says each two bytes of a string as the UTF-16 they are;
/// its letters are half an em wide.
async fn read_unicode(encoding: &str, content: &str) -> Vec<TextLine> {
    let to_unicode = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def \
        /CMapType 2 def 1 begincodespacerange <0000> <ffff> endcodespacerange \
        1 beginbfrange <0000> <ffff> <0000> endbfrange endcmap end end";
    let file = pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 595 842]>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>".to_vec(),
        stream("", content.as_bytes()),
        format!(
            "<</Type/Font/Subtype/Type0/BaseFont/Any/Encoding/{encoding}/DescendantFonts[6 0 R]/ToUnicode 7 0 R>>"
        )
        .into_bytes(),
        b"<</Type/Font/Subtype/CIDFontType2/BaseFont/Any/DW 500/CIDSystemInfo\
            <</Registry(Adobe)/Ordering(Identity)/Supplement 0>>>>"
            .to_vec(),
        stream("", to_unicode.as_bytes()),
    ]);
    Bench::new().gray(&file, 0).await.0.text_layer
}

/// `text` as a string for the font of [`read_unicode`].
fn hex(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("{unit:04x}")).collect();
    format!("<{units}>")
}

fn shown(text: &str, x: u32, y: u32) -> String {
    format!("BT /F 10 Tf {x} {y} Td ({text}) Tj ET\n")
}

#[tokio::test]
async fn columns_are_read_one_after_the_other() {
    let rows = (0..12).map(|row| {
        let y = 700 - 15 * row;
        shown(&format!("Left column sentence number {row} goes"), 60, y)
            + &shown(&format!("Right column sentence number {row} goes"), 330, y)
    });
    let side = |side| (0..12).map(move |row| format!("{side} column sentence number {row} goes"));
    let expected: Vec<String> = side("Left").chain(side("Right")).collect();
    assert_eq!(read(&rows.collect::<String>()).await, expected);
}

#[tokio::test]
async fn a_newspaper_has_its_heading_first_and_then_its_columns() {
    let column = |column: u32| {
        let line = move |row: u32| format!("column {column} line {row} with words in it");
        (0..20).map(move |row| (line(row), 40 + 180 * column, 740 - 12 * row))
    };
    // Across the page, line by line, as text recognition may write it.
    let rows = (0..20).flat_map(|row| (0..3).filter_map(move |at| column(at).nth(row)));
    let mut content: String = rows.map(|(text, x, y)| shown(&text, x, y)).collect();
    content += "BT /F 30 Tf 40 780 Td (A heading over all of the columns) Tj ET\n";
    let read = read(&content).await;
    let columns = (0..3).flat_map(column).map(|(text, _, _)| text);
    let expected: Vec<String> =
        ["A heading over all of the columns".to_owned()].into_iter().chain(columns).collect();
    assert_eq!(read, expected);
}

#[tokio::test]
async fn rows_of_a_table_are_lines() {
    let cells = [("Bolts", "12", "4.50"), ("Washers, large", "100", "9.99"), ("Nuts", "7", "0.30")];
    let rows = cells
        .iter()
        .zip([700, 685, 670])
        .map(|((name, count, price), y)| shown(name, 60, y) + &shown(count, 250, y) + &shown(price, 400, y));
    let expected = ["Bolts 12 4.50", "Washers, large 100 9.99", "Nuts 7 0.30"];
    assert_eq!(read(&rows.collect::<String>()).await, expected);
}

#[tokio::test]
async fn words_drawn_twice_are_read_once() {
    let twice = "BT /F 20 Tf 72 300 Td (Double struck) Tj ET BT /F 20 Tf 72.4 300 Td (Double struck) Tj ET\n\
        BT 2 Tr 1 w /F 20 Tf 72 200 Td (outlined ) Tj (and on) Tj ET";
    assert_eq!(read(twice).await, ["Double struck", "outlined and on"]);
}

#[tokio::test]
async fn hebrew_and_arabic_are_read_in_the_order_of_their_letters() {
    let hebrew = format!(
        "BT /F 20 Tf 72 700 Td {} Tj ET BT /F 20 Tf 72 660 Td {} Tj ET",
        hex("םלוע םולש"),
        hex("25 תועמ")
    );
    assert_eq!(texts(&read_unicode("Identity-H", &hebrew).await), ["שלום עולם", "מעות 25"]);
    // Shapes as they are joined, from left to right.
    let arabic = format!("BT /F 20 Tf 72 700 Td {} Tj ET", hex("\u{fe8e}\u{fe92}\u{fea3}\u{feae}\u{fee3}"));
    assert_eq!(texts(&read_unicode("Identity-H", &arabic).await), ["مرحبا"]);
    // Drawn from right to left: after each letter back over it and the next one.
    let backward = "BT /F 20 Tf 172 700 Td [<05e9> 1000 <05dc> 1000 <05d5> 1000 <05dd>] TJ ET";
    assert_eq!(texts(&read_unicode("Identity-H", backward).await), ["שלום"]);
}

#[tokio::test]
async fn ligatures_are_letters() {
    let content =
        format!("BT /F 20 Tf 72 700 Td {} Tj ET", hex("e\u{fb03}cient \u{fb01}\u{fb02}\u{fb00}\u{fb06}"));
    assert_eq!(texts(&read_unicode("Identity-H", &content).await), ["efficient fiflffst"]);
}

#[tokio::test]
async fn vertical_writing_is_read_down_and_from_the_right() {
    let content = format!(
        "BT /F 20 Tf 500 700 Td {} Tj ET BT /F 20 Tf 470 700 Td {} Tj ET",
        hex("縦書きの一行目"),
        hex("二行目")
    );
    let lines = read_unicode("Identity-V", &content).await;
    assert_eq!(texts(&lines), ["縦書きの一行目", "二行目"]);
    let first = &lines[0].words[0];
    // Seven letters of 20 pt at 150 dpi below each other.
    assert!((288..=296).contains(&first.height) && (40..=44).contains(&first.width), "{first:?}");
    assert!(lines[1].words[0].left < first.left, "{lines:?}");
}

#[tokio::test]
async fn text_that_is_turned_is_words() {
    for (matrix, degrees) in
        [("0 1 -1 0", 90), ("-1 0 0 -1", 180), ("0 -1 1 0", 270), ("0.866 0.5 -0.5 0.866", 30)]
    {
        let content = format!("BT /F 12 Tf {matrix} 300 400 Tm (Turned words) Tj 0 -20 Td (and more) Tj ET");
        assert_eq!(read(&content).await, ["Turned words", "and more"], "{degrees} degrees");
    }
}

#[tokio::test]
async fn stated_text_replaces_what_is_drawn() {
    let content = "BT /F 20 Tf 72 700 Td (so ) Tj /Span <</ActualText (office)>> BDC (o?ce) Tj EMC ( it is) Tj\n\
        0 -40 Td /Span <</ActualText <feff006f007500740065007200200074006500780074>>> BDC (xx)Tj \
        /Span <</ActualText (inner)>> BDC (xxxx) Tj EMC (xxxxx) Tj EMC ( after) Tj\n\
        0 -40 Td (no) Tj /Span <</ActualText ()>> BDC (---) Tj EMC (thing) Tj ET\n\
        /Figure <</ActualText (LOGO)>> BDC 72 500 100 20 re f EMC EMC";
    assert_eq!(read(content).await, ["so office it is", "outer text after", "no thing", "LOGO"]);
}

#[tokio::test]
async fn characters_beyond_the_bound_are_not_read() {
    let line = "x".repeat(1000);
    let lines = (0..202).map(|row| format!("1 0 0 1 10 {} Tm ({line}) Tj\n", 830 - 4 * row));
    let content = format!("BT 3 Tr /F 1 Tf {} ET", lines.collect::<String>());
    let read = read(&content).await;
    assert_eq!(read.len(), 200);
    assert_eq!(read.iter().map(String::len).sum::<usize>(), 200_000);
}
