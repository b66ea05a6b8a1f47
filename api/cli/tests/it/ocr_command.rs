//! `untxt ocr`: the main job, with nothing set up.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::home::{Ended, Home, names};
use crate::samples;

#[test]
fn results_lie_beside_their_files() {
    let home = Home::new();
    fs::create_dir(home.path("in")).unwrap();
    home.write("in/scan.png", &samples::picture(4));
    home.write("in/report.pdf", &samples::pdf(3));
    let ended = home.run(&["ocr", "in/scan.png", "in/report.pdf", "--format", "html,txt,json"]).exits(0);
    assert!(ended.stdout.contains("scan.png") && ended.stdout.contains("report.pdf"), "{}", ended.stdout);
    assert_eq!(
        names(&home.path("in")),
        [
            "report.html",
            "report.json",
            "report.pdf",
            "report.txt",
            "scan.html",
            "scan.json",
            "scan.png",
            "scan.txt"
        ]
    );
    let text = fs::read_to_string(home.path("in/report.txt")).unwrap();
    for number in 1..=3 {
        assert!(text.contains(&samples::first_line(number)), "{text}");
    }
    let html = fs::read_to_string(home.path("in/scan.html")).unwrap();
    assert!(html.contains("<h1>Extracted Text</h1>"), "{html}");
    let json: Value = serde_json::from_slice(&fs::read(home.path("in/report.json")).unwrap()).unwrap();
    assert_eq!(json["pages"].as_array().unwrap().len(), 3);
    assert_eq!(home.temporary_files(), [""; 0]);
}

#[test]
fn the_same_file_gives_the_same_bytes_in_another_place() {
    let results = [Home::new(), Home::new()].map(|home| {
        home.write("scan.png", &samples::picture(3));
        home.run(&["ocr", "scan.png", "--format", "html,md,hocr", "--out", "results/new"]).exits(0);
        assert_eq!(names(&home.path("results/new")), ["scan.hocr", "scan.html", "scan.md"]);
        assert!(!home.path("scan.html").exists());
        fs::read(home.path("results/new/scan.html")).unwrap()
    });
    assert_eq!(results[0], results[1]);
}

#[test]
fn a_format_of_one_page_a_file_becomes_an_archive_of_several() {
    let home = Home::new();
    home.write("scan.png", &samples::picture(1));
    home.write("report.pdf", &samples::pdf(3));
    let formats = ["ocr", "scan.png", "report.pdf", "--format", "page,alto,tsv", "--out", "out", "--keep"];
    home.run(&formats).exits(0);
    let written = names(&home.path("out"));
    let expected =
        ["report.alto.xml", "report.page.zip", "report.tsv", "scan.alto.xml", "scan.page.xml", "scan.tsv"];
    assert_eq!(written, expected);
    let archive = fs::read(home.path("out/report.page.zip")).unwrap();
    assert!(archive.starts_with(b"PK\x03\x04"), "an archive");
    for number in 1..=3 {
        let name = format!("page-000{number}.xml");
        let named = archive.windows(name.len()).filter(|bytes| *bytes == name.as_bytes()).count();
        assert_eq!(named, 2, "beside its bytes and in the list: {name}");
    }
    let page = fs::read_to_string(home.path("out/scan.page.xml")).unwrap();
    assert!(page.contains("<Comments>Page 1 of scan.png</Comments>"), "{page}");
    assert_eq!(home.objects(), 8, "two files and three results of each");
    let list = home.run(&["tasks", "list", "--json"]).exits(0).json();
    assert_eq!(list["total"], 2, "{list}");
}

#[test]
fn pages_are_as_fine_as_was_asked_for_and_what_cannot_be_is_refused() {
    let home = Home::new();
    home.write("report.pdf", &samples::pdf(1));
    let asked =
        ["ocr", "report.pdf", "--format", "json", "--dpi", "72", "--language", "de", "--language", "en"];
    home.run(&asked).exits(0);
    let json: Value = serde_json::from_slice(&fs::read(home.path("report.json")).unwrap()).unwrap();
    assert_eq!(json["pages"][0]["dpi"], 72);
    for (option, value, field) in
        [("--dpi", "9", "options.dpi"), ("--language", &"x".repeat(36), "options.languages")]
    {
        let refused = home.run(&["ocr", "report.pdf", option, value]).exits(1);
        assert!(refused.stderr.contains(field), "{}", refused.stderr);
    }
}

#[test]
fn each_line_for_machines_is_json_and_the_last_is_the_result() {
    let home = Home::new();
    home.write("report.pdf", &samples::pdf(3));
    let lines = home.run(&["ocr", "report.pdf", "--format", "txt,html", "--json"]).exits(0).json_lines();
    let (result, updates) = lines.split_last().unwrap();
    assert!(updates.iter().all(|line| line["type"] == "task_update" && line["file"] == "report.pdf"));
    assert_eq!(updates[0]["data"]["status"], "queued");
    assert_eq!(updates.last().unwrap()["data"]["progress"], json!({"pagesDone": 3, "pagesTotal": 3}));
    assert_eq!((&result["type"], &result["status"]), (&json!("result"), &json!("completed")));
    assert_eq!((&result["file"], &result["pages"]), (&json!("report.pdf"), &json!(3)));
    assert_eq!(result["outputs"], json!(["report.txt", "report.html"]));
    assert_eq!((&result["simulated"], &result["confidenceKind"]), (&json!(true), &json!("none")));
}

#[test]
fn only_what_is_to_be_kept_is_kept() {
    for (arguments, kept) in [(&["ocr", "scan.png"][..], 0), (&["ocr", "scan.png", "--keep"], 1)] {
        let home = Home::new();
        home.write("scan.png", &samples::picture(2));
        home.run(arguments).exits(0);
        let list = home.run(&["tasks", "list", "--json"]).exits(0).json();
        assert_eq!(list["total"], kept, "{arguments:?}: {list}");
        assert_eq!(home.objects(), 2 * kept, "the file and its result: {arguments:?}");
    }
}

#[test]
fn one_broken_file_does_not_keep_the_others() {
    let home = Home::new();
    home.write("good.pdf", &samples::pdf(1));
    home.write("broken.pdf", &samples::broken_pdf());
    home.write("fine.png", &samples::picture(1));
    let ended = home.run(&["ocr", "good.pdf", "broken.pdf", "fine.png"]).exits(1);
    let said = ended.stdout + &ended.stderr;
    assert!(said.contains("broken.pdf: DOCUMENT_"), "{said}");
    assert!(home.path("good.html").exists() && home.path("fine.html").exists());
    assert!(!home.path("broken.html").exists());
    assert_eq!(home.temporary_files(), [""; 0]);
}

#[test]
fn files_wait_for_room_that_others_of_the_same_call_make() {
    // Room for one and a half: of six at once most find none.
    let bytes = 3 << 20;
    let home = Home::new().with("UNTXT_SPOOL_BYTES_MAX", &bytes).with("UNTXT_MAX_UPLOAD_BYTES", &bytes);
    let files: Vec<String> = (0..8).map(|number| format!("{number}.pdf")).collect();
    for file in &files {
        home.write(file, &samples::padded_pdf(1, 1_500_000));
    }
    let asked: Vec<&str> = std::iter::once("ocr").chain(files.iter().map(String::as_str)).collect();
    let ended = home.run(&asked).exits(0);
    for number in 0..8 {
        assert!(home.path(&format!("{number}.html")).exists(), "{ended:?}");
    }
    // What nobody makes room for is refused.
    let full = home.with("UNTXT_DISK_RESERVE_BYTES", &(u64::MAX / 2).to_string());
    let refused = full.run(&["ocr", "0.pdf", "1.pdf"]).exits(1);
    for file in ["0.pdf: NO_ROOM", "1.pdf: NO_ROOM"] {
        assert!(refused.stderr.contains(file), "{}", refused.stderr);
    }
}

#[test]
fn files_of_one_name_give_a_result_each() {
    let home = Home::new();
    for (dir, pages) in [("a", 1), ("b", 2)] {
        fs::create_dir(home.path(dir)).unwrap();
        home.write(&format!("{dir}/report.pdf"), &samples::pdf(pages));
    }
    home.run(&["ocr", "--out", "O", "--format", "json", "a/report.pdf", "b/report.pdf"]).exits(0);
    assert_eq!(names(&home.path("O")), ["report.pdf-2.json", "report.pdf.json"]);
    for (name, pages) in [("report.pdf.json", 1), ("report.pdf-2.json", 2)] {
        let json: Value = serde_json::from_slice(&fs::read(home.path("O").join(name)).unwrap()).unwrap();
        assert_eq!(json["pages"].as_array().unwrap().len(), pages, "{name}");
    }
}

#[test]
fn no_result_is_written_over_a_file_that_is_read() {
    let home = Home::new();
    let picture = samples::picture(2);
    home.write("b.html", &picture);
    home.write("c.png", &picture);
    home.run(&["ocr", "b.html"]).exits(0);
    assert_eq!(fs::read(home.path("b.html")).unwrap(), picture);
    assert!(home.path("b.html.html").exists());
    std::os::unix::fs::symlink(home.path("b.html"), home.path("c.html")).unwrap();
    home.run(&["ocr", "c.png", "b.html"]).exits(0);
    assert_eq!(fs::read(home.path("b.html")).unwrap(), picture, "c.html is a link to it");
    assert!(home.path("c.png.html").exists());
}

#[test]
fn two_commands_over_one_file_both_end_with_its_results() {
    let home = Home::new();
    home.install("slow", "slow");
    home.write("report.pdf", &samples::pdf(3));
    let arguments = |out| ["ocr", "--engine", "slow", "--format", "txt,html", "--out", out, "report.pdf"];
    let outs = ["A", "B", "C"];
    let ended: Vec<Ended> = std::thread::scope(|scope| {
        let started = outs.map(|out| scope.spawn(|| home.run(&arguments(out))));
        started.map(|command| command.join().unwrap()).into()
    });
    for (ended, out) in ended.into_iter().zip(outs) {
        let ended = ended.exits(0);
        assert!(ended.stdout.contains("3 page(s)"), "{out}: {ended:?}");
        assert_eq!(names(&home.path(out)), ["report.html", "report.txt"]);
    }
    assert_eq!(home.objects(), 0);
    assert_eq!(home.temporary_files(), [""; 0]);
}

#[test]
fn many_files_need_few_open_ones() {
    let home = Home::new();
    let pdf = samples::pdf(1);
    let files: Vec<String> = (0..150).map(|number| format!("{number}.pdf")).collect();
    files.iter().for_each(|name| drop(home.write(name, &pdf)));
    let mut arguments = vec!["ocr", "--format", "txt", "--out", "O"];
    arguments.extend(files.iter().map(String::as_str));
    home.run_under("-n 128", &arguments).exits(0);
    assert_eq!(names(&home.path("O")).len(), files.len());
    assert_eq!(home.temporary_files(), [""; 0]);
}

#[test]
fn bad_usage_is_told_before_any_work() {
    let home = Home::new();
    home.write("a.png", &samples::picture(1));
    for arguments in [
        &["ocr"][..],
        &["ocr", "a.png", "missing.png"],
        &["ocr", "a.png", "--format", "docx"],
        &["ocr", "a.png", "--settings", "{"],
        &["ocr", "a.png", "--no-such-option"],
        &["no-such-command"],
    ] {
        let ended = home.run(arguments).exits(2);
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
    let wrong = Home::new().with("UNTXT_MAX_UPLOAD_BYTES", "many");
    wrong.write("a.png", &samples::picture(1));
    let ended = wrong.run(&["ocr", "a.png"]).exits(2);
    assert!(ended.stderr.contains("UNTXT_MAX_UPLOAD_BYTES"), "{}", ended.stderr);
    assert!(!home.path("a.html").exists() && !wrong.path("a.html").exists());
}

#[test]
fn the_samples_of_the_repository_are_read_by_default() {
    // What README's first command does: no engine is named, and no mode.
    let home = Home::new().without("UNTXT_ENGINE").without("UNTXT_TEXT_LAYER");
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/documents");
    for name in ["letter-scan.png", "handbook.pdf"] {
        fs::copy(samples.join(name), home.path(name)).unwrap();
    }
    home.run(&["ocr", "letter-scan.png", "handbook.pdf", "--format", "html,txt,json"]).exits(0);
    let handbook: Value = serde_json::from_slice(&fs::read(home.path("handbook.json")).unwrap()).unwrap();
    let pages = handbook["pages"].as_array().unwrap();
    assert!(pages.len() > 100);
    let recognised = pages.iter().filter(|page| page["source"] != "text-layer").count();
    assert!(recognised < 5, "{recognised} pages were recognised, though all carry their text");
    let letter: Value = serde_json::from_slice(&fs::read(home.path("letter-scan.json")).unwrap()).unwrap();
    assert_eq!(
        (&letter["engine"]["name"], &letter["engine"]["simulated"]),
        (&"reader".into(), &false.into())
    );
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let read = words(&fs::read_to_string(home.path("letter-scan.txt")).unwrap());
    let truth = words(&fs::read_to_string(samples.join("letter-scan.txt")).unwrap());
    let wrong = truth.iter().filter(|word| !read.contains(word)).count();
    assert!(wrong * 100 <= truth.len(), "{wrong} of {} words are wrong: {read:?}", truth.len());
}
