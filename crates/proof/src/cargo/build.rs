//! Builds program and control of a bundle on one version of a crate, in a box without network, by cargo.
//!
//! Build scripts and procedural macros of crates run in that box and nowhere else. What comes out are two programs and
//! why one of them is not there. Must not run what was built.

use std::fs;
use std::path::{Path, PathBuf};

use domain::proof::Reason;

use super::outcome::{self, Unbuilt};
use super::toolchain::RustHome;
use crate::bundle::Bundle;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::failure::Shortfall;
use crate::file;
use crate::harness::PROOF_FOLDER;
use crate::runtime::{Ground, Unready};
use crate::sandbox::{BoxOutcome, BoxSpec, CopyOut, FolderOut, FolderOutcome, Limits, Mount, PlacedFile};
use crate::source::SourceError;

/// Wall time of one build, in milliseconds.
pub const BUILD_WALL_MS_MAX: u64 = 300_000;
/// CPU time of one build, in milliseconds.
pub const BUILD_CPU_MS_MAX: u64 = 600_000;
/// Memory of one build, what it writes included, in bytes.
pub const BUILD_MEMORY_BYTES_MAX: u64 = 4 << 30;
/// What a build may write, in bytes.
pub const BUILD_DISK_BYTES_MAX: u64 = 2 << 30;
/// Files a build may make.
pub const BUILD_FILES_MAX: u32 = 65_536;
/// Processes and threads of one build.
pub const BUILD_PROCESSES_MAX: u32 = 256;
/// Bytes of cargo's messages that are read.
pub const BUILD_OUTPUT_BYTES_MAX: u64 = 8 << 20;
/// Bytes of both programs together.
pub const PROGRAMS_BYTES_MAX: u64 = 256 << 20;
/// Where the target's crate is while it is built: what stacks name.
pub const CRATE_FOLDER: &str = "/app/crate";
/// Where all other crates are while they are built.
pub const VENDOR_FOLDER: &str = "/app/vendor";
/// Where the built programs are when they run.
pub const BUILT_FOLDER: &str = "/app/build";
/// Names of the two programs.
pub const PROGRAMS: [&str; 2] = ["program", "control"];

const TOOLCHAIN_FOLDER: &str = "/toolchain";
const WORKPLACE: &str = "/box/build";

/// Runs cargo and keeps what came of it. The status says nothing: a program that does not build is an answer.
const SCRIPT: &str = "cargo build --release --bins --offline --keep-going --message-format=json $PROOF_TARGET
mkdir -p /box/out
for name in program control; do
  for folder in /box/target/release /box/target/*/release; do
    if [ -f $folder/$name ]; then cp $folder/$name /box/out/$name; fi
  done
done
exit 0
";

/// The compiler with its unstable flags allowed, for itself and not for what build scripts find out about it.
const WRAPPER: &str = "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec \"$@\"\n";

/// How everything is compiled: as released, so that the standard library's own checks do not come first.
const PROFILE: &str = "[profile.release]
opt-level = 1
debug-assertions = false
overflow-checks = false
incremental = false
codegen-units = 16
[profile.release.build-override]
opt-level = 0
";

const CARGO_CONFIG: &str = "[source.crates-io]
replace-with = \"vendor\"
[source.vendor]
directory = \"/app/vendor\"
[net]
offline = true
";

/// What is built.
pub struct Recipe<'a> {
    /// The bundle with the two programs.
    pub bundle: &'a Bundle,
    /// The target's name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its unpacked crate, or what stands in for it.
    pub target: &'a Path,
    /// Names that crate.
    pub target_sha256: &'a Sha256Hex,
    /// The folder of all other crates.
    pub vendor: &'a Path,
    /// Names them.
    pub closure_digest: &'a Sha256Hex,
}

/// What was built.
#[derive(Debug, Clone)]
pub struct Built {
    /// The folder of the programs on the host.
    pub folder: PathBuf,
    /// Why one is not there, by the name of its file in the bundle.
    pub unbuilt: Vec<(String, Shortfall)>,
}

/// Digest over how things are built: with another recipe, receipts are others.
#[must_use]
pub fn recipe_digest() -> Sha256Hex {
    let parts =
        [SCRIPT, WRAPPER, PROFILE, CARGO_CONFIG, &rust_flags(true), &rust_flags(false), &manifest_of("", "", "", "")];
    Sha256Hex::of(parts.join("\n").as_bytes())
}

impl Recipe<'_> {
    /// Builds, or finds what was built before of the very same.
    ///
    /// # Errors
    /// A build that ends at a limit is a verdict by [`EngineError::verdict`]; it is not kept.
    pub fn build(&self, ground: &Ground, rust: &RustHome) -> Result<Built, EngineError> {
        let place = ground.store.builds().join(self.key(rust).as_str());
        if ground.store.is_here(&place)
            && let Some(known) = self.known(&place)
        {
            return Ok(known);
        }
        let draft = ground.store.draft()?;
        let step = |source| EngineError::Source(SourceError::Store { step: "build", path: place.clone(), source });
        fs::create_dir_all(&draft).map_err(step)?;
        let outcome = ground.sandbox.run(&self.spec(rust, &draft.join("bin")))?;
        self.ended_well(&outcome)?;
        let messages = outcome::read(&outcome.stdout.head, &outcome.stderr.text(), &self.about());
        let unbuilt: Vec<Unbuilt> = PROGRAMS
            .into_iter()
            .filter(|program| !draft.join("bin").join(program).is_file())
            .map(|program| Unbuilt { program: program.to_owned(), why: messages.why(program) })
            .collect();
        let text = serde_json::to_vec(&unbuilt).unwrap_or_default();
        file::write_whole(&draft.join("unbuilt.json"), &text).map_err(step)?;
        ground.store.place(&draft, &place).map_err(step)?;
        self.known(&place).ok_or_else(|| step(std::io::Error::other("incomplete")))
    }

    fn known(&self, place: &Path) -> Option<Built> {
        let unbuilt: Vec<Unbuilt> = serde_json::from_slice(&fs::read(place.join("unbuilt.json")).ok()?).ok()?;
        let run = &self.bundle.manifest().run;
        let file = |program: &str| if program == PROGRAMS[0] { run.program.clone() } else { run.control.clone() };
        let unbuilt = unbuilt
            .into_iter()
            .map(|one| (file(&one.program), Shortfall { reason: Reason::BuildFailed, detail: one.why }));
        Some(Built { folder: place.join("bin"), unbuilt: unbuilt.collect() })
    }

    /// Everything that what is built depends on.
    fn key(&self, rust: &RustHome) -> Sha256Hex {
        let text = format!(
            "rust build 1\n{}\n{} {} {}\n{}\n{}\n{}\n",
            self.bundle.digest(),
            self.name,
            self.version,
            self.target_sha256,
            self.closure_digest,
            rust.sha256,
            recipe_digest(),
        );
        Sha256Hex::of(text.as_bytes())
    }

    fn about(&self) -> outcome::About {
        outcome::About { name: self.name.to_owned(), version: self.version.to_owned() }
    }

    fn ended_well(&self, outcome: &BoxOutcome) -> Result<(), EngineError> {
        let why = match (outcome.limit_hit, &outcome.folder) {
            (Some(limit), _) => format!("the build ran into its {} limit", limit.as_str()),
            (None, Some(FolderOutcome::Written(_))) => return Ok(()),
            (None, Some(FolderOutcome::NotWritten(why))) => format!("what was built did not come out: {why}"),
            (None, None) => "nothing came out of the build".to_owned(),
        };
        let detail = format!("{}@{}: {why}", self.name, self.version);
        Err(EngineError::Unready(Unready { reason: Reason::BuildFailed, detail }))
    }

    fn spec(&self, rust: &RustHome, dest: &Path) -> BoxSpec {
        let sanitizer = self.bundle.manifest().runtime.sanitizer;
        let mut spec = BoxSpec::new(["/bin/sh", "-c", SCRIPT]);
        let mut env = |key: &str, value: String| spec.env.push((key.to_owned(), value));
        env("HOME", "/box".into());
        env("CARGO_HOME", "/box/cargo".into());
        env("CARGO_TARGET_DIR", "/box/target".into());
        env("CARGO_TERM_COLOR", "never".into());
        env("CARGO_ENCODED_RUSTFLAGS", rust_flags(sanitizer));
        // For a target that is named, flags are for it alone: build scripts and macros cannot be sanitized.
        env("PROOF_TARGET", if sanitizer { format!("--target={}", rust.triple) } else { String::new() });
        if sanitizer {
            env("RUSTC_WRAPPER", "/app/wrapper".into());
        }
        spec.env.retain(|(key, _)| key != "PATH");
        let mut path = "/usr/local/bin:/usr/bin:/bin".to_owned();
        // A toolchain of the system is there already.
        if !rust.root.starts_with("/usr") {
            path = format!("{TOOLCHAIN_FOLDER}/bin:{path}");
            spec.mounts.push(Mount { host: rust.root.clone(), at: TOOLCHAIN_FOLDER.into() });
        }
        spec.env.push(("PATH".into(), path));
        spec.cwd = WORKPLACE.into();
        spec.mounts.push(Mount { host: self.target.to_owned(), at: self.crate_place() });
        spec.mounts.push(Mount { host: self.vendor.to_owned(), at: VENDOR_FOLDER.into() });
        spec.files = self.files();
        spec.limits = Limits {
            wall_ms: BUILD_WALL_MS_MAX,
            cpu_ms: BUILD_CPU_MS_MAX,
            memory_bytes: BUILD_MEMORY_BYTES_MAX,
            processes: BUILD_PROCESSES_MAX,
            files: BUILD_FILES_MAX,
            disk_bytes: BUILD_DISK_BYTES_MAX,
            output_bytes: BUILD_OUTPUT_BYTES_MAX,
            drain_bytes: BUILD_OUTPUT_BYTES_MAX * 8,
            open_files: 1_024,
        };
        spec.exec = true;
        spec.copy_out = CopyOut::Folder(FolderOut {
            path: "out".into(),
            dest: dest.to_owned(),
            bytes_max: PROGRAMS_BYTES_MAX,
            files_max: 16,
        });
        spec
    }

    fn crate_place(&self) -> String {
        format!("{CRATE_FOLDER}/{}-{}", self.name, self.version)
    }

    fn files(&self) -> Vec<PlacedFile> {
        let placed = |at: String, bytes: &[u8], mode| PlacedFile { at, bytes: bytes.to_vec(), mode };
        let mut files: Vec<PlacedFile> = self
            .bundle
            .files()
            .iter()
            .map(|(name, bytes)| placed(format!("{PROOF_FOLDER}/{name}"), bytes, 0o444))
            .collect();
        files.push(placed(format!("{WORKPLACE}/Cargo.toml"), self.manifest().as_bytes(), 0o644));
        files.push(placed("/box/cargo/config.toml".into(), CARGO_CONFIG.as_bytes(), 0o644));
        files.push(placed("/app/wrapper".into(), WRAPPER.as_bytes(), 0o555));
        files
    }

    fn manifest(&self) -> String {
        let manifest = self.bundle.manifest();
        let features: Vec<String> = manifest.runtime.features.iter().map(|name| format!("\"{name}\"")).collect();
        let mut dependencies = format!(
            "\"{}\" = {{ path = \"{}\", features = [{}], default-features = {} }}\n",
            self.name,
            self.crate_place(),
            features.join(", "),
            manifest.runtime.default_features,
        );
        for (name, version) in &manifest.dependencies {
            if name != self.name {
                dependencies.push_str(&format!("\"{name}\" = \"={version}\"\n"));
            }
        }
        let debug = if manifest.runtime.sanitizer { "debug = \"line-tables-only\"" } else { "debug = false" };
        manifest_of(&manifest.run.program, &manifest.run.control, &dependencies, debug)
    }
}

fn manifest_of(program: &str, control: &str, dependencies: &str, debug: &str) -> String {
    format!(
        "[package]\nname = \"proof\"\nversion = \"0.0.0\"\nedition = \"2021\"\nautobins = false\n[workspace]\n\
         [[bin]]\nname = \"program\"\npath = \"{PROOF_FOLDER}/{program}\"\n\
         [[bin]]\nname = \"control\"\npath = \"{PROOF_FOLDER}/{control}\"\n\
         [dependencies]\n{dependencies}\n{PROFILE}"
    )
    .replace("[profile.release]\n", &format!("[profile.release]\n{debug}\n"))
}

/// Flags, parted as cargo wants them. Old crates forbid warnings that did not exist when they were written.
fn rust_flags(sanitizer: bool) -> String {
    let mut flags = vec!["--cap-lints=allow"];
    if sanitizer {
        flags.extend(["-Zsanitizer=address", "-Cforce-frame-pointers=yes"]);
    }
    flags.join("\u{1f}")
}
