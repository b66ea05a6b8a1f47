//! Text that PDFs carry, in the order in which people read it.

use untxt_workflows::documents::renderer::TextLine;

use super::harness::RendererHarness;
use super::pdf_file::{pages, pdf, stream};

fn texts(lines: &[TextLine]) -> Vec<String> {
    let words =
        |line: &TextLine| line.words.iter().map(|word| word.text.clone()).collect::<Vec<_>>().join(" ");
    lines.iter().map(words).collect()
}

/// What is read of a page of A4 with `content`, where `/F` is Helvetica.
async fn read(content: &str) -> Vec<String> {
    let file = pages((595, 842), "", &[content]);
    texts(&RendererHarness::new().gray(&file, 0).await.0.text_layer)
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
    RendererHarness::new().gray(&file, 0).await.0.text_layer
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
async fn words_that_stand_below_each_other_are_no_columns() {
    // Each gap between words goes down the page, and each is as wide as a space.
    let sentence = "the quick brown fox jumps over it ".repeat(3);
    let rows: String = (0..30).map(|row| shown(&sentence, 40, 740 - 12 * row)).collect();
    assert_eq!(read(&rows).await, vec![sentence.trim_end(); 30]);
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
async fn ideographs_drawn_one_by_one_are_lines_without_spaces() {
    let letters = |text: &str, at: fn(usize) -> (usize, usize)| -> String {
        let shown = |(index, letter): (usize, char)| {
            let (x, y) = at(index);
            format!("BT /F 20 Tf {x} {y} Td {} Tj ET\n", hex(&letter.to_string()))
        };
        text.chars().enumerate().map(shown).collect()
    };
    let content = letters("春はあけぼの。", |index| (72 + 16 * index, 700))
        + &letters("「やうやう」、", |index| (72 + 12 * index, 660));
    assert_eq!(texts(&read_unicode("Identity-H", &content).await), ["春はあけぼの。", "「やうやう」、"]);
    // Below each other, in a font for lines, with the punctuation of columns.
    let columns = letters("春は﹁あけ﹂︒", |index| (500, 700 - 20 * index))
        + &letters("白くなり行く︑", |index| (460, 700 - 22 * index));
    let lines = read_unicode("Identity-H", &columns).await;
    assert_eq!(texts(&lines), ["春は「あけ」。", "白くなり行く、"]);
    assert!(lines[0].words[0].height > 5 * lines[0].words[0].width, "{lines:?}");
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

/// A document with a page for each of `contents`, whose marked content belongs to
/// `elements`: content 0 of every page to the first of them, which is object 20,
/// and so on.
fn tagged(contents: &[&str], elements: &[&str]) -> Vec<u8> {
    let (kids, count): (String, _) = (
        contents.iter().enumerate().map(|(at, _)| format!("{} 0 R ", 10 + 2 * at)).collect(),
        contents.len(),
    );
    let parents: String = (0..elements.len()).map(|element| format!("{} 0 R ", 20 + element)).collect();
    let numbers: String = (0..count).map(|page| format!("{page} 6 0 R ")).collect();
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R/StructTreeRoot 3 0 R>>".to_vec(),
        format!("<</Type/Pages/Count {count}/Kids[{kids}]/MediaBox[0 0 595 842]>>").into_bytes(),
        b"<</Type/StructTreeRoot/ParentTree 4 0 R>>".to_vec(),
        b"<</Kids[4 0 R 5 0 R]>>".to_vec(),
        format!("<</Limits[0 9]/Nums[{numbers}]>>").into_bytes(),
        format!("[{parents}]").into_bytes(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
        b"null".to_vec(),
        b"null".to_vec(),
    ];
    for (at, content) in contents.iter().enumerate() {
        let stream_number = 11 + 2 * at;
        objects.push(format!("<</Type/Page/Parent 2 0 R/StructParents {at}/Contents {stream_number} 0 R/Resources<</Font<</F 7 0 R>>>>>>").into_bytes());
        objects.push(stream("", content.as_bytes()));
    }
    objects.resize(19, b"null".to_vec());
    objects.extend(elements.iter().map(|element| element.as_bytes().to_vec()));
    pdf(&objects)
}

#[tokio::test]
async fn text_stated_in_the_structure_replaces_what_is_drawn() {
    let content = "BT /F 20 Tf 72 700 Td (so ) Tj /Span <</MCID 0>> BDC (o?ce) Tj EMC ( it is) Tj\n\
        0 -40 Td /Span <</MCID 1>> BDC (in) Tj EMC ( two ) Tj /Span <</MCID 1>> BDC (ner) Tj EMC\n\
        0 -40 Td /Span <</MCID 2>> BDC (Dr) Tj EMC /Figure <</MCID 3>> BDC ( logo) Tj EMC\n\
        0 -40 Td /Span <</MCID 4/ActualText (inside)>> BDC (xxxxxxx) Tj EMC\n\
        0 -40 Td /Span <</MCID 5>> BDC (in a circle) Tj EMC /Span <</MCID 99>> BDC ( of none) Tj EMC ET";
    let elements = [
        "<</S/Span/P 3 0 R/ActualText (office)/Pg 10 0 R/K 0>>",
        "<</S/Span/P 26 0 R/Pg 10 0 R/K 1>>",
        "<</S/Span/P 3 0 R/E (Doctor)/Pg 10 0 R/K 2>>",
        "<</S/Figure/P 3 0 R/Alt (A picture of a lion)/Pg 10 0 R/K 3>>",
        "<</S/Span/P 3 0 R/ActualText (outside)/Pg 10 0 R/K 4>>",
        "<</S/Span/P 25 0 R/Pg 10 0 R/K 5>>",
        "<</S/P/P 26 0 R/ActualText (above)/K[21 0 R]>>",
    ];
    let sheet = RendererHarness::new().gray(&tagged(&[content], &elements), 0).await;
    let expected = ["so office it is", "above two", "Dr logo", "outside", "in a circle of none"];
    assert_eq!(texts(&sheet.0.text_layer), expected);
}

#[tokio::test]
async fn an_element_of_two_pages_says_its_text_where_it_begins() {
    let content = "BT /F 20 Tf 72 700 Td /Span <</MCID 0>> BDC (here) Tj EMC ( and more) Tj ET";
    let element =
        "<</S/P/P 3 0 R/ActualText (Long)/K[<</Type/MCR/Pg 10 0 R/MCID 0>><</Type/MCR/Pg 12 0 R/MCID 0>>]>>";
    let (harness, file) = (RendererHarness::new(), tagged(&[content, content], &[element]));
    assert_eq!(texts(&harness.gray(&file, 0).await.0.text_layer), ["Long and more"]);
    assert_eq!(texts(&harness.gray(&file, 1).await.0.text_layer), ["and more"]);
}

#[tokio::test]
async fn a_structure_that_leads_in_circles_or_is_deep_does_not_hold_a_page_up() {
    // Each element is above the one before it, and the last above itself.
    let elements: Vec<String> = (0..20_000)
        .map(|at| format!("<</S/Span/P {} 0 R/Pg 10 0 R>>", 20 + (at + 1_u32).min(19_999)))
        .collect();
    let pieces: String = (0..20_000).map(|at| format!("/Span <</MCID {at}>> BDC (x) Tj EMC\n")).collect();
    let content = format!("BT /F 1 Tf 10 700 Td {pieces} ET");
    let elements: Vec<&str> = elements.iter().map(String::as_str).collect();
    let begun = std::time::Instant::now();
    let sheet = RendererHarness::new().gray(&tagged(&[&content], &elements), 0).await;
    assert_eq!(
        sheet.0.text_layer.iter().flat_map(|line| &line.words).map(|word| word.text.len()).sum::<usize>(),
        20_000
    );
    assert!(begun.elapsed() < std::time::Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn words_without_number_or_order_do_not_hold_a_page_up() {
    let place = |at: u32| at.wrapping_mul(2_654_435_761);
    let scattered = |at: u32| format!("1 0 0 1 {} {} Tm (ab) Tj\n", place(at) % 590, place(at + 7) / 7 % 840);
    // As many columns as there are words in a line.
    let in_columns = |at: u32| format!("1 0 0 1 {} {} Tm (ab) Tj\n", at % 196 * 3, 836 - at / 196 * 2);
    let content = |words: Vec<String>| format!("BT /F 1 Tf {} ET", words.concat());
    for content in
        [content((0..100_000).map(scattered).collect()), content((0..80_000).map(in_columns).collect())]
    {
        let begun = std::time::Instant::now();
        let lines = read(&content).await;
        assert!(lines.iter().map(String::len).sum::<usize>() > 50_000);
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }
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
