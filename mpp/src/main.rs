//! The suite of a Mal Pelayanan Publik in one binary: see `mpp --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mpp::cli::main()
}
