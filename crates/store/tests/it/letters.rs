//! The outbox keeps how each letter ended: what is over stays so, and fsck names what contradicts itself.

use domain::id::LetterId;
use store::letter::{self, Letter, LetterKind, LetterState};
use store::{Page, fsck};
use testkit::{both_stores, seed};

fn waiting() -> Letter {
    Letter {
        id: seed::id(),
        kind: LetterKind::Case,
        about: "case_0".to_owned(),
        party_id: None,
        state: LetterState::Waiting,
        sent_to: None,
        tries: 0,
        reason: None,
        created_at: seed::NOW,
        tried_at: None,
        ended_at: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_over_stays_as_it_ended() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let (first, second) = (waiting(), waiting());
        letter::insert(&mut tx, &first).await.unwrap();
        letter::insert(&mut tx, &second).await.unwrap();
        let sent = Letter {
            state: LetterState::Sent,
            sent_to: Some("a@b.example".to_owned()),
            tries: 1,
            tried_at: Some(seed::NOW),
            ended_at: Some(seed::NOW),
            ..first.clone()
        };
        assert!(letter::put(&mut tx, &sent).await.unwrap());
        assert!(!letter::put(&mut tx, &Letter { state: LetterState::Undelivered, ..sent.clone() }).await.unwrap());
        assert_eq!(letter::by_id(&mut tx, first.id).await.unwrap(), Some(sent.clone()));
        assert_eq!(letter::by_id(&mut tx, seed::id::<domain::id::LetterKind>()).await.unwrap(), None);
        let ids = |listed: store::Listed<Letter>| listed.items.iter().map(|l| l.id).collect::<Vec<LetterId>>();
        let page = Page::default();
        assert_eq!(ids(letter::list(&mut tx, Some(LetterState::Sent), &page).await.unwrap()), [first.id]);
        assert_eq!(letter::list(&mut tx, None, &page).await.unwrap().items.len(), 2);
        let one = letter::list(&mut tx, None, &Page { cursor: None, limit: 1 }).await.unwrap();
        let rest = letter::list(&mut tx, None, &Page { cursor: one.next.clone(), limit: 1 }).await.unwrap();
        assert_eq!((ids(one).len(), ids(rest).len()), (1, 1));
        assert!(letter::put(&mut tx, &Letter { state: LetterState::Dropped, ..second.clone() }).await.unwrap());
        tx.commit().await.unwrap();
        let wanted = [format!("letter is over without a time, or not and with one: {}", second.id)];
        assert_eq!(fsck(&store).await.unwrap(), wanted);
    })
    .await;
}
