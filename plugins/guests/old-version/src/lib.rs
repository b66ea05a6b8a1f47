//! A guest of the contract before the first release, which no host serves.
//! What it would answer does not matter: its import and its export are named
//! `untxt:ocr/…@0.0.1`, so it never gets that far.

#[allow(
    missing_docs,
    rust_2018_idioms,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated from the contract below"
)]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package untxt:ocr@0.0.1;

            interface host {
                log: func(message: string);
            }

            interface engine {
                describe: func() -> string;
                recognize: func(luma: list<u8>, width: u32, height: u32) -> string;
            }

            world ocr-engine {
                import host;
                export engine;
            }
        ",
        world: "ocr-engine",
    });
}

use bindings::untxt::ocr::host;

struct OldVersion;

impl bindings::exports::untxt::ocr::engine::Guest for OldVersion {
    fn describe() -> String {
        "old-version".to_owned()
    }

    fn recognize(luma: Vec<u8>, width: u32, height: u32) -> String {
        host::log("recognize");
        format!("{width} x {height}, {} bytes", luma.len())
    }
}

#[allow(unsafe_code, reason = "the component's exports are symbols with fixed names")]
mod exported {
    use super::OldVersion;
    super::bindings::export!(OldVersion with_types_in super::bindings);
}
