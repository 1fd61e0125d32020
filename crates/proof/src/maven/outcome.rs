//! What the compiler and the virtual machine say, read for whose fault it is. Must not build or run anything.

use std::fs;
use std::path::Path;

use domain::proof::Reason;

use crate::failure::Unbuilt;
use crate::failure::{Shortfall, line};

/// Bytes read of what `javac` said.
const LOG_BYTES_MAX: u64 = 256 << 10;

/// Keys of the compiler for a name, or a form of it, that is not there.
const ABSENT: [&str; 7] = [
    "compiler.err.cant.resolve",
    "compiler.err.doesnt.exist",
    "compiler.err.cant.apply",
    "compiler.err.not.def.public",
    "compiler.err.report.access",
    "compiler.err.does.not.override.abstract",
    "compiler.err.method.does.not.override.superclass",
];

pub(super) fn log_read(path: &Path) -> String {
    use std::io::Read as _;
    let mut raw = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        let _ = file.take(LOG_BYTES_MAX).read_to_end(&mut raw);
    }
    String::from_utf8_lossy(&raw).into_owned()
}

/// Why a program could not be built, by what `javac` said.
pub(super) fn unbuilt(log: &str, class: &str) -> Unbuilt {
    let Some(said) = log.lines().find(|said| said.contains("compiler.err.")) else {
        let said = line(log.trim());
        let detail = match said.is_empty() || said.contains("compiler.warn.") {
            true => format!("the file holds no class {class}, which is what is started"),
            false => format!("the program does not compile with this version: {said}"),
        };
        return Unbuilt::new(Reason::BuildFailed, detail);
    };
    let said = said.trim();
    if said.contains("compiler.err.cant.access") || said.contains("bad.class.file") {
        return match said.contains("wrong.version") {
            true => Unbuilt::new(Reason::RuntimeUnfit, format!("this Java is too old for it: {}", line(said))),
            false => {
                let what = "a class that it is made of is not there; [dependencies] can add it";
                Unbuilt::new(Reason::BuildFailed, format!("{what}: {}", line(said)))
            }
        };
    }
    match ABSENT.iter().any(|key| said.contains(key)) {
        true => {
            Unbuilt::new(Reason::ApiAbsent, format!("the entry point does not exist in this version: {}", line(said)))
        }
        false => {
            Unbuilt::new(Reason::BuildFailed, format!("the program does not compile with this version: {}", line(said)))
        }
    }
}

/// Why a run that ended by an exception nobody caught, or before it began, shows nothing.
pub fn uncaught(stderr: &str, status: i32) -> Shortfall {
    let of = |reason, detail: String| Shortfall { reason, detail };
    let heads = ["Exception in thread ", "Caused by: ", "Error: ", "java.lang."];
    let thrown: Vec<&str> = stderr.lines().filter(|said| heads.iter().any(|head| said.starts_with(head))).collect();
    let first = thrown.first().copied().unwrap_or_default();
    let says = |names: &[&str]| thrown.iter().copied().find(|said| names.iter().any(|name| said.contains(name)));
    if let Some(said) = says(&["java.lang.UnsupportedClassVersionError"]) {
        return of(Reason::RuntimeUnfit, format!("this Java is too old for it: {}", line(said)));
    }
    // Only where it stands first: a program may have its own reasons to load classes by name.
    let loading = [
        "java.lang.NoClassDefFoundError",
        "java.lang.NoSuchMethodError",
        "java.lang.NoSuchFieldError",
        "java.lang.IncompatibleClassChangeError",
        "java.lang.AbstractMethodError",
        "java.lang.VerifyError",
        "java.lang.UnsatisfiedLinkError",
        "java.lang.ExceptionInInitializerError",
    ];
    if loading.iter().any(|name| first.contains(name)) {
        return of(Reason::LoadFailed, format!("a class cannot be loaded: {}", line(first)));
    }
    if says(&["Could not find or load main class", "Main method not found"]).is_some() {
        return of(Reason::BuildFailed, format!("nothing to start: {}", line(first)));
    }
    if !first.is_empty() {
        return of(Reason::HarnessError, format!("uncaught exception: {}", line(first)));
    }
    of(Reason::HarnessError, format!("ended with status {status}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_javac_says_becomes_a_reason() {
        for (log, wanted) in [
            (
                "Poc.java:1:18: compiler.err.cant.resolve.location: kindname.class, X, , , (x)\n1 error",
                Reason::ApiAbsent,
            ),
            ("Poc.java:1:16: compiler.err.doesnt.exist: org.yaml.snakeyaml", Reason::ApiAbsent),
            ("Poc.java:3:5: compiler.err.cant.apply.symbol: kindname.method, f", Reason::ApiAbsent),
            ("Poc.java:3:5: compiler.err.expected: ';'", Reason::BuildFailed),
            (
                "Poc.java:1:1: compiler.err.cant.access: a.B, (compiler.misc.bad.class.file: B.class, (compiler.misc.wrong.version: 65, 0, 61, 0))",
                Reason::RuntimeUnfit,
            ),
            (
                "Poc.java:1:1: compiler.err.cant.access: a.B, (compiler.misc.class.file.not.found: a.B)",
                Reason::BuildFailed,
            ),
            ("", Reason::BuildFailed),
        ] {
            assert_eq!(unbuilt(log, "Poc").shortfall().reason, wanted, "{log}");
        }
    }

    #[test]
    fn what_the_virtual_machine_says_becomes_a_reason() {
        for (said, wanted) in [
            ("Exception in thread \"main\" java.lang.NoClassDefFoundError: org/x/Y\n\tat Poc.main", Reason::LoadFailed),
            (
                "Exception in thread \"main\" java.lang.IllegalStateException: x\nCaused by: java.lang.NoClassDefFoundError: y",
                Reason::HarnessError,
            ),
            ("Exception in thread \"main\" java.lang.UnsupportedClassVersionError: x", Reason::RuntimeUnfit),
            (
                "Error: LinkageError occurred while loading main class Poc\n\tjava.lang.UnsupportedClassVersionError: Poc",
                Reason::HarnessError,
            ),
            ("", Reason::HarnessError),
        ] {
            assert_eq!(uncaught(said, 1).reason, wanted, "{said}");
        }
    }
}
