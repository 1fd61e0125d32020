//! The lists repeat `domain::policy::visible`: whatever is in the store, both say the same.

use std::collections::BTreeSet;

use domain::case::CaseState;
use domain::deadline::Outcome;
use domain::id::{CaseId, MemberId, PartyId};
use domain::inventory::{AssetTags, Exposure};
use domain::notice::NoticeState;
use domain::party::{Actor, Role, TokenScope};
use domain::policy::{CaseStanding, visible};
use domain::read_in::Tier;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::case::{CaseFilter, Viewer};
use store::inventory::Inventory;
use store::notice::Notice;
use store::read_in::ReadIn;
use store::{Page, Store, StoreError, Tx, case, notice, read_in};
use testkit::{both_stores, seed};

const PURLS: [&str; 2] = ["pkg:npm/a", "pkg:npm/b"];

async fn inventory_of(tx: &mut Tx, party_id: PartyId) -> Result<Inventory, StoreError> {
    let word = || "x".to_owned();
    let tags = AssetTags {
        organisation: word(),
        environment: word(),
        exposure: Exposure::Unknown,
        asset_type: word(),
        sector: word(),
    };
    Ok(Inventory {
        id: seed::id(),
        party_id,
        asset: word(),
        tags,
        format: word(),
        document_blob_id: seed::blob(tx, b"sbom").await?,
        digest: word(),
        components: 0,
        skipped: "[]".to_owned(),
        current: true,
        uploaded_at: seed::NOW,
    })
}

fn notice_of(case_id: CaseId, inventory: &Inventory) -> Notice {
    Notice {
        id: seed::id(),
        case_id,
        advisory_id: None,
        party_id: inventory.party_id,
        asset: inventory.asset.clone(),
        inventory_id: inventory.id,
        purl: PURLS[0].to_owned(),
        version: "1".to_owned(),
        path: String::new(),
        outcome: Outcome::Days14,
        due: None,
        clock_start: seed::NOW,
        analogy: true,
        because: "[]".to_owned(),
        action: String::new(),
        state: NoticeState::Open,
        justification: None,
        note: None,
        pre_publication: true,
        created_at: seed::NOW,
        updated_at: seed::NOW,
        closed_at: None,
        closed_reason: None,
    }
}

/// A read-in in a made-up store: which member, which tier, begun and ending when, ended by hand or not.
#[derive(Debug, Clone)]
struct Placement {
    member: usize,
    tier: i64,
    until_s: i64,
    ended: bool,
}

#[derive(Debug, Clone)]
struct MadeUp {
    public: bool,
    purl: usize,
    live: bool,
    placements: Vec<Placement>,
}

fn made_up() -> impl Strategy<Value = Vec<MadeUp>> {
    let placement = (0..3_usize, 0..4_i64, prop::sample::select(vec![-10, -1, 0, 1, 10]), any::<bool>())
        .prop_map(|(member, tier, until_s, ended)| Placement { member, tier, until_s, ended });
    let case = (any::<bool>(), 0..PURLS.len(), any::<bool>(), prop::collection::vec(placement, 0..5))
        .prop_map(|(public, purl, live, placements)| MadeUp { public, purl, live, placements });
    prop::collection::vec(case, 0..7)
}

async fn write(
    tx: &mut Tx,
    made_up: &[MadeUp],
    members: &[MemberId],
    inventory: &Inventory,
) -> Result<Vec<CaseId>, StoreError> {
    store::inventory::insert(tx, inventory, &[]).await?;
    let mut ids = Vec::new();
    for m in made_up {
        let mut row = seed::case_of(PURLS[m.purl]);
        row.public = m.public;
        row.state = if m.live { CaseState::Open } else { CaseState::Closed };
        case::insert(tx, &row).await?;
        let mut held = BTreeSet::new();
        for p in &m.placements {
            // A second live one is refused by the store; see the conformance tests.
            if !p.ended && !held.insert(p.member) {
                continue;
            }
            let placement = ReadIn {
                id: seed::id(),
                case_id: row.id,
                member_id: members[p.member],
                tier: Tier::from_number(p.tier).unwrap(),
                reason: "a test".to_owned(),
                approver_id: None,
                placed_at: seed::NOW.plus_seconds(-100),
                until: seed::NOW.plus_seconds(p.until_s),
                ended_at: p.ended.then_some(seed::NOW.plus_seconds(-1)),
            };
            read_in::place(tx, &placement).await?;
        }
        notice::put(tx, &notice_of(row.id, inventory)).await?;
        ids.push(row.id);
    }
    Ok(ids)
}

/// Every id of the list, page by page.
async fn listed(tx: &mut Tx, viewer: Viewer, filter: &CaseFilter) -> Result<Vec<CaseId>, StoreError> {
    let mut ids = Vec::new();
    let mut page = Page { cursor: None, limit: 2 };
    loop {
        let listed = case::list_visible(tx, viewer, filter, &page).await?;
        ids.extend(listed.items.iter().map(|c| c.id));
        match listed.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(ids),
        }
    }
}

/// The cases of every notice of the list, page by page.
async fn noticed(tx: &mut Tx, party: PartyId, viewer: Viewer) -> Result<Vec<CaseId>, StoreError> {
    let mut ids = Vec::new();
    let mut page = Page { cursor: None, limit: 2 };
    loop {
        let listed = notice::list_visible(tx, party, viewer, None, &page).await?;
        ids.extend(listed.items.iter().map(|n| n.case_id));
        match listed.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(ids),
        }
    }
}

async fn agrees(store: &Store, made_up: &[MadeUp], members: &[MemberId], party: PartyId) -> Result<(), StoreError> {
    // Never committed: each example starts from an empty store.
    let mut tx = store.write().await?;
    let inventory = inventory_of(&mut tx, party).await?;
    let ids = write(&mut tx, made_up, members, &inventory).await?;
    for (index, member) in members.iter().enumerate() {
        for staff in [false, true] {
            let roles =
                if staff { vec![Role::Coordinator] } else { vec![Role::Finder, Role::Maintainer, Role::Operator] };
            let actor = Actor { party, member: *member, roles, scopes: TokenScope::ALL.to_vec(), now: seed::NOW };
            let viewer = Viewer { member: *member, staff, now: seed::NOW };
            for purl in [None, Some(0), Some(1)] {
                for state in [None, Some(CaseState::Open)] {
                    let mut wanted: Vec<CaseId> = Vec::new();
                    for (m, id) in made_up.iter().zip(&ids) {
                        let tier = read_in::tier_of(&mut tx, *id, *member, seed::NOW).await?;
                        let by_hand = m.placements.iter().find(|p| p.member == index && !p.ended);
                        assert_eq!(tier.map(Tier::number), by_hand.filter(|p| p.until_s > 0).map(|p| p.tier));
                        let seen = visible(&actor, CaseStanding { public: m.public, tier, maintains: true });
                        if seen && purl.is_none_or(|p| p == m.purl) && (state.is_none() || m.live) {
                            wanted.push(*id);
                        }
                    }
                    wanted.reverse();
                    let filter = CaseFilter { purl: purl.map(|p| PURLS[p].to_owned()), state };
                    assert_eq!(listed(&mut tx, viewer, &filter).await?, wanted);
                    if filter == CaseFilter::default() {
                        assert_eq!(noticed(&mut tx, party, viewer).await?, wanted);
                    }
                }
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lists_of_cases_and_notices_are_what_the_policy_shows() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let mut members = Vec::new();
        let mut parties = Vec::new();
        for name in ["one", "two", "three"] {
            let (party, member) = seed::party(&mut tx, name, &[Role::Finder]).await.unwrap();
            parties.push(party);
            members.push(member);
        }
        tx.commit().await.unwrap();
        let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
        let runtime = tokio::runtime::Handle::current();
        let done = tokio::task::block_in_place(|| {
            runner.run(&made_up(), |made_up| {
                runtime
                    .block_on(agrees(&store, &made_up, &members, parties[0]))
                    .map_err(|e| TestCaseError::fail(e.to_string()))
            })
        });
        done.unwrap();
    })
    .await;
}
