//! The package handed over: everything a maintainer needs of one case, in one file, and one message that says it in plain text.
//!
//! Must not hold what was not measured or verified without saying so, and must not name another case.

use std::io::{Cursor, Write};

use domain::case::EventKind;
use domain::fix::{FixKind, FixState};
use domain::id::CaseId;
use domain::party::Actor;
use domain::policy::{Action, CaseStanding};
use domain::proof::Grade;
use domain::time::Timestamp;
use serde_json::{Value, json};
use store::Tx;
use store::fix::Fix;
use store::proof::Proof;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::Service;
use crate::case::CaseView;
use crate::ctx::Ctx;
use crate::error::{Result, ServiceError, internal};
use crate::fix::{FixLine, StatedRow};
use crate::letter::Letter;
pub use crate::letter::{LETTER_COLUMNS_MAX, Mail};
use crate::range::MeasuredRange;

/// Proofs of one case in its package, the first ones: they all show one defect.
pub const PACKAGE_PROOFS_COUNT_MAX: usize = 8;
/// Fixes of one case in its package.
pub const PACKAGE_FIXES_COUNT_MAX: usize = 16;
/// Versions that a message names in one line before it says how many more there are.
const VERSIONS_NAMED_COUNT_MAX: usize = 12;

/// The package of a case: a zip archive.
#[derive(Debug, Clone)]
pub struct CasePackage {
    /// The name of the file.
    pub filename: String,
    /// The archive.
    pub bytes: Vec<u8>,
}

/// What a maintainer is told of a case, in plain text.
#[derive(Debug, Clone)]
pub struct CaseMessage {
    /// In a line.
    pub subject: String,
    /// The text: lines of at most [`LETTER_COLUMNS_MAX`] columns, but for words that are longer.
    pub text: String,
    /// What makes it the same message: the case and its revision.
    pub name: String,
    /// Where it goes to: the addresses that maintainers of the package want to be told at, by e-mail. For coordinators and those
    /// maintainers themselves.
    pub to: Vec<String>,
}

/// A proof that the package holds.
struct Packed {
    bundle: Vec<u8>,
    receipts: Vec<String>,
}

impl Service {
    /// The package of a case, for whoever sees its research.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn case_package(&self, ctx: &Ctx, id: CaseId) -> Result<CasePackage> {
        let mut tx = self.store.read().await?;
        let standing = self.case_standing(&mut tx, &ctx.actor, id).await?;
        ctx.authorize_case(Action::CaseReadResearch, standing)?;
        let view = self.case_view(&mut tx, &ctx.actor, id, standing).await?;
        let proofs = self.proofs_packed(&mut tx, &view).await?;
        let text = self.letter(&view, &proofs)?.text();
        let mut files = vec![("message.txt".to_owned(), text.into_bytes())];
        files.push(("measured.json".to_owned(), pretty(&measured(&view)?)?));
        for (i, packed) in proofs.iter().enumerate() {
            let folder = format!("proofs/{}", i + 1);
            files.push((format!("{folder}/bundle{}", archive_suffix(&packed.bundle)), packed.bundle.clone()));
            for (n, envelope) in packed.receipts.iter().enumerate() {
                files.push((format!("{folder}/receipts/{}.json", n + 1), envelope.clone().into_bytes()));
            }
        }
        for (i, fix) in fixes_told(&view).into_iter().enumerate() {
            let folder = format!("fixes/{}", i + 1);
            files.push((format!("{folder}/fix.json"), pretty(&fix_json(fix)?)?));
            if let Some(blob) = fix.patch_blob_id {
                files.push((format!("{folder}/fix.patch"), self.blob_get(&mut tx, blob).await?));
            }
        }
        let draft = self.advisory_draft(&mut tx, &view.case).await?;
        files.push(("advisory-draft.osv.json".to_owned(), draft));
        Ok(CasePackage { filename: format!("{id}.zip"), bytes: zipped(&files)? })
    }

    /// The message about a case, for whoever sees its research.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn case_message(&self, ctx: &Ctx, id: CaseId) -> Result<CaseMessage> {
        let mut tx = self.store.read().await?;
        let standing = self.case_standing(&mut tx, &ctx.actor, id).await?;
        ctx.authorize_case(Action::CaseReadResearch, standing)?;
        let is_staff = ctx.actor.is(domain::party::Role::Coordinator);
        let mut to = Vec::new();
        for wait in store::pace::waits_of_case(&mut tx, id).await?.iter().filter(|w| w.released_at.is_some()) {
            if !is_staff && wait.party_id != ctx.actor.party {
                continue;
            }
            let row = store::pace::by_party(&mut tx, wait.party_id).await?;
            to.extend(row.filter(|r| r.told == domain::pace::Told::Email).and_then(|r| r.told_to));
        }
        let message = self.message_for(&mut tx, &ctx.actor, id, standing).await?;
        Ok(CaseMessage { to, ..message })
    }

    /// The message as this actor may read it, who was authorised; to nobody yet.
    pub(crate) async fn message_for(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: CaseId,
        standing: CaseStanding,
    ) -> Result<CaseMessage> {
        let view = self.case_view(tx, actor, id, standing).await?;
        let proofs = self.proofs_packed(tx, &view).await?;
        Ok(CaseMessage {
            subject: format!("[{}] {}", view.case.purl, view.case.title),
            text: self.letter(&view, &proofs)?.text(),
            name: format!("{id}.{}", view.case.revision),
            to: Vec::new(),
        })
    }

    async fn proofs_packed(&self, tx: &mut Tx, view: &CaseView) -> Result<Vec<Packed>> {
        let mut packed = Vec::new();
        for proof in confirmed(view).take(PACKAGE_PROOFS_COUNT_MAX) {
            let bundle = self.blob_get(tx, proof.bundle_blob_id).await?;
            let receipts = store::proof::receipts(tx, proof.id).await?.into_iter().map(|r| r.envelope).collect();
            packed.push(Packed { bundle, receipts });
        }
        Ok(packed)
    }

    fn letter(&self, view: &CaseView, proofs: &[Packed]) -> Result<Letter> {
        let case = &view.case;
        let range = case.range.as_deref().map(MeasuredRange::parse).transpose()?.unwrap_or_default();
        let mut letter = Letter::default();
        letter.prose(&case.title);
        letter.gap();
        letter.fact("Package", &case.purl);
        letter.fact("Affected", &affected(&range));
        letter.fact("Case", &case.id.to_string());
        let aliases: Vec<String> =
            serde_json::from_str(&case.aliases).map_err(|e| internal("read stored aliases", e))?;
        let ids: Vec<String> = aliases.into_iter().chain(case.weakness.clone()).collect();
        if !ids.is_empty() {
            letter.fact("Also", &ids.join(", "));
        }
        letter.fact("Found by", &view.credits.join(", "));
        letter.fact("Marking", view.tlp);
        if let Some(ends) = case.embargo_ends.filter(|_| !case.public) {
            let reason = case.embargo_reason.as_deref().unwrap_or_default();
            letter.fact("Embargo", &format!("until {}; {reason}", ends.date()));
        }
        for event in view.events.iter().filter(|e| e.kind == EventKind::HandedOver) {
            letter.fact("Note", &event.text);
        }
        if !case.summary.trim().is_empty() {
            letter.heading("What it is");
            letter.prose(&case.summary);
        }
        measured_tell(&mut letter, view, &range, proofs);
        fixes_tell(&mut letter, view)?;
        letter.heading("What we ask of you");
        letter.prose("Your verdict, which is final and which only you can give or change: vulnerability, hardening, not-an-issue, \
                      duplicate-of-ours or will-not-fix. The finders are told what you say.");
        letter.gap();
        letter.command(&format!("proofhouse case judge {} VERDICT --reason TEXT", case.id));
        letter.gap();
        letter.fact("Page", &format!("{}/cases/{}", self.public_url, case.id));
        letter.fact("From", &self.publisher);
        Ok(letter)
    }
}

fn confirmed(view: &CaseView) -> impl Iterator<Item = &Proof> {
    view.proofs.iter().filter(|p| p.grade == Some(Grade::Confirmed))
}

/// Fixes as they are told: what was verified first.
fn fixes_told(view: &CaseView) -> Vec<&Fix> {
    let mut fixes: Vec<&Fix> = view.fixes.iter().collect();
    fixes.sort_by_key(|f| (f.state != FixState::Verified, f.created_at));
    fixes.truncate(PACKAGE_FIXES_COUNT_MAX);
    fixes
}

fn affected(range: &MeasuredRange) -> String {
    let words = range.affected.iter().map(|i| {
        let from =
            if i.introduced == "0" { "from the first version".to_owned() } else { format!("from {}", i.introduced) };
        match (&i.fixed, &i.last_affected) {
            (Some(fixed), _) => format!("{from}, before {fixed}"),
            (None, Some(last)) => format!("{from} up to {last}"),
            (None, None) => format!("{from}, and every later one"),
        }
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "not measured yet".to_owned() } else { words.join("; ") }
}

fn versions(list: &[String]) -> String {
    let named: Vec<&str> = list.iter().take(VERSIONS_NAMED_COUNT_MAX).map(String::as_str).collect();
    match list.len().saturating_sub(named.len()) {
        0 if named.is_empty() => "none".to_owned(),
        0 => named.join(", "),
        more => format!("{}, and {more} more", named.join(", ")),
    }
}

fn measured_tell(letter: &mut Letter, view: &CaseView, range: &MeasuredRange, proofs: &[Packed]) {
    letter.heading("What was run");
    letter.prose(&format!("{}.", range.sentence()));
    letter.gap();
    letter.fact("Fires on", &versions(&range.fired));
    letter.fact("Silent on", &versions(&range.silent));
    if !range.inconclusive.is_empty() {
        let unknown: Vec<String> = range.inconclusive.iter().map(|u| u.version().to_owned()).collect();
        letter.fact("Unknown on", &versions(&unknown));
    }
    letter.gap();
    letter.prose(
        "Each proof is a program with a control that must pass. To run one yourself, in a sandbox, on any version:",
    );
    letter.gap();
    let total = confirmed(view).count();
    for (i, (proof, packed)) in confirmed(view).zip(proofs).enumerate() {
        let file = format!("proofs/{}/bundle{}", i + 1, archive_suffix(&packed.bundle));
        letter.command(&format!("proofhouse prove {file} --version {}", proof.vulnerable));
        letter.point(&format!("{} ({}), sha256 {}", proof.title, proof.oracle, proof.digest));
    }
    if total > PACKAGE_PROOFS_COUNT_MAX {
        letter.prose(&format!("{} more proofs of the same defect are left out.", total - PACKAGE_PROOFS_COUNT_MAX));
    }
}

fn fixes_tell(letter: &mut Letter, view: &CaseView) -> Result<()> {
    letter.heading("Fix");
    let fixes = fixes_told(view);
    if fixes.iter().all(|f| f.state != FixState::Verified) {
        letter.prose("No fix was verified yet.");
    }
    for (i, fix) in fixes.iter().enumerate() {
        let what = match (fix.kind, &fix.version) {
            (FixKind::Upgrade, Some(version)) => format!("upgrade to {version}"),
            (FixKind::Patch, _) if fix.patch_blob_id.is_some() => format!("patch, in fixes/{}/fix.patch", i + 1),
            (kind, _) => kind.to_string(),
        };
        letter.point(&format!("{}: {what}. {}", fix.state, fix.note));
        for line in matrix_lines(fix)? {
            letter.point(&format!("  {line}"));
        }
    }
    Ok(())
}

/// A fix's matrix in words: which proof on which version, and what came of it.
fn matrix_lines(fix: &Fix) -> Result<Vec<String>> {
    let Some(matrix) = fix.matrix.as_deref() else { return Ok(Vec::new()) };
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    if let Ok(rows) = serde_json::from_str::<Vec<StatedRow>>(matrix) {
        let cells = |row: &StatedRow| row.cells().map(|(name, cell)| format!("{name} {}", cell.is)).join(", ");
        let line =
            |row: &StatedRow| format!("{}, proof {}: {}", row.version, short(row.proof.digest.as_str()), cells(row));
        return Ok(rows.iter().map(line).collect());
    }
    let lines: Vec<FixLine> = serde_json::from_str(matrix).map_err(|e| internal("read a stored matrix", e))?;
    Ok(lines.iter().map(|l| format!("{}, proof {}: {}", l.version, short(&l.proof), l.verdict)).collect())
}

fn fix_json(fix: &Fix) -> Result<Value> {
    Ok(json!({
        "kind": fix.kind.as_str(),
        "state": fix.state.as_str(),
        "version": fix.version,
        "note": fix.note,
        "matrix": stored(fix.matrix.as_deref())?,
        "verified_at": fix.verified_at.map(|at: Timestamp| at.to_string()),
    }))
}

/// What was stored as JSON; null for nothing.
fn stored(text: Option<&str>) -> Result<Value> {
    text.map_or(Ok(Value::Null), |text| serde_json::from_str(text).map_err(|e| internal("read stored JSON", e)))
}

/// What was measured, as data.
fn measured(view: &CaseView) -> Result<Value> {
    let mut proofs = Vec::new();
    for proof in confirmed(view).take(PACKAGE_PROOFS_COUNT_MAX) {
        proofs.push(json!({
            "digest": proof.digest,
            "title": proof.title,
            "oracle": proof.oracle.as_str(),
            "vulnerable": proof.vulnerable,
            "fixed": proof.fixed,
            "range": stored(proof.range.as_deref())?,
        }));
    }
    Ok(json!({
        "case": view.case.id.to_string(),
        "purl": view.case.purl,
        "title": view.case.title,
        "aliases": stored(Some(&view.case.aliases))?,
        "weakness": view.case.weakness,
        "credits": view.credits,
        "range": stored(view.case.range.as_deref())?,
        "proofs": proofs,
    }))
}

/// How the name of a packed bundle ends: by its first bytes.
fn archive_suffix(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(&[0x1f, 0x8b]) { ".tar.gz" } else { ".tar.zst" }
}

fn pretty(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(|e| internal("write a package", e))
}

/// One archive; the same files give the same bytes.
fn zipped(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let broken = |e: &dyn std::fmt::Display| ServiceError::Internal(format!("write a package: {e}"));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(name.as_str(), options).map_err(|e| broken(&e))?;
        archive.write_all(bytes).map_err(|e| broken(&e))?;
    }
    Ok(archive.finish().map_err(|e| broken(&e))?.into_inner())
}
