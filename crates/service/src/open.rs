//! Opening a clearinghouse: its folder, its keys, its store and its proof engine.
//!
//! Must not start with a key that cannot open what is stored.

use std::path::PathBuf;
use std::sync::Arc;

use domain::deadline::MissingPoints;
use signing::{PublicKey, Signer};
use store::{Store, StoreConfig, meta};
use tokio::sync::Notify;

use crate::error::{Result, ServiceError, internal};
use crate::measure::Measurer;
use crate::seal::Sealer;

/// What a clearinghouse needs to run.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// The data folder: keys, the version store of the proof engine, and the SQLite file if used.
    pub home: PathBuf,
    /// Which database.
    pub store: StoreConfig,
    /// The program that is re-executed as the sandbox's init; none for the running one.
    pub init_exe: Option<PathBuf>,
    /// What to assume where CISA gave no SSVC points.
    pub missing_points: MissingPoints,
    /// Who publishes: the name in advisories.
    pub publisher: String,
    /// Where this clearinghouse is reached, as an absolute URL without a trailing slash.
    pub public_url: String,
}

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    pub(crate) store: Store,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) signer: Arc<Signer>,
    pub(crate) measurer: Measurer,
    pub(crate) wake: Arc<Notify>,
    pub(crate) missing_points: MissingPoints,
    pub(crate) publisher: Arc<str>,
    pub(crate) public_url: Arc<str>,
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
        let sealer = Sealer::open_or_create(&keys.join("sealing.key")).map_err(|e| plain(&e))?;
        let signer = Signer::open_or_create(&keys.join("signing.pem")).map_err(|e| plain(&e))?;
        let store = Store::open(config.store).await.map_err(|e| plain(&e))?;
        key_check(&store, &sealer).await?;
        let measurer = Measurer::open(config.home, config.init_exe)?;
        Ok(Self {
            store,
            sealer: Arc::new(sealer),
            signer: Arc::new(signer),
            measurer,
            wake: Arc::new(Notify::new()),
            missing_points: config.missing_points,
            publisher: config.publisher.into(),
            public_url: config.public_url.trim_end_matches('/').into(),
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
        Ok(store::fsck(&self.store).await?)
    }
}

/// A store remembers which key sealed it: with another key everything would be unreadable, and the
/// first report would be mixed in under the wrong one.
async fn key_check(store: &Store, sealer: &Sealer) -> Result<()> {
    const META: &str = "sealing_key_id";
    let mut tx = store.write().await?;
    match meta::get(&mut tx, META).await? {
        None => meta::set(&mut tx, META, sealer.key_id()).await?,
        Some(known) if known == sealer.key_id() => {}
        Some(known) => {
            return Err(ServiceError::Unavailable(format!(
                "the store was sealed with key {known} and keys/sealing.key is {}: put the right key file back",
                sealer.key_id()
            )));
        }
    }
    tx.commit().await.map_err(|e| internal("remember the sealing key", e))
}
