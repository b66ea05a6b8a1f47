//! The contract only grows: what was built for the released one goes on working.

use std::fs;
use std::path::Path;

use untxt_plugins::Package;
use wit_bindgen_core::wit_parser::Resolve;
use wit_component::semver_check;

use crate::rig::{Rig, built, limits, printed, words};

fn wit(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether engines of `world` in `old` can be hosted by who offers `new`.
fn grows(old: &str, new: &str, world: &str) -> Result<(), String> {
    let mut resolve = Resolve::default();
    // Two packages of one name and version can't lie side by side.
    let old =
        resolve.push_str("old.wit", &old.replace("ocr@0.1.0", "ocr@0.0.0")).map_err(|e| e.to_string())?;
    let new = resolve.push_str("new.wit", new).map_err(|e| e.to_string())?;
    let prev = resolve.select_world(&[old], Some(world)).map_err(|e| e.to_string())?;
    let next = resolve.select_world(&[new], Some(world)).map_err(|e| e.to_string())?;
    semver_check(resolve, prev, next).map_err(|error| format!("{error:#}"))
}

#[test]
fn engines_of_the_released_contract_go_on_working() {
    let (released, now) = (wit("released/ocr.wit"), wit("untxt-ocr@0.1.0/ocr.wit"));
    grows(&released, &now, "ocr-engine").expect("a type, a function or an export has changed");
}

#[test]
fn the_check_sees_what_would_break_them() {
    let now = wit("untxt-ocr@0.1.0/ocr.wit");
    for (change, from, to) in [
        (
            "a field",
            "record line { bounds: option<rect>,",
            "record line { text: string, bounds: option<rect>,",
        ),
        ("a case", "enum level { trace,", "enum level { silly, trace,"),
        ("a parameter", "log: func(level: level, message: string);", "log: func(message: string);"),
        ("an export", "describe: func() -> description;", "describe: func() -> description; more: func();"),
        ("a missing function", "cancelled: func() -> bool;", ""),
    ] {
        let changed = now.replace(from, to);
        assert_ne!(changed, now, "{change}");
        assert!(grows(&now, &changed, "ocr-engine").is_err(), "{change} goes unnoticed");
    }
    let more = now.replace("cancelled: func() -> bool;", "cancelled: func() -> bool; now-ms: func() -> u64;");
    assert_ne!(more, now);
    grows(&now, &more, "ocr-engine").expect("a function of the host's harms nobody");
}

/// `line-count` as if it were built for that version of the contract: the names of
/// what it imports and exports say so, and nothing else does.
fn built_for(version: &str, name: (&str, &str)) -> Package {
    let mut wasm = fs::read(built("line-count")).expect("it is built");
    for (from, to) in [("@0.1.0", version), name] {
        assert_eq!(from.len(), to.len(), "a name's length stands before it");
        let places: Vec<usize> =
            (0..wasm.len() - from.len()).filter(|at| wasm[*at..].starts_with(from.as_bytes())).collect();
        assert!(!places.is_empty(), "{from}");
        places.into_iter().for_each(|at| wasm[at..][..to.len()].copy_from_slice(to.as_bytes()));
    }
    Package::bare("mine", wasm)
}

#[tokio::test]
async fn an_engine_of_another_patch_serves_and_one_of_another_minor_is_told_so() {
    let rig = Rig::new(limits());
    let same = ("[method]page.info", "[method]page.info");
    for version in ["@0.1.1", "@0.1.9"] {
        rig.registry.install("mine", built_for(version, same), None, true).await.expect("nothing is missing");
        assert_eq!(words(&rig.read("mine", printed()).await.expect("it serves")), ["lines:", "3"]);
    }
    let failed = rig.registry.install("mine", built_for("@0.2.0", same), None, true).await;
    let failed = failed.expect_err("that is another contract").to_string();
    assert!(failed.contains("@0.2.0; this host offers untxt:ocr@0.1.0"), "{failed}");
    // A later patch's function that this host does not have.
    let more = ("[method]page.info", "[method]page.inks");
    let failed = rig.registry.install("mine", built_for("@0.1.1", more), None, true).await;
    let failed = failed.expect_err("this host is older").to_string();
    assert!(failed.contains("page.inks"), "{failed}");
}
