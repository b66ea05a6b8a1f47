//! libFuzzer on one target, which `UNTXT_FUZZ_TARGET` names: `cargo xtask fuzz`.
#![no_main]

use std::sync::OnceLock;

use untxt_fuzz::{Target, target};

static TARGET: OnceLock<Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("UNTXT_FUZZ_TARGET").unwrap_or_default();
        let found = target(&name).unwrap_or_else(|| panic!("UNTXT_FUZZ_TARGET={name:?} is no target"));
        TARGET.get_or_init(|| found);
    },
    |bytes: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.read)(bytes);
        }
    }
);
