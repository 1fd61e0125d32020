//! What a crash's output says: which kind of crash, how memory was touched and where in the code. Reads what sanitizers, fuzzers,
//! kernels, debuggers and language runtimes print, and CASR's reports. Must not decide whether two crashes are one defect, and
//! must not keep anything that differs from run to run in what serves as identity: no address, no line, no path.
//!
//! Names of crash types are those of ClusterFuzz, with a blank where it breaks the line: `Heap-buffer-overflow READ 4`.
//!
//! Time and memory grow with the length of the input, whatever the bytes.

mod address;
mod casr;
mod draft;
mod frame;
mod go;
mod java;
mod kernel;
mod name;
mod node;
mod noise;
mod process;
mod python;
mod rust;
mod sanitizer;
mod text;
mod ubsan;

pub use address::AddressKind;

use draft::Draft;
use text::Text;
use thiserror::Error;

/// The largest crash output that is read, in bytes.
pub const CRASH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Lines that are read; what follows is left out with a warning.
pub const CRASH_LINES_MAX: usize = 200_000;
/// The part of one line that is read, in bytes; the rest is left out with a warning.
pub const CRASH_LINE_BYTES_MAX: usize = 16 * 1024;
/// Frames of one stack that are kept, innermost first.
pub const CRASH_FRAMES_MAX: usize = 256;
/// Frames that make the state, as in ClusterFuzz.
pub const CRASH_STATE_FRAMES_MAX: usize = 3;

/// How memory was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// A load.
    Read,
    /// A store.
    Write,
}

impl Access {
    /// `READ` or `WRITE`, as sanitizers print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Access::Read => "READ",
            Access::Write => "WRITE",
        }
    }
}

/// One stack frame, as far as the output says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Demangled, without parameters, return type and hashes; empty where none is named.
    pub function: String,
    /// The function as it was written.
    pub raw: String,
    /// Source file, as it was written.
    pub file: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
    /// Program or library.
    pub module: Option<String>,
    /// Place in the module, as it was written: `0x22ba`.
    pub offset: Option<String>,
    /// Whether the compiler put it into its caller.
    pub inlined: bool,
}

/// What was understood of one crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// `Heap-buffer-overflow READ 4`; a size that is no power of two up to 64 is written `{*}`.
    pub crash_type: String,
    /// Read or write, where it is told.
    pub access: Option<Access>,
    /// How many bytes were touched, where it is told.
    pub size_bytes: Option<u64>,
    /// The address that was touched, as it was written, with `0x` before it.
    pub address: Option<String>,
    /// What kind of address that is.
    pub address_kind: AddressKind,
    /// Whether such a crash is taken for a weakness: memory touched where it must not be, other than near null.
    pub security: bool,
    /// What identifies the place: at most [`CRASH_STATE_FRAMES_MAX`] names, innermost first, without what belongs to the tool,
    /// the runtime or the allocator, and without template arguments. Empty when nothing is named.
    pub state: Vec<String>,
    /// The whole stack, innermost first, as far as it was kept.
    pub frames: Vec<Frame>,
    /// What printed it: `AddressSanitizer`, `libFuzzer`, `Go` …
    pub tool: &'static str,
    /// The message that came with it: an exception's text, a failed condition.
    pub message: Option<String>,
    /// What was left out or is not sure.
    pub warnings: Vec<String>,
}

impl Crash {
    /// The type without access and size: `Heap-buffer-overflow`.
    #[must_use]
    pub fn type_base(&self) -> &str {
        let cut = [" READ", " WRITE"].iter().filter_map(|word| self.crash_type.find(word)).min();
        cut.and_then(|at| self.crash_type.get(..at)).unwrap_or(&self.crash_type)
    }

    /// The names of all frames that belong to the program itself, innermost first, as in the state but without its limit.
    #[must_use]
    pub fn own_functions(&self) -> Vec<String> {
        noise::own(&self.frames).into_iter().map(name::identity).collect()
    }
}

/// Why nothing was understood.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unrecognised {
    /// Nothing in it is known.
    #[error(
        "read crash output: nothing in it looks like a crash, a sanitizer's report, a panic or an uncaught exception"
    )]
    Unknown,
    /// Too many bytes.
    #[error("read crash output: it has {bytes} bytes, at most {CRASH_BYTES_MAX} are read")]
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
}

/// Reads one crash from what a program, a tool or a kernel printed. Of several reports in it the first counts.
///
/// # Errors
/// When it is too large or nothing in it is known.
pub fn read(bytes: &[u8]) -> Result<Crash, Unrecognised> {
    if bytes.len() > CRASH_BYTES_MAX {
        return Err(Unrecognised::TooLarge { bytes: bytes.len() });
    }
    let whole = String::from_utf8_lossy(bytes);
    let draft = match casr::read(&whole) {
        Some(draft) => draft,
        None => read_text(&whole).ok_or(Unrecognised::Unknown)?,
    };
    Ok(draft.finish())
}

/// What is printed, told by whichever reader knows it first; the more exact tool before the more general one.
fn read_text(whole: &str) -> Option<Draft> {
    let text = Text::of(whole);
    let mut draft = read_kind(&text)?;
    if draft.is_mere_stop() {
        // An abort says only that the program stopped itself: what it printed before says why.
        draft = match [rust::read, process::cause, node::read_check, python::read, java::read]
            .iter()
            .find_map(|reader| reader(&text))
        {
            Some(cause) => draft.caused_by(cause),
            None => draft,
        };
    }
    draft.warnings.extend(text.warnings());
    Some(draft)
}

fn read_kind(text: &Text<'_>) -> Option<Draft> {
    let readers: [fn(&Text<'_>) -> Option<Draft>; 12] = [
        sanitizer::read,
        kernel::read,
        ubsan::read,
        process::read_fuzzer,
        go::read,
        rust::read,
        node::read_check,
        java::read,
        python::read,
        node::read,
        process::read,
        process::read_stack,
    ];
    readers.iter().find_map(|reader| reader(text))
}
