//! The contract only grows: what was built for the released one goes on working.

use std::fs;
use std::path::Path;

use wit_bindgen_core::wit_parser::Resolve;
use wit_component::semver_check;

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
