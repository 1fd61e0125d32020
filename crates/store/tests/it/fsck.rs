//! The checker finds nothing in a sound store, and what is wrong in an unsound one.

use domain::case::CaseState;
use domain::party::Role;
use store::job::NewJob;
use store::{case, finding, fsck, fsck_job_kinds, job};
use testkit::{both_stores, seed};

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_store_has_nothing_to_say() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let (party, member) = seed::party(&mut tx, "Acme", &[Role::Finder]).await.unwrap();
        let report = seed::report(&mut tx, party, member, "pkg:npm/a").await.unwrap();
        let f = seed::finding(&mut tx, &report).await.unwrap();
        let case = seed::case(&mut tx, "pkg:npm/a").await.unwrap();
        finding::join_case(&mut tx, f.id, case.id, "first", seed::NOW).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(fsck(&store).await.unwrap(), [] as [String; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_lost_its_parent_by_other_hands_is_named() {
    let temp = testkit::sqlite_store();
    let store = temp.open().await;
    let store::StoreConfig::Sqlite { path } = &temp.config else { panic!("not SQLite") };
    let other = rusqlite::Connection::open(path).unwrap();
    let sql = "pragma foreign_keys = off; insert into members values ('member_x', 'party_x', 'n', 1)";
    other.execute_batch(sql).unwrap();
    assert_eq!(fsck(&store).await.unwrap(), ["members row without its parties"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_invariant_is_named_with_its_row() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let mut published = seed::case_of("pkg:npm/a");
        (published.state, published.public) = (CaseState::Published, true);
        case::insert(&mut tx, &published).await.unwrap();
        let lonely = seed::case(&mut tx, "pkg:npm/b").await.unwrap();
        let blob = seed::blob(&mut tx, b"nobody's").await.unwrap();
        let new = NewJob {
            id: seed::id(),
            kind: "dance".to_owned(),
            key: "k".to_owned(),
            payload: "{}".to_owned(),
            run_after: seed::NOW,
            turn_at: seed::NOW,
            created_at: seed::NOW,
        };
        job::enqueue(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        let wanted = [
            format!("live case has no finding: {}", lonely.id),
            format!("published case has no advisory: {}", published.id),
            format!("case is public without an advisory: {}", published.id),
            format!("blob belongs to nothing: {blob}"),
        ];
        assert_eq!(fsck(&store).await.unwrap(), wanted);
        let unknown = fsck_job_kinds(&store, &["prove"]).await.unwrap();
        assert_eq!(unknown, ["1 jobs of unknown kind `dance` are ready"]);
        assert_eq!(fsck_job_kinds(&store, &["prove", "dance"]).await.unwrap(), [] as [String; 0]);
    })
    .await;
}
