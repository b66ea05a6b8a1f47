//! What `untxt plugin` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use untxt_plugins::Reference;
use untxt_plugins::manifest::WORLD;

#[derive(Debug, Args)]
pub(crate) struct PluginArguments {
    #[command(subcommand)]
    pub(crate) command: PluginCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Begin an engine: a folder that builds and passes its tests.
    New(NewArguments),
    /// Build the engine in a folder with the toolchain that is there.
    Build {
        /// Its folder.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Write the contract's C header and its bindings into a folder.
    Bindings {
        /// Made when it isn't there.
        folder: PathBuf,
        /// World of the engine.
        #[arg(long, default_value = WORLD)]
        world: String,
    },
    /// Make a component of a core module that was built with the bindings.
    Pack {
        /// The module.
        module: PathBuf,
        /// The component that is made.
        component: PathBuf,
    },
    /// Look an engine over as `install` does, and install nothing.
    Check(SubjectArguments),
    /// Put an engine through the conformance kit.
    Test {
        #[command(flatten)]
        subject: SubjectArguments,
        /// Write the report as JUnit XML to this file.
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// Measure what an engine costs, on an A4 page at 300 dpi.
    Bench(BenchArguments),
    /// Have an engine read one page, with its log.
    Run(RunArguments),
    /// Let an engine through the gate and have its name mean it.
    Install(InstallArguments),
    /// Engines, with all versions that are kept.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Have a name mean a version that is kept; lifts its quarantine.
    Activate {
        /// `NAME@sha256:…`, with at least twelve digits.
        version: Reference,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Have a name mean the version that served before the one that serves now.
    Rollback {
        /// Its name.
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take an engine away with all its versions, or one version that does not
    /// serve. Tasks that are pinned to it fail.
    Remove {
        /// `NAME`, or `NAME@sha256:…` for one version.
        what: Reference,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InstallArguments {
    /// A component, a folder with a plugin.toml, or the http(s) address of a
    /// component or of a plugin.toml with its files beside it.
    pub(crate) source: String,
    /// Name to install it under; its manifest's id or its file's name when absent.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What the component's SHA-256 has to be; needed for an address, and that of
    /// what is there.
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<String>,
    /// Its minisign signature, where it doesn't lie beside it as `….minisig`.
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// Keep it beside the others, and leave the name as it is.
    #[arg(long)]
    pub(crate) no_activate: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// An engine that need not be installed.
#[derive(Debug, Args)]
pub(crate) struct SubjectArguments {
    /// A component, or a folder with a plugin.toml.
    #[arg(default_value = ".")]
    pub(crate) engine: PathBuf,
    /// What an operator would allow it: a file as NAME.toml in the plugin
    /// directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
    /// Its settings, a JSON object.
    #[arg(long)]
    pub(crate) settings: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    #[command(flatten)]
    pub(crate) subject: SubjectArguments,
    /// Pages to read.
    #[arg(long, default_value_t = 20)]
    pub(crate) pages: u32,
    /// Write the figures to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Compare with the figures in this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Fail when the median of a page, peak memory or fuel is more than so many
    /// times the baseline's.
    #[arg(long, value_name = "TIMES", requires = "baseline", value_parser = times)]
    pub(crate) max_ratio: Option<f64>,
}

fn times(text: &str) -> Result<f64, String> {
    let times = text.parse().ok().filter(|times: &f64| times.is_finite() && *times > 0.0);
    times.ok_or_else(|| "it is a number above 0, such as 1.2".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// PNG, JPEG, WebP, TIFF or PDF file.
    pub(crate) document: PathBuf,
    #[command(flatten)]
    pub(crate) subject: SubjectArguments,
    /// Which page, from 1.
    #[arg(long, default_value_t = 1)]
    pub(crate) page: u32,
    /// Resolution of the page's image, dots per inch.
    #[arg(long)]
    pub(crate) dpi: Option<u32>,
    /// Give it colours.
    #[arg(long)]
    pub(crate) color: bool,
    /// Languages to expect, BCP 47; may be given several times.
    #[arg(long = "language")]
    pub(crate) languages: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// Its name, and the folder that is made.
    pub(crate) name: String,
    /// What it is written in.
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    pub(crate) lang: Language,
    /// One that has a server read the page.
    #[arg(long)]
    pub(crate) http: bool,
}

/// Languages with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// On the SDK.
    Rust,
    /// On the generated header.
    C,
    /// By componentize-js.
    Js,
    /// By componentize-py.
    Py,
}
