//! What is known of one report's proof. Plain values, filled in from a measured range and its traces; nothing is decided here.

/// One report's evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What it is the evidence of: a finding's or a report's id, unique among those compared.
    pub report: String,
    /// The package as canonical purl, without version.
    pub package: String,
    /// The oracle that fired: `prototype-pollution`.
    pub oracle: String,
    /// Each release line that was measured, once.
    pub lines: Vec<Line>,
    /// Fixes that were verified to silence the proof.
    pub silenced_by: Vec<String>,
    /// Fixes under which the proof was run and still fired.
    pub fires_despite: Vec<String>,
    /// The version in which the finder says it is fixed.
    pub declared_fix: Option<String>,
    /// Where it fired, innermost first, the package's own frames only.
    pub frames: Vec<Frame>,
    /// The functions the report names.
    pub symbols: Vec<Symbol>,
}

/// One release line: `4` or `0.8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name; the same for all reports of a package.
    pub name: String,
    /// Where the proof stops firing in it.
    pub border: Border,
}

/// Where a proof stops firing in one release line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Border {
    /// It fires, and later is silent.
    Falls {
        /// The last version on which it fired.
        last_fired: String,
        /// The first silent version after that.
        first_silent: String,
        /// Whether versions lie between them that gave no verdict.
        unknown_between: bool,
    },
    /// It fires up to the newest version that gave a verdict.
    Fires {
        /// That version.
        last_fired: String,
    },
    /// It never fires, and was silent somewhere.
    Silent,
}

/// The verdict on one version, as far as borders need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// The oracle fired.
    Fired,
    /// Silent with a live control.
    Silent,
    /// Inconclusive, or not run.
    Unknown,
}

impl Border {
    /// From the verdicts of one line, oldest version first. `None` when no version gave a verdict.
    #[must_use]
    pub fn of_verdicts(verdicts: &[(String, Measured)]) -> Option<Self> {
        let Some(last) = verdicts.iter().rposition(|(_, m)| *m == Measured::Fired) else {
            return verdicts.iter().any(|(_, m)| *m == Measured::Silent).then_some(Border::Silent);
        };
        let last_fired = verdicts.get(last).map(|(version, _)| version.clone())?;
        let after = verdicts.get(last + 1..).unwrap_or_default();
        match after.iter().position(|(_, m)| *m == Measured::Silent) {
            Some(at) => {
                let first_silent = after.get(at).map(|(version, _)| version.clone())?;
                Some(Border::Falls { last_fired, first_silent, unknown_between: at > 0 })
            }
            None => Some(Border::Fires { last_fired }),
        }
    }
}

/// One stack frame inside the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Relative to the package's root.
    pub file: String,
    /// The function's name; empty for one without.
    pub function: String,
}

impl Frame {
    /// From `file:function`, as traces write it.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let (file, function) = text.rsplit_once(':')?;
        Some(Frame { file: file.to_owned(), function: function.to_owned() })
    }
}

/// A function that a report names. A claim, where a frame is a measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Relative to the package's root.
    pub file: Option<String>,
    /// The function's name.
    pub function: String,
}
