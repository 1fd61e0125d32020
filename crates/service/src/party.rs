//! Parties, members and tokens: who takes part, and how a bearer token becomes an actor.
//!
//! Must not show a secret twice: a token's secret is in the answer that made it and nowhere else.

use domain::id::{MemberId, PartyId, TokenId};
use domain::package::Package;
use domain::party::{Actor, Name, Role, TOKEN_LIFE_DAYS_MAX, TokenScope};
use domain::policy::Action;
use domain::shown::is_invisible;
use domain::time::Timestamp;
use store::party::{self as table, Member, Party, Token};
use store::registration::Origin;
use store::{Listed, Page, Tx, meta};

use crate::Service;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, Violation};
use crate::identity::{new_id, new_secret, now, secret_hash};

/// Longest contact of a party, in bytes.
pub const CONTACT_BYTES_MAX: usize = 320;
/// Packages one party may maintain.
pub const PARTY_PACKAGES_COUNT_MAX: usize = 1_000;

/// A party to be made.
#[derive(Debug, Clone)]
pub struct PartyInput {
    /// Its name.
    pub name: String,
    /// The named human who answers for it.
    pub accountable: String,
    /// What it does here.
    pub roles: Vec<Role>,
    /// How to reach it.
    pub contact: String,
    /// Packages it maintains.
    pub packages: Vec<Package>,
}

/// A token to be made.
#[derive(Debug, Clone)]
pub struct TokenInput {
    /// What it is for, in the owner's words.
    pub label: String,
    /// What it may do.
    pub scopes: Vec<TokenScope>,
    /// How long it lives, in days.
    pub life_days: i64,
}

/// A token, with its secret only in the answer that made it.
#[derive(Debug, Clone)]
pub struct TokenIssued {
    /// The token without its secret.
    pub token: Token,
    /// The secret; none on a replay.
    pub secret: Option<String>,
}

/// A party with its members and packages.
#[derive(Debug, Clone)]
pub struct PartyView {
    /// The party.
    pub party: Party,
    /// Its members.
    pub members: Vec<Member>,
    /// Canonical purls it maintains.
    pub packages: Vec<String>,
    /// Where it comes from.
    pub origin: Option<Origin>,
}

fn name_check(violations: &mut Vec<Violation>, field: &str, text: &str) {
    if let Err(error) = text.parse::<Name>() {
        violations.push(Violation::new("malformed_name", field, error.to_string()));
    }
}

pub(crate) fn party_check(input: &PartyInput) -> Result<()> {
    let mut violations = Vec::new();
    name_check(&mut violations, "name", &input.name);
    name_check(&mut violations, "accountable", &input.accountable);
    if input.roles.is_empty() {
        let reason = "a party has at least one role: finder, maintainer, operator, coordinator or worker";
        violations.push(Violation::new("missing_field", "roles", reason));
    }
    if input.roles.contains(&Role::Worker) && input.roles.len() > 1 {
        let reason = "a party of workers sees the bundles it runs, and has no other role";
        violations.push(Violation::new("role_stands_alone", "roles", reason));
    }
    if input.contact.len() > CONTACT_BYTES_MAX || input.contact.chars().any(|c| c.is_control() || is_invisible(c)) {
        let reason = format!("at most {CONTACT_BYTES_MAX} bytes, no control characters");
        violations.push(Violation::new("malformed_contact", "contact", reason));
    }
    if input.packages.len() > PARTY_PACKAGES_COUNT_MAX {
        let reason = format!("at most {PARTY_PACKAGES_COUNT_MAX} packages");
        violations.push(Violation::new("too_many_items", "packages", reason));
    }
    if violations.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(violations)) }
}

impl Service {
    /// Turns a bearer secret into an actor.
    ///
    /// # Errors
    /// `Unauthenticated`, the same whether the token is missing, unknown, expired or revoked.
    pub async fn authenticate(&self, bearer: &str) -> Result<Actor> {
        let mut tx = self.store.read().await?;
        let now = now();
        let found = table::bearer_by_hash(&mut tx, &secret_hash(bearer)).await?;
        let live = found.filter(|t| t.token.revoked_at.is_none() && t.token.expires_at > now);
        let holder = live.ok_or(ServiceError::Unauthenticated)?;
        Ok(Actor {
            party: holder.party.id,
            member: holder.member.id,
            roles: holder.party.roles,
            scopes: holder.token.scopes,
            now,
        })
    }

    /// Makes a party with one member, the accountable person.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`.
    pub async fn party_create(&self, ctx: &Ctx, input: PartyInput) -> Result<PartyView> {
        ctx.authorize(Action::PartyManage)?;
        party_check(&input)?;
        let mut work = match self.begin(ctx, "party_create").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.party_view(ctx, self.replayed(&id)?).await,
        };
        let party = self.party_make(&mut work.tx, input, ctx.actor.now).await?;
        let origin = Origin { by: ctx.actor.member, registration_id: None };
        store::registration::origin_insert(&mut work.tx, party.id, origin).await?;
        work.finish(&party.id.to_string()).await?;
        self.party_view(ctx, party.id).await
    }

    /// Writes a party whose input was checked, with its first member and its packages.
    pub(crate) async fn party_make(&self, tx: &mut Tx, input: PartyInput, now: Timestamp) -> Result<Party> {
        let party = Party {
            id: new_id(now)?,
            name: input.name.trim().to_owned(),
            accountable: input.accountable.trim().to_owned(),
            roles: input.roles,
            contact: input.contact,
            created_at: now,
        };
        table::insert(tx, &party).await?;
        let member = Member { id: new_id(now)?, party_id: party.id, name: party.accountable.clone(), created_at: now };
        table::member_insert(tx, &member).await?;
        for package in &input.packages {
            table::package_add(tx, party.id, package.purl()).await?;
        }
        if party.roles.contains(&Role::Maintainer) {
            let packages: Vec<String> = input.packages.iter().map(|p| p.purl().to_owned()).collect();
            self.maintainer_read_in(tx, &member, &packages).await?;
        }
        Ok(party)
    }

    /// One party: one's own, or any for coordinators.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn party_show(&self, ctx: &Ctx, id: PartyId) -> Result<PartyView> {
        ctx.authorize(Action::OwnRead)?;
        self.party_view(ctx, id).await
    }

    async fn party_view(&self, ctx: &Ctx, id: PartyId) -> Result<PartyView> {
        if id != ctx.actor.party && !ctx.actor.is(Role::Coordinator) {
            return Err(ServiceError::NotFound("party"));
        }
        let mut tx = self.store.read().await?;
        let party = table::by_id(&mut tx, id).await?.ok_or(ServiceError::NotFound("party"))?;
        let members = table::members(&mut tx, id).await?;
        let packages = table::packages(&mut tx, id).await?;
        let origin = store::registration::origin(&mut tx, id).await?;
        Ok(PartyView { party, members, packages, origin })
    }

    /// All parties, for coordinators.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn party_list(&self, ctx: &Ctx, page: &Page) -> Result<Listed<Party>> {
        ctx.authorize(Action::PartyManage)?;
        let mut tx = self.store.read().await?;
        Ok(table::list(&mut tx, page).await?)
    }

    /// Adds a person or agent to a party.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Invalid`.
    pub async fn member_create(&self, ctx: &Ctx, party: PartyId, name: &str) -> Result<Member> {
        ctx.authorize(Action::PartyManage)?;
        let mut violations = Vec::new();
        name_check(&mut violations, "name", name);
        if !violations.is_empty() {
            return Err(ServiceError::Invalid(violations));
        }
        let mut work = match self.begin(ctx, "member_create").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.member_show(self.replayed(&id)?).await,
        };
        let its = table::by_id(&mut work.tx, party).await?.ok_or(ServiceError::NotFound("party"))?;
        let now = ctx.actor.now;
        let member = Member { id: new_id(now)?, party_id: party, name: name.trim().to_owned(), created_at: now };
        table::member_insert(&mut work.tx, &member).await?;
        if its.roles.contains(&Role::Maintainer) {
            let packages = table::packages(&mut work.tx, party).await?;
            self.maintainer_read_in(&mut work.tx, &member, &packages).await?;
        }
        work.finish(&member.id.to_string()).await?;
        Ok(member)
    }

    async fn member_show(&self, id: MemberId) -> Result<Member> {
        let mut tx = self.store.read().await?;
        table::member_by_id(&mut tx, id).await?.ok_or(ServiceError::NotFound("member"))
    }

    /// Makes a token for a member. The secret is shown once.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Invalid`.
    pub async fn token_issue(&self, ctx: &Ctx, member: MemberId, input: TokenInput) -> Result<TokenIssued> {
        ctx.authorize(Action::PartyManage)?;
        let mut violations = Vec::new();
        name_check(&mut violations, "label", &input.label);
        if input.scopes.is_empty() {
            violations.push(Violation::new(
                "missing_field",
                "scopes",
                "a token has at least one scope: read, write, admin or worker",
            ));
        }
        if input.scopes.contains(&TokenScope::Worker) && input.scopes.len() > 1 {
            let reason = "a token of a worker takes proof jobs and does nothing else";
            violations.push(Violation::new("scope_stands_alone", "scopes", reason));
        }
        if !(1..=TOKEN_LIFE_DAYS_MAX).contains(&input.life_days) {
            let reason = format!("a token lives 1 to {TOKEN_LIFE_DAYS_MAX} days");
            violations.push(Violation::new("out_of_range", "life_days", reason));
        }
        if !violations.is_empty() {
            return Err(ServiceError::Invalid(violations));
        }
        let mut work = match self.begin(ctx, "token_issue").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.token_show(self.replayed(&id)?).await,
        };
        table::member_by_id(&mut work.tx, member).await?.ok_or(ServiceError::NotFound("member"))?;
        let (token, secret) = token_make(ctx.actor.now, member, input)?;
        table::token_insert(&mut work.tx, &token).await?;
        work.finish(&token.id.to_string()).await?;
        Ok(TokenIssued { token, secret: Some(secret) })
    }

    async fn token_show(&self, id: TokenId) -> Result<TokenIssued> {
        let mut tx = self.store.read().await?;
        let token = table::token_by_id(&mut tx, id).await?.ok_or(ServiceError::NotFound("token"))?;
        Ok(TokenIssued { token, secret: None })
    }

    /// Ends a token now.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub async fn token_revoke(&self, ctx: &Ctx, id: TokenId) -> Result<TokenIssued> {
        ctx.authorize(Action::PartyManage)?;
        let mut work = match self.begin(ctx, "token_revoke").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.token_show(self.replayed(&id)?).await,
        };
        table::token_by_id(&mut work.tx, id).await?.ok_or(ServiceError::NotFound("token"))?;
        table::token_revoke(&mut work.tx, id, ctx.actor.now).await?;
        work.finish(&id.to_string()).await?;
        self.token_show(id).await
    }

    /// Makes the first coordinator with an admin token when there is no party yet.
    ///
    /// # Errors
    /// `Conflict` when there is a party already.
    pub async fn admin_bootstrap(&self, name: &str, accountable: &str) -> Result<TokenIssued> {
        let now = now();
        let mut tx = self.store.write().await?;
        // Of two first starts at once on one store, the second waits here and finds the first one's party.
        meta::set_first(&mut tx, "bootstrapped_at", &now.to_string()).await?;
        if !table::list(&mut tx, &Page::default()).await?.items.is_empty() {
            return Err(ServiceError::conflict(
                "already_started",
                "there is a coordinator already; use its admin token",
            ));
        }
        let party = Party {
            id: new_id(now)?,
            name: name.to_owned(),
            accountable: accountable.to_owned(),
            roles: vec![Role::Coordinator],
            contact: String::new(),
            created_at: now,
        };
        table::insert(&mut tx, &party).await?;
        let member = Member { id: new_id(now)?, party_id: party.id, name: accountable.to_owned(), created_at: now };
        table::member_insert(&mut tx, &member).await?;
        self.admin_token(tx, member.id).await
    }

    /// A fresh admin token for the first coordinator, for whoever holds the data folder and lost the
    /// old one. Reading that folder is the right to do this.
    ///
    /// # Errors
    /// `NotFound` when there is no coordinator.
    pub async fn admin_token_reissue(&self) -> Result<TokenIssued> {
        let mut tx = self.store.write().await?;
        let member = table::first_coordinator(&mut tx).await?.ok_or(ServiceError::NotFound("coordinator"))?;
        self.admin_token(tx, member).await
    }

    async fn admin_token(&self, mut tx: store::Tx, member: MemberId) -> Result<TokenIssued> {
        let input = TokenInput {
            label: "first admin".to_owned(),
            scopes: vec![TokenScope::Read, TokenScope::Write, TokenScope::Admin],
            life_days: 90,
        };
        let (token, secret) = token_make(now(), member, input)?;
        table::token_insert(&mut tx, &token).await?;
        tx.commit().await?;
        Ok(TokenIssued { token, secret: Some(secret) })
    }
}

pub(crate) fn token_make(now: Timestamp, member: MemberId, input: TokenInput) -> Result<(Token, String)> {
    let secret = new_secret()?;
    let token = Token {
        id: new_id(now)?,
        member_id: member,
        hash: secret_hash(&secret),
        label: input.label.trim().to_owned(),
        scopes: input.scopes,
        expires_at: now.plus_days(input.life_days),
        revoked_at: None,
        created_at: now,
    };
    Ok((token, secret))
}
