//! What can go wrong in the store, sorted by what a caller can do about it.
//!
//! Must not carry values of rows: an error text may reach a log.

use thiserror::Error;

/// A failure of the store. `doing` says what was attempted on what, such as `insert into reports`.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// The database cannot be opened or set up. Nothing was changed.
    #[error("open the store at {place}: {reason}")]
    Open {
        /// Where, without a password.
        place: String,
        /// What the database said.
        reason: String,
    },
    /// A newer program has written this database.
    #[error("the store at {place} has schema version {found}, this program knows {known}: run a newer program")]
    SchemaNewer {
        /// Where, without a password.
        place: String,
        /// The newest version recorded there.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// A migration that was applied is not the one this program carries.
    #[error("migration {version} of the store at {place} was applied from another text than this program's")]
    MigrationAltered {
        /// Where, without a password.
        place: String,
        /// The version of the migration.
        version: i64,
    },
    /// Somebody else holds what is needed for too long. Nothing was changed; trying again may help.
    #[error("{doing}: the database is busy ({reason})")]
    Busy {
        /// What was attempted.
        doing: String,
        /// What the database said.
        reason: String,
    },
    /// The database cannot be reached or cannot write. Nothing is known to have changed.
    #[error("{doing}: the database is unavailable ({reason})")]
    Unavailable {
        /// What was attempted.
        doing: String,
        /// What the database said.
        reason: String,
    },
    /// A row with the same unique key is there already.
    #[error("{doing}: there is one already ({constraint})")]
    Conflict {
        /// What was attempted.
        doing: String,
        /// The constraint or its columns, as the database names them.
        constraint: String,
    },
    /// A stored value does not have the form it must have: the database was changed by other hands.
    #[error("{doing}: column {column} {reason}")]
    Column {
        /// What was attempted.
        doing: String,
        /// Position in the row, from 0.
        column: usize,
        /// What is wrong with it, without the value.
        reason: String,
    },
    /// The transaction had a failed statement before, so that nothing of it may be kept.
    #[error("{doing}: an earlier statement of this transaction failed")]
    Spoiled {
        /// What was attempted.
        doing: String,
    },
    /// A text with a NUL character, which PostgreSQL cannot hold.
    #[error("{doing}: a text holds a NUL character")]
    NulInText {
        /// What was attempted.
        doing: String,
    },
    /// A cursor that belongs to another list.
    #[error("the cursor belongs to another list")]
    CursorForeign,
    /// Anything else: a broken rule of the schema or a defect in this crate.
    #[error("{doing}: {reason}")]
    Other {
        /// What was attempted.
        doing: String,
        /// What the database said.
        reason: String,
    },
}

impl StoreError {
    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unavailable { .. })
    }

    /// Whether a unique key stood in the way.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}
