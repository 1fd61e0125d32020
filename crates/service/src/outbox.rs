//! The outbox: letters that a use case leaves to be sent after its commit, and the job that sends them.
//!
//! At least once: a letter that was sent and not yet marked as sent goes again, under the same Message-ID. What it says is written
//! when it is sent, from what is so then. Must not write a word of a case into a log, an error or a letter's own row.

use domain::case::CaseState;
use domain::id::{CaseId, LetterId, PartyId};
use domain::pace::Told;
use domain::party::{Actor, TokenScope};
use domain::policy::Action;
use domain::time::Timestamp;
use store::letter::{self as table, Letter, LetterKind, LetterState};
use store::pace::PaceRow;
use store::{Listed, Page, Tx};

use crate::Service;
use crate::ctx::Ctx;
use crate::error::{Result, ServiceError, internal};
use crate::identity::{new_id, now};
use crate::job::JobKind;
use crate::letter::Mail;
use crate::mail::{MailError, Mailer};

/// How often a letter is tried before it is shown as undelivered: with the pauses between, for two days.
pub const LETTER_TRIES_COUNT_MAX: i64 = 20;
/// Pause after the first try that failed, in seconds; doubled after each further one.
const LETTER_PAUSE_S_MIN: i64 = 60;
/// Longest pause, in seconds.
const LETTER_PAUSE_S_MAX: i64 = 14_400;

const NO_MAIL: &str = "no mail server is set up";

/// A letter as it is to go out now.
pub(crate) struct Ready {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// What is to be done with a letter now.
pub(crate) enum Now {
    Send(Ready),
    /// There is nothing to tell any more: why.
    Drop(&'static str),
}

impl Service {
    /// Why a maintainer that wants to be told so is not told by this clearinghouse; none where it is.
    pub(crate) fn not_told(&self, row: Option<&PaceRow>) -> Option<&'static str> {
        match row.map(|r| r.told) {
            None | Some(Told::Api) => None,
            Some(Told::Email) if self.mailer.is_some() => None,
            Some(Told::Email) => Some("this clearinghouse has no mail server set up: nobody is told by e-mail"),
            Some(Told::AdvisoryChannel) => Some("this clearinghouse files nothing in advisory channels by itself"),
        }
    }

    /// Leaves a letter about a case that is handed over to a party in this transaction, if that wants one.
    pub(crate) async fn letter_leave(
        &self,
        tx: &mut Tx,
        case: CaseId,
        party: PartyId,
        row: Option<&PaceRow>,
        now: Timestamp,
    ) -> Result<()> {
        if row.is_none_or(|r| r.told != Told::Email) {
            return Ok(());
        }
        self.letter_put(tx, LetterKind::Case, &case.to_string(), Some(party), now).await
    }

    /// Leaves a letter.
    pub(crate) async fn letter_put(
        &self,
        tx: &mut Tx,
        kind: LetterKind,
        about: &str,
        party: Option<PartyId>,
        now: Timestamp,
    ) -> Result<()> {
        let mut letter = letter_new(kind, about, party, now)?;
        if self.mailer.is_none() {
            letter.state = LetterState::Undelivered;
            (letter.reason, letter.ended_at) = (Some(NO_MAIL.to_owned()), Some(now));
            return Ok(table::insert(tx, &letter).await?);
        }
        table::insert(tx, &letter).await?;
        self.job_enqueue(tx, JobKind::LetterSend, &letter.id.to_string()).await
    }

    /// Notes that there was no letter, and why.
    pub(crate) async fn letter_drop(
        &self,
        tx: &mut Tx,
        kind: LetterKind,
        about: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<()> {
        let (state, reason, ended_at) = (LetterState::Dropped, Some(reason.to_owned()), Some(now));
        let letter = Letter { state, reason, ended_at, ..letter_new(kind, about, None, now)? };
        Ok(table::insert(tx, &letter).await?)
    }

    /// The job: sends a letter that still waits, or says why not. A try that failed leaves a job for the next one.
    pub(crate) async fn letter_send(&self, id: LetterId) -> Result<()> {
        let mut letter = {
            let mut tx = self.store.read().await?;
            table::by_id(&mut tx, id).await?.ok_or(ServiceError::NotFound("letter"))?
        };
        if letter.state != LetterState::Waiting {
            return Ok(());
        }
        let tried = match self.letter_now(&letter).await? {
            Now::Drop(reason) => {
                (letter.state, letter.reason) = (LetterState::Dropped, Some(reason.to_owned()));
                None
            }
            Now::Send(ready) => {
                let tried = self.mail_send(&letter, &ready).await;
                letter.sent_to = Some(ready.to);
                Some(tried)
            }
        };
        self.letter_conclude(letter, tried).await
    }

    async fn mail_send(&self, letter: &Letter, ready: &Ready) -> std::result::Result<(), MailError> {
        let mailer: &Mailer = self.mailer.as_ref().ok_or_else(|| MailError::NotNow(NO_MAIL.to_owned()))?;
        let mail = Mail {
            from: mailer.from(),
            to: &ready.to,
            subject: &ready.subject,
            name: &letter.id.to_string(),
            host: self.host(),
            at: letter.created_at,
            text: &ready.text,
        };
        let message = mail.write_ascii().ok_or_else(|| MailError::Refused("no address".to_owned()))?;
        mailer.send(&ready.to, &message).await
    }

    /// Writes what became of a try.
    async fn letter_conclude(
        &self,
        mut letter: Letter,
        tried: Option<std::result::Result<(), MailError>>,
    ) -> Result<()> {
        let at = now();
        let mut tx = self.store.write().await?;
        if tried.is_some() {
            letter.tries += 1;
            letter.tried_at = Some(at);
        }
        match tried {
            None => {}
            Some(Ok(())) => (letter.state, letter.reason) = (LetterState::Sent, None),
            Some(Err(error)) => {
                let is_over = matches!(error, MailError::Refused(_)) || letter.tries >= LETTER_TRIES_COUNT_MAX;
                tracing::warn!(letter = %letter.id, tries = letter.tries, %error, "a letter was not sent");
                letter.reason = Some(error.to_string());
                if is_over {
                    letter.state = LetterState::Undelivered;
                } else {
                    let next = at.plus_seconds(pause_s(letter.tries));
                    let key = format!("{} {}", letter.id, letter.tries);
                    self.job_enqueue_at(&mut tx, JobKind::LetterSend, &key, next).await?;
                }
            }
        }
        letter.ended_at = (letter.state != LetterState::Waiting).then_some(at);
        table::put(&mut tx, &letter).await?;
        Ok(tx.commit().await?)
    }

    /// No attempt to send a letter came to an end, as when each one killed its worker.
    pub(crate) async fn letter_given_up(&self, tx: &mut Tx, id: LetterId) -> Result<()> {
        let Some(mut letter) = table::by_id(tx, id).await? else { return Ok(()) };
        (letter.state, letter.ended_at) = (LetterState::Undelivered, Some(now()));
        letter.reason = Some("its job was given up; the log says why".to_owned());
        table::put(tx, &letter).await?;
        Ok(())
    }

    async fn letter_now(&self, letter: &Letter) -> Result<Now> {
        match (letter.kind, letter.party_id) {
            (LetterKind::Case, Some(party)) => {
                let case = letter.about.parse().map_err(|e| internal("read a letter", e))?;
                self.case_letter_now(case, party).await
            }
            (LetterKind::Registration, _) => {
                let id = letter.about.parse().map_err(|e| internal("read a letter", e))?;
                self.registration_letter_now(id).await
            }
            (LetterKind::Case, None) => Err(ServiceError::Internal("a letter about a case for nobody".to_owned())),
        }
    }

    /// What a maintainer is told of a case now: to the address that it wants now, and only what its members may read now.
    async fn case_letter_now(&self, case: CaseId, party: PartyId) -> Result<Now> {
        let mut tx = self.store.read().await?;
        let row = store::pace::by_party(&mut tx, party).await?.filter(|r| r.told == Told::Email);
        let Some(to) = row.and_then(|r| r.told_to) else {
            return Ok(Now::Drop("the maintainer is told otherwise by now"));
        };
        let state = store::case::by_id(&mut tx, case).await?.ok_or(ServiceError::NotFound("case"))?.state;
        if matches!(state, CaseState::Closed | CaseState::Merged) {
            return Ok(Now::Drop("the case was over before the letter was sent"));
        }
        let its = store::party::by_id(&mut tx, party).await?.ok_or(ServiceError::NotFound("party"))?;
        for member in store::party::members(&mut tx, party).await? {
            let (roles, scopes) = (its.roles.clone(), vec![TokenScope::Read]);
            let ctx = Ctx::of(Actor { party, member: member.id, roles, scopes, now: now() });
            let standing = self.case_standing(&mut tx, &ctx.actor, case).await?;
            if standing.maintains && ctx.authorize_case(Action::CaseReadResearch, standing).is_ok() {
                let message = self.message_for(&mut tx, &ctx.actor, case, standing).await?;
                return Ok(Now::Send(Ready { to, subject: message.subject, text: message.text }));
            }
        }
        Ok(Now::Drop("nobody of the maintainer's may read the case any more"))
    }

    /// Whether letters can be sent now; none where no mail server is set up.
    ///
    /// # Errors
    /// [`MailError`]: what stands in the way, in a line.
    pub async fn mail_probe(&self) -> std::result::Result<bool, MailError> {
        match &self.mailer {
            Some(mailer) => mailer.probe().await.map(|()| true),
            None => Ok(false),
        }
    }

    /// One page of letters, newest first: those in one state, or all. For coordinators.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn letter_list(&self, ctx: &Ctx, state: Option<LetterState>, page: &Page) -> Result<Listed<Letter>> {
        ctx.authorize(Action::PaceQueueRead)?;
        let mut tx = self.store.read().await?;
        Ok(table::list(&mut tx, state, page).await?)
    }

    /// The host of this clearinghouse's address.
    pub(crate) fn host(&self) -> &str {
        host_of(&self.public_url)
    }
}

/// The host of an absolute URL.
pub(crate) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// A letter that waits.
fn letter_new(kind: LetterKind, about: &str, party: Option<PartyId>, now: Timestamp) -> Result<Letter> {
    Ok(Letter {
        id: new_id(now)?,
        kind,
        about: about.to_owned(),
        party_id: party,
        state: LetterState::Waiting,
        sent_to: None,
        tries: 0,
        reason: None,
        created_at: now,
        tried_at: None,
        ended_at: None,
    })
}

fn pause_s(tries: i64) -> i64 {
    let exponent = u32::try_from((tries - 1).clamp(0, 30)).unwrap_or(30);
    (LETTER_PAUSE_S_MIN << exponent).min(LETTER_PAUSE_S_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_four_hours_and_end_after_two_days() {
        assert_eq!([1, 2, 3, 8, 9, 20].map(pause_s), [60, 120, 240, 7_680, 14_400, 14_400]);
        let all: i64 = (1..LETTER_TRIES_COUNT_MAX).map(pause_s).sum();
        assert!((172_800..200_000).contains(&all), "{all}");
    }

    #[test]
    fn a_host_is_found_in_any_url() {
        for (url, host) in [("https://a.example/x", "a.example"), ("http://[::1]:80", "::1"), ("http://b:8080", "b")] {
            assert_eq!(host_of(url), host);
        }
    }
}
