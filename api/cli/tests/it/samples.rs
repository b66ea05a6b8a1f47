//! Files to upload, made by the test.

use image::{GrayImage, ImageFormat, Luma};

/// Lines on each page of [`pdf`].
pub(crate) const LINES: usize = 3;

/// A picture of `lines` lines of bars as long as words are.
pub(crate) fn picture(lines: u32) -> Vec<u8> {
    let mut page = GrayImage::from_pixel(620, 60 + 40 * lines, Luma([255]));
    for line in 0..lines {
        for word in 0..5 {
            for (x, y) in (0..70 + 7 * word).flat_map(|x| (0..16).map(move |y| (x, y))) {
                page.put_pixel(30 + 115 * word + x, 30 + 40 * line + y, Luma([20]));
            }
        }
    }
    let mut file = std::io::Cursor::new(Vec::new());
    page.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

/// The first line of page `number` of [`pdf`].
pub(crate) fn first_line(number: usize) -> String {
    format!("Chapter{number} begins here")
}

/// A PDF of as many pages, each with a text layer of [`LINES`] lines.
pub(crate) fn pdf(pages: usize) -> Vec<u8> {
    pdf_of(pages, &[], "")
}

/// The same with `padding` bytes that no page shows.
pub(crate) fn padded_pdf(pages: usize, padding: usize) -> Vec<u8> {
    let padding = vec![b'.'; padding];
    pdf_of(pages, &[stream(&padding)], "")
}

/// One that can't be opened without a password.
pub(crate) fn encrypted_pdf() -> Vec<u8> {
    let secret = "5a".repeat(32);
    let lock = format!("<</Filter/Standard/V 1/R 2/Length 40/P -4/O<{secret}>/U<{secret}>>>");
    let id = "0123456789abcdef0123456789abcdef";
    let objects = page_objects(1);
    let number = objects.len() + 1;
    assemble(&[objects, vec![lock.into_bytes()]].concat(), &format!("/Encrypt {number} 0 R/ID[<{id}><{id}>]"))
}

/// A PDF of a page with a text layer over all of it, and a page that shows five lines
/// of six bars as long as words, with the text `Received` stamped over them.
pub(crate) fn pdf_with_a_stamped_scan() -> Vec<u8> {
    let mut objects = page_objects(2);
    let bars = (0..30).map(|bar| format!("{} {} 30 8 re f ", 20 + 45 * (bar % 6), 150 - 25 * (bar / 6)));
    let stamp = "BT /F 12 Tf 20 180 Td (Received) Tj ET";
    objects[6] = stream(format!("{}{stamp}", bars.collect::<String>()).as_bytes());
    assemble(&objects, "")
}

/// A PDF that is cut off in its middle.
pub(crate) fn broken_pdf() -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    file.extend(b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pa");
    file
}

/// An archive, whatever it is called.
pub(crate) fn zip() -> Vec<u8> {
    [b"PK\x03\x04\x14\0\0\0\0\0".as_slice(), &[0; 64]].concat()
}

fn pdf_of(pages: usize, more: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    assemble(&[page_objects(pages).as_slice(), more].concat(), trailer)
}

/// A PDF whose page `giant` is too large for any picture of it.
pub(crate) fn pdf_with_a_giant_page(pages: usize, giant: usize) -> Vec<u8> {
    let mut objects = page_objects(pages);
    let page = String::from_utf8(objects[1 + 2 * giant].clone()).unwrap();
    objects[1 + 2 * giant] =
        page.replace("/Type/Page/", "/Type/Page/MediaBox[0 0 57600 57600]/").into_bytes();
    assemble(&objects, "")
}

/// A PDF of as many pages with text, of which `damaged` draws a picture too that
/// can't be decoded.
pub(crate) fn pdf_with_a_damaged_picture(pages: usize, damaged: usize) -> Vec<u8> {
    let mut objects = page_objects(pages);
    let picture = objects.len() + 1;
    let page = String::from_utf8(objects[1 + 2 * damaged].clone()).unwrap();
    let page = page.replace("/Resources<<", &format!("/Resources<</XObject<</I {picture} 0 R>>"));
    objects[1 + 2 * damaged] = page.into_bytes();
    let content = String::from_utf8(objects[2 + 2 * damaged].clone()).unwrap();
    let content = content.split_once("stream\n").unwrap().1.strip_suffix("\nendstream").unwrap();
    objects[2 + 2 * damaged] = stream(format!("{content} q 50 0 0 50 9 9 cm /I Do Q").as_bytes());
    let dictionary =
        "/Type/XObject/Subtype/Image/Width 85/Height 110/BitsPerComponent 8/ColorSpace/DeviceRGB";
    let data = [0x5a; 600];
    objects.push(
        [
            format!("<<{dictionary}/Filter/FlateDecode/Length 600>>\nstream\n").as_bytes(),
            &data,
            b"\nendstream",
        ]
        .concat(),
    );
    assemble(&objects, "")
}

/// A small PDF of pages each of which draws thirty forms, each the next one twice.
pub(crate) fn pdf_that_never_ends(pages: usize) -> Vec<u8> {
    let kids: Vec<String> = (0..pages).map(|index| format!("{} 0 R", 3 + index)).collect();
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        format!("<</Type/Pages/Count {pages}/Kids[{}]/MediaBox[0 0 72 72]>>", kids.join(" ")).into_bytes(),
    ];
    let first = 4 + pages;
    let page = format!(
        "<</Type/Page/Parent 2 0 R/Contents {} 0 R/Resources<</XObject<</X {first} 0 R>>>>>>",
        first - 1
    );
    objects.extend((0..pages).map(|_| page.clone().into_bytes()));
    objects.push(stream(b"/X Do"));
    for next in first + 1..first + 31 {
        let form = format!(
            "<</Type/XObject/Subtype/Form/BBox[0 0 72 72]/Resources<</XObject<</X {next} 0 R>>>>/Length 11>>\n\
             stream\n/X Do /X Do\nendstream"
        );
        objects.push(form.into_bytes());
    }
    let last = "<</Type/XObject/Subtype/Form/BBox[0 0 72 72]/Length 14>>\nstream\n0 0 10 10 re f\nendstream";
    objects.push(last.into());
    assemble(&objects, "")
}

/// A PDF of as many pages as of a book: 36 lines of 11 words each.
pub(crate) fn book(pages: usize) -> Vec<u8> {
    const WORDS: [&str; 7] = ["of", "the", "people", "over", "house", "a", "general"];
    let mut objects = page_objects(pages);
    for page in 0..pages {
        let line = |number: usize| {
            let words: Vec<&str> = (0..11).map(|word| WORDS[(page + number * 3 + word) % 7]).collect();
            format!("(p{page} {}) Tj 0 -5 Td ", words[1..].join(" "))
        };
        let lines: String = (0..36).map(line).collect();
        objects[4 + 2 * page] = stream(format!("BT /F 4 Tf 10 190 Td {lines} ET").as_bytes());
    }
    assemble(&objects, "")
}

fn page_objects(pages: usize) -> Vec<Vec<u8>> {
    let kids: Vec<String> = (0..pages).map(|index| format!("{} 0 R", 4 + 2 * index)).collect();
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        format!("<</Type/Pages/Count {pages}/Kids[{}]/MediaBox[0 0 300 200]>>", kids.join(" ")).into_bytes(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
    ];
    for index in 0..pages {
        let text = format!(
            "BT /F 12 Tf 20 160 Td ({}) Tj 0 -40 Td (and tells of run {index}) Tj 0 -40 Td (until it ends.) Tj ET",
            first_line(index + 1)
        );
        let contents = 5 + 2 * index;
        objects.push(
            format!("<</Type/Page/Parent 2 0 R/Contents {contents} 0 R/Resources<</Font<</F 3 0 R>>>>>>")
                .into_bytes(),
        );
        objects.push(stream(text.as_bytes()));
    }
    objects
}

fn stream(data: &[u8]) -> Vec<u8> {
    let head = format!("<</Length {}>>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

fn assemble(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(file.len());
        file.extend(format!("{number} 0 obj\n").bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let table = file.len();
    let size = objects.len() + 1;
    file.extend(format!("xref\n0 {size}\n0000000000 65535 f \n").bytes());
    for place in places {
        file.extend(format!("{place:010} 00000 n \n").bytes());
    }
    file.extend(
        format!("trailer\n<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{table}\n%%EOF\n").bytes(),
    );
    file
}
