//! What comes with an engine, and what an engine answers.

use std::path::{Path, PathBuf};

use untxt_net::Origin;
use untxt_plugins::manifest::Manifest;
use untxt_plugins::{Trust, fuzzing};

use crate::on_text;

/// A `plugin.toml`: every file it names lies beside it.
pub(crate) fn manifest(bytes: &[u8]) {
    on_text(bytes, |text| {
        let Ok(manifest) = Manifest::parse(text) else { return };
        let files = manifest.assets.iter().map(|asset| asset.file().to_owned());
        for file in files.chain([manifest.component_file()]) {
            assert_eq!(Path::new("folder").join(&file).parent(), Some(Path::new("folder")), "{file:?}");
            assert!(!matches!(file.as_str(), "" | "." | ".."), "{file:?}");
        }
    });
}

/// A `.minisig` beside a component that the key has not signed: it never holds.
pub(crate) fn signature(bytes: &[u8]) {
    on_text(bytes, |text| {
        let key = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../plugins/host/tests/signed/author.pub");
        let trust = Trust::new(key, true).expect("the key of the tests is one");
        assert!(trust.verify(b"unsigned", Some(text)).is_err(), "nobody signed that");
    });
}

/// What an engine made of a page.
pub(crate) fn engine_answer(bytes: &[u8]) {
    fuzzing::engine_answer(bytes);
}

/// A server that an engine names: it is written as it is read.
pub(crate) fn origin(bytes: &[u8]) {
    on_text(bytes, |text| {
        let Ok(origin) = Origin::parse(text) else { return };
        let written = origin.to_string();
        assert_eq!(Origin::parse(&written).map(|again| again.to_string()), Ok(written));
    });
}

/// What a process that computes models answers.
pub(crate) fn model_answer(bytes: &[u8]) {
    untxt_plugins::inference::fuzzing::model_answer(bytes);
}
