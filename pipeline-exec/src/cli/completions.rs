//! `completions`: what a shell needs to complete the command line.

use std::io;

use clap::Args as ClapArgs;
use clap_complete::{Shell, generate};

use super::{Refusal, command, print};

/// For which shell.
#[derive(Debug, ClapArgs)]
pub(super) struct CompletionsArgs {
    /// The shell whose script is printed.
    shell: Shell,
}

pub(super) fn execute(args: &CompletionsArgs) -> Result<u8, Refusal> {
    let mut command = command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(args.shell, &mut command, name, &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Refusal::from(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    print(&script)
}
