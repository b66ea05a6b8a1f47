//! What an author adds to a Rust guest to make it an untxt OCR engine.
//!
//! An engine is a type that implements [`Engine`], handed to [`export!`]:
//!
//! ```ignore
//! use untxt_plugin_sdk::{Description, Engine, Error, Options, Page, PageText};
//!
//! struct Blank;
//!
//! impl Engine for Blank {
//!     fn describe() -> Description {
//!         Description::new("blank", env!("CARGO_PKG_VERSION"))
//!     }
//!     fn recognize(_page: &Page, _options: &Options) -> Result<PageText, Error> {
//!         Ok(PageText::simple(Vec::new()))
//!     }
//! }
//!
//! untxt_plugin_sdk::export!(Blank);
//! ```
//!
//! A guest lives for one page, alone, with no clock and no file, and no network
//! but for [`http`].
//! What it prints is lost: [`host::log`] is its voice. A panic ends the call;
//! its text reaches the host's log first.
//!
//! The map: `bindings` (what the contract generates, of which a component
//! imports what it uses), `answer` (makes answers), `error` (makes failures),
//! `pixels` (pulls the page), `assets` (files that come with the engine),
//! `inference` (models among them, which the host computes), `http` (asks servers,
//! where the manifest wants it and the operator grants it), `settings` (reads the
//! engine's own options), `engine` (the trait, and what stands between it and the
//! host), `layout` (the same for engines that know more than words and boxes).

mod answer;
pub mod assets;
mod engine;
mod error;
pub mod http;
pub mod inference;
pub mod layout;
mod pixels;
#[cfg(feature = "settings")]
mod settings;

#[allow(
    missing_docs,
    rust_2018_idioms,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::needless_pass_by_value,
    reason = "generated from the contract, which documents it"
)]
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit/untxt-ocr@0.1.0",
        inline: "
            package untxt:sdk;
            world all-interfaces {
                include untxt:ocr/ocr-engine-http@0.1.0;
                include untxt:ocr/ocr-engine-models@0.1.0;
            }
        ",
        world: "all-interfaces",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_ocr_engine",
        default_bindings_module: "untxt_plugin_sdk::bindings",
    });
}

pub use answer::attributes;
pub use bindings::untxt::ocr::host;
pub use bindings::untxt::ocr::pages::{Info, Page};
pub use bindings::untxt::ocr::types::{
    Bitmap, Block, Description, Error, Failure, ImageEncoding, Line, Options, PageText, PixelFormat, Rect,
    Retry, Word,
};
pub use engine::{Engine, Exported};
pub use error::stop_if_cancelled;
pub use pixels::luma8;
#[cfg(feature = "settings")]
pub use settings::settings;

/// Makes a type that implements [`Engine`] the engine of this component.
/// To be used once, in a crate of type `cdylib`.
#[macro_export]
macro_rules! export {
    ($engine:ty) => {
        #[allow(unsafe_code, reason = "the component's exports are symbols with fixed names")]
        mod untxt_export {
            use super::*;
            type ExportedEngine = $crate::Exported<$engine>;
            $crate::bindings::export_ocr_engine!(ExportedEngine with_types_in $crate::bindings);
        }
    };
}
