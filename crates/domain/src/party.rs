//! Parties, their members and their tokens: who takes part, in which role, and who answers for it.
//!
//! Must not hold a secret: a token is known here by its id, scopes and end only.

use thiserror::Error;

use crate::id::{MemberId, PartyId};
use crate::shown::is_invisible;
use crate::time::Timestamp;
use crate::words;

/// Longest name of a party or a person, in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// Longest life of a token, in days.
pub const TOKEN_LIFE_DAYS_MAX: i64 = 366;
/// Life of a token when nothing is said, in days.
pub const TOKEN_LIFE_DAYS_DEFAULT: i64 = 90;

words! {
    /// What a party does here (CVD vocabulary). A party may have several roles.
    pub enum Role {
        /// Finds defects; credit attaches to it and is never rewritten.
        Finder = "finder",
        /// Owns the code and the verdict.
        Maintainer = "maintainer",
        /// Runs the software.
        Operator = "operator",
        /// Staff of this clearinghouse: moves cases, never owns the verdict.
        Coordinator = "coordinator",
        /// A machine that runs proofs for this clearinghouse, and does nothing else.
        Worker = "worker",
    }
}

words! {
    /// What a token may be used for.
    pub enum TokenScope {
        /// Read what its member may see.
        Read = "read",
        /// Send claims, reports, proofs, inventories and answers.
        Write = "write",
        /// Make parties, members and tokens.
        Admin = "admin",
        /// Take proof jobs and post what running them showed. Stands alone on a token.
        Worker = "worker",
    }
}

/// Who is acting, as a token showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The party.
    pub party: PartyId,
    /// The person or agent of that party.
    pub member: MemberId,
    /// The roles of the party.
    pub roles: Vec<Role>,
    /// The scopes of the token.
    pub scopes: Vec<TokenScope>,
    /// When it acts.
    pub now: Timestamp,
}

impl Actor {
    /// Whether the party has this role.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the token has this scope.
    #[must_use]
    pub fn may(&self, scope: TokenScope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// A name that cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a name has 1 to {NAME_BYTES_MAX} bytes and no control or invisible characters")]
pub struct MalformedName;

/// A name of a party or a person, fit to be shown on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Name {
    type Err = MalformedName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let fits = !trimmed.is_empty() && trimmed.len() <= NAME_BYTES_MAX;
        if fits && !trimmed.chars().any(|c| c.is_control() || is_invisible(c)) {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(MalformedName)
        }
    }
}
