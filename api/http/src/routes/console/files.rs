//! The files of the console, which are part of the program.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// Where the page names the version of its files.
const VERSION: &str = "{version}";

/// Characters of a version: enough that no two versions have the same.
const VERSION_CHARS: usize = 16;

/// The page itself.
const PAGE: &[u8] = include_bytes!("../../../../console/dist/index.html");

/// Every other file: its name, its content type, and its bytes.
const FILES: [(&str, &str, &[u8]); 3] = [
    ("console.css", "text/css; charset=utf-8", include_bytes!("../../../../console/dist/console.css")),
    ("console.js", "text/javascript; charset=utf-8", include_bytes!("../../../../console/dist/console.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../../../../console/dist/icon.svg")),
];

/// The console as it is served.
pub(super) struct Files {
    /// Over the bytes of all files: files of one version never change.
    version: String,
    /// The page, with addresses of this version.
    pub(super) page: Bytes,
    files: Vec<File>,
}

/// A file as it is served.
#[derive(Clone)]
pub(super) struct File {
    name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) bytes: Bytes,
    pub(super) gzip: Bytes,
}

impl Files {
    /// The files, compressed when they are first asked for. A debug build reads them from
    /// the source tree each time, so that a change needs no compiler.
    pub(super) fn current() -> io::Result<Arc<Self>> {
        #[cfg(debug_assertions)]
        if let Some(found) = from_source_tree() {
            return found.map(Arc::new);
        }
        static BUILT_IN: std::sync::OnceLock<Arc<Files>> = std::sync::OnceLock::new();
        if let Some(files) = BUILT_IN.get() {
            return Ok(Arc::clone(files));
        }
        let made = Arc::new(Self::new(
            PAGE,
            FILES.map(|(name, kind, bytes)| (name, kind, Bytes::from_static(bytes))),
        )?);
        Ok(Arc::clone(BUILT_IN.get_or_init(|| made)))
    }

    fn new<const N: usize>(page: &[u8], files: [(&'static str, &'static str, Bytes); N]) -> io::Result<Self> {
        let mut hash = Sha256::new_with_prefix(page);
        let mut made = Vec::with_capacity(N);
        for (name, content_type, bytes) in files {
            // With the length, so that no byte can move from one file to the next.
            hash.update(bytes.len().to_be_bytes());
            hash.update(&bytes);
            let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
            gzip.write_all(&bytes)?;
            made.push(File { name, content_type, gzip: gzip.finish()?.into(), bytes });
        }
        let version = hex::encode(hash.finalize()).chars().take(VERSION_CHARS).collect::<String>();
        let page = String::from_utf8_lossy(page).replace(VERSION, &version);
        Ok(Self { version, page: page.into(), files: made })
    }

    /// The file of that name, if the version is this one.
    pub(super) fn file(&self, version: &str, name: &str) -> Option<File> {
        self.files.iter().find(|file| version == self.version && file.name == name).cloned()
    }
}

/// The files in the source tree that this was built from, if it is still there.
#[cfg(debug_assertions)]
fn from_source_tree() -> Option<io::Result<Files>> {
    use std::{fs, path};
    let folder = path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../console/dist"));
    let page = fs::read(folder.join("index.html")).ok()?;
    let mut files = FILES.map(|(name, kind, _)| (name, kind, Bytes::new()));
    for (name, _, bytes) in &mut files {
        match fs::read(folder.join(*name)) {
            Ok(found) => *bytes = found.into(),
            Err(error) => return Some(Err(error)),
        }
    }
    Some(Files::new(&page, files))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../console/dist");
        let found =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut listed: BTreeSet<String> = FILES.iter().map(|(name, ..)| (*name).to_owned()).collect();
        listed.insert("index.html".to_owned());
        assert_eq!(listed, found.collect::<BTreeSet<_>>(), "list in FILES what is in api/console/dist");
    }

    #[test]
    fn the_page_names_files_of_its_version_and_nothing_elsewhere() {
        let files =
            Files::new(PAGE, FILES.map(|(name, kind, bytes)| (name, kind, Bytes::from_static(bytes))))
                .unwrap();
        let page = String::from_utf8(files.page.to_vec()).unwrap();
        let addresses = page
            .split("href=\"")
            .chain(page.split("src=\""))
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        let mut loaded = 0;
        for address in addresses.filter(|address| !address.starts_with("../") && !address.starts_with('<')) {
            let (version, name) = address.split_once('/').unwrap();
            let file = files.file(version, name).unwrap_or_else(|| panic!("{address} leads nowhere"));
            let mut plain = Vec::new();
            GzDecoder::new(&file.gzip[..]).read_to_end(&mut plain).unwrap();
            assert_eq!(plain, file.bytes, "{name}");
            loaded += 1;
        }
        assert!(loaded > 0 && !page.contains("://"), "{page}");
        assert!(files.file("0000000000000000", "console.js").is_none(), "another version");
    }

    #[test]
    fn another_byte_makes_another_version() {
        let version = |a: &'static str, b: &'static str| {
            let files = [("a", "text/css", Bytes::from(a)), ("b", "text/css", Bytes::from(b))];
            Files::new(b"{version}/a", files).unwrap().version
        };
        assert_eq!(version("ab", "c"), version("ab", "c"));
        assert_ne!(version("ab", "c"), version("a", "bc"));
        assert_ne!(version("ab", "c"), version("ab", "d"));
    }
}
