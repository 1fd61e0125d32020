//! How a registration is verified: a token that comes back from its address, a file at its URL, a record in its domain.
//!
//! Each proves that whoever registered reads that address, or can write there, at that moment. None proves the right to a package.
//! Must not let a try cost more than a stated number of letters and look-ups, and must not say what stands elsewhere.

use domain::id::RegistrationId;
use domain::time::Timestamp;
use store::letter::LetterKind;
use store::registration::{self as table, Registration, Verification, Way};

use crate::Service;
use crate::error::{Result, ServiceError, internal};
use crate::identity::{now, random, secret_hash};
use crate::letter::Letter;
use crate::outbox::{Now, Ready};
use crate::outward::Look;
use crate::registration::{CHALLENGE_LABEL, RegistrationView, open, registration_view};

/// Checks of one registration, of any way.
pub const REGISTRATION_CHECKS_COUNT_MAX: i64 = 30;
/// Letters of one registration.
pub const REGISTRATION_LETTERS_COUNT_MAX: i64 = 3;
/// Letters that go to one address for registrations within a day: nobody's mailbox is filled through us.
pub const ADDRESS_LETTERS_PER_DAY_COUNT_MAX: usize = 5;
/// Those to all addresses of one domain.
pub const DOMAIN_LETTERS_PER_DAY_COUNT_MAX: usize = 20;
/// Those to all addresses.
pub const LETTERS_PER_DAY_COUNT_MAX: usize = 200;
/// How long the token of a letter counts, in hours.
pub const EMAIL_TOKEN_HOURS: i64 = 24;
/// Wrong tokens before the right one counts no more.
pub const EMAIL_MISSES_COUNT_MAX: i64 = 5;
/// Longest token that is looked at, in bytes.
pub const EMAIL_TOKEN_BYTES_MAX: usize = 128;

/// What a check is to do.
#[derive(Debug, Clone)]
pub enum Check {
    /// Send a token to the contact.
    EmailSend,
    /// Take the token that came.
    EmailToken(String),
    /// Look for the file.
    File,
    /// Look for the record.
    Dns,
}

/// An address as one mailbox: without what stands behind a `+`, in lower case. More addresses than these may be one mailbox.
fn mailbox(contact: &str) -> (String, String) {
    let contact = contact.to_ascii_lowercase();
    let (local, domain) = contact.rsplit_once('@').unwrap_or((&contact, ""));
    (local.split('+').next().unwrap_or_default().to_owned(), domain.to_owned())
}

/// Why no further letter goes to a contact today, after these.
fn no_letter(contact: &str, gone: &[(RegistrationId, String)]) -> Option<&'static str> {
    let to = mailbox(contact);
    let others: Vec<(String, String)> = gone.iter().map(|(_, contact)| mailbox(contact)).collect();
    if others.iter().filter(|other| **other == to).count() >= ADDRESS_LETTERS_PER_DAY_COUNT_MAX {
        Some("too many letters went to this address today for registrations")
    } else if others.iter().filter(|other| other.1 == to.1).count() >= DOMAIN_LETTERS_PER_DAY_COUNT_MAX {
        Some("too many letters went to this domain today for registrations")
    } else if others.len() >= LETTERS_PER_DAY_COUNT_MAX {
        Some("too many letters went out today for registrations")
    } else {
        None
    }
}

fn conflict(code: &'static str, reason: impl Into<String>) -> ServiceError {
    ServiceError::conflict(code, reason)
}

impl Service {
    /// Checks one thing of a registration now, for whoever holds its secret.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` with what was not so, `Unavailable` while too many look-ups are under way.
    pub async fn registration_check(&self, id: RegistrationId, secret: &str, check: Check) -> Result<RegistrationView> {
        let mut tx = self.store.write().await?;
        let mut registration = open(self.registration_held(&mut tx, id, secret).await?)?;
        if registration.checks >= REGISTRATION_CHECKS_COUNT_MAX {
            let reason = format!("{REGISTRATION_CHECKS_COUNT_MAX} checks were asked for: register anew");
            return Err(conflict("too_many_checks", reason));
        }
        let look = match check {
            Check::File | Check::Dns => Some(self.outward.look(id)?),
            Check::EmailSend | Check::EmailToken(_) => None,
        };
        // Counted before anything else is done, and committed with it or before it.
        registration.checks += 1;
        let found = match check {
            Check::EmailSend => {
                self.email_leave(&mut tx, &mut registration).await?;
                tx.commit().await?;
                self.jobs_wake();
                return self.registration_show(id, secret).await;
            }
            Check::EmailToken(token) => {
                let right = self.email_take(&mut registration, &token)?;
                table::put(&mut tx, &registration).await?;
                if right {
                    let subject = registration.contact.clone();
                    table::verify(&mut tx, id, &Verification { way: Way::Email, subject, at: now() }).await?;
                }
                tx.commit().await?;
                let wrong =
                    || conflict("wrong_token", "not the token of the newest letter, or it does not count any more");
                return if right { self.registration_show(id, secret).await } else { Err(wrong()) };
            }
            Check::File | Check::Dns => {
                table::put(&mut tx, &registration).await?;
                tx.commit().await?;
                match (check, look) {
                    (Check::File, Some(look)) => self.file_check(&registration, look).await?,
                    (_, Some(look)) => self.record_check(&registration, look).await?,
                    (_, None) => return Err(ServiceError::Internal("a look-up without the right to it".to_owned())),
                }
            }
        };
        let mut tx = self.store.write().await?;
        // Decided or expired meanwhile: then there is nothing to verify.
        let registration = open(self.registration_held(&mut tx, id, secret).await?)?;
        table::verify(&mut tx, id, &found).await?;
        let view = registration_view(&mut tx, registration).await?;
        tx.commit().await?;
        Ok(view)
    }

    /// Leaves a letter with a new token; the one before counts no more.
    async fn email_leave(&self, tx: &mut store::Tx, registration: &mut Registration) -> Result<()> {
        if self.mailer.is_none() {
            return Err(conflict("no_mail_server", "this clearinghouse sends no e-mail: use a file or a record"));
        }
        if registration.email_letters >= REGISTRATION_LETTERS_COUNT_MAX {
            let reason = format!("{REGISTRATION_LETTERS_COUNT_MAX} letters were asked for: use a file or a record");
            return Err(conflict("too_many_letters", reason));
        }
        let at = now();
        let id = registration.id.to_string();
        registration.email_letters += 1;
        let gone = store::letter::of_registrations(tx, at.plus_days(-1)).await?;
        // Who registers must not learn that others gave the same contact: the answer is the same without a letter. The letter
        // before goes on to count, and coordinators see why there was none.
        if let Some(reason) = no_letter(&registration.contact, &gone) {
            table::put(tx, registration).await?;
            return self.letter_drop(tx, LetterKind::Registration, &id, reason, at).await;
        }
        let token = format!("phe_{}", hex::encode(random::<16>()?));
        let sealed = self.sealer.seal(&id, token.as_bytes()).map_err(|e| internal("seal a token", e))?;
        registration.email_sealed = Some(hex::encode(sealed));
        registration.email_until = Some(at.plus_seconds(EMAIL_TOKEN_HOURS * 3_600));
        registration.email_misses = 0;
        table::put(tx, registration).await?;
        self.letter_put(tx, LetterKind::Registration, &id, None, at).await
    }

    /// Whether this is the token of the newest letter, which then counts no more.
    fn email_take(&self, registration: &mut Registration, token: &str) -> Result<bool> {
        let is_right = match self.email_token(registration, now())? {
            // Compared by digests, which tell nothing by the time it takes.
            Some(right) => secret_hash(&right) == secret_hash(token.trim()),
            None => return Ok(false),
        };
        registration.email_misses += i64::from(!is_right);
        if is_right || registration.email_misses >= EMAIL_MISSES_COUNT_MAX {
            (registration.email_sealed, registration.email_until) = (None, None);
        }
        Ok(is_right)
    }

    /// The token that counts now.
    fn email_token(&self, registration: &Registration, at: Timestamp) -> Result<Option<String>> {
        let counts = registration.email_until.is_some_and(|until| until > at);
        let Some(sealed) = registration.email_sealed.as_deref().filter(|_| counts) else { return Ok(None) };
        let sealed = hex::decode(sealed).map_err(|e| internal("read a sealed token", e))?;
        let opened =
            self.sealer.open(&registration.id.to_string(), &sealed).map_err(|e| internal("open a token", e))?;
        String::from_utf8(opened).map(Some).map_err(|e| internal("open a token", e))
    }

    async fn file_check(&self, registration: &Registration, look: Look) -> Result<Verification> {
        let Some(url) = registration.file_url.clone() else {
            return Err(conflict("no_file_url", "the registration names no URL of a file: register anew with one"));
        };
        match self.outward.file(look, &url).await? {
            Ok(text) if text.trim() == registration.challenge => {
                Ok(Verification { way: Way::File, subject: url, at: now() })
            }
            Ok(_) => {
                Err(conflict("wrong_content", "what is at the URL is not the challenge of this registration alone"))
            }
            Err(unseen) => Err(conflict("not_found_there", unseen.to_string())),
        }
    }

    async fn record_check(&self, registration: &Registration, look: Look) -> Result<Verification> {
        let Some(domain) = registration.domain.clone() else {
            return Err(conflict("no_domain", "the registration names no domain: register anew with one"));
        };
        match self.outward.records(look, &format!("{CHALLENGE_LABEL}.{domain}.")).await? {
            Ok(records) if records.contains(&registration.challenge) => {
                Ok(Verification { way: Way::Dns, subject: domain, at: now() })
            }
            Ok(_) => Err(conflict("wrong_content", "no TXT record of that name is the challenge of this registration")),
            Err(unseen) => Err(conflict("not_found_there", unseen.to_string())),
        }
    }

    /// What the letter of a registration says. Nothing in it was written by a stranger but the address it goes to.
    pub(crate) async fn registration_letter_now(&self, id: RegistrationId) -> Result<Now> {
        let mut tx = self.store.read().await?;
        let registration = table::by_id(&mut tx, id).await?.ok_or(ServiceError::NotFound("registration"))?;
        let (Some(token), Some(until)) = (self.email_token(&registration, now())?, registration.email_until) else {
            return Ok(Now::Drop("its token counts no more"));
        };
        let mut letter = Letter::default();
        letter.prose(
            "Somebody asked this clearinghouse for software vulnerabilities to take this address as the contact of a maintainer. \
             If that was you, show that the address is yours:",
        );
        letter.gap();
        letter.command(&format!("proofhouse register check {id} --by email --code {token}"));
        letter.gap();
        letter.prose("If it was not you, do nothing: without this token nothing comes of it, and you are not written to again for it.");
        letter.gap();
        letter.fact("Until", &until.to_string());
        letter.fact("Page", &self.public_url);
        letter.fact("From", &self.publisher);
        let subject = "Is this address yours? A maintainer registers".to_owned();
        Ok(Now::Send(Ready { to: registration.contact, subject, text: letter.text() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_many_spellings() {
        let one = mailbox("security@rope.example");
        for other in ["Security@Rope.example", "security+a@rope.example", "SECURITY+b+c@ROPE.EXAMPLE"] {
            assert_eq!(mailbox(other), one, "{other}");
        }
        assert_ne!(mailbox("other@rope.example"), one);
    }

    #[test]
    fn letters_end_for_an_address_a_domain_and_a_day() {
        let id: RegistrationId = "registration_00000000000000000000000000".parse().unwrap();
        let gone = |count: usize, contact: &dyn Fn(usize) -> String| -> Vec<_> {
            (0..count).map(|at| (id, contact(at))).collect()
        };
        let same = |count| gone(count, &|at| format!("a+{at}@rope.example"));
        let near = |count| gone(count, &|at| format!("b{at}@rope.example"));
        let far = |count| gone(count, &|at| format!("b@{at}.example"));
        let (address, domain, day) =
            (ADDRESS_LETTERS_PER_DAY_COUNT_MAX, DOMAIN_LETTERS_PER_DAY_COUNT_MAX, LETTERS_PER_DAY_COUNT_MAX);
        let reason = |gone: &[(RegistrationId, String)]| no_letter("A@rope.example", gone);
        assert!(reason(&same(address - 1)).is_none() && reason(&same(address)).unwrap().contains("address"));
        assert!(reason(&near(domain - 1)).is_none() && reason(&near(domain)).unwrap().contains("domain"));
        assert!(reason(&far(day - 1)).is_none() && reason(&far(day)).unwrap().contains("went out today"));
    }
}
