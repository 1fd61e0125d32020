//! Do two proofs fall silent at the same change? Compares borders line by line, and verified fixes. Looks at no code.

use crate::decide::{Fact, Reason};
use crate::evidence::{Border, Evidence};

/// What the borders and fixes say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Borders {
    /// Both fall at the same version wherever both were measured, or the same verified fix silences both.
    Same {
        /// A verified fix says so, which is one change; a release may hold many.
        by_fix: bool,
    },
    /// The same in one line, and something that fits less well in another.
    Mixed,
    /// They fall at different versions, or a fix of the one does not silence the other.
    Differ,
    /// No line in which both fall, and no common fix.
    Unknown,
}

pub(crate) fn compare(a: &Evidence, b: &Evidence, reasons: &mut Vec<Reason>) -> Borders {
    let (same, weak, differ) = lines(a, b, reasons);
    let by_fix = fixes(a, b, reasons);
    match (by_fix, same, weak, differ) {
        (Some(false), ..) => Borders::Differ,
        (Some(true), _, _, 1..) => Borders::Mixed,
        (None, _, _, 1..) => Borders::Differ,
        (Some(true), _, 0, 0) => Borders::Same { by_fix: true },
        (None, 1.., 0, 0) => Borders::Same { by_fix: false },
        (Some(true), _, 1.., 0) | (None, 1.., 1.., 0) => Borders::Mixed,
        (None, 0, 1.., 0) => Borders::Mixed,
        (None, 0, 0, 0) => Borders::Unknown,
    }
}

/// How many common lines agree, fit badly, and contradict.
fn lines(a: &Evidence, b: &Evidence, reasons: &mut Vec<Reason>) -> (usize, usize, usize) {
    let (mut same, mut weak, mut differ) = (0, 0, 0);
    let mut names: Vec<&str> = a.lines.iter().map(|l| l.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let of = |e: &Evidence| e.lines.iter().find(|l| l.name == name).map(|l| l.border.clone());
        let (Some(x), Some(y)) = (of(a), of(b)) else { continue };
        match line(name, &x, &y) {
            Some(reason) => {
                match reason.fact {
                    Fact::SameBorder => same += 1,
                    Fact::OtherBorder => differ += 1,
                    _ => weak += 1,
                }
                reasons.push(reason);
            }
            None => continue,
        }
    }
    (same, weak, differ)
}

/// `None` where a line says nothing: both fire to its end, or both are silent in it.
fn line(name: &str, x: &Border, y: &Border) -> Option<Reason> {
    use Border::{Falls, Fires, Silent};
    let reason = |fact, text| Some(Reason { fact, text });
    match (x, y) {
        (
            Falls { last_fired: fired_x, first_silent: silent_x, unknown_between: gap_x },
            Falls { last_fired: fired_y, first_silent: silent_y, unknown_between: gap_y },
        ) => {
            if silent_x == silent_y && fired_x == fired_y {
                let text = format!("in line {name} both fire on {fired_x} and both are silent from {silent_x} on");
                reason(Fact::SameBorder, text)
            } else if (silent_x == silent_y || fired_x == fired_y) && (*gap_x || *gap_y) {
                let text = format!(
                    "in line {name} one falls between {fired_x} and {silent_x}, the other between {fired_y} and {silent_y}; \
                     versions between them gave no verdict"
                );
                reason(Fact::BorderUnclear, text)
            } else {
                let text = format!("in line {name} one is silent from {silent_x} on, the other from {silent_y} on");
                reason(Fact::OtherBorder, text)
            }
        }
        (Falls { first_silent, .. }, Fires { last_fired }) | (Fires { last_fired }, Falls { first_silent, .. }) => {
            let text =
                format!("in line {name} one is silent from {first_silent} on, the other still fires on {last_fired}");
            reason(Fact::OtherBorder, text)
        }
        (Silent, Falls { last_fired, .. } | Fires { last_fired })
        | (Falls { last_fired, .. } | Fires { last_fired }, Silent) => {
            let text = format!("in line {name} one fires on {last_fired}, the other never");
            reason(Fact::OneFires, text)
        }
        (Fires { .. }, Fires { .. }) | (Silent, Silent) => None,
    }
}

/// `Some(true)`: a verified fix silences both. `Some(false)`: one that silences the one leaves the other firing.
fn fixes(a: &Evidence, b: &Evidence, reasons: &mut Vec<Reason>) -> Option<bool> {
    let common = |x: &[String], y: &[String]| {
        let mut all: Vec<String> = x.iter().filter(|fix| y.contains(fix)).cloned().collect();
        all.sort();
        all.dedup();
        all
    };
    let against = [common(&a.silenced_by, &b.fires_despite), common(&b.silenced_by, &a.fires_despite)].concat();
    if let Some(fix) = against.iter().min() {
        let text = format!("the verified fix {fix} silences one, and the other still fires under it");
        reasons.push(Reason { fact: Fact::FixSplits, text });
        return Some(false);
    }
    let both = common(&a.silenced_by, &b.silenced_by);
    let fix = both.first()?;
    reasons.push(Reason { fact: Fact::SameFix, text: format!("the verified fix {fix} silences both") });
    Some(true)
}
