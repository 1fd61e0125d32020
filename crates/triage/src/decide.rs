//! The decision about two reports, from what borders and code say. The table is here and nowhere else.

use crate::border::{self, Borders};
use crate::code::{self, Code};
use crate::evidence::Evidence;

/// What is to be done with two reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// One defect: they join by themselves.
    Join,
    /// Perhaps one: a coordinator is asked.
    Propose,
    /// Two, as far as is known.
    Separate,
}

impl Verdict {
    /// `join`, `propose`, `separate`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Join => "join",
            Verdict::Propose => "propose",
            Verdict::Separate => "separate",
        }
    }
}

/// What a reason is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fact {
    /// Different packages.
    OtherPackage,
    /// Both fall silent at the same version of a line.
    SameBorder,
    /// They fall silent at different versions.
    OtherBorder,
    /// Versions without a verdict hide where one of them falls.
    BorderUnclear,
    /// In a line one fires and the other never.
    OneFires,
    /// One verified fix silences both.
    SameFix,
    /// One verified fix silences only one.
    FixSplits,
    /// No line in which both fall silent.
    NoBorder,
    /// Both finders say the same version fixes it.
    SameDeclaredFix,
    /// The same innermost function.
    SameFrame,
    /// Traces that share an outer function.
    FramesShared,
    /// Traces that share nothing.
    OtherFrames,
    /// The same function named.
    SameSymbol,
    /// A function named that fits in part.
    SymbolsShared,
    /// Neither traces nor symbols to compare.
    NoCode,
    /// Different oracles fired.
    OtherOracle,
}

impl Fact {
    /// A stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Fact::OtherPackage => "other-package",
            Fact::SameBorder => "same-border",
            Fact::OtherBorder => "other-border",
            Fact::BorderUnclear => "border-unclear",
            Fact::OneFires => "one-fires",
            Fact::SameFix => "same-fix",
            Fact::FixSplits => "fix-splits",
            Fact::NoBorder => "no-border",
            Fact::SameDeclaredFix => "same-declared-fix",
            Fact::SameFrame => "same-frame",
            Fact::FramesShared => "frames-shared",
            Fact::OtherFrames => "other-frames",
            Fact::SameSymbol => "same-symbol",
            Fact::SymbolsShared => "symbols-shared",
            Fact::NoCode => "no-code",
            Fact::OtherOracle => "other-oracle",
        }
    }
}

/// One fact the decision rests on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// What it is about.
    pub fact: Fact,
    /// A plain sentence with the versions, fixes and functions in it.
    pub text: String,
}

/// A decision with everything it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is to be done.
    pub verdict: Verdict,
    /// Never empty.
    pub reasons: Vec<Reason>,
}

/// Are these two one defect? The verdict is the same whichever is named first.
#[must_use]
pub fn same_defect(a: &Evidence, b: &Evidence) -> Decision {
    let mut reasons = Vec::new();
    let mut say = |fact, text: String| reasons.push(Reason { fact, text });
    if a.package != b.package {
        let (one, other) = if a.package < b.package { (a, b) } else { (b, a) };
        say(Fact::OtherPackage, format!("they are about different packages: {} and {}", one.package, other.package));
        return Decision { verdict: Verdict::Separate, reasons };
    }
    let borders = border::compare(a, b, &mut reasons);
    if borders == Borders::Unknown {
        let text = "there is no release line in which both fall silent, and no verified fix that was tried on both";
        reasons.push(Reason { fact: Fact::NoBorder, text: text.to_owned() });
    }
    let code = code::compare(a, b, &mut reasons);
    if code == Code::Unknown {
        let text = "there are no traces or named functions to compare".to_owned();
        reasons.push(Reason { fact: Fact::NoCode, text });
    }
    let declared = a.declared_fix.as_ref().filter(|fix| b.declared_fix.as_ref() == Some(*fix));
    if let Some(fix) = declared {
        reasons.push(Reason { fact: Fact::SameDeclaredFix, text: format!("both finders say that {fix} fixes it") });
    }
    if a.oracle != b.oracle {
        let (one, other) = if a.oracle < b.oracle { (a, b) } else { (b, a) };
        let text = format!("different oracles fired: {} and {}", one.oracle, other.oracle);
        reasons.push(Reason { fact: Fact::OtherOracle, text });
    }
    Decision { verdict: verdict(borders, code, declared.is_some()), reasons }
}

/// The whole rule.
fn verdict(borders: Borders, code: Code, same_declared_fix: bool) -> Verdict {
    match (borders, code) {
        (Borders::Same { .. }, Code::Same) => Verdict::Join,
        // One release may fix several defects; one fix is one change, whatever the traces say.
        (Borders::Same { by_fix: false }, Code::Differ) => Verdict::Separate,
        (Borders::Same { .. }, _) => Verdict::Propose,
        (Borders::Mixed, Code::Differ) => Verdict::Separate,
        (Borders::Mixed, _) => Verdict::Propose,
        (Borders::Differ, _) => Verdict::Separate,
        (Borders::Unknown, Code::Same | Code::Partly) => Verdict::Propose,
        (Borders::Unknown, Code::Unknown) if same_declared_fix => Verdict::Propose,
        (Borders::Unknown, Code::Unknown | Code::Differ) => Verdict::Separate,
    }
}
