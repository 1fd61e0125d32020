//! A clearinghouse of a test: real use cases, the real proof engine, a store of its own. Versions and
//! receipts of the engine are kept in the target folder between runs; a test whose proof must really
//! run gives it words of its own ([`crate::bundle::Bundle::retold`]).

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::deadline::MissingPoints;
use domain::id::{CaseId, FindingId, MemberId, PartyId};
use domain::inventory::{AssetTags, Exposure};
use domain::party::{Actor, Role, TokenScope};
use domain::read_in::Tier;
use domain::report::ReportState;
use domain::standing::STANDING_WAITING_COUNT;
use domain::time::Timestamp;
use service::case::CaseView;
use service::identity::now;
use service::inventory::{InventoryInput, InventoryView};
use service::party::{PartyInput, TokenInput};
use service::read_in::ReadInInput;
use service::report::ReportView;
use service::{Ctx, Idempotency, Service, ServiceConfig};
use store::job::{JobState, NewJob};
use store::{Page, Store};
use tempfile::TempDir;
use testkit::TempStore;

use crate::bundle::Bundle;

pub struct House {
    pub service: Service,
    /// The same store from beside the service.
    pub store: Store,
    pub config: ServiceConfig,
    pub desk: Player,
}

/// A member of a party, acting with a token.
#[derive(Debug, Clone)]
pub struct Player {
    pub party: PartyId,
    pub member: MemberId,
    pub roles: Vec<Role>,
    pub scopes: Vec<TokenScope>,
}

impl Player {
    fn of(actor: Actor) -> Self {
        Self { party: actor.party, member: actor.member, roles: actor.roles, scopes: actor.scopes }
    }

    /// Acting now.
    pub fn ctx(&self) -> Ctx {
        self.at(now())
    }

    /// Acting at another time.
    pub fn at(&self, at: Timestamp) -> Ctx {
        let (roles, scopes) = (self.roles.clone(), self.scopes.clone());
        Ctx::of(Actor { party: self.party, member: self.member, roles, scopes, now: at })
    }

    /// Acting now, under an idempotency key.
    pub fn keyed(&self, key: &str, digest: &str) -> Ctx {
        let idempotency = Some(Idempotency { key: key.to_owned(), request_digest: digest.to_owned() });
        Ctx { idempotency, ..self.ctx() }
    }

    /// The same member with a token of other scopes.
    pub fn scoped(&self, scopes: &[TokenScope]) -> Self {
        Self { scopes: scopes.to_vec(), ..self.clone() }
    }
}

/// Where the proof engine keeps versions and receipts for all tests.
pub fn home() -> PathBuf {
    testkit::kept_folder("test-home")
}

/// A data folder of a test's own, with the versions that are kept for all.
pub fn own_home() -> TempDir {
    let own = tempfile::tempdir().unwrap();
    for shared in ["store", "cache"] {
        let kept = home().join(shared);
        std::fs::create_dir_all(&kept).unwrap();
        std::os::unix::fs::symlink(&kept, own.path().join(shared)).unwrap();
    }
    own
}

pub fn config(home: PathBuf, temp: &TempStore) -> ServiceConfig {
    ServiceConfig {
        home,
        store: temp.config.clone(),
        init_exe: Some(testkit::proofhouse_box()),
        lease_s: service::job::JOB_LEASE_S,
        proof_needs: Vec::new(),
        store_bytes_max: None,
        waiting_max: STANDING_WAITING_COUNT,
        missing_points: MissingPoints::Safer,
        publisher: "Test Clearinghouse".to_owned(),
        public_url: "https://clearing.example".to_owned(),
        mail: None,
        outward: service::outward::OutwardConfig::default(),
    }
}

/// Runs a test body in a clearinghouse on SQLite, then in one on PostgreSQL.
pub async fn both_houses(body: impl AsyncFn(&House)) {
    both_houses_in(home(), body).await;
}

/// The same with a data folder of the test's own, where every proof must really run.
pub async fn both_fresh_houses(body: impl AsyncFn(&House)) {
    let own = own_home();
    both_houses_in(own.path().to_owned(), body).await;
}

async fn both_houses_in(home: PathBuf, body: impl AsyncFn(&House)) {
    for temp in [testkit::sqlite_store(), testkit::postgres_store().await] {
        eprintln!("on {}:", temp.name);
        let house = House::open(config(home.clone(), &temp), &temp).await;
        body(&house).await;
        let broken = house.service.fsck().await.unwrap();
        assert!(broken.is_empty(), "{broken:#?}");
        drop(house);
        forget(&temp).await;
    }
}

/// A clearinghouse on SQLite alone, for what does not depend on the store.
pub struct SqliteHouse {
    pub house: House,
    _temp: TempStore,
}

impl SqliteHouse {
    pub fn of(house: House, temp: TempStore) -> Self {
        Self { house, _temp: temp }
    }
}

pub async fn house_on_sqlite() -> SqliteHouse {
    let temp = testkit::sqlite_store();
    SqliteHouse::of(House::open(config(home(), &temp), &temp).await, temp)
}

/// Removes a test's database where the server outlives the tests.
pub async fn forget(temp: &TempStore) {
    if let store::StoreConfig::Postgres { url, .. } = &temp.config {
        testkit::postgres::server().forget(url).await;
    }
}

impl House {
    pub async fn open(config: ServiceConfig, temp: &TempStore) -> Self {
        let service = Service::open(config.clone()).await.unwrap();
        let issued = service.admin_bootstrap("Desk", "Ada Admin").await.unwrap();
        let actor = service.authenticate(&issued.secret.unwrap()).await.unwrap();
        Self { service, store: temp.open().await, config, desk: Player::of(actor) }
    }

    /// A party with one member, and a token with scopes read and write.
    pub async fn player(&self, name: &str, roles: &[Role], packages: &[&str]) -> Player {
        let input = PartyInput {
            name: name.to_owned(),
            accountable: format!("Head of {name}"),
            roles: roles.to_vec(),
            contact: String::new(),
            packages: packages.iter().map(|p| p.parse().unwrap()).collect(),
        };
        let party = self.service.party_create(&self.desk.ctx(), input).await.unwrap();
        self.token(party.members[0].id).await
    }

    /// Another member of a party.
    pub async fn colleague(&self, of: &Player, name: &str) -> Player {
        let member = self.service.member_create(&self.desk.ctx(), of.party, name).await.unwrap();
        self.token(member.id).await
    }

    async fn token(&self, member: MemberId) -> Player {
        let scopes = vec![TokenScope::Read, TokenScope::Write];
        let input = TokenInput { label: "test".to_owned(), scopes, life_days: 1 };
        let issued = self.service.token_issue(&self.desk.ctx(), member, input).await.unwrap();
        Player::of(self.service.authenticate(&issued.secret.unwrap()).await.unwrap())
    }

    pub async fn finder(&self, name: &str) -> Player {
        self.player(name, &[Role::Finder], &[]).await
    }

    pub async fn operator(&self, name: &str) -> Player {
        self.player(name, &[Role::Operator], &[]).await
    }

    pub async fn maintainer(&self, package: &str) -> Player {
        self.player(&format!("Keepers of {package}"), &[Role::Maintainer], &[package]).await
    }

    /// Runs jobs until none is due. None may have failed.
    pub async fn work(&self) {
        self.work_quietly().await;
        let counts = self.service.job_counts().await.unwrap();
        let left: Vec<_> = counts.iter().filter(|c| !is_over(c)).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// Runs jobs until none is left but for later, also those that were put back for a moment.
    pub async fn settled(&self) {
        for _ in 0..100 {
            self.work_quietly().await;
            let counts = self.service.job_counts().await.unwrap();
            assert!(counts.iter().all(|c| c.state != JobState::Failed), "{counts:?}");
            if counts.iter().all(is_over) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        panic!("{:?}", self.service.job_counts().await.unwrap());
    }

    /// Runs jobs until none is due, whatever becomes of them.
    pub async fn work_quietly(&self) {
        while self.service.worker_step("test worker").await.unwrap() {}
    }

    /// Has a job done a second time, as when a worker died after its effect and before it said so.
    pub async fn again(&self, kind: &str, payload: &str) {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let at = now();
        let job = NewJob {
            id: service::identity::new_id(at).unwrap(),
            kind: kind.to_owned(),
            key: format!("{kind} again {number}"),
            payload: payload.to_owned(),
            run_after: at,
            turn_at: at,
            created_at: at,
        };
        let mut tx = self.store.write().await.unwrap();
        assert!(store::job::enqueue(&mut tx, &job).await.unwrap());
        tx.commit().await.unwrap();
        self.work().await;
    }

    /// Sends a report, and runs everything it brings about.
    pub async fn reported(&self, who: &Player, body: &[u8]) -> ReportView {
        let sent = self.service.report_submit(&who.ctx(), body).await.unwrap();
        self.work().await;
        self.report_of(who, &sent.receipt).await
    }

    /// A report as its sender sees it.
    pub async fn report_of(&self, who: &Player, receipt: &str) -> ReportView {
        let page = Page { cursor: None, limit: 100 };
        let listed = self.service.report_list(&who.ctx(), &page).await.unwrap();
        let id = listed.items.iter().find(|r| r.receipt == receipt).unwrap().id;
        let view = self.service.report_show(&who.ctx(), id).await.unwrap();
        assert_eq!(view.findings.len(), 1);
        assert_ne!(view.report.state, ReportState::Queued);
        view
    }

    /// Sends a report whose proof holds; gives its finding and its case.
    pub async fn case(&self, who: &Player, bundle: &Bundle) -> (FindingId, CaseId) {
        let view = self.reported(who, &bundle.report()).await;
        let finding = &view.findings[0];
        (finding.id, finding.case_id.unwrap_or_else(|| panic!("{finding:?}")))
    }

    pub async fn show(&self, who: &Player, case: CaseId) -> CaseView {
        self.service.case_show(&who.ctx(), case).await.unwrap()
    }

    pub async fn read_in(&self, case: CaseId, who: &Player, tier: Tier) -> CaseView {
        let until = now().plus_days(7);
        let input = ReadInInput { member: who.member, tier, reason: "needs to know".to_owned(), until };
        self.service.read_in_place(&self.desk.ctx(), case, input).await.unwrap()
    }

    /// Sends an inventory of an exposed asset with these npm packages, and runs what it brings about.
    pub async fn runs(&self, who: &Player, asset: &str, packages: &[(&str, &str)]) -> InventoryView {
        let view = self.service.inventory_submit(&who.ctx(), inventory(asset, packages)).await.unwrap();
        self.work().await;
        view
    }
}

/// Whether these jobs are done, or wait for a day that is yet to come.
fn is_over(count: &store::job::JobCount) -> bool {
    let later = matches!(count.kind.as_str(), "embargo-end" | "pace-release" | "letter-send");
    count.state == JobState::Done || (later && count.state == JobState::Ready)
}

/// An inventory of an exposed asset.
pub fn inventory(asset: &str, packages: &[(&str, &str)]) -> InventoryInput {
    // Each upload is a document of its own, as a new scan would be.
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let components: Vec<String> = packages
        .iter()
        .map(|(name, version)| {
            format!(r#"{{"type":"library","name":"{name}","version":"{version}","purl":"pkg:npm/{name}@{version}"}}"#)
        })
        .collect();
    let document = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.5","version":{serial},"components":[{}]}}"#,
        components.join(",")
    );
    let word = ToOwned::to_owned;
    let tags = AssetTags {
        organisation: word("St. Anne"),
        environment: word("production"),
        exposure: Exposure::Exposed,
        asset_type: word("web server"),
        sector: word("hospital"),
    };
    InventoryInput { asset: asset.to_owned(), tags, document: document.into_bytes() }
}
