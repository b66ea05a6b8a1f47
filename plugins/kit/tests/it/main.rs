//! What authors type.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn kit(folder: &Path, arguments: &[&str]) -> Command {
    let mut kit = Command::new(env!("CARGO_BIN_EXE_untxt-kit"));
    kit.args(arguments).current_dir(folder);
    kit
}

#[track_caller]
fn exits(mut command: Command, code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(code), "{stdout}{stderr}");
    (stdout, stderr)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_new_project_is_complete_and_a_missing_toolchain_is_named() {
    let folder = folder();
    for (lang, file) in
        [("rust", "sdk/src/http.rs"), ("c", "engine.c"), ("js", "engine.js"), ("py", "app.py")]
    {
        let name = format!("my-{lang}");
        let (stdout, _) = exits(kit(folder.path(), &["new", &name, "--lang", lang]), 0);
        assert!(stdout.contains("untxt plugin build"), "{stdout}");
        let project = folder.path().join(&name);
        for part in [file, "plugin.toml", "wit/untxt-ocr@0.1.0/ocr.wit"] {
            assert!(project.join(part).is_file(), "{name}: {part}");
        }
        let manifest = fs::read_to_string(project.join("plugin.toml")).unwrap();
        assert!(manifest.contains(&format!("id = \"{name}\"")), "{manifest}");
        exits(kit(folder.path(), &["new", &name]), 2);
        let mut build = kit(folder.path(), &["build", &name]);
        build.env("PATH", folder.path().join("nothing"));
        let (_, stderr) = exits(build, 2);
        assert!(stderr.contains("run `"), "{stderr}");
    }
    for lang in ["rust", "c"] {
        let name = format!("model-{lang}");
        exits(kit(folder.path(), &["new", &name, "--lang", lang, "--model"]), 0);
        let project = untxt_plugins::Package::read;
        let model = fs::read(folder.path().join(&name).join("model.onnx")).unwrap();
        fs::write(folder.path().join(&name).join(format!("{name}.wasm")), "not built yet").unwrap();
        let package = project(&folder.path().join(&name), 1 << 20).expect("the digest is that of the model");
        assert_eq!(package.assets["model.onnx"], model);
    }
    let (_, stderr) = exits(kit(folder.path(), &["new", "model-py", "--lang", "py", "--model"]), 2);
    assert!(stderr.contains("--lang rust and --lang c"), "{stderr}");
    exits(kit(folder.path(), &["new", "Not A Name"]), 2);
    exits(kit(folder.path(), &["build", "nowhere"]), 2);
}

#[test]
fn the_bindings_are_generated_and_a_module_becomes_a_component() {
    let folder = folder();
    let (stdout, _) = exits(kit(folder.path(), &["bindings", "gen"]), 0);
    assert!(folder.path().join("gen/ocr_engine.h").is_file(), "{stdout}");
    let compiled: Vec<&str> = stdout.lines().collect();
    assert!(compiled.iter().any(|path| path.ends_with("gen/ocr_engine.c")), "{stdout}");
    assert!(compiled.iter().all(|path| folder.path().join(path).is_file()), "{stdout}");
    exits(kit(folder.path(), &["bindings", "gen", "--world", "ocr-engine-http"]), 0);
    assert!(folder.path().join("gen/ocr_engine_http.h").is_file());
    exits(kit(folder.path(), &["bindings", "gen", "--world", "nonsense"]), 1);

    // The smallest module: it becomes a component, if one without exports.
    fs::write(folder.path().join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    exits(kit(folder.path(), &["pack", "core.wasm", "engine.wasm"]), 0);
    let component = fs::read(folder.path().join("engine.wasm")).unwrap();
    assert!(component.starts_with(b"\0asm\x0d\0\x01\0"), "the preamble of a component");
    fs::write(folder.path().join("noise.wasm"), "noise").unwrap();
    let (_, stderr) = exits(kit(folder.path(), &["pack", "noise.wasm", "engine.wasm"]), 1);
    assert!(stderr.contains("component"), "{stderr}");
}

#[test]
fn every_command_has_its_help() {
    for (command, says) in
        [("new", "--lang"), ("build", "[FOLDER]"), ("bindings", "--world"), ("pack", "<MODULE>")]
    {
        let (stdout, _) = exits(kit(Path::new("."), &[command, "--help"]), 0);
        assert!(stdout.contains(says), "{stdout}");
    }
}
