//! What is uploaded: small documents of a few small pages, each made from the
//! seed and its number alone, and unlike every other.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use uuid::Uuid;

/// Users that the documents belong to.
const USERS: u128 = 20;

/// Name under which the component that fails each page once is installed.
pub(crate) const FLAKY: &str = "flaky";

/// One upload.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) pages: u32,
    /// What the text of the result has to hold, in this order.
    pub(crate) marks: Vec<String>,
    /// Fields of the form besides the file.
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) idempotency_key: Option<String>,
}

/// What kinds there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mix {
    /// Of all kinds, 1 to 5 pages.
    All,
    /// One page of a PDF.
    OnePage,
}

/// Document `number` of the campaign with `seed`.
pub(crate) fn make(seed: u64, number: usize, mix: Mix) -> Document {
    let mut chance = StdRng::seed_from_u64(seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let user = Uuid::from_u128(u128::from(seed) << 64 | (number as u128 % USERS));
    let mut fields = vec![
        ("userId", user.to_string()),
        ("priority", chance.random_range(1..=10).to_string()),
        ("formats", if chance.random_bool(0.5) { "txt" } else { "txt,json" }.to_owned()),
    ];
    let pages = if mix == Mix::All { chance.random_range(1..=5) } else { 1 };
    let kind = if mix == Mix::All { chance.random_range(0..10) } else { 9 };
    let mark = |page| format!("Page{page} of document{number}");
    let (name, bytes, marks) = match kind {
        0 | 1 => (format!("scan-{number}.tiff"), tiff(number, pages), Vec::new()),
        2 => {
            fields.push(("engine", FLAKY.to_owned()));
            (format!("flaky-{number}.pdf"), pdf(number, pages, &mark), Vec::new())
        }
        _ => (format!("text-{number}.pdf"), pdf(number, pages, &mark), (1..=pages).map(mark).collect()),
    };
    let settings = if kind == 2 { json!({ "succeedsAt": 2 }) } else { json!({}) };
    fields.push(("options", json!({ "dpi": 36, "settings": settings }).to_string()));
    let idempotency_key = chance.random_bool(0.4).then(|| format!("campaign-{seed}-{number}"));
    Document { name, bytes, pages, marks, fields, idempotency_key }
}

/// A PDF whose pages each have a text layer of one line.
fn pdf(number: usize, pages: u32, mark: &dyn Fn(u32) -> String) -> Vec<u8> {
    let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", 4 + 2 * page)).collect();
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        format!("<</Type/Pages/Count {pages}/Kids[{}]/MediaBox[0 0 200 60]>>", kids.join(" ")),
        format!("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding/Name/N{number}>>"),
    ];
    for page in 0..pages {
        let text = format!("BT /F 12 Tf 20 30 Td ({}) Tj ET", mark(page + 1));
        let contents = 5 + 2 * page;
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/Contents {contents} 0 R/Resources<</Font<</F 3 0 R>>>>>>"
        ));
        objects.push(format!("<</Length {}>>\nstream\n{text}\nendstream", text.len()));
    }
    assemble(&objects)
}

fn assemble(objects: &[String]) -> Vec<u8> {
    let mut file = "%PDF-1.7\n".to_owned();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(file.len());
        file += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let (table, size) = (file.len(), objects.len() + 1);
    file += &format!("xref\n0 {size}\n0000000000 65535 f \n");
    for place in places {
        file += &format!("{place:010} 00000 n \n");
    }
    file += &format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n");
    file.into_bytes()
}

/// Sides of a scanned page.
const SCAN: (u32, u32) = (96, 48);

/// A TIFF of gray pages, uncompressed, each with bars as long as words are.
fn tiff(number: usize, pages: u32) -> Vec<u8> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    let mut link = 4;
    for page in 0..pages {
        let data = place(&file);
        file.extend(scan(number, page));
        let directory = place(&file);
        file[link..link + 4].copy_from_slice(&directory.to_le_bytes());
        let fields: [(u16, u16, u32); 9] = [
            (256, 4, SCAN.0),
            (257, 4, SCAN.1),
            (258, 3, 8),
            (259, 3, 1),
            (262, 3, 1),
            (273, 4, data),
            (277, 3, 1),
            (278, 4, SCAN.1),
            (279, 4, SCAN.0 * SCAN.1),
        ];
        file.extend(9_u16.to_le_bytes());
        for (tag, kind, value) in fields {
            file.extend(tag.to_le_bytes());
            file.extend(kind.to_le_bytes());
            file.extend(1_u32.to_le_bytes());
            file.extend(value.to_le_bytes());
        }
        link = file.len();
        file.extend([0; 4]);
    }
    file
}

fn place(file: &[u8]) -> u32 {
    u32::try_from(file.len()).unwrap_or(u32::MAX)
}

fn scan(number: usize, page: u32) -> Vec<u8> {
    let mut pixels = vec![255; (SCAN.0 * SCAN.1) as usize];
    // As many rows of ink as no other page of it has, as wide as no other file's.
    let wide = 20 + number % 60;
    for row in 10..14 + page as usize {
        let from = row * SCAN.0 as usize + 8;
        pixels[from..from + wide].fill(20);
    }
    pixels
}
