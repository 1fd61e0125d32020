//! Embargo: how long a case stays closed, on whose rule.
//!
//! Source: the mandate, section 7. Four kinds of rule; the shortest that applies wins; the
//! maintainer's word is final and stands above the arithmetic. Must not enforce: `policy` does.

use crate::time::Timestamp;
use crate::words;

/// Days of embargo from validation when no other rule applies.
pub const EMBARGO_DEFAULT_DAYS: i64 = 21;
/// The outer bound, in days from validation.
pub const EMBARGO_OUTER_DAYS_MAX: i64 = 90;
/// Days until guidance is due for a defect exploited in the wild, even without a fix.
pub const EXPLOITED_GUIDANCE_DAYS: i64 = 7;

words! {
    /// Where a rule comes from, in order of precedence for equal lengths.
    pub enum EmbargoSource {
        /// The upstream project's published policy.
        UpstreamPolicy = "upstream-policy",
        /// A coordinating list's rule.
        ListRule = "list-rule",
        /// Negotiated with the maintainer.
        Negotiated = "negotiated",
        /// This clearinghouse's default.
        Default = "default",
        /// The maintainer's own word. It stands above the others and nobody else may set it.
        Maintainer = "maintainer",
    }
}

/// One rule that applies to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbargoRule {
    /// Where it comes from.
    pub source: EmbargoSource,
    /// When it ends the embargo.
    pub ends: Timestamp,
    /// Where it can be read; required for policies and list rules by the caller.
    pub url: Option<String>,
}

/// The embargo of a case: when it ends and which rule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embargo {
    /// The end.
    pub ends: Timestamp,
    /// The rule that won.
    pub source: EmbargoSource,
    /// Its URL, if any.
    pub url: Option<String>,
    /// Why, in one sentence.
    pub reason: String,
}

/// Decides the end of an embargo: the maintainer's word if there is one, else the shortest rule,
/// never beyond [`EMBARGO_OUTER_DAYS_MAX`] from `validated`.
#[must_use]
pub fn embargo_decide(validated: Timestamp, rules: &[EmbargoRule], maintainer_word: Option<Timestamp>) -> Embargo {
    if let Some(ends) = maintainer_word {
        let reason = format!("the maintainer set {}; the maintainer's word is final", ends.date());
        return Embargo { ends, source: EmbargoSource::Maintainer, url: None, reason };
    }
    let fallback =
        EmbargoRule { source: EmbargoSource::Default, ends: validated.plus_days(EMBARGO_DEFAULT_DAYS), url: None };
    let shortest = rules.iter().min_by_key(|r| (r.ends, r.source)).unwrap_or(&fallback);
    let outer = validated.plus_days(EMBARGO_OUTER_DAYS_MAX);
    let ends = shortest.ends.min(outer);
    let reason = if ends < shortest.ends {
        format!(
            "{} asked for longer; {EMBARGO_OUTER_DAYS_MAX} days from validation is the outer bound",
            shortest.source
        )
    } else if rules.is_empty() {
        format!("no other rule applies: {EMBARGO_DEFAULT_DAYS} days from validation")
    } else {
        format!("{} is the shortest of {} rules that apply", shortest.source, rules.len())
    };
    Embargo { ends, source: shortest.source, url: shortest.url.clone(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(source: EmbargoSource, days: i64) -> EmbargoRule {
        EmbargoRule { source, ends: Timestamp::from_micros(0).plus_days(days), url: None }
    }

    #[test]
    fn the_shortest_wins_and_the_maintainer_ends_it() {
        let start = Timestamp::from_micros(0);
        let rules = [rule(EmbargoSource::UpstreamPolicy, 30), rule(EmbargoSource::ListRule, 14)];
        assert_eq!(embargo_decide(start, &rules, None).source, EmbargoSource::ListRule);
        assert_eq!(embargo_decide(start, &[], None).ends, start.plus_days(21));
        assert_eq!(embargo_decide(start, &[rule(EmbargoSource::Negotiated, 400)], None).ends, start.plus_days(90));
        let word = embargo_decide(start, &rules, Some(start.plus_days(2)));
        assert_eq!((word.ends, word.source), (start.plus_days(2), EmbargoSource::Maintainer));
    }
}
