//! Each module of a crate uses only those above it in the crate's root file.
//! The other crates of the workspace include this file, too.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The crate's root file.
fn root(src: &Path) -> PathBuf {
    let lib = src.join("lib.rs");
    if lib.exists() { lib } else { src.join("main.rs") }
}

/// The rank of each module, in the order in which the root file declares them,
/// and of each name that the root file exports from a module.
fn ranks(src: &Path) -> HashMap<String, usize> {
    let root = fs::read_to_string(root(src)).unwrap();
    let module = |line: &str| {
        let line = line.trim_start_matches("pub ").strip_prefix("mod ")?;
        Some(line.strip_suffix(';')?.to_owned())
    };
    let mut ranks: HashMap<String, usize> =
        root.lines().filter_map(module).enumerate().map(|(rank, name)| (name, rank)).collect();
    assert!(ranks.len() > 1, "the modules are read from {}: {ranks:?}", src.display());
    for export in root.split("pub use ").skip(1) {
        let (path, _) = export.split_once(';').unwrap();
        let Some((module, names)) = path.split_once("::") else { continue };
        let Some(rank) = ranks.get(module).copied() else { continue };
        ranks.extend(words(names).map(|name| (name, rank)).filter(|(name, _)| name != module));
    }
    ranks
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| !word.is_empty()).map(str::to_owned)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What `source` names directly under `crate::`, one at a time or in braces.
fn named(source: &str) -> impl Iterator<Item = String> {
    source.split("crate::").skip(1).flat_map(|rest| match rest.strip_prefix('{') {
        Some(group) => words(group.split_once('}').unwrap().0).collect(),
        None => words(rest.split("::").next().unwrap_or_default()).take(1).collect::<Vec<_>>(),
    })
}

#[test]
fn no_module_uses_one_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let ranks = ranks(&src);
    let mut upward = Vec::new();
    for file in files(&src) {
        let path = file.strip_prefix(&src).unwrap().with_extension("");
        let module = path.iter().next().unwrap().to_str().unwrap();
        // The root file itself.
        let Some(rank) = ranks.get(module) else { continue };
        let source = fs::read_to_string(&file).unwrap();
        let below = named(&source).filter(|name| ranks.get(name).is_some_and(|other| other > rank));
        upward.extend(below.map(|name| format!("{} uses {name}", path.display())));
    }
    upward.sort();
    assert_eq!(upward, [] as [String; 0]);
}
