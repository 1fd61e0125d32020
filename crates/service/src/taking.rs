//! Taking in: reports that come at once are stored by one transaction, so that they wait for the disk, and for the row that counts
//! what waits of their party, once and not one after the other.
//!
//! Whoever comes while nobody is storing begins at once; who comes meanwhile is stored with whoever else did. Each gets an answer of
//! its own, after the commit. Must not let one report fail another, nor a party wait for another's: what cannot be
//! stored together is stored apart. Must not hang on a client: the one who stores is a task of its own.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::PartyId;
use domain::standing::Standing;
use store::idempotency::{self, Request};
use store::job::{self, NewJob};
use store::{StoreError, Tx, report as table, standing};
use tokio::sync::{Semaphore, oneshot};

use crate::Service;
use crate::error::{Result, ServiceError, internal};
use crate::standing::QUEUE_FULL_RETRY_S;

/// Reports that one transaction stores, at most.
const TOGETHER_COUNT_MAX: usize = 64;
/// What they hold together, in bytes, sealed; one alone may hold more.
const TOGETHER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long they wait for what another transaction holds, such as a key or the row of one party, in milliseconds. Beyond that each
/// party's are stored apart, so that nobody waits for another party.
const TOGETHER_LOCK_MS_MAX: u32 = 500;
/// Parties whose reports are stored apart at once.
const APART_COUNT_MAX: usize = 4;
/// Reports that wait to be stored, at most.
const WAITING_COUNT_MAX: usize = 1_024;
/// What they hold, in bytes, sealed.
const WAITING_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A report that is to be stored.
pub(crate) struct New {
    pub(crate) row: table::Report,
    pub(crate) attachments: Vec<table::Attachment>,
    pub(crate) blobs: Vec<store::blob::Blob>,
    /// The job that draws its finding, before its standing puts that off.
    pub(crate) job: NewJob,
    /// Its client's key, if it sent one.
    pub(crate) request: Option<Request>,
}

impl New {
    fn bytes(&self) -> usize {
        self.blobs.iter().map(|blob| blob.sealed.len()).sum()
    }

    fn key(&self) -> Option<(PartyId, &str)> {
        self.request.as_ref().map(|request| (request.party_id, request.key.as_str()))
    }
}

/// What became of one.
#[derive(Debug, Clone)]
enum Taken {
    /// Its receipt, of now or of before.
    Receipt(String),
    /// As many of its party wait as may; nothing was stored.
    Full(u32),
    /// Its key was used for another request; nothing was stored.
    KeyReused,
}

/// One that waits to be stored.
struct Asked {
    new: New,
    answer: oneshot::Sender<std::result::Result<Taken, StoreError>>,
}

/// Reports that are stored together.
#[derive(Default)]
struct Together {
    news: Vec<New>,
    answers: Vec<oneshot::Sender<std::result::Result<Taken, StoreError>>>,
}

impl Together {
    fn add(&mut self, asked: Asked) {
        self.news.push(asked.new);
        self.answers.push(asked.answer);
    }

    /// Who hung up is not told. The report is there, and the same bytes get its receipt.
    fn tell(self, outcomes: impl IntoIterator<Item = std::result::Result<Taken, StoreError>>) {
        for (answer, outcome) in self.answers.into_iter().zip(outcomes) {
            let _ = answer.send(outcome);
        }
    }

    fn tell_all(self, error: &StoreError) {
        let count = self.answers.len();
        self.tell(std::iter::repeat_n(Err(error.clone()), count));
    }

    /// The same by party.
    fn by_party(self) -> impl Iterator<Item = (PartyId, Self)> {
        let mut parties: BTreeMap<PartyId, Self> = BTreeMap::new();
        for (new, answer) in self.news.into_iter().zip(self.answers) {
            parties.entry(new.row.party_id).or_default().add(Asked { new, answer });
        }
        parties.into_iter()
    }
}

/// Reports that wait to be stored.
pub(crate) struct Taking {
    queue: Mutex<Queue>,
    apart: Semaphore,
}

impl Default for Taking {
    fn default() -> Self {
        Self { queue: Mutex::default(), apart: Semaphore::new(APART_COUNT_MAX) }
    }
}

#[derive(Default)]
struct Queue {
    /// Whether somebody is storing.
    storing: bool,
    waiting: VecDeque<Asked>,
    /// Of those that wait.
    bytes: usize,
    /// Parties whose reports are stored apart now, each by a task of its own.
    apart: HashSet<PartyId>,
}

impl Queue {
    /// Takes those that `may` be taken and fit together; the others keep their places.
    fn take(&mut self, may: impl Fn(&Self, PartyId) -> bool) -> Together {
        let (mut together, mut bytes, mut others) = (Together::default(), 0, VecDeque::new());
        while together.news.len() < TOGETHER_COUNT_MAX
            && let Some(asked) = self.waiting.pop_front()
        {
            if !may(self, asked.new.row.party_id) {
                others.push_back(asked);
                continue;
            }
            let size = asked.new.bytes();
            // Under one key there is one effect, which must be there before the key is looked at again.
            let key = asked.new.key();
            let again = key.is_some() && together.news.iter().any(|new| new.key() == key);
            if !together.news.is_empty() && (again || bytes + size > TOGETHER_BYTES_MAX) {
                self.waiting.push_front(asked);
                break;
            }
            self.bytes -= size;
            // Who hung up before anything was done gets nothing, and nothing is kept for it.
            if !asked.answer.is_closed() {
                bytes += size;
                together.add(asked);
            }
        }
        while let Some(asked) = others.pop_back() {
            self.waiting.push_front(asked);
        }
        together
    }
}

impl Taking {
    fn with<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        change(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leaves one to be stored; true for whoever must begin to store, none where too many wait.
    fn ask(&self, asked: Asked) -> Option<bool> {
        self.with(|queue| {
            let bytes = asked.new.bytes();
            if queue.waiting.len() >= WAITING_COUNT_MAX || queue.bytes + bytes > WAITING_BYTES_MAX {
                return None;
            }
            queue.bytes += bytes;
            queue.waiting.push_back(asked);
            Some(!std::mem::replace(&mut queue.storing, true))
        })
    }

    /// Those that are stored together next. Where there is none, nobody is storing from then on.
    fn next(&self) -> Together {
        self.with(|queue| {
            let together = queue.take(|queue, party| !queue.apart.contains(&party));
            queue.storing = !together.news.is_empty();
            together
        })
    }

    /// Has a party's reports stored apart; false where they are.
    fn apart_begin(&self, party: PartyId) -> bool {
        self.with(|queue| queue.apart.insert(party))
    }

    /// The next ones of a party whose reports are stored apart. Where there is none, they no longer are.
    fn apart_next(&self, party: PartyId) -> Together {
        self.with(|queue| {
            let together = queue.take(|_, other| other == party);
            if together.news.is_empty() {
                queue.apart.remove(&party);
            }
            together
        })
    }
}

/// The one who stores. Should it not come to its end, those who wait are told so, and somebody can begin after it.
struct Storing {
    taking: Arc<Taking>,
    ended: bool,
}

impl Drop for Storing {
    fn drop(&mut self) {
        if !self.ended {
            self.taking.with(|queue| *queue = Queue::default());
        }
    }
}

/// The places of one party.
struct Places {
    standing: Standing,
    waiting: u32,
    waiting_max: u32,
    /// Counted and not needed.
    left: u32,
}

impl Service {
    /// Stores a report, with whatever others come at this moment; gives its receipt, or the one that the same bytes or the same key
    /// got before.
    pub(crate) async fn report_take(&self, new: New) -> Result<String> {
        let (answer, told) = oneshot::channel();
        let full = || ServiceError::Unavailable("too many reports wait to be stored: this one was not".to_owned());
        if self.taking.ask(Asked { new, answer }).ok_or_else(full)? {
            let service = self.clone();
            tokio::spawn(async move { service.reports_take_all().await });
        }
        match told.await.map_err(|e| internal("store a report", e))?? {
            Taken::Receipt(receipt) => Ok(receipt),
            Taken::KeyReused => Err(ServiceError::IdempotencyReuse),
            Taken::Full(places) => {
                let reason = format!(
                    "{places} reports of yours may wait unvalidated and as many do; this one was not stored. Send it again once \
                     some are done; the more of your proofs hold, the more may wait"
                );
                Err(ServiceError::QueueFull { reason, retry_after_s: QUEUE_FULL_RETRY_S })
            }
        }
    }

    /// Stores until none waits.
    async fn reports_take_all(&self) {
        let mut storing = Storing { taking: Arc::clone(&self.taking), ended: false };
        loop {
            let together = storing.taking.next();
            if together.news.is_empty() {
                storing.ended = true;
                break;
            }
            match self.reports_take(&together.news, Some(TOGETHER_LOCK_MS_MAX)).await {
                Ok(taken) => {
                    self.jobs_wake();
                    together.tell(taken.into_iter().map(Ok));
                }
                // The store is what fails, whoever asks.
                Err(error @ StoreError::Unavailable { .. }) => together.tell_all(&error),
                Err(error) => {
                    tracing::info!(reports = together.news.len(), %error, "each party's reports are stored apart");
                    for (party, apart) in together.by_party() {
                        let begins = self.taking.apart_begin(party);
                        let service = self.clone();
                        tokio::spawn(async move { service.reports_take_apart(party, apart, begins).await });
                    }
                }
            }
        }
    }

    /// Stores the reports of one party, one by one where they cannot be stored together; and if it `begins` to, those that come
    /// meanwhile.
    async fn reports_take_apart(&self, party: PartyId, mut apart: Together, begins: bool) {
        while !apart.news.is_empty() {
            // It is never closed.
            let _permit = self.taking.apart.acquire().await;
            match self.reports_take(&apart.news, None).await {
                Ok(taken) => apart.tell(taken.into_iter().map(Ok)),
                Err(error) if error.is_transient() || apart.news.len() == 1 => apart.tell_all(&error),
                Err(_) => {
                    let outcomes = self.reports_take_singly(&apart.news).await;
                    apart.tell(outcomes);
                }
            }
            self.jobs_wake();
            apart = if begins { self.taking.apart_next(party) } else { Together::default() };
        }
    }

    async fn reports_take_singly(&self, news: &[New]) -> Vec<std::result::Result<Taken, StoreError>> {
        let mut outcomes = Vec::with_capacity(news.len());
        for new in news {
            let taken = self.reports_take(std::slice::from_ref(new), None).await;
            outcomes.push(taken.and_then(|mut taken| {
                let nothing =
                    || StoreError::Other { doing: "store a report".to_owned(), reason: "no answer".to_owned() };
                taken.pop().ok_or_else(nothing)
            }));
        }
        outcomes
    }

    /// Stores reports in one transaction; says what became of each.
    async fn reports_take(
        &self,
        news: &[New],
        lock_ms_max: Option<u32>,
    ) -> std::result::Result<Vec<Taken>, StoreError> {
        let mut tx = self.store.write().await?;
        if let Some(lock_ms_max) = lock_ms_max {
            tx.lock_wait_set(lock_ms_max).await?;
        }
        let mut taken = keys_begin(&mut tx, news).await?;
        let fresh: Vec<&New> =
            news.iter().zip(&taken).filter(|(_, taken)| taken.is_none()).map(|(new, _)| new).collect();
        let mut places = self.places_take(&mut tx, &fresh).await?;
        // Asked when the places are held: what somebody else stored for these parties is there, and nobody stores more.
        let sent: Vec<(PartyId, &str)> = fresh.iter().map(|new| (new.row.party_id, new.row.digest.as_str())).collect();
        let mut receipts = table::receipts_of(&mut tx, &sent).await?;
        let mut stored = Vec::with_capacity(fresh.len());
        for (new, taken) in news.iter().zip(&mut taken).filter(|(_, taken)| taken.is_none()) {
            let (now, standing) = taken_of(&new.row, &mut places, &mut receipts);
            stored.extend(standing.map(|standing| (new, standing)));
            key_finish(&mut tx, new, &now).await?;
            *taken = Some(now);
        }
        reports_put(&mut tx, &stored).await?;
        for (party, places) in places.into_iter().filter(|(_, places)| places.left > 0) {
            standing::waiting_change(&mut tx, party, -i64::from(places.left)).await?;
        }
        tx.commit().await?;
        Ok(taken.into_iter().flatten().collect())
    }

    /// Holds a place for each report.
    async fn places_take(
        &self,
        tx: &mut Tx,
        news: &[&New],
    ) -> std::result::Result<BTreeMap<PartyId, Places>, StoreError> {
        let mut more = BTreeMap::new();
        for new in news {
            *more.entry(new.row.party_id).or_insert(0_u32) += 1;
        }
        let counts = standing::wait_begin(tx, &more).await?;
        let places = counts.into_iter().map(|(party, counts)| {
            let (standing, by) = (Standing::of(counts.record), more.get(&party).copied().unwrap_or(0));
            let (waiting, waiting_max) = (counts.waiting.saturating_sub(by), standing.waiting_max(self.waiting_max));
            (party, Places { standing, waiting, waiting_max, left: 0 })
        });
        Ok(places.collect())
    }
}

/// What becomes of one report where these have places and those receipts are known.
fn taken_of(
    row: &table::Report,
    places: &mut BTreeMap<PartyId, Places>,
    receipts: &mut HashMap<(PartyId, String), String>,
) -> (Taken, Option<Standing>) {
    let sent = (row.party_id, row.digest.clone());
    let known = receipts.get(&sent).cloned();
    // No place is none left: every party was asked for.
    let Some(places) = places.get_mut(&row.party_id) else { return (Taken::Full(0), None) };
    if let Some(receipt) = known {
        places.left += 1;
        return (Taken::Receipt(receipt), None);
    }
    if places.waiting >= places.waiting_max {
        places.left += 1;
        return (Taken::Full(places.waiting_max), None);
    }
    places.waiting += 1;
    receipts.insert(sent, row.receipt.clone());
    (Taken::Receipt(row.receipt.clone()), Some(places.standing))
}

/// Writes reports with everything that goes with them.
async fn reports_put(tx: &mut Tx, stored: &[(&New, Standing)]) -> std::result::Result<(), StoreError> {
    let blobs: Vec<_> = stored.iter().flat_map(|(new, _)| &new.blobs).collect();
    store::blob::put(tx, &blobs).await?;
    let rows: Vec<_> = stored.iter().map(|(new, _)| &new.row).collect();
    table::insert(tx, &rows).await?;
    let attachments: Vec<_> = stored.iter().flat_map(|(new, _)| &new.attachments).collect();
    table::attachments_insert(tx, &attachments).await?;
    let job = |(new, standing): &(&New, Standing)| {
        let turn_at = new.job.run_after.plus_seconds(standing.delay_s());
        NewJob { turn_at, ..new.job.clone() }
    };
    let jobs: Vec<_> = stored.iter().map(job).collect();
    job::enqueue_put(tx, &jobs).await
}

/// What is known of the keys; none for a report that is to be stored.
async fn keys_begin(tx: &mut Tx, news: &[New]) -> std::result::Result<Vec<Option<Taken>>, StoreError> {
    let requests: Vec<&Request> = news.iter().filter_map(|new| new.request.as_ref()).collect();
    let mut begun = idempotency::begin_all(tx, &requests).await?.into_iter();
    let mut taken = Vec::with_capacity(news.len());
    for new in news {
        let known = if new.request.is_some() { begun.next() } else { None };
        taken.push(match known {
            None | Some(idempotency::Begun::New) => None,
            Some(idempotency::Begun::Repeated(Some(receipt))) => Some(Taken::Receipt(receipt)),
            Some(idempotency::Begun::Different) => Some(Taken::KeyReused),
            // Key and effect are committed together, so a key without a resource cannot be read.
            Some(idempotency::Begun::Repeated(None)) => {
                let (doing, reason) = ("read a key".to_owned(), "a key without a resource".to_owned());
                return Err(StoreError::Other { doing, reason });
            }
        });
    }
    Ok(taken)
}

/// Says under the key of a report what became of it. Where nothing was stored, the key is free again.
async fn key_finish(tx: &mut Tx, new: &New, taken: &Taken) -> std::result::Result<(), StoreError> {
    match (new.key(), taken) {
        (Some((party, key)), Taken::Receipt(receipt)) => idempotency::finish(tx, party, key, receipt).await,
        (Some((party, key)), _) => idempotency::free(tx, party, key).await,
        (None, _) => Ok(()),
    }
}
