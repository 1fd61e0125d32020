//! Telling: the jobs that bring notices up to date. Each operator that runs an affected version is told,
//! and nobody else; a notice closes when the version is gone or the case is over.
//!
//! Must not tell of an embargoed case anybody who is not read in. Running it twice tells nobody twice.
//! Goes over inventories in batches, so that no transaction grows with the number of operators.

use std::collections::{BTreeMap, HashSet};

use domain::advisory::AdvisoryState;
use domain::case::{CaseState, EventKind, MaintainerVerdict};
use domain::fix::{FixKind, FixState};
use domain::id::{AdvisoryId, CaseId, InventoryId, PartyId};
use domain::notice::NoticeState;
use domain::package::Package;
use domain::read_in::Tier;
use domain::time::Timestamp;
use store::Tx;
use store::case::Case;
use store::inventory::Running;
use store::notice::{self as table, Notice, Put};
use versions::osv::Status;
use versions::{Scheme, Version};

use crate::Service;
use crate::deadline::CveFacts;
use crate::error::{Result, ServiceError, internal};
use crate::identity::{new_id, now};
use crate::range::{MeasuredRange, RangeAnswer};

/// Inventories that are looked at in one transaction.
const INVENTORIES_PER_BATCH: u32 = 200;
/// Notices that are closed in one transaction.
const CLOSINGS_PER_BATCH: u32 = 500;
/// Places of one version on one asset that a notice names.
const PATHS_NAMED_MAX: usize = 10;
/// Longest mitigation quoted in a notice, in characters.
const MITIGATION_CHARACTERS_MAX: usize = 500;

const VERSION_GONE: &str = "the newest inventory no longer has this version";

/// Who may be told of a case now.
enum Audience {
    Everybody,
    Parties(HashSet<PartyId>),
}

impl Audience {
    fn includes(&self, party: PartyId) -> bool {
        match self {
            Self::Everybody => true,
            Self::Parties(parties) => parties.contains(&party),
        }
    }
}

/// What a notice of one case is made from.
struct Telling {
    case: Case,
    package: Package,
    range: MeasuredRange,
    audience: Audience,
    facts: CveFacts,
    advisory_id: Option<AdvisoryId>,
    /// Versions on which every proof is silent.
    upgrades: Vec<String>,
    mitigation: Option<String>,
    /// Why nobody is to be told any more.
    over: Option<String>,
    now: Timestamp,
}

/// One asset, as far as one package goes.
struct Asset<'a> {
    party: PartyId,
    name: &'a str,
    rows: &'a [Running],
}

impl Service {
    /// Brings the notices of one case up to date with its range, its audience and every current
    /// inventory.
    pub(crate) async fn case_notify(&self, id: CaseId) -> Result<()> {
        let mut after = None;
        let mut said = false;
        loop {
            let mut tx = self.store.write().await?;
            let telling = self.telling(&mut tx, id, now()).await?;
            if telling.over.is_some() {
                break;
            }
            let batch =
                store::inventory::current_with(&mut tx, &telling.case.purl, after, INVENTORIES_PER_BATCH).await?;
            let mut told = false;
            for inventory in &batch {
                told |= self.inventory_tell(&mut tx, &telling, *inventory).await?;
            }
            if told && !said {
                let text = if telling.case.public {
                    "operators that run it were told"
                } else {
                    "read-in operators that run it were told"
                };
                self.case_event(&mut tx, id, EventKind::Notified, None, text, false, telling.now).await?;
                said = true;
            }
            tx.commit().await?;
            after = batch.last().copied();
            if batch.len() < INVENTORIES_PER_BATCH as usize {
                break;
            }
        }
        self.notices_close(id).await
    }

    /// Closes what is over: all of them where the case is, else those whose version is gone.
    async fn notices_close(&self, id: CaseId) -> Result<()> {
        loop {
            let mut tx = self.store.write().await?;
            let telling = self.telling(&mut tx, id, now()).await?;
            let over = telling.over.as_deref();
            let closing = table::to_close(&mut tx, id, over.is_some(), CLOSINGS_PER_BATCH).await?;
            for notice in &closing {
                table::close(&mut tx, *notice, over.unwrap_or(VERSION_GONE), telling.now).await?;
            }
            tx.commit().await?;
            if closing.len() < CLOSINGS_PER_BATCH as usize {
                return Ok(());
            }
        }
    }

    /// The job behind every inventory: every case of every package in it, and every open notice of
    /// its asset. Nobody else's notices are looked at.
    pub(crate) async fn inventory_match(&self, id: InventoryId) -> Result<()> {
        let (inventory, cases) = {
            let mut tx = self.store.read().await?;
            let inventory = store::inventory::by_id(&mut tx, id).await?.ok_or(ServiceError::NotFound("inventory"))?;
            let open = table::open_of_asset(&mut tx, inventory.party_id, &inventory.asset).await?;
            let mut cases = store::inventory::cases(&mut tx, id).await?;
            cases.extend(open.iter().map(|n| n.case_id));
            cases.sort();
            cases.dedup();
            (inventory, cases)
        };
        for case in cases {
            let mut tx = self.store.write().await?;
            let telling = self.telling(&mut tx, case, now()).await?;
            let newest = store::inventory::current(&mut tx, inventory.party_id, &inventory.asset).await?;
            let rows = match newest {
                Some(newest) => store::inventory::running_in(&mut tx, newest.id, &telling.case.purl).await?,
                None => Vec::new(),
            };
            let asset = Asset { party: inventory.party_id, name: &inventory.asset, rows: &rows };
            if telling.over.is_none() {
                self.asset_tell(&mut tx, &telling, &asset).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    async fn telling(&self, tx: &mut Tx, id: CaseId, now: Timestamp) -> Result<Telling> {
        let case = self.case_locked(tx, id).await?;
        let advisory = store::advisory::by_case(tx, id).await?;
        let fixes = store::fix::by_case(tx, id).await?;
        let withdrawn = advisory.as_ref().filter(|a| a.state == AdvisoryState::Withdrawn).map(|a| {
            format!("advisory {} was withdrawn: {}", a.name, a.withdrawn_reason.as_deref().unwrap_or_default())
        });
        let verified = fixes.iter().filter(|f| f.state == FixState::Verified);
        Ok(Telling {
            package: case.purl.parse().map_err(|e| internal("read a stored purl", e))?,
            range: case.range.as_deref().map(MeasuredRange::parse).transpose()?.unwrap_or_default(),
            audience: self.audience(tx, &case, now).await?,
            facts: self.cve_facts(tx, &case.aliases).await?,
            advisory_id: advisory.map(|a| a.id),
            upgrades: verified.filter_map(|f| f.version.clone()).collect(),
            mitigation: fixes.iter().find(|f| f.kind == FixKind::Mitigation).map(|f| f.note.clone()),
            over: withdrawn.or_else(|| over(&case)),
            case,
            now,
        })
    }

    async fn audience(&self, tx: &mut Tx, case: &Case, now: Timestamp) -> Result<Audience> {
        if case.public {
            return Ok(Audience::Everybody);
        }
        let mut parties = HashSet::new();
        for read_in in store::read_in::live(tx, case.id, now).await? {
            if read_in.tier == Tier::Delivery {
                continue;
            }
            if let Some(member) = store::party::member_by_id(tx, read_in.member_id).await? {
                parties.insert(member.party_id);
            }
        }
        Ok(Audience::Parties(parties))
    }

    async fn inventory_tell(&self, tx: &mut Tx, telling: &Telling, id: InventoryId) -> Result<bool> {
        let rows = store::inventory::running_in(tx, id, &telling.case.purl).await?;
        let Some(first) = rows.first() else { return Ok(false) };
        self.asset_tell(tx, telling, &Asset { party: first.party_id, name: &first.asset, rows: &rows }).await
    }

    /// Tells one operator about one asset. True when there is a new notice.
    async fn asset_tell(&self, tx: &mut Tx, telling: &Telling, asset: &Asset<'_>) -> Result<bool> {
        let known = table::by_case_of_asset(tx, telling.case.id, asset.party, asset.name).await?;
        let places = places(asset.rows);
        let mut told = false;
        for (version, paths) in &places {
            let before = known.iter().find(|n| n.version == *version && n.state != NoticeState::Closed);
            if !telling.audience.includes(asset.party) {
                continue;
            }
            let answer = telling.range.answer(&telling.package, version);
            match (answer.status, asset.rows.first()) {
                (Status::Affected, Some(row)) => {
                    // Seen on the asset when it was first told; a newer upload does not start the clock anew.
                    let detected = before.map_or(telling.now, |n| n.clock_start);
                    let notice = self.notice_of(telling, row, (version, paths), &answer, detected)?;
                    told |= table::put(tx, &notice).await? == Put::New;
                }
                (Status::NotAffected, _) => {
                    if let Some(before) = before {
                        let reason = format!("measured anew: {}", answer.because);
                        table::close(tx, before.id, &reason, telling.now).await?;
                    }
                }
                _ => {}
            }
        }
        for notice in known.iter().filter(|n| n.state != NoticeState::Closed) {
            if !places.contains_key(notice.version.as_str()) {
                table::close(tx, notice.id, VERSION_GONE, telling.now).await?;
            }
        }
        Ok(told)
    }

    fn notice_of(
        &self,
        telling: &Telling,
        row: &Running,
        (version, paths): (&str, &[&str]),
        answer: &RangeAnswer,
        detected: Timestamp,
    ) -> Result<Notice> {
        let deadline = self.deadline(&telling.facts, row.tags.exposure, detected)?;
        let name = telling.package.name();
        let mut because = vec![format!("{name} {version} runs on {}: {}", row.asset, answer.because)];
        because.extend(deadline.because);
        because.push(format!("table {}: {}", deadline.table, deadline.outcome.plain()));
        Ok(Notice {
            id: new_id(telling.now)?,
            case_id: telling.case.id,
            advisory_id: telling.advisory_id,
            party_id: row.party_id,
            asset: row.asset.clone(),
            inventory_id: row.inventory_id,
            purl: telling.case.purl.clone(),
            version: version.to_owned(),
            path: paths_named(paths),
            outcome: deadline.outcome,
            due: deadline.due,
            clock_start: deadline.clock_start,
            analogy: deadline.analogy,
            because: serde_json::json!(because).to_string(),
            action: telling.action(version, answer),
            state: NoticeState::Open,
            justification: None,
            note: None,
            pre_publication: !telling.case.public,
            created_at: telling.now,
            updated_at: telling.now,
            closed_at: None,
            closed_reason: None,
        })
    }
}

impl Telling {
    /// What to do: an upgrade of the same release line on which every proof was run; else the measured
    /// end of the interval; else an upgrade that was run in another line; else what is known to help.
    fn action(&self, installed: &str, answer: &RangeAnswer) -> String {
        let name = self.package.name();
        let verified = |v: &str| {
            format!("Upgrade {name} from {installed} to {v} or later: every proof of the case is silent there.")
        };
        let (same_line, other_line) = self.upgrades_above(installed);
        match (same_line, &answer.fixed, other_line) {
            (Some(version), _, _) | (None, None, Some(version)) => verified(version),
            (None, Some(fixed), _) => format!("Upgrade {name} from {installed} to {fixed} or later."),
            (None, None, None) => {
                let none =
                    format!("No version without the defect is published: restrict the use of {name} {installed}.");
                match &self.mitigation {
                    Some(text) => {
                        let text: String = text.chars().take(MITIGATION_CHARACTERS_MAX).collect();
                        format!("{none} What may help, not verified by a proof: {text}")
                    }
                    None => none,
                }
            }
        }
    }

    /// The lowest verified upgrade above a version: in its release line, and in any other.
    fn upgrades_above(&self, installed: &str) -> (Option<&str>, Option<&str>) {
        let Some(scheme) = Scheme::of_ecosystem(self.package.ecosystem().as_str()) else { return (None, None) };
        let Ok(present) = Version::read(scheme, installed) else { return (None, None) };
        let read = |v: &'_ String| Version::read(scheme, v).ok();
        let mut above: Vec<(Version, &str)> =
            self.upgrades.iter().filter_map(|v| Some((read(v)?, v.as_str()))).filter(|(v, _)| *v > present).collect();
        above.sort_by(|a, b| a.0.cmp(&b.0));
        let lowest =
            |same: bool| above.iter().find(|(v, _)| (v.line() == present.line()) == same).map(|(_, text)| *text);
        (lowest(true), lowest(false))
    }
}

/// Why nobody is told of a case any more, if so.
fn over(case: &Case) -> Option<String> {
    match (case.state, case.verdict) {
        (CaseState::Merged, _) => Some("the case was merged into another one, which tells of it".to_owned()),
        (CaseState::Closed, Some(verdict)) => {
            Some(format!("the case was closed: the maintainer's verdict is {verdict}"))
        }
        (CaseState::Closed, None) => Some("the case was closed".to_owned()),
        (
            CaseState::Open | CaseState::FixVerified,
            Some(
                verdict @ (MaintainerVerdict::Hardening
                | MaintainerVerdict::NotAnIssue
                | MaintainerVerdict::DuplicateOfOurs),
            ),
        ) => Some(format!("the maintainer's verdict is {verdict}")),
        _ => None,
    }
}

/// Each version on an asset with the places where it is.
fn places(rows: &[Running]) -> BTreeMap<&str, Vec<&str>> {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        if let Some(version) = row.version.as_deref() {
            places.entry(version).or_default().push(&row.path);
        }
    }
    places
}

/// The places of one version in one text.
fn paths_named(paths: &[&str]) -> String {
    let mut named: Vec<&str> = paths.iter().copied().filter(|p| !p.is_empty()).collect();
    named.sort_unstable();
    named.dedup();
    let more = named.len().saturating_sub(PATHS_NAMED_MAX);
    named.truncate(PATHS_NAMED_MAX);
    match more {
        0 => named.join(", "),
        more => format!("{}, and {more} more", named.join(", ")),
    }
}
