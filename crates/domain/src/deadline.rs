//! Deadline: by when an operator must have fixed one asset, from a decision table held as data.
//!
//! Source: CISA BOD 26-04 and SSVC (mandate, section 5). The table is versioned data under `data/`,
//! never code. Must not hide a guess: every answer carries the facts and the policy it used.

use thiserror::Error;

use crate::inventory::Exposure;
use crate::time::Timestamp;
use crate::words;

const BOD_26_04_V1: &str = include_str!("../data/bod-26-04.v1.csv");

words! {
    /// SSVC Automatable v2.0.0.
    pub enum Automatable {
        /// Attackers can reliably automate the first steps.
        Yes = "yes",
        /// They cannot.
        No = "no",
    }
}

words! {
    /// SSVC Technical Impact v1.0.0.
    pub enum TechnicalImpact {
        /// Limited control or information.
        Partial = "partial",
        /// Total control or total disclosure.
        Total = "total",
    }
}

words! {
    /// What the table says, in SSVC outcome keys.
    pub enum Outcome {
        /// Fix on system upgrade.
        OnUpgrade = "FSU",
        /// 60 calendar days.
        Days60 = "60D",
        /// 14 calendar days.
        Days14 = "14D",
        /// 3 calendar days.
        Days3 = "3D",
        /// 3 calendar days, with forensic triage.
        Days3Forensic = "3DF",
    }
}

impl Outcome {
    /// Calendar days, or none for "on system upgrade".
    #[must_use]
    pub const fn days(self) -> Option<i64> {
        match self {
            Self::OnUpgrade => None,
            Self::Days60 => Some(60),
            Self::Days14 => Some(14),
            Self::Days3 | Self::Days3Forensic => Some(3),
        }
    }

    /// The outcome in plain words.
    #[must_use]
    pub const fn plain(self) -> &'static str {
        match self {
            Self::OnUpgrade => "fix on system upgrade",
            Self::Days60 => "60 days",
            Self::Days14 => "14 days",
            Self::Days3 => "3 days",
            Self::Days3Forensic => "3 days with forensic triage",
        }
    }
}

words! {
    /// What to assume when CISA gave no SSVC points. Two published readings disagree, so it is a
    /// named choice of the operator of the clearinghouse.
    pub enum MissingPoints {
        /// Whichever of the other two is due earlier. The default.
        Safer = "safer",
        /// Automatable no, technical impact total.
        NoAndTotal = "automatable-no-impact-total",
        /// 60 days.
        SixtyDays = "sixty-days",
    }
}

/// A table that is not complete.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("decision table line {line}: {what}")]
pub struct BrokenTable {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// A complete decision table: one outcome for each of the 16 combinations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionTable {
    name: String,
    outcomes: [Outcome; 16],
}

/// What is known of one vulnerability on one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadlineFacts {
    /// Its CVE id, if it has one.
    pub cve: Option<String>,
    /// When KEV listed it, if it did.
    pub kev_listed: Option<Timestamp>,
    /// SSVC Automatable, if CISA gave it.
    pub automatable: Option<Automatable>,
    /// SSVC Technical Impact, if CISA gave it.
    pub technical_impact: Option<TechnicalImpact>,
    /// The asset's exposure.
    pub exposure: Exposure,
    /// When the affected version was detected on the asset.
    pub detected: Timestamp,
}

/// A deadline and everything it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// What the table says.
    pub outcome: Outcome,
    /// When it is due; none for "on system upgrade".
    pub due: Option<Timestamp>,
    /// When the clock started.
    pub clock_start: Timestamp,
    /// The table and its version.
    pub table: String,
    /// True when there is no CVE: then the table is an analogy, not a legal deadline.
    pub analogy: bool,
    /// The facts and choices, one plain sentence each.
    pub because: Vec<String>,
}

fn row_index(kev: bool, exposed: bool, automatable: bool, total: bool) -> usize {
    (usize::from(kev) << 3) | (usize::from(exposed) << 2) | (usize::from(automatable) << 1) | usize::from(total)
}

impl DecisionTable {
    /// The table of BOD 26-04, version 1.0.0.
    ///
    /// # Errors
    /// [`BrokenTable`] when the data in this build is damaged.
    pub fn bod_26_04() -> Result<Self, BrokenTable> {
        Self::parse(BOD_26_04_V1)
    }

    /// Reads a table: comments, a `table,NAME` line, and 16 rows `kev,exposed,automatable,impact,outcome`.
    ///
    /// # Errors
    /// [`BrokenTable`] when a row is malformed, repeated or missing.
    pub fn parse(text: &str) -> Result<Self, BrokenTable> {
        let mut name = None;
        let mut rows: [Option<Outcome>; 16] = [None; 16];
        for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            let broken = |what: String| BrokenTable { line: i + 1, what };
            if let Some(title) = line.strip_prefix("table,") {
                name = Some(title.to_owned());
                continue;
            }
            let (index, outcome) = Self::row(line).map_err(&broken)?;
            if rows[index].replace(outcome).is_some() {
                return Err(broken("the combination stands twice".to_owned()));
            }
        }
        let missing = |what: &str| BrokenTable { line: 0, what: what.to_owned() };
        let complete: Vec<Outcome> = rows.into_iter().flatten().collect();
        let outcomes = complete.try_into().map_err(|_| missing("not all 16 combinations are there"))?;
        Ok(Self { name: name.ok_or_else(|| missing("no `table,NAME` line"))?, outcomes })
    }

    fn row(line: &str) -> Result<(usize, Outcome), String> {
        let fields: Vec<&str> = line.split(',').collect();
        let [kev, exposed, automatable, impact, outcome] = fields[..] else {
            return Err("a row has five fields".to_owned());
        };
        let flag = |field: &str, yes: &str, no: &str| match field {
            f if f == yes => Ok(true),
            f if f == no => Ok(false),
            f => Err(format!("`{f}` is neither {yes} nor {no}")),
        };
        let index = row_index(
            flag(kev, "Y", "N")?,
            flag(exposed, "Y", "N")?,
            flag(automatable, "Y", "N")?,
            flag(impact, "T", "P")?,
        );
        Ok((index, outcome.parse().map_err(|e| format!("{e}"))?))
    }

    /// The name and version of the table.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Decides one deadline. The clock starts at the earlier of KEV listing and detection on the
    /// asset; an unknown exposure is taken as exposed.
    #[must_use]
    pub fn decide(&self, facts: &DeadlineFacts, missing: MissingPoints) -> Deadline {
        let kev = facts.kev_listed.is_some();
        let exposed = facts.exposure != Exposure::NotExposed;
        let mut because = vec![
            match facts.kev_listed {
                Some(at) => format!("in KEV since {}", at.date()),
                None => "not in KEV".to_owned(),
            },
            match facts.exposure {
                Exposure::Exposed => "the asset is publicly exposed".to_owned(),
                Exposure::NotExposed => "the asset is not publicly exposed".to_owned(),
                Exposure::Unknown => "exposure unknown, taken as exposed".to_owned(),
            },
        ];
        let outcome = match (facts.automatable, facts.technical_impact) {
            (Some(a), Some(t)) => {
                because.push(format!("SSVC automatable {a}, technical impact {t}"));
                self.outcomes[row_index(kev, exposed, a == Automatable::Yes, t == TechnicalImpact::Total)]
            }
            _ => self.without_points(kev, exposed, missing, &mut because),
        };
        let clock_start = facts.kev_listed.map_or(facts.detected, |listed| listed.min(facts.detected));
        because.push(format!("clock started {} (the earlier of KEV listing and detection)", clock_start.date()));
        if facts.cve.is_none() {
            because.push("no CVE id: the table is used by analogy, this is not a legal deadline".to_owned());
        }
        Deadline {
            outcome,
            due: outcome.days().map(|days| clock_start.plus_days(days)),
            clock_start,
            table: self.name.clone(),
            analogy: facts.cve.is_none(),
            because,
        }
    }

    fn without_points(&self, kev: bool, exposed: bool, policy: MissingPoints, because: &mut Vec<String>) -> Outcome {
        let by_total = self.outcomes[row_index(kev, exposed, false, true)];
        let chosen = match policy {
            MissingPoints::NoAndTotal => by_total,
            MissingPoints::SixtyDays => Outcome::Days60,
            // `FSU` has no days and is the latest of all.
            MissingPoints::Safer if by_total.days().unwrap_or(i64::MAX) < 60 => by_total,
            MissingPoints::Safer => Outcome::Days60,
        };
        because.push(format!("no SSVC points from CISA: policy `{policy}` gives {}", chosen.plain()));
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> DeadlineFacts {
        DeadlineFacts {
            cve: Some("CVE-2020-8203".to_owned()),
            kev_listed: None,
            automatable: Some(Automatable::No),
            technical_impact: Some(TechnicalImpact::Total),
            exposure: Exposure::Unknown,
            detected: "2026-11-23".parse().unwrap(),
        }
    }

    #[test]
    fn the_table_is_complete_and_named() {
        let table = DecisionTable::bod_26_04().unwrap();
        assert_eq!(table.name(), "cisa:DT_BOD2604:1.0.0");
        assert!(DecisionTable::parse("table,x\nN,N,N,P,FSU\n").is_err());
        assert!(DecisionTable::parse(&format!("{BOD_26_04_V1}N,N,N,P,FSU\n")).is_err());
    }

    #[test]
    fn an_exposed_asset_is_due_and_the_answer_explains_itself() {
        let table = DecisionTable::bod_26_04().unwrap();
        let deadline = table.decide(&facts(), MissingPoints::Safer);
        assert_eq!((deadline.outcome, deadline.analogy), (Outcome::Days14, false));
        assert_eq!(deadline.due.unwrap().date(), "2026-12-07");
        assert!(deadline.because.iter().any(|b| b.contains("taken as exposed")));
        let listed = DeadlineFacts { kev_listed: Some("2026-11-20".parse().unwrap()), ..facts() };
        let deadline = table.decide(&listed, MissingPoints::Safer);
        assert_eq!((deadline.outcome, deadline.due.unwrap().date()), (Outcome::Days3Forensic, "2026-11-23".to_owned()));
    }

    #[test]
    fn without_points_the_named_policy_decides() {
        let table = DecisionTable::bod_26_04().unwrap();
        let bare = DeadlineFacts {
            automatable: None,
            technical_impact: None,
            cve: None,
            exposure: Exposure::NotExposed,
            ..facts()
        };
        let outcome = |p| table.decide(&bare, p).outcome;
        assert_eq!(outcome(MissingPoints::Safer), Outcome::Days60);
        assert_eq!(outcome(MissingPoints::NoAndTotal), Outcome::OnUpgrade);
        assert_eq!(outcome(MissingPoints::SixtyDays), Outcome::Days60);
        let exposed = DeadlineFacts { exposure: Exposure::Exposed, ..bare };
        assert_eq!(table.decide(&exposed, MissingPoints::Safer).outcome, Outcome::Days14);
        assert!(table.decide(&exposed, MissingPoints::Safer).analogy);
    }
}
