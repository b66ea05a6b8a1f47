//! Searchable PDFs, as other programs read them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::home::{Home, names};
use crate::samples;

/// What `program` of the distribution prints; it must be content with its input.
fn printed(program: &str, arguments: &[&str], file: &Path) -> String {
    let output = Command::new(program)
        .args(arguments)
        .arg(file)
        .args(["-"].iter().take(usize::from(program == "pdftotext")))
        .output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; it is a package of Debian's"));
    assert!(output.status.success(), "{program} {}: {output:?}", file.display());
    String::from_utf8(output.stdout).unwrap()
}

/// The text of a sound PDF.
fn text(file: &Path) -> String {
    printed("qpdf", &["--check"], file);
    printed("pdftotext", &[], file)
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Everything in the file, unpacked.
fn unpacked(file: &Path) -> String {
    let output = Command::new("qpdf").args(["--qdf", "--object-streams=disable"]).arg(file).arg("-").output();
    String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
}

#[test]
fn a_picture_becomes_a_page_with_its_words_where_they_stand() {
    let home = Home::new();
    fs::create_dir(home.path("in")).unwrap();
    home.write("in/scan.png", &samples::picture(4));
    home.run(&["ocr", "in/scan.png", "--format", "pdf,pdfa,json"]).exits(0);
    assert_eq!(names(&home.path("in")), ["scan.json", "scan.ocr.pdf", "scan.pdfa.pdf", "scan.png"]);
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(home.path("in/scan.json")).unwrap()).unwrap();
    let lines =
        json["pages"][0]["blocks"].as_array().unwrap().iter().flat_map(|b| b["lines"].as_array().unwrap());
    let expected: Vec<&serde_json::Value> =
        lines.flat_map(|line| line["words"].as_array().unwrap()).collect();
    for name in ["scan.ocr.pdf", "scan.pdfa.pdf"] {
        let file = home.path("in").join(name);
        let found = text(&file);
        let said: Vec<&str> = expected.iter().map(|word| word["text"].as_str().unwrap()).collect();
        assert_eq!(words(&found), said, "{name}");
        let boxes = printed("pdftotext", &["-bbox"], &file);
        let (width, first) = (attribute(&boxes, "<page ", "width"), &expected[0]["bounds"]);
        let left = attribute(&boxes, "<word ", "xMin") / width;
        assert!((left - first["x"].as_f64().unwrap()).abs() < 0.002, "{left} and {first}");
        let fonts = printed("pdffonts", &[], &file);
        assert!(fonts.contains("UntxtInvisible") && fonts.contains("yes no  yes"), "{fonts}");
    }
    let original = fs::read(home.path("in/scan.png")).unwrap();
    let made = fs::read(home.path("in/scan.ocr.pdf")).unwrap();
    assert!(made.len() < original.len() + 8_000, "its pixels are not packed again");
    let archival = unpacked(&home.path("in/scan.pdfa.pdf"));
    for part in ["pdfaid:part>2<", "pdfaid:conformance>B<", "/GTS_PDFA1", "/DestOutputProfile"] {
        assert!(archival.contains(part), "{part}");
    }
    assert!(!unpacked(&home.path("in/scan.ocr.pdf")).contains("pdfaid"));
}

/// The number in an attribute of the first element that begins so.
fn attribute(xml: &str, element: &str, name: &str) -> f64 {
    let (_, element) = xml.split_once(element).unwrap();
    let (_, value) = element.split_once(&format!("{name}=\"")).unwrap();
    value.split_once('"').unwrap().0.parse().unwrap()
}

#[test]
fn a_pdf_keeps_its_pages_and_no_text_is_said_twice() {
    let home = Home::new();
    let (report, stamped) = (samples::pdf(2), samples::pdf_with_a_stamped_scan());
    fs::create_dir(home.path("in")).unwrap();
    home.write("in/report.pdf", &report);
    home.write("in/stamped.pdf", &stamped);
    home.run(&["ocr", "in/report.pdf", "--format", "pdf"]).exits(0);
    home.run(&["ocr", "in/stamped.pdf", "--format", "pdf", "--text-layer", "ignore"]).exits(0);
    assert_eq!(names(&home.path("in")), ["report.ocr.pdf", "report.pdf", "stamped.ocr.pdf", "stamped.pdf"]);
    assert_eq!(fs::read(home.path("in/report.pdf")).unwrap(), report, "what is read stays as it is");
    assert_eq!(text(&home.path("in/report.ocr.pdf")), printed("pdftotext", &[], &home.path("in/report.pdf")));

    let found = text(&home.path("in/stamped.ocr.pdf"));
    assert_eq!(found.matches("Received").count(), 1, "{found}");
    assert!(words(&found).len() > words(&printed("pdftotext", &[], &home.path("in/stamped.pdf"))).len() + 10);

    // Recognised again, though all of its text can be seen.
    home.run(&["ocr", "in/report.pdf", "--format", "pdf", "--text-layer", "engine", "--out", "again"])
        .exits(0);
    assert_eq!(
        text(&home.path("again/report.ocr.pdf")),
        printed("pdftotext", &[], &home.path("in/report.pdf"))
    );
    // And once more, over the result: what was not seen is replaced.
    fs::copy(home.path("in/stamped.ocr.pdf"), home.path("second.pdf")).unwrap();
    home.run(&["ocr", "second.pdf", "--format", "pdf", "--text-layer", "ignore"]).exits(0);
    assert_eq!(words(&text(&home.path("second.ocr.pdf"))).len(), words(&found).len());
}

#[test]
fn a_selection_of_pages_has_nothing_of_the_others() {
    let home = Home::new();
    home.write("report.pdf", &samples::pdf(4));
    home.run(&["ocr", "report.pdf", "--format", "pdf,pdfa", "--pages", "2-3"]).exits(0);
    for name in ["report.ocr.pdf", "report.pdfa.pdf"] {
        let found = text(&home.path(name));
        assert!(found.contains("Chapter2") && found.contains("Chapter3"), "{name}: {found}");
        assert_eq!(printed("qpdf", &["--show-npages"], &home.path(name)).trim(), "2");
        let all = unpacked(&home.path(name));
        assert!(!all.contains("Chapter1") && !all.contains("Chapter4"), "{name}");
    }
}

#[test]
fn files_that_are_damaged_or_encrypted_without_a_password_become_sound_ones() {
    let home = Home::new();
    let sound = samples::pdf(2);
    home.write("sound.pdf", &sound);
    let lost = String::from_utf8_lossy(&sound).replace("startxref", "startnone");
    home.write("lost.pdf", lost.as_bytes());
    let locked = Command::new("qpdf")
        .args(["--encrypt", "", "owner", "256", "--"])
        .args([home.path("sound.pdf"), home.path("locked.pdf")])
        .status();
    assert!(locked.unwrap().success());
    home.run(&["ocr", "lost.pdf", "locked.pdf", "--format", "pdf"]).exits(0);
    for name in ["lost.ocr.pdf", "locked.ocr.pdf"] {
        let found = text(&home.path(name));
        assert!(
            found.contains(&samples::first_line(1)) && found.contains(&samples::first_line(2)),
            "{name}: {found}"
        );
        assert!(!unpacked(&home.path(name)).contains("/Encrypt"), "{name}");
    }
}

#[test]
fn a_page_of_which_a_part_is_lost_stays_what_it_was() {
    let home = Home::new();
    home.write("scan.pdf", &samples::pdf_with_a_damaged_picture(3, 2));
    home.run(&["ocr", "scan.pdf", "--format", "pdf"]).exits(0);
    assert_eq!(printed("qpdf", &["--show-npages"], &home.path("scan.ocr.pdf")).trim(), "3");
    assert_eq!(
        printed("pdftotext", &[], &home.path("scan.ocr.pdf")),
        printed("pdftotext", &[], &home.path("scan.pdf"))
    );
}
