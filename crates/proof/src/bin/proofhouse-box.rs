//! The sandbox's init as a program of its own, for test and bench binaries whose `main` cannot be it. Does nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    proof::sandbox::init_if_asked();
    eprintln!("proofhouse-box: this is the sandbox's init; the proof engine starts it, people do not");
    ExitCode::from(2)
}
