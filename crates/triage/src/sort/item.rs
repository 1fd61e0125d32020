//! What is known of one report, in whatever format it came: the facts that are compared. Filled in by the readers beside it.

use std::sync::Arc;

use super::sketch::Sketch;
use super::weakness;
use crate::crash::Crash;
use crate::place::{NoSymbol, Origin, Place};

/// The most symbols of one report that are kept.
pub const SYMBOLS_MAX: usize = 64;
/// The longest symbol that is kept, in bytes.
pub const SYMBOL_BYTES_MAX: usize = 256;

/// The format of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// What a crashing program printed.
    Crash,
    /// One result of a static analysis.
    Static,
    /// A TAP report.
    Tap,
    /// Text for people: plain, Markdown or an e-mail.
    #[default]
    Prose,
}

impl Kind {
    /// `crash`, `static`, `tap`, `prose`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Crash => "crash",
            Kind::Static => "static",
            Kind::Tap => "tap",
            Kind::Prose => "prose",
        }
    }
}

/// One report's facts. Lists are sorted and hold nothing twice, but for `symbols`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Unique among those compared: a file's name, with a place in it where it holds several.
    pub id: String,
    /// Its format.
    pub kind: Kind,
    /// The package, lower case: a purl without version, or a name. Packages of which one is not told are not held to differ.
    pub package: Option<String>,
    /// Identifiers that others gave the defect: CVE, GHSA, RUSTSEC.
    pub identifiers: Vec<String>,
    /// CWE numbers.
    pub weaknesses: Vec<u32>,
    /// Functions: of a crash its own frames, innermost first; of a static result the enclosing one; of prose those it names.
    pub symbols: Vec<String>,
    /// Whether the first symbol is where it went wrong, and not only named.
    pub placed: bool,
    /// Where a static result is, from the repository's top.
    pub path: Option<String>,
    /// The same line in it, where the tool told it.
    pub line: Option<u32>,
    /// The region of a static result, where its tool told the line.
    pub place: Option<Place>,
    /// The file that a static result is in, where its document brings it along.
    pub artifact: Option<Arc<str>>,
    /// Where the enclosing function is known from. The top of a file is known too: then there is no symbol.
    pub origin: Option<Origin>,
    /// Why it is not known.
    pub no_symbol: Option<NoSymbol>,
    /// The tokens of the statement at the place, without blanks and comments, as a number.
    pub statement: Option<u64>,
    /// Which one it is of the same rule's results, in one run, that have the same function and the same code: 0 is the first.
    pub turn: u32,
    /// Names of files that are named, without folders.
    pub files: Vec<String>,
    /// A static tool's own fingerprints, with their names.
    pub fingerprints: Vec<String>,
    /// The code at the place, without blanks, as a number.
    pub context: Option<u64>,
    /// The rule of a static tool.
    pub rule: Option<String>,
    /// The run that told it: one run holds its results apart.
    pub run: Option<u64>,
    /// A crash's type, without access and size.
    pub crash_base: Option<String>,
    /// Versions that are named.
    pub versions: Vec<String>,
    /// Of the text.
    pub sketch: Option<Sketch>,
    /// Of everything that was sent, so that the same thing sent twice is seen.
    pub content: u64,
}

impl Item {
    /// Puts a crash's facts in.
    pub(super) fn crash_put(&mut self, crash: &Crash) {
        self.crash_base = Some(crash.type_base().to_owned());
        self.symbols = crash.own_functions();
        self.symbols.truncate(SYMBOLS_MAX);
        self.placed = !self.symbols.is_empty();
        let file = |frame: &crate::crash::Frame| frame.file.as_deref().map(file_name).map(str::to_owned);
        self.files.extend(crash.frames.iter().filter_map(file).take(SYMBOLS_MAX));
        self.weaknesses.extend(weakness::of_crash(&crash.crash_type));
    }

    /// Sorts the lists and takes out what is there twice.
    pub(super) fn tidied(mut self) -> Self {
        for list in [&mut self.identifiers, &mut self.files, &mut self.fingerprints, &mut self.versions] {
            list.sort_unstable();
            list.dedup();
            list.truncate(SYMBOLS_MAX);
            list.shrink_to_fit();
        }
        self.weaknesses.sort_unstable();
        self.weaknesses.dedup();
        self
    }

    /// The function in which it went wrong: the innermost of a crash, the enclosing one of a static result.
    pub(super) fn place(&self) -> Option<&str> {
        self.symbols.first().filter(|_| self.placed).map(|symbol| leaf(symbol))
    }
}

/// The last part of a qualified name: `codec::Decoder::row_sum` is `row_sum`.
pub fn leaf(symbol: &str) -> &str {
    symbol.rsplit([':', '.', '#', '>', '/']).find(|part| !part.is_empty()).unwrap_or(symbol)
}

/// The last part of a path.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
