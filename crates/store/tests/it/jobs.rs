//! The job queue: no job twice, none lost, none tried for ever.

use std::collections::BTreeMap;

use domain::id::JobId;
use domain::time::Timestamp;
use store::job::{self, Job, JobState, Lease, NewJob};
use store::{Store, Tx};
use testkit::{both_stores, seed};

async fn enqueue(tx: &mut Tx, kind: &str, key: &str, run_after: Timestamp) -> Option<JobId> {
    let id = seed::id();
    let job = NewJob {
        id,
        kind: kind.to_owned(),
        key: key.to_owned(),
        payload: "{}".to_owned(),
        run_after,
        turn_at: run_after,
        created_at: seed::NOW,
    };
    job::enqueue(tx, &job).await.unwrap().then_some(id)
}

fn lease(worker: &str, now: Timestamp, kinds: &[&str], limit: u32) -> Lease {
    let kinds = kinds.iter().map(|k| (*k).to_owned()).collect();
    Lease { worker: worker.to_owned(), now, until: now.plus_seconds(60), kinds, limit }
}

async fn claim(store: &Store, lease: &Lease) -> Vec<Job> {
    let mut tx = store.write().await.unwrap();
    let jobs = job::claim(&mut tx, lease).await.unwrap();
    tx.commit().await.unwrap();
    jobs
}

#[tokio::test(flavor = "multi_thread")]
async fn four_workers_do_every_job_once() {
    const JOBS: usize = 200;
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        for i in 0..JOBS {
            assert!(enqueue(&mut tx, "count", &format!("job {i}"), seed::NOW).await.is_some());
        }
        tx.commit().await.unwrap();
        let worker = |name: String| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let jobs = claim(&store, &lease(&name, seed::NOW, &[], 7)).await;
                    if jobs.is_empty() {
                        return mine;
                    }
                    for job in jobs {
                        let mut tx = store.write().await.unwrap();
                        assert!(job::done(&mut tx, &job, seed::NOW).await.unwrap());
                        tx.commit().await.unwrap();
                        mine.push(job.id);
                    }
                }
            })
        };
        let workers: Vec<_> = (0..4).map(|i| worker(format!("worker {i}"))).collect();
        let mut times: BTreeMap<JobId, usize> = BTreeMap::new();
        for worker in workers {
            for id in worker.await.unwrap() {
                *times.entry(id).or_default() += 1;
            }
        }
        assert_eq!(times.len(), JOBS);
        assert!(times.values().all(|n| *n == 1));
        let mut tx = store.read().await.unwrap();
        let counts = job::counts(&mut tx).await.unwrap();
        assert_eq!(counts.len(), 1);
        assert_eq!((counts[0].state, counts[0].jobs), (JobState::Done, 200));
        assert_eq!(job::next_at(&mut tx).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_a_job_once_for_ever_and_kinds_and_times_are_kept() {
    both_stores(async |store| {
        let later = seed::NOW.plus_seconds(10);
        let mut tx = store.write().await.unwrap();
        let first = enqueue(&mut tx, "range", "a", seed::NOW).await.unwrap();
        assert_eq!(enqueue(&mut tx, "range", "a", seed::NOW).await, None);
        let second = enqueue(&mut tx, "prove", "b", later).await.unwrap();
        assert_eq!(job::next_at(&mut tx).await.unwrap(), Some(seed::NOW));
        tx.commit().await.unwrap();
        assert!(claim(&store, &lease("w", seed::NOW, &["notify"], 10)).await.is_empty());
        let jobs = claim(&store, &lease("w", seed::NOW, &["notify", "range", "prove"], 10)).await;
        assert_eq!(jobs.iter().map(|j| j.id).collect::<Vec<_>>(), [first]);
        let jobs = claim(&store, &lease("w", later, &[], 10)).await;
        assert_eq!(jobs.iter().map(|j| j.id).collect::<Vec<_>>(), [second]);
        let mut tx = store.write().await.unwrap();
        assert!(job::done(&mut tx, &jobs[0], later).await.unwrap());
        assert_eq!(enqueue(&mut tx, "prove", "b", later).await, None);
        assert_eq!(job::by_key(&mut tx, "b").await.unwrap().unwrap().state, JobState::Done);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_is_taken_over_and_its_old_holder_can_do_nothing() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let id = enqueue(&mut tx, "prove", "a", seed::NOW).await.unwrap();
        tx.commit().await.unwrap();
        let old = claim(&store, &lease("old", seed::NOW, &[], 1)).await.remove(0);
        let until = seed::NOW.plus_seconds(90);
        let mut tx = store.write().await.unwrap();
        assert!(job::heartbeat(&mut tx, &old, until).await.unwrap());
        tx.commit().await.unwrap();
        assert!(claim(&store, &lease("new", until.plus_seconds(-1), &[], 1)).await.is_empty());
        let new = claim(&store, &lease("new", until, &[], 1)).await.remove(0);
        assert_eq!((new.id, new.attempts), (id, 2));
        let mut tx = store.write().await.unwrap();
        assert!(!job::heartbeat(&mut tx, &old, until).await.unwrap());
        assert!(!job::done(&mut tx, &old, until).await.unwrap());
        assert_eq!(job::fail(&mut tx, &old, "late", false, until).await.unwrap(), None);
        assert!(job::done(&mut tx, &new, until).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_job_backs_off_and_is_given_up() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let id = enqueue(&mut tx, "prove", "a", seed::NOW).await.unwrap();
        tx.commit().await.unwrap();
        let mut now = seed::NOW;
        for attempt in 1..=job::JOB_ATTEMPTS_MAX {
            let held = claim(&store, &lease("w", now, &[], 1)).await.remove(0);
            assert_eq!(held.attempts, attempt);
            let mut tx = store.write().await.unwrap();
            let state = job::fail(&mut tx, &held, "no network", false, now).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            let last = attempt == job::JOB_ATTEMPTS_MAX;
            assert_eq!(state, if last { JobState::Failed } else { JobState::Ready });
            assert!(claim(&store, &lease("w", now, &[], 1)).await.is_empty());
            now = job::retry_at(attempt, now);
        }
        let mut tx = store.write().await.unwrap();
        let job = job::by_id(&mut tx, id).await.unwrap().unwrap();
        assert_eq!(job.last_error.as_deref(), Some("no network"));
        assert!(job::revive(&mut tx, id, now).await.unwrap());
        tx.commit().await.unwrap();
        // Workers that die on it: at the last attempt it is given up when its lease runs out.
        for _ in 0..job::JOB_ATTEMPTS_MAX {
            assert_eq!(claim(&store, &lease("w", now, &[], 1)).await.len(), 1);
            now = now.plus_seconds(60);
        }
        assert!(claim(&store, &lease("w", now, &[], 1)).await.is_empty());
        let mut tx = store.read().await.unwrap();
        assert_eq!(job::by_id(&mut tx, id).await.unwrap().unwrap().state, JobState::Failed);
        assert_eq!(job::retry_at(60, seed::NOW), seed::NOW.plus_seconds(job::JOB_BACKOFF_S_MAX));
    })
    .await;
}
