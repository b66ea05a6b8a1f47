//! Each module uses only those above it in `lib.rs`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules in the order in which `lib.rs` lists them.
fn ranks(src: &Path) -> HashMap<String, usize> {
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let module = |line: &str| {
        let line = line.trim_start_matches("pub ").strip_prefix("mod ")?;
        Some(line.strip_suffix(';')?.to_owned())
    };
    lib.lines().filter_map(module).enumerate().map(|(rank, name)| (name, rank)).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The modules that `source` names by their `crate::` paths.
fn named(source: &str) -> impl Iterator<Item = String> {
    source.split("crate::").skip(1).map(|rest| {
        rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect()
    })
}

#[test]
fn no_module_uses_one_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let ranks = ranks(&src);
    assert!(ranks["id"] < ranks["engine"], "the list is read from lib.rs: {ranks:?}");
    let mut upward = Vec::new();
    for file in files(&src) {
        let path = file.strip_prefix(&src).unwrap().with_extension("");
        let module = path.iter().next().unwrap().to_str().unwrap();
        // The list itself.
        let Some(rank) = ranks.get(module) else { continue };
        let source = fs::read_to_string(&file).unwrap();
        let below = named(&source).filter(|name| ranks.get(name).is_some_and(|other| other > rank));
        upward.extend(below.map(|name| format!("{} uses {name}", path.display())));
    }
    assert_eq!(upward, [] as [String; 0]);
}
