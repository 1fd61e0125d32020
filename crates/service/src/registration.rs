//! Registrations: a maintainer asks to take part, and a coordinator decides. What is verified of it is in `registration_check`.
//!
//! Must not tell anybody without a secret or a coordinator's token whether somebody registered: who asks is answered the same,
//! whoever is here already.

use std::fmt;

use domain::id::RegistrationId;
use domain::package::Package;
use domain::party::{Role, TokenScope};
use domain::policy::Action;
use domain::time::Timestamp;
use store::registration::{self as table, Origin, Registration, RegistrationState, Verification};
use store::{Listed, Page, Tx};

use crate::Service;
use crate::case::reason_check;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, Violation, internal, url_check};
use crate::identity::{new_id, now, random, secret_hash};
use crate::outbox::host_of;
use crate::pace::is_address;
use crate::party::{PartyInput, TokenInput, TokenIssued, party_check, token_make};

/// Packages of one registration.
pub const REGISTRATION_PACKAGES_COUNT_MAX: usize = 50;
/// Registrations that are open at once. One more takes the place of the oldest of which nothing was verified; where there is none, it is
/// refused.
pub const REGISTRATIONS_OPEN_COUNT_MAX: i64 = 1_000;
/// How long a registration stays open, in days.
pub const REGISTRATION_LIFE_DAYS: i64 = 30;
/// The same where nothing of it was verified.
pub const REGISTRATION_UNVERIFIED_LIFE_DAYS: i64 = 2;
/// Longest URL of a file, in bytes.
pub const FILE_URL_BYTES_MAX: usize = 512;
/// Longest domain, in bytes (RFC 1035, 2.3.4).
pub const DOMAIN_BYTES_MAX: usize = 253;
/// How the file's name ends its URL.
pub const CHALLENGE_FILE: &str = "proofhouse-challenge.txt";
/// The label in front of the domain.
pub const CHALLENGE_LABEL: &str = "_proofhouse-challenge";
/// How long the first token lives, in days.
const FIRST_TOKEN_LIFE_DAYS: i64 = 90;

/// A maintainer that asks to take part.
#[derive(Debug, Clone)]
pub struct RegistrationInput {
    /// The party's name.
    pub name: String,
    /// The named human who answers for it.
    pub accountable: String,
    /// Its e-mail address.
    pub contact: String,
    /// The packages it maintains.
    pub packages: Vec<Package>,
    /// Where it would put a file.
    pub file_url: Option<String>,
    /// The domain in which it would put a record.
    pub domain: Option<String>,
}

/// What a package that is asked for has here already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageHeld {
    /// Which: a canonical purl.
    pub package: String,
    /// The names of the parties that maintain it.
    pub maintainers: Vec<String>,
    /// Its live cases: whoever maintains it is handed them.
    pub live_cases: i64,
}

impl fmt::Display for PackageHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if self.maintainers.is_empty() { "nobody".to_owned() } else { self.maintainers.join(", ") };
        write!(f, "{}: maintained by {by}, {} live cases", self.package, self.live_cases)
    }
}

/// A registration as it stands.
#[derive(Debug, Clone)]
pub struct RegistrationView {
    /// What was said.
    pub registration: Registration,
    /// What was verified of it.
    pub verified: Vec<Verification>,
    /// The packages that have maintainers or live cases here already; for coordinators, while it is open.
    pub held: Option<Vec<PackageHeld>>,
    /// The secret to come back with; only in the answer that made it.
    pub secret: Option<String>,
}

fn hidden() -> ServiceError {
    ServiceError::NotFound("registration")
}

/// A domain in lower case with at least two labels.
fn is_domain(text: &str) -> bool {
    let label = |l: &str| {
        let plain = l.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        !l.is_empty() && l.len() <= 63 && plain && !l.starts_with('-') && !l.ends_with('-')
    };
    text.len() <= DOMAIN_BYTES_MAX && text.contains('.') && text.split('.').all(label)
}

/// Whether a URL's path is one that only whoever writes at its host can fill: it ends in the file's name, and names no commit and no
/// proposed change, which forges serve for everybody under the path of the project.
fn is_file_of_its_host(url: &str) -> bool {
    let segments: Vec<&str> = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').skip(1).collect();
    let is_commit = |s: &&str| s.len() >= 7 && s.len() <= 64 && s.bytes().all(|b| b.is_ascii_hexdigit());
    let is_proposed = |pair: &[&str]| pair[0].eq_ignore_ascii_case("refs") && !pair[1].eq_ignore_ascii_case("heads");
    segments.last() == Some(&CHALLENGE_FILE)
        && !url.contains(['?', '#', '%', '\\'])
        && !segments.iter().any(is_commit)
        && !segments.windows(2).any(is_proposed)
}

/// Whether a domain is a host, or one above it.
fn is_above(domain: &str, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

impl Service {
    fn registration_check_input(&self, input: &RegistrationInput) -> Result<()> {
        let mut violations = match party_check(&party_of(input)) {
            Ok(()) => Vec::new(),
            Err(ServiceError::Invalid(violations)) => violations,
            Err(other) => return Err(other),
        };
        if !is_address(&input.contact) {
            let reason = "an e-mail address such as security@example.org";
            violations.push(Violation::new("malformed_address", "contact", reason));
        }
        if !(1..=REGISTRATION_PACKAGES_COUNT_MAX).contains(&input.packages.len()) {
            let reason = format!("1 to {REGISTRATION_PACKAGES_COUNT_MAX} packages");
            violations.push(Violation::new("out_of_range", "packages", reason));
        }
        if let Some(url) = &input.file_url {
            violations.extend(url_check("file_url", url, FILE_URL_BYTES_MAX).err());
            let is_https = url.starts_with("https://") || self.outward.is_loopback_allowed();
            let authority = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
            if !is_https || authority.contains('@') || !is_file_of_its_host(url) {
                let reason = format!(
                    "https://HOST/PATH/{CHALLENGE_FILE} on a branch, without user, password, query, `%` or a commit: a forge serves \
                     commits and proposed changes of strangers under the project's path"
                );
                violations.push(Violation::new("invalid_reference", "file_url", reason));
            }
        }
        if let Some(domain) = &input.domain {
            let of_contact = input.contact.rsplit_once('@').map_or("", |(_, host)| host);
            let of_url = input.file_url.as_deref().map_or("", host_of);
            if !is_domain(domain) || !(is_above(domain, of_contact) || is_above(domain, of_url)) {
                let reason = "the domain of the contact or of the file's URL, or one above it, in lower case";
                violations.push(Violation::new("domain_does_not_fit", "domain", reason));
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(violations)) }
    }

    /// Takes a registration from anybody. It is the same whether or not somebody of that name, contact or package is here.
    ///
    /// # Errors
    /// `Invalid`, `Unavailable` while too many are open.
    pub async fn registration_create(&self, input: RegistrationInput) -> Result<RegistrationView> {
        self.registration_check_input(&input)?;
        let now = now();
        let secret = format!("phr_{}", hex::encode(random::<32>()?));
        let packages: Vec<&str> = input.packages.iter().map(Package::purl).collect();
        let registration = Registration {
            id: new_id(now)?,
            secret_hash: secret_hash(&secret),
            name: input.name.trim().to_owned(),
            accountable: input.accountable.trim().to_owned(),
            contact: input.contact,
            packages: serde_json::to_string(&packages).map_err(|e| internal("write packages", e))?,
            file_url: input.file_url,
            domain: input.domain,
            challenge: format!("proofhouse-challenge={}", hex::encode(random::<16>()?)),
            email_sealed: None,
            email_until: None,
            email_letters: 0,
            email_misses: 0,
            checks: 0,
            state: RegistrationState::Open,
            party_id: None,
            decided_by: None,
            decided_at: None,
            reason: None,
            claimed_at: None,
            created_at: now,
        };
        let mut tx = self.store.write().await?;
        let is_full = table::open_count(&mut tx).await? >= REGISTRATIONS_OPEN_COUNT_MAX;
        if is_full && !table::oldest_unverified_expire(&mut tx, now).await? {
            return Err(ServiceError::Unavailable("too many registrations wait; come again another day".to_owned()));
        }
        table::insert(&mut tx, &registration).await?;
        tx.commit().await?;
        Ok(RegistrationView { registration, verified: Vec::new(), held: None, secret: Some(secret) })
    }

    /// A registration, for whoever holds its secret.
    ///
    /// # Errors
    /// `NotFound`, the same for a wrong secret and for no registration.
    pub async fn registration_show(&self, id: RegistrationId, secret: &str) -> Result<RegistrationView> {
        let mut tx = self.store.read().await?;
        let registration = held(table::by_id(&mut tx, id).await?, secret)?;
        registration_view(&mut tx, registration).await
    }

    /// The same, locked: the start of whatever its holder does.
    pub(crate) async fn registration_held(
        &self,
        tx: &mut Tx,
        id: RegistrationId,
        secret: &str,
    ) -> Result<Registration> {
        // Looked at before it is locked: who holds no secret locks nothing.
        held(table::by_id(tx, id).await?, secret)?;
        held(table::by_id_locked(tx, id).await?, secret)
    }

    /// One page of registrations: those in one state, or all. For coordinators with scope `admin`.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn registration_list(
        &self,
        ctx: &Ctx,
        state: Option<RegistrationState>,
        page: &Page,
    ) -> Result<Listed<RegistrationView>> {
        ctx.authorize(Action::PartyManage)?;
        let mut tx = self.store.read().await?;
        let listed = table::list(&mut tx, state, page).await?;
        let mut items = Vec::new();
        for registration in listed.items {
            let held = packages_held(&mut tx, &registration).await?;
            items.push(RegistrationView { held, ..registration_view(&mut tx, registration).await? });
        }
        Ok(Listed { items, next: listed.next })
    }

    /// Makes the party of a registration of which something was verified, with all its packages or only these. It is handed every live
    /// case of theirs: where they have cases or maintainers already, the number of those cases must be said.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Invalid`, `Conflict` when nothing was verified, it was decided before, or the number of cases is another.
    pub async fn registration_accept(
        &self,
        ctx: &Ctx,
        id: RegistrationId,
        only: Option<Vec<Package>>,
        hand_over: Option<i64>,
    ) -> Result<RegistrationView> {
        ctx.authorize(Action::PartyManage)?;
        let mut work = match self.begin(ctx, "registration_accept").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.registration_shown(self.replayed(&id)?).await,
        };
        let now = ctx.actor.now;
        let mut registration = open(table::by_id_locked(&mut work.tx, id).await?.ok_or_else(hidden)?)?;
        if table::verifications(&mut work.tx, id).await?.is_empty() {
            let reason = "nothing of it was verified: make the party by hand if you vouch for it";
            return Err(ServiceError::conflict("not_verified", reason));
        }
        let asked = packages_of(&registration)?;
        let packages = match only {
            None => asked,
            Some(only) if !only.is_empty() && only.iter().all(|p| asked.contains(p)) => only,
            Some(_) => {
                let reason = "one or more of the packages that were asked for; none other";
                return Err(ServiceError::invalid("unknown_package", "packages", reason));
            }
        };
        held_check(&held_of(&mut work.tx, &packages).await?, hand_over)?;
        let input = PartyInput {
            name: registration.name.clone(),
            accountable: registration.accountable.clone(),
            roles: vec![Role::Maintainer],
            contact: registration.contact.clone(),
            packages,
        };
        let party = self.party_make(&mut work.tx, input, now).await?;
        let origin = Origin { by: ctx.actor.member, registration_id: Some(id) };
        table::origin_insert(&mut work.tx, party.id, origin).await?;
        registration.party_id = Some(party.id);
        decided(&mut registration, RegistrationState::Accepted, ctx, None);
        table::put(&mut work.tx, &registration).await?;
        work.finish(&id.to_string()).await?;
        self.jobs_wake();
        self.registration_shown(id).await
    }

    /// Says no, with a reason that its holder reads.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Invalid`, `Conflict` when it was decided before.
    pub async fn registration_decline(&self, ctx: &Ctx, id: RegistrationId, reason: &str) -> Result<RegistrationView> {
        ctx.authorize(Action::PartyManage)?;
        let mut work = match self.begin(ctx, "registration_decline").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.registration_shown(self.replayed(&id)?).await,
        };
        reason_check(reason)?;
        let mut registration = open(table::by_id_locked(&mut work.tx, id).await?.ok_or_else(hidden)?)?;
        decided(&mut registration, RegistrationState::Declined, ctx, Some(reason.to_owned()));
        table::put(&mut work.tx, &registration).await?;
        work.finish(&id.to_string()).await?;
        self.registration_shown(id).await
    }

    async fn registration_shown(&self, id: RegistrationId) -> Result<RegistrationView> {
        let mut tx = self.store.read().await?;
        let registration = table::by_id(&mut tx, id).await?.ok_or_else(hidden)?;
        registration_view(&mut tx, registration).await
    }

    /// Gives the holder of an accepted registration its first token, once.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` when it was not accepted, or the token was given out before.
    pub async fn registration_token(&self, id: RegistrationId, secret: &str) -> Result<TokenIssued> {
        let mut tx = self.store.write().await?;
        let mut registration = self.registration_held(&mut tx, id, secret).await?;
        let party = match (registration.state, registration.party_id) {
            (RegistrationState::Accepted, Some(party)) => party,
            (state, _) => return Err(not_open(state)),
        };
        if registration.claimed_at.is_some() {
            let reason = "the first token was given out before: ask a coordinator for another";
            return Err(ServiceError::conflict("token_given_out", reason));
        }
        let members = store::party::members(&mut tx, party).await?;
        let member = members.first().ok_or(ServiceError::NotFound("member"))?.id;
        let input = TokenInput {
            label: "first token of the registration".to_owned(),
            scopes: vec![TokenScope::Read, TokenScope::Write],
            life_days: FIRST_TOKEN_LIFE_DAYS,
        };
        let at = now();
        let (token, secret) = token_make(at, member, input)?;
        store::party::token_insert(&mut tx, &token).await?;
        registration.claimed_at = Some(at);
        table::put(&mut tx, &registration).await?;
        tx.commit().await?;
        Ok(TokenIssued { token, secret: Some(secret) })
    }
}

fn party_of(input: &RegistrationInput) -> PartyInput {
    PartyInput {
        name: input.name.clone(),
        accountable: input.accountable.clone(),
        roles: vec![Role::Maintainer],
        contact: input.contact.clone(),
        packages: input.packages.clone(),
    }
}

fn packages_of(registration: &Registration) -> Result<Vec<Package>> {
    let purls: Vec<String> =
        serde_json::from_str(&registration.packages).map_err(|e| internal("read stored packages", e))?;
    purls.iter().map(|purl| purl.parse().map_err(|e| internal("read a stored package", e))).collect()
}

fn held(found: Option<Registration>, secret: &str) -> Result<Registration> {
    found.filter(|r| r.secret_hash == secret_hash(secret)).ok_or_else(hidden)
}

/// Refuses what was decided, or has expired.
pub(crate) fn open(registration: Registration) -> Result<Registration> {
    match registration.state {
        RegistrationState::Open => Ok(registration),
        state => Err(not_open(state)),
    }
}

fn not_open(state: RegistrationState) -> ServiceError {
    ServiceError::conflict("registration_state", format!("the registration is {state}"))
}

fn decided(registration: &mut Registration, state: RegistrationState, ctx: &Ctx, reason: Option<String>) {
    let at: Timestamp = ctx.actor.now;
    registration.state = state;
    (registration.decided_by, registration.decided_at, registration.reason) =
        (Some(ctx.actor.member), Some(at), reason);
    // A letter that is still on its way opens nothing any more.
    (registration.email_sealed, registration.email_until) = (None, None);
}

pub(crate) async fn registration_view(tx: &mut Tx, registration: Registration) -> Result<RegistrationView> {
    let verified = table::verifications(tx, registration.id).await?;
    Ok(RegistrationView { registration, verified, held: None, secret: None })
}

/// What the packages of an open registration have here already; none for one that was decided.
async fn packages_held(tx: &mut Tx, registration: &Registration) -> Result<Option<Vec<PackageHeld>>> {
    if registration.state != RegistrationState::Open {
        return Ok(None);
    }
    Ok(Some(held_of(tx, &packages_of(registration)?).await?))
}

/// What packages have here already.
async fn held_of(tx: &mut Tx, packages: &[Package]) -> Result<Vec<PackageHeld>> {
    let mut held = Vec::new();
    for package in packages {
        let package = package.purl().to_owned();
        let mut parties: Vec<_> =
            store::party::maintainers(tx, &package).await?.into_iter().map(|m| m.party_id).collect();
        parties.dedup();
        let mut maintainers = Vec::new();
        for party in parties {
            maintainers.extend(store::party::by_id(tx, party).await?.map(|p| p.name));
        }
        let live_cases = store::case::live_count(tx, &package).await?;
        if live_cases > 0 || !maintainers.is_empty() {
            held.push(PackageHeld { package, maintainers, live_cases });
        }
    }
    Ok(held)
}

/// Refuses to hand over what the coordinator did not say that it knows of.
fn held_check(held: &[PackageHeld], hand_over: Option<i64>) -> Result<()> {
    let cases: i64 = held.iter().map(|h| h.live_cases).sum();
    if hand_over.map_or(held.is_empty(), |said| said == cases) {
        return Ok(());
    }
    let told: Vec<String> = held.iter().map(ToString::to_string).collect();
    let reason = format!(
        "the party would be handed {cases} live cases of its packages. {}. Leave packages out (`packages`), or say how many cases are handed over \
         (`hand_over`: {cases})",
        if told.is_empty() { "Nobody maintains them".to_owned() } else { told.join("; ") }
    );
    Err(ServiceError::conflict("package_held", reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_its_hosts() {
        for good in [
            "https://rope.example/proofhouse-challenge.txt",
            "https://code.example/rope/raw/main/proofhouse-challenge.txt",
            "https://code.example/rope/raw/refs/heads/main/proofhouse-challenge.txt",
        ] {
            assert!(is_file_of_its_host(good), "{good}");
        }
        for bad in [
            "https://a.example/other.txt",
            "https://a.example",
            "https://a.example/login?next=https://b.example/proofhouse-challenge.txt",
            "https://a.example/x#/proofhouse-challenge.txt",
            "https://a.example/r/0123456789abcdef0123456789abcdef01234567/proofhouse-challenge.txt",
            "https://a.example/r/0123abc/proofhouse-challenge.txt",
            "https://a.example/r/refs/pull/1/head/proofhouse-challenge.txt",
            "https://a.example/r/refs%2Fpull/1/proofhouse-challenge.txt",
            "https://a.example/r/refs/merge-requests/1/head/proofhouse-challenge.txt",
        ] {
            assert!(!is_file_of_its_host(bad), "{bad}");
        }
    }

    #[test]
    fn a_domain_fits_its_host_and_those_above() {
        for (domain, host) in
            [("a.example", "a.example"), ("a.example", "git.A.example"), ("x-1.example", "x-1.example")]
        {
            assert!(is_domain(domain) && is_above(domain, host), "{domain} {host}");
        }
        for (domain, host) in [("a.example", "ba.example"), ("b.a.example", "a.example"), ("a.example", "")] {
            assert!(!is_above(domain, host), "{domain} {host}");
        }
        for bad in [
            "example",
            "",
            ".example",
            "a..example",
            "A.example",
            "-a.example",
            "a.example.",
            "a b.example",
            "*.example",
        ] {
            assert!(!is_domain(bad), "{bad}");
        }
    }
}
