//! Versions and release notes: `Cargo.toml` says the version, `CHANGELOG.md`
//! what it brings.

use std::fs;

use crate::root;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let read = |file: &str| fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"));
    let version = version(&read("Cargo.toml")?)?;
    let notes = notes(&read("CHANGELOG.md")?, &version)?;
    match arguments {
        [] => println!("{version}\n\n{notes}"),
        [only] if only == "--check" => println!("CHANGELOG.md describes {version}"),
        _ => return Err("release takes `--check` or nothing".to_owned()),
    }
    Ok(())
}

/// The version that all packages of the workspace share.
fn version(manifest: &str) -> Result<String, String> {
    let (_, shared) =
        manifest.split_once("[workspace.package]").ok_or("Cargo.toml has no [workspace.package]")?;
    let version = shared.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.map(str::to_owned).ok_or_else(|| "[workspace.package] has no version".to_owned())
}

/// The section of `version`: from the line after its heading to the next version.
fn notes(changelog: &str, version: &str) -> Result<String, String> {
    let heading = format!("## [{version}]");
    let section = changelog.lines().skip_while(|line| !line.starts_with(&heading)).skip(1);
    let notes: Vec<&str> = section.take_while(|line| !line.starts_with("## ")).collect();
    match notes.join("\n").trim() {
        "" => Err(format!("CHANGELOG.md has nothing under `{heading}`, the version in Cargo.toml")),
        notes => Ok(notes.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str =
        "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2027-01-02\n\n### Added\n- b\n\n## [0.1.0]\n\n- a\n";

    #[test]
    fn the_notes_are_those_of_one_version() {
        assert_eq!(notes(CHANGELOG, "0.2.0").unwrap(), "### Added\n- b");
        assert_eq!(notes(CHANGELOG, "0.1.0").unwrap(), "- a");
    }

    #[test]
    fn a_version_without_notes_is_refused() {
        assert!(notes(CHANGELOG, "0.3.0").unwrap_err().contains("[0.3.0]"));
        assert!(notes("## [0.1.0]\n\n## [0.0.1]\n- a", "0.1.0").is_err(), "an empty section says nothing");
    }

    #[test]
    fn the_version_is_that_of_the_workspace() {
        let manifest =
            "[package]\nversion = \"9\"\n[workspace.package]\nedition = \"2024\"\nversion = \"0.1.0\"\n";
        assert_eq!(version(manifest).unwrap(), "0.1.0");
    }
}
