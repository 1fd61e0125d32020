//! What `proof.toml` says, as values that are valid by their types. Must not read files or text.

use std::collections::BTreeMap;

use domain::package::Package;
use domain::proof::OracleKind;
use domain::words;

/// The format this engine reads: the value of the key `proof`.
pub const FORMAT: i64 = 1;
/// Longest title, in bytes.
pub const TITLE_BYTES_MAX: usize = 256;
/// Repeats when nothing is said.
pub const REPEAT_DEFAULT: u32 = 3;
/// Most repeats a bundle may ask for.
pub const REPEAT_COUNT_MAX: u32 = 20;
/// Wall time of one run when nothing is said, in milliseconds.
pub const WALL_MS_DEFAULT: u64 = 20_000;
/// Least wall time of one run, in milliseconds.
pub const WALL_MS_MIN: u64 = 500;
/// Most wall time of one run, in milliseconds.
pub const WALL_MS_MAX: u64 = 300_000;
/// Memory of one run when nothing is said, in bytes.
pub const MEMORY_BYTES_DEFAULT: u64 = 512 << 20;
/// Least memory of one run, in bytes: the runtime itself takes 40 MiB.
pub const MEMORY_BYTES_MIN: u64 = 64 << 20;
/// Most memory of one run, in bytes.
pub const MEMORY_BYTES_MAX: u64 = 4 << 30;
/// Most sizes a `cpu-blow-up` oracle may be given.
pub const SIZES_MAX: usize = 32;
/// Largest such size.
pub const INPUT_SIZE_COUNT_MAX: u64 = 100_000_000;
/// Most features of the target that a bundle may switch on.
pub const FEATURES_COUNT_MAX: usize = 32;
/// Most words of a command, and most things a driver is linked with.
pub const COMMAND_WORDS_MAX: usize = 32;
/// Longest such word, in bytes.
pub const COMMAND_WORD_BYTES_MAX: usize = 512;
/// Most programs in `[tests]`.
pub const TESTS_COUNT_MAX: usize = 16;
/// Most overrides in `[dependencies]`.
pub const OVERRIDES_MAX: usize = 64;

words! {
    /// What runs the program.
    pub enum RuntimeKind {
        /// Node.js, itself fetched as a package of the registry.
        Node = "node",
        /// Rust programs built with the machine's own toolchain.
        Rust = "rust",
        /// CPython, over packages of PyPI.
        Python = "python",
        /// Go modules, with programs built in a box.
        Go = "go",
        /// C and C++ built from source, under sanitizers.
        Native = "native",
        /// Java programs over artefacts of Maven repositories.
        Jvm = "jvm",
    }
}

/// A whole `proof.toml`.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// One line for people.
    pub title: String,
    /// What is tried.
    pub target: Target,
    /// What runs it.
    pub runtime: Runtime,
    /// How it is run.
    pub run: Run,
    /// What is measured.
    pub oracle: Oracle,
    /// How the target is built, for runtimes that build by a recipe.
    pub build: Option<Build>,
    /// Programs that try the target as its maintainers do.
    pub tests: Vec<String>,
    /// Exact versions for names in the dependency tree, instead of what the ranges resolve to.
    pub dependencies: BTreeMap<String, String>,
}

/// The package and what the finder says about its versions.
#[derive(Debug, Clone)]
pub struct Target {
    /// The package, without a version.
    pub package: Package,
    /// Where the finder saw it fire.
    pub vulnerable: String,
    /// Where the finder says it stops.
    pub fixed: Option<String>,
    /// Where its source is kept, `https://…`: versions are commits there. `native` only.
    pub repo: Option<String>,
}

/// What runs the program.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// Which.
    pub kind: RuntimeKind,
    /// Its exact version; the engine's own choice where absent.
    pub version: Option<String>,
    /// Features of the target that are switched on; `rust` only.
    pub features: Vec<String>,
    /// Whether the target's default features are on; `rust` only.
    pub default_features: bool,
    /// Whether target and program are built with AddressSanitizer; `rust` only.
    pub sanitizer: bool,
}

/// How the program is run.
#[derive(Debug, Clone)]
pub struct Run {
    /// File of the bundle that fires the defect.
    pub program: String,
    /// File of the bundle that uses the same entry point without harm.
    pub control: String,
    /// How often the program is run on one version.
    pub repeat: u32,
    /// Wall time of one run, in milliseconds.
    pub wall_ms: u64,
    /// Memory of one run, in bytes.
    pub memory_bytes: u64,
    /// Whether the box has a loopback interface of its own, for programs that are server and client at once.
    pub loopback: bool,
    /// `native` only: the built program and its arguments; `{input}` stands for the file that is run.
    pub command: Vec<String>,
    /// `native` only: the file that is run is standard input.
    pub stdin: bool,
    /// `native` only: statuses beside 0 with which the program may end by itself; the control never may.
    pub statuses: Vec<u8>,
}

/// How the target is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// File of the bundle, run by `sh` in the target's source tree.
    pub script: String,
    /// File of the bundle, one C program that calls the target's library.
    pub driver: Option<String>,
    /// What the driver is linked with: files that the script made, and `-l` options.
    pub link: Vec<String>,
}

/// What is measured.
#[derive(Debug, Clone)]
pub struct Oracle {
    /// Which effect.
    pub kind: OracleKind,
    /// `cpu-blow-up` only: the input sizes to try, growing.
    pub sizes: Option<Vec<u64>>,
}
