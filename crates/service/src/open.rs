//! Opening a clearinghouse: its folder, its keys, its store and its proof engine.
//!
//! Must not start with a key that cannot open what is stored.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use domain::deadline::MissingPoints;
use signing::{PublicKey, Signer};
use store::{Store, StoreConfig, meta};
use tokio::sync::{Notify, Semaphore};

use crate::error::{Result, ServiceError, internal};
use crate::job::{JOB_LEASE_S_MAX, JOB_LEASE_S_MIN, JobKind};
use crate::mail::{MailConfig, Mailer};
use crate::measure::Measurer;
use crate::outbox::host_of;
use crate::outward::{Outward, OutwardConfig};
use crate::seal::Sealer;
use crate::taking::Taking;

/// Large documents read at once in one process: an inventory of 16 MiB takes up to about 240 MB while it is read.
const READINGS_AT_ONCE_COUNT_MAX: usize = 2;

/// What a clearinghouse needs to run.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// The data folder: keys, the version store of the proof engine, and the SQLite file if used.
    pub home: PathBuf,
    /// Which database.
    pub store: StoreConfig,
    /// The program that is re-executed as the sandbox's init; none for the running one.
    pub init_exe: Option<PathBuf>,
    /// How long a lease on a job runs unless it is lengthened, in seconds: a job whose worker was killed waits that
    /// long for the next one.
    pub lease_s: i64,
    /// Labels that every proof job needs of the worker that runs it, such as `zone=enclave`.
    pub proof_needs: Vec<String>,
    /// What the version store may take on disk beside what is in use, in bytes; any amount where absent.
    pub store_bytes_max: Option<u64>,
    /// Reports of a finder without a record that may wait unvalidated; see `domain::standing`.
    pub waiting_max: u32,
    /// What to assume where CISA gave no SSVC points.
    pub missing_points: MissingPoints,
    /// Who publishes: the name in advisories.
    pub publisher: String,
    /// Where this clearinghouse is reached, as an absolute URL without a trailing slash.
    pub public_url: String,
    /// How letters are sent; without it nobody is told by e-mail.
    pub mail: Option<MailConfig>,
    /// How registrations are looked up elsewhere.
    pub outward: OutwardConfig,
}

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    pub(crate) store: Store,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) signer: Arc<Signer>,
    pub(crate) measurer: Measurer,
    pub(crate) wake: Arc<Notify>,
    pub(crate) reading: Arc<Semaphore>,
    pub(crate) taking: Arc<Taking>,
    /// When this process last kept house, in microseconds UTC.
    pub(crate) housekept: Arc<AtomicI64>,
    pub(crate) lease_s: i64,
    pub(crate) proof_needs: Arc<[String]>,
    pub(crate) waiting_max: u32,
    pub(crate) missing_points: MissingPoints,
    pub(crate) publisher: Arc<str>,
    pub(crate) public_url: Arc<str>,
    pub(crate) mailer: Option<Arc<Mailer>>,
    pub(crate) outward: Arc<Outward>,
}

impl Service {
    /// Opens the folder and the store; makes keys at the first start.
    ///
    /// # Errors
    /// `Unavailable` with one plain line when the folder, a key, the database or the sandbox cannot
    /// be used.
    pub async fn open(config: ServiceConfig) -> Result<Self> {
        let plain = |e: &dyn std::fmt::Display| ServiceError::Unavailable(e.to_string());
        let keys = config.home.join("keys");
        std::fs::create_dir_all(&keys)
            .map_err(|e| ServiceError::Unavailable(format!("make folder {}: {e}", keys.display())))?;
        let store = Store::open(config.store).await.map_err(|e| plain(&e))?;
        let (sealing, signing) = (keys.join("sealing.key"), keys.join("signing.pem"));
        let known = keys_known(&store).await?;
        key_needed(known.sealing.as_deref(), &sealing)?;
        key_needed(known.signing.as_deref(), &signing)?;
        let sealer = Sealer::open_or_create(&sealing).map_err(|e| plain(&e))?;
        let signer = Signer::open_or_create(&signing).map_err(|e| plain(&e))?;
        key_check(&store, SEALING_META, sealer.key_id(), &sealing).await?;
        key_check(&store, SIGNING_META, &signer.id().to_string(), &signing).await?;
        let public_url = config.public_url.trim_end_matches('/');
        let mailer = config.mail.map(|mail| Mailer::new(mail, host_of(public_url))).transpose()?.map(Arc::new);
        let measurer = Measurer::open(config.home, config.init_exe, config.store_bytes_max)?;
        Ok(Self {
            store,
            sealer: Arc::new(sealer),
            signer: Arc::new(signer),
            measurer,
            wake: Arc::new(Notify::new()),
            taking: Arc::default(),
            reading: Arc::new(Semaphore::new(READINGS_AT_ONCE_COUNT_MAX)),
            housekept: Arc::new(AtomicI64::new(0)),
            lease_s: config.lease_s.clamp(JOB_LEASE_S_MIN, JOB_LEASE_S_MAX),
            proof_needs: config.proof_needs.into(),
            waiting_max: config.waiting_max,
            missing_points: config.missing_points,
            publisher: config.publisher.into(),
            public_url: public_url.into(),
            mailer,
            outward: Arc::new(Outward::new(config.outward)),
        })
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn ready(&self) -> Result<()> {
        Ok(self.store.ready().await?)
    }

    /// The key that signs receipts and advisories.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.signer.public()
    }

    /// Where this clearinghouse is reached.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Checks the whole store; gives one plain line for each thing that is wrong.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn fsck(&self) -> Result<Vec<String>> {
        let mut lines = store::fsck(&self.store).await?;
        let kinds: Vec<&str> = JobKind::ALL.iter().map(|k| k.as_str()).collect();
        lines.extend(store::fsck_job_kinds(&self.store, &kinds).await?);
        Ok(lines)
    }
}

const SEALING_META: &str = "sealing_key_id";
const SIGNING_META: &str = "signing_key_id";

/// The names of the keys that a store was written with.
struct KeysKnown {
    sealing: Option<String>,
    signing: Option<String>,
}

async fn keys_known(store: &Store) -> Result<KeysKnown> {
    let mut tx = store.read().await?;
    Ok(KeysKnown { sealing: meta::get(&mut tx, SEALING_META).await?, signing: meta::get(&mut tx, SIGNING_META).await? })
}

/// A key that a store was written with is never made anew.
fn key_needed(known: Option<&str>, file: &Path) -> Result<()> {
    match known {
        Some(id) if !file.exists() => Err(ServiceError::Unavailable(format!(
            "the store was written with key {id} and {} is not there: put that key file back",
            file.display()
        ))),
        _ => Ok(()),
    }
}

/// A store remembers with which keys it was written. With another sealing key everything would be
/// unreadable, and the next report would be mixed in under the wrong one; with another signing key,
/// what was published could not be checked with the key that is shown.
async fn key_check(store: &Store, fact: &str, id: &str, file: &Path) -> Result<()> {
    let mut tx = store.write().await?;
    let known = meta::set_first(&mut tx, fact, id).await?;
    if known != id {
        return Err(ServiceError::Unavailable(format!(
            "the store was written with key {known} and {} is {id}: put the right key file back",
            file.display()
        )));
    }
    tx.commit().await.map_err(|e| internal("remember a key", e))
}
