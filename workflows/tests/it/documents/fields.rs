//! Fields and notes of PDF pages that no appearance stream shows.

use super::harness::RendererHarness;
use super::pdf_file::{pdf, stream};

/// A page of 288 x 144 points that says `content`, with these annotations;
/// objects 7 and 8 are appearance streams, of a tick and of nothing.
fn page(content: &str, annotations: &str) -> Vec<u8> {
    let form = "/Type/XObject/Subtype/Form/BBox[0 0 20 20]";
    pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 288 144]>>".to_vec(),
        format!(
            "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>/Annots[{annotations}]>>"
        )
        .into_bytes(),
        stream("", content.as_bytes()),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
        b"<</FT/Ch/T(city)/V(W)/Opt[[(B)(Bern)][(W)(Wien)]]/DA(/Helv 0 Tf 0 g)>>".to_vec(),
        stream(form, b"2 w 3 9 m 9 3 l 17 17 l S"),
        stream(form, b"/Tx BMC EMC"),
    ])
}

/// What the page says, line by line.
async fn said(harness: &RendererHarness, file: &[u8]) -> Vec<String> {
    let lines = harness.gray(file, 0).await.0.text_layer;
    let text = |line: &untxt_workflows::documents::renderer::TextLine| {
        line.words.iter().map(|word| word.text.clone()).collect::<Vec<_>>().join(" ")
    };
    lines.iter().map(text).collect()
}

const LABELS: &str = "BT /F 12 Tf 20 104 Td (Surname:) Tj 0 -40 Td (Paid:) Tj ET";

#[tokio::test]
async fn values_without_an_appearance_stand_beside_their_labels() {
    let harness = RendererHarness::new();
    let file = page(
        LABELS,
        "<</Subtype/Widget/FT/Tx/Rect[100 95 280 120]/V(Przybylski)/DA(/Helv 12 Tf .1 g)>>\
         <</Subtype/Widget/FT/Btn/Rect[100 58 120 78]/AS/Yes/AP<</N<</Yes 7 0 R/Off 8 0 R>>>>>>",
    );
    assert_eq!(said(&harness, &file).await, ["Surname: Przybylski", "Paid: \u{2714}"]);
    let sheet = harness.gray(&file, 0).await;
    let dark = |x: std::ops::Range<u32>, y: std::ops::Range<u32>| {
        x.clone().any(|x| y.clone().any(|y| sheet.luma(x, y) < 128))
    };
    // 150 dpi: the field is 208 pixels from the left and 50 from the top.
    assert!(dark(208..400, 50..102), "the value is in the picture");
    assert!(dark(208..250, 137..180), "the tick is in the picture");
    let empty = harness.gray(&page(LABELS, ""), 0).await;
    assert!((208..583).all(|x| (50..102).all(|y| empty.luma(x, y) > 128)), "it came from the field");
}

#[tokio::test]
async fn letters_of_other_alphabets_are_drawn_and_read() {
    let harness = RendererHarness::new();
    let field = |text: &str| {
        let hex: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
        page("", &format!("<</Subtype/Widget/FT/Tx/Rect[10 10 280 60]/V<FEFF{hex}>/DA(/Helv 20 Tf)>>"))
    };
    let ink = async |text: &str| {
        let sheet = harness.gray(&field(text), 0).await;
        assert_eq!(sheet.0.warnings, [""; 0], "{text}");
        let (width, height) = sheet.size();
        (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .filter(|(x, y)| sheet.luma(*x, *y) < 128)
            .collect::<Vec<_>>()
    };
    for text in ["Zażółć gęślą jaźń", "Příliš žluťoučký kůň", "Ξεσκεπάζω την", "Съешь же ещё", "őű Ťđħŋ"]
    {
        assert_eq!(said(&harness, &field(text)).await, [text]);
        assert!(!ink(text).await.is_empty(), "{text}");
    }
    // Letters, and not the box that stands for one that is missing.
    let letters = ["ą", "ě", "ω", "Ж", "Щ"];
    for (at, letter) in letters.iter().enumerate() {
        let drawn = ink(letter).await;
        assert!(drawn.len() > 20, "{letter} has {} dark pixels", drawn.len());
        for other in &letters[at + 1..] {
            assert_ne!(drawn, ink(other).await, "{letter} and {other}");
        }
    }
    assert_eq!(said(&harness, &field("e\u{301}\u{328}")).await, ["ę\u{301}"], "marks and letters are one");
    let unseen = harness.gray(&field("漢字 and 仮名"), 0).await;
    assert_eq!(
        unseen.0.warnings,
        ["its fields have letters that no font here has, so they are not drawn: 仮名字漢"]
    );
    assert_eq!(
        said(&harness, &field("漢字 and 仮名")).await,
        ["漢字 and 仮名"],
        "they are read all the same"
    );
}

#[tokio::test]
async fn a_form_of_more_fields_than_any_has_is_read_up_to_its_bound() {
    let field = |(x, text): (u32, &str)| {
        format!("<</Subtype/Widget/FT/Tx/Rect[{x} 10 {} 40]/V({text})/DA(/H 8 Tf)/Parent 6 0 R>>", x + 90)
    };
    let first = std::iter::repeat_n((10, "first"), 5_000).map(field);
    let fields: String = first.chain(std::iter::repeat_n((150, "beyond"), 5_000).map(field)).collect();
    let begun = std::time::Instant::now();
    let harness = RendererHarness::new();
    assert_eq!(said(&harness, &page("", &fields)).await, ["first"]);
    assert!(begun.elapsed() < std::time::Duration::from_secs(15), "{:?}", begun.elapsed());
    let long = "long ".repeat(2_000);
    let fields: String = (0..100)
        .map(|_| format!("<</Subtype/Widget/FT/Tx/Rect[10 10 280 40]/V({long})/DA(/H 8 Tf)>>"))
        .collect();
    let sheet = harness.gray(&page("", &fields), 0).await;
    let characters: usize =
        sheet.0.text_layer.iter().flat_map(|line| &line.words).map(|word| word.text.len()).sum();
    assert!(characters <= 200_000, "{characters}");
}

#[tokio::test]
async fn fields_of_all_kinds_say_their_values() {
    let harness = RendererHarness::new();
    let value = async |annotation: &str| said(&harness, &page("", annotation)).await;
    let text = |more: &str| format!("<</Subtype/Widget/FT/Tx/Rect[10 10 280 100]{more}>>");
    assert_eq!(value(&text("/V<FEFF0142 00F3 0064 017A>/DA(/H 20 Tf)")).await, ["łódź"]);
    assert_eq!(value(&text("/V(one\\rtwo)/Ff 4096")).await, ["one", "two"]);
    assert_eq!(value(&text("/V(stale)/AP<</N 8 0 R>>")).await, ["stale"], "an appearance of nothing");
    assert_eq!(value(&text("/V(secret)/Ff 8192")).await, [""; 0], "a password is not shown");
    assert_eq!(value(&text("/V(hidden)/F 2")).await, [""; 0]);
    assert_eq!(
        value("<</Subtype/Widget/Parent 6 0 R/Rect[10 10 280 40]>>").await,
        ["Wien"],
        "as the list says"
    );
    let ticked = |more: &str| format!("<</Subtype/Widget/FT/Btn/Rect[10 10 30 30]{more}>>");
    assert_eq!(value(&ticked("/AS/Yes")).await, ["\u{2714}"]);
    assert_eq!(value(&ticked("/AS/Off")).await, [""; 0]);
    assert_eq!(value(&ticked("/AS/One/Ff 32768")).await, ["\u{25cf}"]);
    let note = "<</Subtype/FreeText/Rect[10 10 280 100]/Contents(Without appearance)/DA(/Helv 16 Tf 0 g)>>";
    assert_eq!(value(note).await, ["Without appearance"]);
    let after = format!("99 0 R {}", text("/V(after one that is missing)"));
    assert_eq!(value(&after).await, ["after one that is missing"]);
    let parents = "<</Subtype/Widget/FT/Tx/Rect[10 10 90 40]/Parent 3 0 R>>";
    assert_eq!(value(parents).await, [""; 0], "whoever is the parent");
}
