//! Arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use untxt_plugins::manifest::WORLD;

/// Create, build and package engines.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an engine project that builds and passes its tests.
    New(NewArguments),
    /// Build an engine project with the installed toolchain.
    Build {
        /// Project folder.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Generate the C header and bindings of the contract.
    Bindings {
        /// Output folder; created if missing.
        folder: PathBuf,
        /// World of the contract.
        #[arg(long, default_value = WORLD)]
        world: String,
    },
    /// Turn a core module built with the bindings into a component.
    Pack {
        /// Core module.
        module: PathBuf,
        /// Component to write.
        component: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// Engine name and folder to create.
    pub(crate) name: String,
    /// Programming language.
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    pub(crate) lang: Language,
    /// An engine that calls an OCR server.
    #[arg(long)]
    pub(crate) http: bool,
    /// An engine with a model that the host computes (Rust and C).
    #[arg(long, conflicts_with = "http")]
    pub(crate) model: bool,
}

/// Languages with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// With the SDK.
    Rust,
    /// With the generated header.
    C,
    /// With componentize-js.
    Js,
    /// With componentize-py.
    Py,
}
