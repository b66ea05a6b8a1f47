//! The guests in the repository are made of the sources in the repository.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// They live in the repository.
const SIZE_BYTES_MAX: usize = 192 * 1024;

/// These live inside the program, too.
const SIMULATED_SIZE_BYTES_MAX: usize = 64 * 1024;
const READER_SIZE_BYTES_MAX: usize = 3 << 20;

const REBUILD: &str = "run plugins/guests/build.sh and commit what it makes";

fn plugins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the folder is there")
}

fn lock() -> Value {
    let text = fs::read(plugins().join("guests/built/guests.lock")).expect("the lock is there");
    serde_json::from_slice(&text).expect("the lock is JSON")
}

fn sha256(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}; {REBUILD}", path.display()));
    hex::encode(Sha256::digest(bytes))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).expect("the folder is there");
    listing.map(|entry| entry.expect("it can be read").path()).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

/// As `guests/componentize` makes it, which can't be called from here: it is of
/// another workspace.
fn sources_digest(plugins: &Path) -> String {
    let guests = plugins.join("guests");
    let single = ["guests/Cargo.toml", "guests/Cargo.lock", "sdk/Cargo.toml"];
    let weights = ["reader/model/reader.onnx", "reader/model/reader.json"];
    let mut files: Vec<PathBuf> = single.iter().chain(&weights).map(|file| plugins.join(file)).collect();
    collect(&plugins.join("sdk/src"), &mut files);
    collect(&plugins.join("wit"), &mut files);
    for guest in entries(&guests) {
        if guest.join("Cargo.toml").is_file() {
            let manifests = ["Cargo.toml", "build.rs"].map(|name| guest.join(name));
            files.extend(manifests.into_iter().filter(|file| file.is_file()));
            collect(&guest.join("src"), &mut files);
        }
    }
    let named = |path: &PathBuf| {
        let name = path.strip_prefix(plugins).expect("it lies there").to_string_lossy().replace('\\', "/");
        format!("plugins/{name} {}\n", sha256(path))
    };
    let mut lines: Vec<String> = files.iter().map(named).collect();
    lines.sort_unstable();
    hex::encode(Sha256::digest(lines.concat()))
}

#[test]
fn the_guests_are_those_of_their_sources() {
    let made_of = sources_digest(&plugins());
    assert_eq!(lock()["sources"], made_of, "sources of guests have changed since they were built: {REBUILD}");
}

#[test]
fn the_guests_are_those_of_the_lock() {
    let lock = lock();
    let artefacts = lock["artefacts"].as_object().expect("the lock lists artefacts");
    assert!(artefacts.contains_key("simulated-qwen3"), "{REBUILD}");
    let mut files: Vec<PathBuf> = entries(&plugins().join("guests/built"));
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    assert_eq!(files.len(), artefacts.len(), "a guest is not in the lock or not built: {REBUILD}");
    for file in files {
        let name = file.file_stem().and_then(|stem| stem.to_str()).expect("it has a name");
        let digest = sha256(&file);
        assert_eq!(artefacts.get(name), Some(&Value::String(digest)), "{name}.wasm is another: {REBUILD}");
        let size = fs::read(&file).expect("it was just read").len();
        let size_max = match name {
            "reader" => READER_SIZE_BYTES_MAX,
            "simulated-qwen3" => SIMULATED_SIZE_BYTES_MAX,
            _ => SIZE_BYTES_MAX,
        };
        assert!(size <= size_max, "{name}.wasm has {size} bytes, over {size_max}");
    }
}

#[test]
fn the_weights_of_the_reader_are_those_of_their_record() {
    let model = plugins().join("reader/model");
    let text = fs::read(model.join("record.json")).expect("the record is there");
    let record: Value = serde_json::from_slice(&text).expect("the record is JSON");
    for name in ["reader.onnx", "reader.json"] {
        assert_eq!(record["weights"][name], sha256(&model.join(name)), "{name} is not what was recorded");
    }
    let size = fs::metadata(model.join("reader.onnx")).expect("it is there").len();
    assert!(size <= 3 << 20, "the weights have {size} bytes");
}
