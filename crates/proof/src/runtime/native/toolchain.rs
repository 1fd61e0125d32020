//! The machine's own C compiler, named by the digest of everything that makes its output, and our part that watches a
//! native program, built by it once. Must not build anything outside a box.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::build::{self, Job};
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::runtime::{Ground, Toolchain};
use crate::sandbox::{Mount, PlacedFile};

/// Our part that runs inside the box, in source.
pub const WATCH: &str = include_str!("../../harness/native.c");
/// Where it is in the box.
pub const WATCH_PLACE: &str = "/harness/native.so";
/// A program that does nothing: what stands in for the target's own.
const INERT: &str = "int main(void) { return 0; }\n";
/// Programs that a build needs beside the compiler, and the Debian package of each.
const NEEDED: [(&str, &str); 5] =
    [("make", "make"), ("patch", "patch"), ("tar", "tar"), ("xz", "xz-utils"), ("nm", "binutils")];
/// Programs that the compiler runs, and files that it links with, as it names them.
const PARTS: [(&str, &str); 9] = [
    ("-print-prog-name", "cc1"),
    ("-print-prog-name", "cc1plus"),
    ("-print-prog-name", "as"),
    ("-print-prog-name", "ld"),
    ("-print-file-name", "libasan.so"),
    ("-print-file-name", "libubsan.so"),
    ("-print-file-name", "libgcc.a"),
    ("-print-file-name", "libc.so.6"),
    ("-print-file-name", "crt1.o"),
];

/// Builds our part in the box with this compiler, and tries the sanitizer with it.
const SCRIPT: &str = r#"set -eu
mkdir -p /box/made && cd /box/made
cc -O1 -fno-omit-frame-pointer -fPIC -shared -o native.so /recipe/native.c
cc -O1 -fsanitize=address,bounds,object-size -o tried /recipe/inert.c && ./tried && rm tried
cc -O1 -o inert /recipe/inert.c
"#;

fn unfit(why: String) -> EngineError {
    EngineError::Unfit { runtime: "native".into(), why }
}

/// The compiler of this machine, with our part built for it.
///
/// # Errors
/// [`EngineError::Unfit`] in one line that says what to install.
pub fn find(ground: &Ground) -> Result<Toolchain, EngineError> {
    let compiler = on_path("cc").ok_or_else(|| unfit("there is no C compiler; install gcc and make".into()))?;
    let missing: Vec<&str> = NEEDED.iter().filter(|(name, _)| on_path(name).is_none()).map(|(_, from)| *from).collect();
    if !missing.is_empty() {
        return Err(unfit(format!("it needs more programs; install {}", missing.join(" "))));
    }
    let sha256 = identity(&compiler).map_err(|source| EngineError::Home {
        step: "read the compiler",
        path: compiler.clone(),
        source,
    })?;
    let version = said(&compiler, &["-dumpfullversion", "-dumpversion"]).unwrap_or_else(|| "unknown".into());
    let root = watch_obtain(ground, &sha256)?;
    let mounts = vec![
        Mount { host: root.join("native.so"), at: WATCH_PLACE.into() },
        Mount { host: root.join("inert"), at: "/harness/inert".into() },
    ];
    Ok(Toolchain { name: "cc".into(), version, sha256, mounts, root })
}

/// Everything that decides what comes out of it, by content.
fn identity(compiler: &Path) -> std::io::Result<Sha256Hex> {
    let mut listing = String::new();
    let mut add = |name: &str, path: &Path| -> std::io::Result<()> {
        let digest = Sha256Hex::of(&fs::read(path)?);
        listing.push_str(&format!("{name} {digest}\n"));
        Ok(())
    };
    add("cc", &compiler.canonicalize()?)?;
    for (option, name) in PARTS {
        let Some(told) = said(compiler, &[&format!("{option}={name}")]) else { continue };
        let path = if told.starts_with('/') { Some(PathBuf::from(told)) } else { on_path(&told) };
        // A C++ compiler need not be there; what a build misses without it shows in the build.
        if let Some(path) = path.and_then(|path| path.canonicalize().ok()) {
            add(name, &path)?;
        }
    }
    Ok(Sha256Hex::of(listing.as_bytes()))
}

fn watch_obtain(ground: &Ground, compiler: &Sha256Hex) -> Result<PathBuf, EngineError> {
    let key = Sha256Hex::of(format!("native watch 1\n{compiler}\n{}", Sha256Hex::of(WATCH.as_bytes())).as_bytes());
    let place = ground.store.builds().join(key.as_str());
    if ground.store.is_here(&place) {
        return Ok(place);
    }
    let placed = |at: &str, text: &str| PlacedFile { at: at.into(), bytes: text.as_bytes().to_vec(), mode: 0o444 };
    let files = vec![placed("/recipe/native.c", WATCH), placed("/recipe/inert.c", INERT)];
    let draft = ground.store.draft()?;
    let job = Job { script: SCRIPT, files, mounts: Vec::new(), env: Vec::new(), made: "made" };
    let outcome = build::run(&ground.sandbox, &job, &draft)?;
    if !outcome.ok() {
        let said = build::told(&outcome);
        return Err(unfit(format!(
            "the C compiler cannot build with the address sanitizer in a box ({said}); install gcc with its libasan"
        )));
    }
    ground.store.place(&draft, &place).map_err(|source| EngineError::Home {
        step: "keep the watch",
        path: place.clone(),
        source,
    })?;
    Ok(place)
}

/// A program of the box: only what is below `/usr` is seen there.
fn on_path(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/local/bin", "/usr/bin", "/bin"];
    folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

fn said(program: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).env("LC_ALL", "C").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
