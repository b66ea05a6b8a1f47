//! Arguments of `untxt plugin`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use untxt_plugins::Reference;
use untxt_workflows::documents::kind::Kind;

#[derive(Debug, Args)]
pub(crate) struct PluginArguments {
    #[command(subcommand)]
    pub(crate) command: PluginCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Create an engine project that builds and passes its tests.
    #[command(disable_help_flag = true)]
    New(KitArguments),
    /// Build an engine project with the installed toolchain.
    #[command(disable_help_flag = true)]
    Build(KitArguments),
    /// Generate the C header and bindings of the contract.
    #[command(disable_help_flag = true)]
    Bindings(KitArguments),
    /// Turn a core module built with the bindings into a component.
    #[command(disable_help_flag = true)]
    Pack(KitArguments),
    /// Run the checks of `install` without installing.
    Check(SubjectArguments),
    /// Run the conformance tests on an engine.
    Test {
        #[command(flatten)]
        subject: SubjectArguments,
        /// Write the report as JUnit XML to this file.
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// Measure an engine on an A4 page at 300 dpi.
    Bench(BenchArguments),
    /// Recognise one page and print the engine's log.
    Run(RunArguments),
    /// Compare an engine's text with the true text of pages: error rates, confidence,
    /// time and memory.
    Evaluate(EvaluateArguments),
    /// Check an engine, install it and activate it.
    Install(InstallArguments),
    /// List engines and their installed versions.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Activate an installed version and lift its quarantine.
    Activate {
        /// `NAME@sha256:…`, with at least twelve digits.
        version: Reference,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Activate the version that served before the current one.
    Rollback {
        /// Engine name.
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove an engine with all versions, or one inactive version. Tasks pinned to
    /// it fail.
    Remove {
        /// `NAME`, or `NAME@sha256:…` for one version.
        what: Reference,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What `untxt-kit` parses.
#[derive(Debug, Args)]
pub(crate) struct KitArguments {
    /// Arguments of the engine authors' tools; `--help` lists them.
    #[arg(num_args = 0.., allow_hyphen_values = true, trailing_var_arg = true)]
    pub(crate) arguments: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct InstallArguments {
    /// A component, a folder with a plugin.toml, or the http(s) address of a
    /// component or of a plugin.toml with its files beside it.
    pub(crate) source: String,
    /// Engine name; default the id of the manifest or the file name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Expected SHA-256 of the component; required for an http(s) address.
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<String>,
    /// Minisign signature; default `….minisig` beside the component.
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// Install without activating.
    #[arg(long)]
    pub(crate) no_activate: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// An engine, which need not be installed.
#[derive(Debug, Args)]
pub(crate) struct SubjectArguments {
    /// A component, a folder with a plugin.toml, or the name of an installed or
    /// built-in engine.
    #[arg(default_value = ".")]
    pub(crate) engine: PathBuf,
    /// Grants of the operator: a file in the format of NAME.toml in the plugin
    /// directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
    /// Engine settings as a JSON object.
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
    /// Number of pages.
    #[arg(long, default_value_t = 20)]
    pub(crate) pages: u32,
    /// Write the results to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Compare with the results in this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Fail if the median time, peak memory or fuel exceeds the baseline by more than
    /// this factor.
    #[arg(long, value_name = "TIMES", requires = "baseline", value_parser = times)]
    pub(crate) max_ratio: Option<f64>,
}

fn times(text: &str) -> Result<f64, String> {
    let times = text.parse().ok().filter(|times: &f64| times.is_finite() && *times > 0.0);
    times.ok_or_else(|| "it is a number above 0, such as 1.2".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArguments {
    #[command(flatten)]
    pub(crate) subject: SubjectArguments,
    #[arg(help = format!("Folder of {} files, each with its true text beside it: NAME.txt, UTF-8", Kind::list("and")))]
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// ENGINE is a folder of texts that another program wrote, NAME.txt for each file.
    #[arg(long, conflicts_with_all = ["grants", "settings"])]
    pub(crate) texts: bool,
    /// Resolution of the page images in dpi; default what the engine asks for, else 150.
    #[arg(long)]
    pub(crate) dpi: Option<u32>,
    /// Pass colour images.
    #[arg(long, conflicts_with = "texts")]
    pub(crate) color: bool,
    /// Expected language as a BCP 47 tag; repeat for several.
    #[arg(long = "language", conflicts_with = "texts")]
    pub(crate) languages: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[arg(help = format!("{} file", Kind::list("or")))]
    pub(crate) document: PathBuf,
    #[command(flatten)]
    pub(crate) subject: SubjectArguments,
    /// Page number, from 1.
    #[arg(long, default_value_t = 1)]
    pub(crate) page: u32,
    /// Resolution of the page image in dpi.
    #[arg(long)]
    pub(crate) dpi: Option<u32>,
    /// Pass a colour image.
    #[arg(long)]
    pub(crate) color: bool,
    /// Expected language as a BCP 47 tag; repeat for several.
    #[arg(long = "language")]
    pub(crate) languages: Vec<String>,
}
