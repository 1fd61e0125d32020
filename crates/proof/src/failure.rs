//! Why a run that should have ended well did not, in the words of a verdict. An exception is never taken for a fix.
//!
//! Reads what the harness saw; must not decide between fired and silent.

use domain::proof::Reason;
use serde::{Deserialize, Serialize};

use crate::harness::Observed;
use crate::harness::report::{Failure, Frame};
use crate::sandbox::{BoxOutcome, Exit, Limit};
use crate::trace::{self, Owner};

/// A run that shows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The word.
    pub reason: Reason,
    /// One line for a person.
    pub detail: String,
}

/// Why program or control of a bundle could not be built, in a form that is kept beside what was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unbuilt {
    reason: String,
    detail: String,
}

impl Unbuilt {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason: reason.as_str().into(), detail: detail.into() }
    }

    /// As a run has it.
    #[must_use]
    pub fn shortfall(&self) -> Shortfall {
        Shortfall { reason: self.reason.parse().unwrap_or(Reason::BuildFailed), detail: self.detail.clone() }
    }
}

/// A run that was ended at a limit.
#[must_use]
pub fn at_limit(outcome: &BoxOutcome) -> Option<Shortfall> {
    let limit = outcome.limit_hit?;
    let reason = match limit {
        Limit::Wall | Limit::Cpu => Reason::Timeout,
        _ => Reason::HarnessError,
    };
    Some(Shortfall { reason, detail: format!("ended at its {} limit", limit.as_str()) })
}

/// Why this run shows nothing; `None` where it ended well: by itself, with status 0, and with the harness's report.
#[must_use]
pub fn shortfall(observed: &Observed, target: &str) -> Option<Shortfall> {
    shortfall_by(observed, |failure| exception(failure, target))
}

/// The same, where another runtime knows what its exceptions say.
#[must_use]
pub fn shortfall_by(observed: &Observed, exception: impl Fn(&Failure) -> Shortfall) -> Option<Shortfall> {
    let harness = |detail: String| Some(Shortfall { reason: Reason::HarnessError, detail });
    let outcome = &observed.outcome;
    if let Some(short) = at_limit(outcome) {
        return Some(short);
    }
    let report = observed.report.as_ref();
    if let Some(failure) = report.and_then(|report| report.error.as_ref()) {
        return Some(exception(failure));
    }
    match outcome.exit {
        Exit::Signal(signal) => harness(format!("ended by signal {signal}")),
        Exit::Code(code) if report.is_none() => {
            harness(format!("ended with status {code} and without the harness's report"))
        }
        Exit::Code(0) => None,
        Exit::Code(code) => harness(format!("ended with status {code}")),
    }
}

fn exception(failure: &Failure, target: &str) -> Shortfall {
    let of = |reason, what: &str| {
        let name = if failure.name.is_empty() { "exception" } else { &failure.name };
        Shortfall { reason, detail: format!("{what}: {name}: {}", line(&failure.message)) }
    };
    let frames = stack_frames(&failure.stack);
    match failure.code.as_str() {
        "MODULE_NOT_FOUND" | "ERR_MODULE_NOT_FOUND" => return not_found(failure, target),
        "ERR_PACKAGE_PATH_NOT_EXPORTED" => {
            return of(Reason::ApiAbsent, "the entry point does not exist in this version");
        }
        "ERR_REQUIRE_ESM" | "ERR_REQUIRE_ASYNC_MODULE" | "ERR_DLOPEN_FAILED" | "ERR_UNSUPPORTED_DIR_IMPORT" => {
            return of(Reason::LoadFailed, "the package cannot be loaded");
        }
        _ => {}
    }
    if failure.name == "SyntaxError" && failure.message.contains("does not provide an export named") {
        return of(Reason::ApiAbsent, "the entry point does not exist in this version");
    }
    if while_loading(&failure.stack) {
        return of(Reason::LoadFailed, "the package cannot be loaded");
    }
    let innermost = frames.iter().map(trace::owner_of).find(|owner| *owner != Owner::Runtime);
    match innermost {
        Some(Owner::Package(frame)) => of(Reason::HarnessError, &format!("uncaught exception in {frame}")),
        Some(Owner::Program) | None if is_absence(failure) => {
            of(Reason::ApiAbsent, "the entry point does not exist in this version")
        }
        _ => of(Reason::HarnessError, "uncaught exception in the program"),
    }
}

/// `Cannot find module 'x'`, `Cannot find package 'x' imported from …`: what is missing, and who asked.
fn not_found(failure: &Failure, target: &str) -> Shortfall {
    let missing = failure.message.split('\'').nth(1).unwrap_or_default();
    let asked_by_package = failure.message.contains("/app/node_modules/")
        && !failure.message.contains("\n- /app/proof/")
        || failure.message.split("Require stack:").nth(1).is_some_and(|rest| {
            rest.lines()
                .map(str::trim)
                .find(|l| l.starts_with("- "))
                .is_some_and(|l| l.starts_with("- /app/node_modules/"))
        });
    let below_target = missing.strip_prefix(target).is_some_and(|rest| rest.starts_with('/'))
        || missing.starts_with(&format!("/app/node_modules/{target}/"));
    let (reason, what) = if asked_by_package {
        (Reason::LoadFailed, "the package needs a module that is not there")
    } else if missing == target {
        (Reason::LoadFailed, "the package has no entry point to load")
    } else if below_target {
        (Reason::ApiAbsent, "the entry point does not exist in this version")
    } else {
        (Reason::HarnessError, "the program needs a module that is not there; [dependencies] can add it")
    };
    Shortfall { reason, detail: format!("{what}: {}", line(missing)) }
}

/// The program reached for something of the package that is not there.
fn is_absence(failure: &Failure) -> bool {
    const SIGNS: [&str; 6] = [
        " is not a function",
        " is not a constructor",
        "of undefined",
        "is undefined",
        " is not iterable",
        "Class extends value undefined",
    ];
    failure.name == "TypeError" && SIGNS.iter().any(|sign| failure.message.contains(sign))
}

/// Whether a package's own file was being loaded: the loader stands between it and the program.
fn while_loading(stack: &str) -> bool {
    // A syntax error names the file it is in before the message.
    if stack.starts_with("/app/node_modules/") || stack.starts_with("file:///app/node_modules/") {
        return true;
    }
    let mut in_package = false;
    for text in stack.lines().map(str::trim).filter(|l| l.starts_with("at ")) {
        if text.contains("/app/proof/") {
            return false;
        }
        in_package |= text.contains("/app/node_modules/");
        let loader = ["node:internal/modules/", "(internal/modules/", "(module.js:"].iter().any(|l| text.contains(l));
        if in_package && loader {
            return true;
        }
    }
    false
}

/// The frames of a stack's text, as far as they can be told: only for the reason of a run that shows nothing.
fn stack_frames(stack: &str) -> Vec<Frame> {
    stack
        .lines()
        .filter_map(|l| l.trim().strip_prefix("at "))
        .map(|text| {
            let text = text.strip_prefix("async ").unwrap_or(text);
            let (function, place) = match text.rsplit_once(" (") {
                Some((function, place)) => (function, place.trim_end_matches(')')),
                None => ("", text),
            };
            let place = place.rsplit_once(':').map_or(place, |(head, _)| head);
            let file = place.rsplit_once(':').map_or(place, |(head, _)| head);
            let named = ["/", "node:", "file:", "internal/"].iter().any(|start| file.starts_with(start));
            let file = if named { file } else { "" };
            let function = function.rsplit_once('.').map_or(function, |(_, last)| last);
            Frame { file: file.to_owned(), function: function.to_owned(), ..Frame::default() }
        })
        .collect()
}

/// The first line of a text, cut.
pub(crate) fn line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, code: &str, message: &str, stack: &str, wanted: Reason) {
        let failure = Failure { name: name.into(), code: code.into(), message: message.into(), stack: stack.into() };
        let found = exception(&failure, "lodash");
        assert_eq!(found.reason, wanted, "{message}: {}", found.detail);
    }

    #[test]
    fn exceptions_get_the_reason_they_show() {
        let poc = "TypeError: x\n    at Object.<anonymous> (/app/proof/poc.js:3:4)\n    at Module._compile (node:internal/modules/cjs/loader:1:1)";
        check("TypeError", "", "_.zipObjectDeep is not a function", poc, Reason::ApiAbsent);
        check("TypeError", "", "Cannot read properties of undefined (reading 'x')", poc, Reason::ApiAbsent);
        check("RangeError", "", "Maximum call stack size exceeded", poc, Reason::HarnessError);
        let inside = "TypeError: x\n    at set (/app/node_modules/lodash/a.js:1:1)\n    at Object.<anonymous> (/app/proof/poc.js:3:4)";
        check("TypeError", "", "f is not a function", inside, Reason::HarnessError);
        let loading = "ReferenceError: x\n    at Object.<anonymous> (/app/node_modules/lodash/a.js:1:1)\n    at Module._compile (node:internal/modules/cjs/loader:1:1)\n    at require (node:internal/modules/helpers:1:1)\n    at Object.<anonymous> (/app/proof/poc.js:3:4)";
        check("ReferenceError", "", "primordials is not defined", loading, Reason::LoadFailed);
        check("SyntaxError", "", "Unexpected token", "/app/node_modules/lodash/a.js:1\nlet let\n", Reason::LoadFailed);
        check(
            "SyntaxError",
            "",
            "The requested module 'lodash' does not provide an export named 'zip'",
            "",
            Reason::ApiAbsent,
        );
        let by_program = "Cannot find module 'lodash/fp'\nRequire stack:\n- /app/proof/poc.js";
        check("Error", "MODULE_NOT_FOUND", by_program, "", Reason::ApiAbsent);
        let whole = "Cannot find module 'lodash'\nRequire stack:\n- /app/proof/poc.js";
        check("Error", "MODULE_NOT_FOUND", whole, "", Reason::LoadFailed);
        let other = "Cannot find module 'express'\nRequire stack:\n- /app/proof/poc.js";
        check("Error", "MODULE_NOT_FOUND", other, "", Reason::HarnessError);
        let inner = "Cannot find module 'ms'\nRequire stack:\n- /app/node_modules/lodash/a.js\n- /app/proof/poc.js";
        check("Error", "MODULE_NOT_FOUND", inner, "", Reason::LoadFailed);
    }
}
