//! Where the results of each file go: never over a file that is read, never
//! over another result of the same call.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use untxt_workflows::documents::formats::{FileKind, Format};

/// For each of `files` the path of its results without their extension, in
/// `out` or beside the file: its stem; where two files would share that, or a
/// result would replace a file that is read, its whole name; where that is
/// taken as well, its whole name with `-2`, `-3`, … behind.
///
/// Paths are compared with their links resolved, so that one file under two
/// names is known to be one.
pub(super) fn targets(files: &[PathBuf], formats: &[Format], out: Option<&Path>) -> Vec<PathBuf> {
    let dirs: Vec<PathBuf> = files.iter().map(|file| directory(file, out)).collect();
    let stem = |(file, dir): (&PathBuf, &PathBuf)| resolved(&dir.join(file.file_stem().unwrap_or_default()));
    let stems: Vec<PathBuf> = files.iter().zip(&dirs).map(stem).collect();
    let mut uses: HashMap<&PathBuf, usize> = HashMap::new();
    stems.iter().for_each(|stem| *uses.entry(stem).or_default() += 1);

    let mut taken: HashSet<PathBuf> = files.iter().map(|file| resolved(file)).collect();
    let mut chosen = Vec::with_capacity(files.len());
    for ((file, dir), stem) in files.iter().zip(&dirs).zip(&stems) {
        let shared = uses[stem] > 1;
        let free = |name: &OsString| {
            results(&dir.join(name), formats).all(|result| !taken.contains(&resolved(&result)))
        };
        // One of them is free: there are more names than results.
        let target = names(file, shared).find(free).map(|name| dir.join(name)).unwrap_or_default();
        taken.extend(results(&target, formats).map(|result| resolved(&result)));
        chosen.push(target);
    }
    chosen
}

/// The file that a result of this kind is written to.
pub(super) fn result(target: &Path, kind: FileKind) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".");
    name.push(kind.ending());
    PathBuf::from(name)
}

fn results(target: &Path, formats: &[Format]) -> impl Iterator<Item = PathBuf> {
    formats.iter().flat_map(|format| format.files()).map(|kind| result(target, kind))
}

fn directory(file: &Path, out: Option<&Path>) -> PathBuf {
    out.map_or_else(|| file.parent().unwrap_or_else(|| Path::new("")).to_owned(), Path::to_owned)
}

/// The names that a file's results may have, the first choice first.
fn names(file: &Path, stem_is_shared: bool) -> impl Iterator<Item = OsString> {
    let stem = file.file_stem().filter(|_| !stem_is_shared).map(OsStr::to_owned);
    let whole = file.file_name().unwrap_or_default().to_owned();
    let numbered = {
        let whole = whole.clone();
        (2_u64..).map(move |number| {
            let mut name = whole.clone();
            name.push(format!("-{number}"));
            name
        })
    };
    stem.into_iter().chain([whole]).chain(numbered)
}

/// The file that `path` leads to. Of one that isn't there, the place that it
/// would be made at.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(found) = path.canonicalize() {
        return found;
    }
    let parent =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let parent = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
    parent.join(path.file_name().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A directory with these files in it, and their paths.
    fn directory_with(names: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let paths = names.iter().map(|name| dir.path().join(name)).collect::<Vec<_>>();
        for path in &paths {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        (dir, paths)
    }

    fn shown(dir: &tempfile::TempDir, targets: &[PathBuf]) -> Vec<String> {
        let inside = |path: &PathBuf| path.strip_prefix(dir.path()).unwrap().display().to_string();
        targets.iter().map(inside).collect()
    }

    #[test]
    fn files_that_share_a_stem_keep_their_whole_names() {
        let (dir, files) = directory_with(&["a/x.pdf", "b/x.png", "c/y.pdf"]);
        let beside = targets(&files, &[Format::Html], None);
        assert_eq!(shown(&dir, &beside), ["a/x", "b/x", "c/y"]);
        let together = targets(&files, &[Format::Html], Some(dir.path()));
        assert_eq!(shown(&dir, &together), ["x.pdf", "x.png", "y"]);
    }

    #[test]
    fn files_of_one_name_are_numbered() {
        let (dir, files) = directory_with(&["a/report.pdf", "b/report.pdf", "c/report.pdf"]);
        let together = targets(&files, &[Format::Html, Format::Txt], Some(dir.path()));
        assert_eq!(shown(&dir, &together), ["report.pdf", "report.pdf-2", "report.pdf-3"]);
    }

    #[test]
    fn no_result_takes_the_place_of_a_file_that_is_read() {
        let (dir, files) = directory_with(&["b.html"]);
        assert_eq!(shown(&dir, &targets(&files, &[Format::Html], None)), ["b.html"]);
        assert_eq!(shown(&dir, &targets(&files, &[Format::Txt], None)), ["b"]);
        let (dir, files) = directory_with(&["d.pdf"]);
        let beside = targets(&files, &[Format::Pdf], None);
        let written = Format::Pdf.files().map(|kind| result(&beside[0], kind)).collect::<Vec<_>>();
        assert_eq!(shown(&dir, &written), ["d.ocr.pdf"]);
        let (dir, files) = directory_with(&["c.png", "c.html"]);
        let both = targets(&files[..1], &[Format::Html], None);
        assert_eq!(shown(&dir, &both), ["c"], "what is not read may be replaced");
        assert_eq!(shown(&dir, &targets(&files, &[Format::Html], None)), ["c.png", "c.html"]);
    }

    #[test]
    fn a_link_to_a_file_that_is_read_is_that_file() {
        let (dir, mut files) = directory_with(&["scan.png", "x/page.png"]);
        symlink(dir.path().join("scan.png"), dir.path().join("x/page.html")).unwrap();
        assert_eq!(shown(&dir, &targets(&files, &[Format::Html], None)), ["scan", "x/page.png"]);
        let linked = dir.path().join("y");
        symlink(dir.path().join("x"), &linked).unwrap();
        files = vec![dir.path().join("x/page.png"), linked.join("page.png")];
        assert_eq!(shown(&dir, &targets(&files, &[Format::Txt], None)), ["x/page.png", "y/page.png-2"]);
    }
}
