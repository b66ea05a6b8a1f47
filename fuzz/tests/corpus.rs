//! Every target reads its corpus, on the stable toolchain.
#![expect(clippy::print_stdout, reason = "names the input of a test that fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use untxt_fuzz::TARGETS;

/// Larger inputs are not cut in every place: that would take minutes.
const CUT_BYTES_MAX: usize = 2 << 10;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let targets = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names(&corpus()), targets);
    for target in TARGETS {
        assert!(!names(&corpus().join(target.name)).is_empty(), "{} has no inputs", target.name);
    }
}

#[test]
fn every_input_of_the_corpus_is_read_whole_and_cut_off() {
    for target in TARGETS {
        let folder = corpus().join(target.name);
        for name in names(&folder) {
            let bytes = fs::read(folder.join(&name)).unwrap();
            // Shown only if the test fails, to name the input.
            println!("{}/{name}", target.name);
            (target.read)(&bytes);
            let cuts = if bytes.len() > CUT_BYTES_MAX { 0 } else { bytes.len() };
            (0..cuts).for_each(|length| (target.read)(&bytes[..length]));
        }
    }
}
