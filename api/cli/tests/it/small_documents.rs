//! Many small documents: what each costs beside its own page.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Stdio;

use crate::children::children;
use crate::home::Home;
use crate::samples;

/// Far more than there may be children.
const DOCUMENTS: usize = 40;

/// Four that look at documents, and one that renders for each of two steps at once.
const CHILDREN_MAX: usize = 6;

#[test]
fn small_documents_share_their_processes_and_are_not_copied_to_the_worker() {
    let home = Home::new().with("UNTXT_WORKER_CONCURRENCY", "2");
    let files: Vec<String> = (0..DOCUMENTS).map(|number| format!("{number}.pdf")).collect();
    for file in &files {
        home.write(file, &samples::pdf(1));
    }
    let arguments = ["ocr", "--keep", "--format", "txt", "--out", "out"];
    let mut command = home.command(&arguments);
    let mut program = command.args(&files).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (mut processes, mut copies) = (HashSet::new(), HashSet::new());
    // Looked for again and again, as there is nothing that tells.
    let status = loop {
        processes.extend(children(program.id()));
        for copy in local_copies(&home) {
            // It may be gone by now, with its task.
            let Ok(metadata) = copy.metadata() else { continue };
            assert_eq!(metadata.nlink(), 2, "{} is the store's own file", copy.display());
            copies.insert(metadata.ino());
        }
        if let Some(status) = program.try_wait().unwrap() {
            break status;
        }
    };
    assert_eq!(status.code(), Some(0));
    assert_eq!(fs::read_dir(home.path("out")).unwrap().count(), DOCUMENTS);
    assert!(processes.len() <= CHILDREN_MAX, "{} for {DOCUMENTS} documents", processes.len());
    assert!(!processes.is_empty() && !copies.is_empty(), "{processes:?}, {copies:?}");
    assert_eq!(home.objects(), 2 * DOCUMENTS, "a file and a result of each");
}

/// The local copies of tasks' files.
fn local_copies(home: &Home) -> Vec<PathBuf> {
    let inside = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    inside(home.path("data/tmp")).flat_map(inside).map(|task| task.join("document")).collect()
}
