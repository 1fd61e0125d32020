//! Runs tests of an imported file. Status 10 says that the test shows the defect, 0 that it does not.
//!
//! It shows something only where it panicked in its own file (or anywhere, where the import says so), or passed, and the
//! control passed before it in the same process.

#![allow(dead_code, unused)]

mod imported_case;

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the last panic began in the imported file: an assertion of its own.
static IN_CASE: AtomicBool = AtomicBool::new(false);

#[derive(PartialEq)]
enum Ending {
    Passed,
    Failed,
    Nothing,
}

trait Outcome {
    fn held(self) -> bool;
}

impl Outcome for () {
    fn held(self) -> bool {
        true
    }
}

impl<E> Outcome for Result<(), E> {
    fn held(self) -> bool {
        self.is_ok()
    }
}

fn ended(test: impl FnOnce() -> bool) -> Ending {
    panic::set_hook(Box::new(|about| {
        let in_case = about.location().is_some_and(|at| at.file().ends_with("imported_case.rs"));
        IN_CASE.store(in_case, Ordering::SeqCst);
        eprintln!("{about}");
    }));
    match panic::catch_unwind(AssertUnwindSafe(test)) {
        Ok(true) => Ending::Passed,
        Ok(false) => Ending::Failed,
        Err(_) if IN_CASE.load(Ordering::SeqCst) || /* PANICS */ => Ending::Failed,
        Err(_) => Ending::Nothing,
    }
}

fn test() {
    if ended(|| imported_case::/* CONTROL */().held()) != Ending::Passed {
        std::process::exit(3);
    }
    std::process::exit(match ended(|| imported_case::/* TEST */().held()) {
        Ending::Nothing => 3,
        Ending::/* SHOWS */ => 10,
        _ => 0,
    });
}

fn main() {
    /* BODY */
}
