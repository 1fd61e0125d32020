//! Is it known already? Compares a finding with the cases and advisories of its package that its reader may see.
//!
//! Must not tell of a case that the reader may not know of: such a case is left out before anything is compared, so that the answer
//! is the same as if it had never existed. Decides nothing: a proof does.

use domain::case::CaseState;
use domain::id::{CaseId, FindingId};
use domain::package::Package;
use domain::party::Actor;
use serde_json::Value;
use store::Tx;
use store::case::Case;
use store::finding::Finding;
use store::report::Report;
use versions::osv::Status;

use crate::Service;
use crate::error::{Result, internal};
use crate::range::MeasuredRange;

/// Cases of one package that are looked at, the newest.
const CASES_COMPARED_COUNT_MAX: usize = 500;

/// Findings of one case that are looked at: they are the same defect.
const FINDINGS_COMPARED_COUNT_MAX: usize = 16;

/// A finding that is known already, as far as its reader may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The finding.
    pub finding: FindingId,
    /// The case that it seems to be.
    pub case: CaseId,
    /// Its advisory, where there is one.
    pub advisory: Option<String>,
    /// Why, each in a sentence.
    pub because: Vec<String>,
}

impl Service {
    /// The cases that a finding seems to be, of those the actor may see. None for one that is in a case.
    pub(crate) async fn known_of(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        report: &Report,
        finding: &Finding,
    ) -> Result<Vec<Known>> {
        let (Some(purl), None) = (&finding.purl, finding.case_id) else { return Ok(Vec::new()) };
        let (mut known, mut compared) = (Vec::new(), 0);
        for id in self.cases_of_package(tx, purl).await? {
            // One that may not be seen must not take a place among those that are compared either.
            if !self.case_visible(tx, actor, Some(id)).await? {
                continue;
            }
            compared += 1;
            if compared > CASES_COMPARED_COUNT_MAX {
                break;
            }
            let Some(case) = store::case::by_id(tx, id).await?.filter(|c| c.state != CaseState::Merged) else {
                continue;
            };
            let because = self.known_because(tx, &case, report, finding).await?;
            if !because.is_empty() {
                let advisory = store::advisory::by_case(tx, id).await?.map(|advisory| advisory.name);
                known.push(Known { finding: finding.id, case: id, advisory, because });
            }
        }
        Ok(known)
    }

    /// An id or a fixed commit in common is enough; a function needs a version that is affected, or a weakness, beside it.
    async fn known_because(&self, tx: &mut Tx, case: &Case, report: &Report, finding: &Finding) -> Result<Vec<String>> {
        let mut because = Vec::new();
        for id in shared(&texts(&case.aliases), &texts(&finding.aliases)) {
            because.push(format!("both are {id}"));
        }
        let told: Value = serde_json::from_str(&report.provenance).unwrap_or_default();
        let (mut same_function, mut same_commit) = (None, None);
        for member in store::finding::by_case(tx, case.id).await?.into_iter().take(FINDINGS_COMPARED_COUNT_MAX) {
            if let (Some(own), Some(other)) = (&finding.symbol, &member.symbol)
                && leaf(own) == leaf(other)
            {
                same_function = Some(leaf(own).to_owned());
            }
            let other = store::report::by_id(tx, member.report_id).await?;
            let other: Value = other.and_then(|r| serde_json::from_str(&r.provenance).ok()).unwrap_or_default();
            same_commit = same_commit.or_else(|| commit_shared(&told, &other));
        }
        because.extend(same_commit.map(|commit| format!("both are fixed by the commit {commit}")));
        if let Some(function) = same_function {
            let version = affected_version(case, &told)?;
            let weakness = case.weakness.is_some() && case.weakness == finding.weakness;
            if version.is_some() || weakness || !because.is_empty() {
                because.push(format!("both are in {function}"));
                because.extend(version.map(|version| format!("{version} is affected by it")));
            }
        }
        Ok(because)
    }
}

fn texts(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

fn shared(one: &[String], other: &[String]) -> Vec<String> {
    one.iter().filter(|id| other.iter().any(|o| o.eq_ignore_ascii_case(id))).cloned().collect()
}

/// The last part of a qualified name.
fn leaf(symbol: &str) -> &str {
    symbol.rsplit([':', '.', '#', '/']).find(|part| !part.is_empty()).unwrap_or(symbol)
}

/// Commits are written out or cut short.
fn commit_shared(one: &Value, other: &Value) -> Option<String> {
    let of = |told: &Value| told.get("fixed_commit").and_then(Value::as_str).map(str::to_owned);
    let (one, other) = (of(one)?, of(other)?);
    (one.starts_with(&other) || other.starts_with(&one)).then_some(if one.len() > other.len() { one } else { other })
}

/// A version that the report names and the case's range says is affected.
fn affected_version(case: &Case, told: &Value) -> Result<Option<String>> {
    let Some(range) = case.range.as_deref().map(MeasuredRange::parse).transpose()? else { return Ok(None) };
    let package: Package = case.purl.parse().map_err(|e| internal("read a stored purl", e))?;
    let listed = told.get("reported_versions").and_then(Value::as_array).into_iter().flatten();
    let affected = |version: &&str| range.answer(&package, version).status == Status::Affected;
    Ok(listed.filter_map(Value::as_str).find(affected).map(str::to_owned))
}
