//! `untxt plugin new`, `build`, `bindings` and `pack`: the tools of engine authors,
//! which `untxt-kit` contains, so that compilers of bindings and components are not
//! part of this program.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;

/// The program, beside this one or on the `PATH`.
const KIT: &str = "untxt-kit";

/// Replaces this process by `untxt-kit COMMAND ARGUMENTS…`; its output and exit code
/// are those of this command. Returns only on failure: there is no `untxt-kit`, or it
/// can't be started.
pub(super) fn run(command: &str, arguments: &[OsString]) -> Failure {
    let beside = std::env::current_exe().map(|this| this.with_file_name(KIT));
    for program in beside.into_iter().chain([PathBuf::from(KIT)]) {
        // The name is what usage texts show.
        let error = Command::new(&program).arg0("untxt plugin").arg(command).args(arguments).exec();
        if error.kind() != io::ErrorKind::NotFound {
            return Failure::work(format!("{}: {error}", program.display()));
        }
    }
    Failure::usage(format!(
        "`untxt plugin {command}` needs the program {KIT} beside untxt or on the PATH; in the source tree run \
         `cargo build --release -p untxt-plugin-kit` or `cargo install --path plugins/kit`"
    ))
}
