//! Holds what a worker posted against itself: every verdict has a receipt of this very bundle that says the same,
//! signed by a key that was registered for the worker, and no grade or range says more than the receipts do.
//!
//! Must not run anything: that a worker signs what it did not see is for its key's owner to answer, and for a replay
//! to show.

use std::collections::{BTreeMap, BTreeSet};

use domain::proof::{Grade, Verdict};
use proof::digest::Sha256Hex;
use proof::fix::stated::{StatedFix, StatedRow};
use proof::receipt::{Predicate, RECEIPT_BYTES_MAX, receipt_open};
use serde::Deserialize;
use signing::{Envelope, PublicKey};

use crate::error::{Result, ServiceError};
use crate::proof::cut;
use crate::work::{Measured, MeasuredBundleRange, Outcome, ReceiptDraft, VersionRun};

/// Receipts in one outcome.
pub(crate) const RECEIPTS_COUNT_MAX: usize = 20_000;
/// Sentences and frames in one outcome, each.
const LINES_COUNT_MAX: usize = 1_000;
/// Longest sentence or frame, in bytes.
const LINE_BYTES_MAX: usize = 4_096;
/// Different keys that may have signed one outcome.
const SIGNERS_COUNT_MAX: usize = 4;

/// What a bundle declares, as it was read when it came.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub purl: String,
    pub vulnerable: String,
    pub fixed: Option<String>,
}

/// The part of a range that says which versions are what.
#[derive(Deserialize)]
struct RangeSets {
    purl: String,
    fired: BTreeSet<String>,
    silent: BTreeSet<String>,
    inconclusive: BTreeSet<String>,
    inferred: BTreeSet<String>,
}

fn refused(reason: impl Into<String>) -> ServiceError {
    ServiceError::invalid("outcome_refused", "outcome", cut(&reason.into()))
}

fn receipts(outcome: &Outcome) -> Vec<&str> {
    match outcome {
        Outcome::Prove { measured, range } => {
            let more = range.iter().flat_map(|r| &r.receipts);
            measured.receipts.iter().chain(more).map(|r| r.envelope.as_str()).collect()
        }
        Outcome::Verify { runs } => runs.iter().filter_map(|r| r.envelope.as_deref()).collect(),
        Outcome::Patch { envelope, .. } => vec![envelope],
    }
}

/// The names of the keys that say they signed, each once.
pub(crate) fn signers(outcome: &Outcome) -> Result<Vec<String>> {
    let all = receipts(outcome);
    if all.len() > RECEIPTS_COUNT_MAX {
        return Err(refused(format!("at most {RECEIPTS_COUNT_MAX} receipts")));
    }
    let mut found = BTreeSet::new();
    for text in all {
        if text.len() as u64 > RECEIPT_BYTES_MAX {
            return Err(refused(format!("a receipt has at most {RECEIPT_BYTES_MAX} bytes")));
        }
        let envelope = Envelope::from_json(text.as_bytes()).map_err(|e| refused(e.to_string()))?;
        let [signature] = envelope.signatures.as_slice() else { return Err(refused("a receipt has one signature")) };
        found.insert(signature.keyid.clone());
        if found.len() > SIGNERS_COUNT_MAX {
            return Err(refused(format!("at most {SIGNERS_COUNT_MAX} keys sign one outcome")));
        }
    }
    Ok(found.into_iter().collect())
}

/// What a job asked for.
pub(crate) struct Asked<'a> {
    /// The bundles.
    pub digests: &'a [&'a str],
    /// The version they are run on, where there is one.
    pub version: Option<&'a str>,
    /// The patch they are run against, where there is one.
    pub patch: Option<&'a str>,
    /// What the bundle declares, where there is one.
    pub declared: Option<&'a Declared>,
}

/// Checks an outcome.
pub(crate) fn check(outcome: &Outcome, asked: &Asked<'_>, keys: &[PublicKey]) -> Result<()> {
    let digests = asked.digests;
    match (outcome, asked.declared) {
        (Outcome::Prove { measured, range }, Some(declared)) => {
            let digest = digests.first().copied().unwrap_or_default();
            lines_check(&measured.grade_reasons)?;
            lines_check(&measured.trace)?;
            let seen = seen_of(&measured.receipts, digest, keys)?;
            grade_check(measured, declared, &seen)?;
            match range {
                Some(range) if measured.grade == Grade::Confirmed => range_check(range, declared, digest, keys),
                None if measured.grade == Grade::Unconfirmed => Ok(()),
                _ => Err(refused("a range belongs to a confirmed proof, and to no other")),
            }
        }
        (Outcome::Patch { proofs, envelope }, None) => {
            if !proofs.iter().map(String::as_str).eq(digests.iter().copied()) {
                return Err(refused("not the bundles of this job"));
            }
            patch_check(envelope, asked, keys)
        }
        (Outcome::Verify { runs }, None) if asked.patch.is_none() => {
            if !runs.iter().map(|r| r.proof.as_str()).eq(digests.iter().copied()) {
                return Err(refused("not the bundles of this job"));
            }
            runs.iter().try_for_each(|run| run_check(run, asked.version.unwrap_or_default(), keys))
        }
        _ => Err(refused("not the outcome of this job")),
    }
}

fn lines_check(lines: &[String]) -> Result<()> {
    let fits = lines.len() <= LINES_COUNT_MAX && lines.iter().all(|l| l.len() <= LINE_BYTES_MAX);
    if fits { Ok(()) } else { Err(refused(format!("at most {LINES_COUNT_MAX} lines of {LINE_BYTES_MAX} bytes"))) }
}

/// Opens a receipt with the key that signed it.
fn opened(envelope: &str, digest: &str, keys: &[PublicKey]) -> Result<Predicate> {
    let tried = keys.iter().find_map(|key| receipt_open(envelope.as_bytes(), key).ok());
    let statement = tried.ok_or_else(|| refused("a receipt's signature does not hold"))?;
    if statement.predicate.proof.digest.as_str() != digest {
        return Err(refused("a receipt of another bundle"));
    }
    Ok(statement.predicate)
}

/// The verdict of each version that has a receipt, as the receipts themselves say.
fn seen_of(drafts: &[ReceiptDraft], digest: &str, keys: &[PublicKey]) -> Result<BTreeMap<String, Verdict>> {
    let mut seen = BTreeMap::new();
    for draft in drafts {
        let predicate = opened(&draft.envelope, digest, keys)?;
        let reason = draft.reason.map(|r| r.to_string());
        let same = predicate.version == draft.version && predicate.verdict == draft.verdict.as_str();
        if !same || predicate.reason != reason {
            return Err(refused(format!("the receipt of {} says otherwise", draft.version)));
        }
        if seen.insert(draft.version.clone(), draft.verdict).is_some() {
            return Err(refused(format!("two receipts of {}", draft.version)));
        }
    }
    Ok(seen)
}

/// No grade without the runs that it needs.
fn grade_check(measured: &Measured, declared: &Declared, seen: &BTreeMap<String, Verdict>) -> Result<()> {
    let is = |version: &str, verdict| seen.get(version) == Some(&verdict);
    if let Some(version) = &measured.fix_refuted
        && !(declared.fixed.as_ref() == Some(version) && is(version, Verdict::Fired))
    {
        return Err(refused("no receipt shows that it fires on the declared fix"));
    }
    if measured.grade == Grade::Confirmed && !is(&declared.vulnerable, Verdict::Fired) {
        return Err(refused("no receipt shows that it fires on the declared version"));
    }
    let silent = declared.fixed.as_ref().is_none_or(|v| !is(v, Verdict::Fired));
    if measured.grade == Grade::Confirmed && !silent && measured.fix_refuted.is_none() {
        return Err(refused("confirmed, though it fires on the declared fix"));
    }
    let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&measured.outcome);
    object.map(drop).map_err(|e| refused(format!("the report of the runs: {e}")))
}

/// Every version of a range has a receipt that says the same, or is said to be inferred.
fn range_check(range: &MeasuredBundleRange, declared: &Declared, digest: &str, keys: &[PublicKey]) -> Result<()> {
    let sets: RangeSets = serde_json::from_str(&range.json).map_err(|e| refused(format!("the range: {e}")))?;
    if sets.purl != declared.purl {
        return Err(refused("the range of another package"));
    }
    let seen = seen_of(&range.receipts, digest, keys)?;
    for (versions, verdict) in [(&sets.fired, Verdict::Fired), (&sets.silent, Verdict::Silent)] {
        for version in versions {
            let shown = match seen.get(version) {
                Some(seen) => *seen == verdict,
                None => sets.inferred.contains(version),
            };
            if !shown {
                return Err(refused(format!("no receipt says that {version} is {verdict}")));
            }
        }
    }
    let silent_or_fired = |v: &String| sets.fired.contains(v) || sets.silent.contains(v);
    if sets.inconclusive.iter().any(silent_or_fired) || !sets.fired.is_disjoint(&sets.silent) {
        return Err(refused("a version is said to be two things"));
    }
    let listed = |(v, verdict): (&String, &Verdict)| *verdict == Verdict::Inconclusive || silent_or_fired(v);
    if !seen.iter().all(listed) {
        return Err(refused("a receipt of a version that the range leaves out"));
    }
    crate::range::MeasuredRange::parse(&range.json).map(drop).map_err(|_| refused("the range cannot be read"))
}

/// A signed statement about this patch and these bundles, whose grade says no more than its rows.
fn patch_check(envelope: &str, asked: &Asked<'_>, keys: &[PublicKey]) -> Result<()> {
    let tried = keys.iter().find_map(|key| StatedFix::open(envelope.as_bytes(), key).ok());
    let stated = tried.ok_or_else(|| refused("a statement about a fix whose signature holds"))?;
    if !stated.patches_sha256.iter().map(Sha256Hex::as_str).eq(asked.patch) {
        return Err(refused("a statement about another patch"));
    }
    if stated.rows.len() > LINES_COUNT_MAX || !stated.rows.iter().all(row_fits) {
        return Err(refused(format!("at most {LINES_COUNT_MAX} rows with lines of {LINE_BYTES_MAX} bytes")));
    }
    let about = |row: &StatedRow| asked.digests.contains(&row.proof.digest.as_str());
    if !stated.rows.iter().all(about) {
        return Err(refused("a row about another bundle"));
    }
    let holds = |row: &StatedRow| row.cells().iter().all(|(_, cell)| ["yes", "nothing"].contains(&cell.is.as_str()));
    let every = asked.digests.iter().all(|digest| stated.rows.iter().any(|row| row.proof.digest.as_str() == *digest));
    if stated.grade == "verified" && !(every && stated.rows.iter().all(|row| row.holds && holds(row))) {
        return Err(refused("verified, though not every cell of every proof holds"));
    }
    Ok(())
}

fn row_fits(row: &StatedRow) -> bool {
    let fits = |text: &str| text.len() <= LINE_BYTES_MAX;
    let cells = row.cells();
    let mut texts = cells.iter().flat_map(|(_, cell)| [cell.is.as_str(), cell.detail.as_deref().unwrap_or_default()]);
    texts.all(fits) && fits(&row.line) && fits(&row.version)
}

/// One proof on the version of a fix: only what says nothing needs no receipt.
fn run_check(run: &VersionRun, version: &str, keys: &[PublicKey]) -> Result<()> {
    let Some(envelope) = &run.envelope else {
        let nothing = run.verdict == Verdict::Inconclusive;
        return if nothing { Ok(()) } else { Err(refused("a verdict without a receipt")) };
    };
    let predicate = opened(envelope, &run.proof, keys)?;
    if predicate.version != version || predicate.verdict != run.verdict.as_str() {
        return Err(refused("the receipt of a run says otherwise"));
    }
    Ok(())
}
