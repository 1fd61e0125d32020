//! The migrations of both back ends, in order, and what is recorded of them.
//!
//! Must not run SQL itself: each back end applies them under its own lock, so that two programs
//! starting at once apply each of them once.

use crate::error::StoreError;

/// One step of the schema, in both dialects.
pub(crate) struct Migration {
    /// From 1, without gaps.
    pub(crate) version: i64,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Every migration, oldest first.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sqlite: include_str!("../migrations/sqlite/0001_first.sql"),
        postgres: include_str!("../migrations/postgres/0001_first.sql"),
    },
    Migration {
        version: 2,
        sqlite: include_str!("../migrations/sqlite/0002_workers.sql"),
        postgres: include_str!("../migrations/postgres/0002_workers.sql"),
    },
    Migration {
        version: 3,
        sqlite: include_str!("../migrations/sqlite/0003_pace.sql"),
        postgres: include_str!("../migrations/postgres/0003_pace.sql"),
    },
    Migration {
        version: 4,
        sqlite: include_str!("../migrations/sqlite/0004_verdicts.sql"),
        postgres: include_str!("../migrations/postgres/0004_verdicts.sql"),
    },
    Migration {
        version: 5,
        sqlite: include_str!("../migrations/sqlite/0005_standing.sql"),
        postgres: include_str!("../migrations/postgres/0005_standing.sql"),
    },
    Migration {
        version: 6,
        sqlite: include_str!("../migrations/sqlite/0006_registration.sql"),
        postgres: include_str!("../migrations/postgres/0006_registration.sql"),
    },
];

/// Where applied migrations are recorded. `integer` is `bigint` on PostgreSQL.
pub(crate) const RECORD_TABLE_SQLITE: &str = "create table if not exists schema_migrations \
    (version integer primary key, digest text not null, applied_at integer not null) strict";
/// The same for PostgreSQL.
pub(crate) const RECORD_TABLE_POSTGRES: &str = "create table if not exists schema_migrations \
    (version bigint primary key, digest text not null, applied_at bigint not null)";

/// FNV-1a, 64 bits. It guards against an edited file, not against an attacker, who would edit the
/// record as well.
pub(crate) fn digest(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!("fnv1a64:{hash:016x}")
}

/// The migrations that are still to be applied, given what is recorded as (version, digest).
///
/// # Errors
/// [`StoreError::SchemaNewer`] and [`StoreError::MigrationAltered`].
pub(crate) fn pending(
    recorded: &[(i64, String)],
    text: impl Fn(&Migration) -> &'static str,
    place: &str,
) -> Result<Vec<&'static Migration>, StoreError> {
    let known = MIGRATIONS.last().map_or(0, |m| m.version);
    if let Some((found, _)) = recorded.iter().find(|(version, _)| *version > known) {
        return Err(StoreError::SchemaNewer { place: place.to_owned(), found: *found, known });
    }
    let mut pending = Vec::new();
    for migration in MIGRATIONS {
        match recorded.iter().find(|(version, _)| *version == migration.version) {
            None => pending.push(migration),
            Some((_, found)) if *found == digest(text(migration)) => {}
            Some((version, _)) => {
                return Err(StoreError::MigrationAltered { place: place.to_owned(), version: *version });
            }
        }
    }
    Ok(pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one_without_gaps() {
        for (i, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version).unwrap(), i + 1);
        }
    }

    #[test]
    fn a_recorded_migration_is_not_pending_an_altered_or_newer_one_is_refused() {
        let text = |m: &Migration| m.sqlite;
        let mut recorded: Vec<_> = MIGRATIONS.iter().map(|m| (m.version, digest(m.sqlite))).collect();
        assert!(pending(&recorded, text, "here").unwrap().is_empty());
        assert_eq!(pending(&[], text, "here").unwrap().len(), MIGRATIONS.len());
        recorded[0].1.push('x');
        assert!(matches!(pending(&recorded, text, "here"), Err(StoreError::MigrationAltered { version: 1, .. })));
        recorded.push((9_999, String::new()));
        assert!(matches!(pending(&recorded, text, "here"), Err(StoreError::SchemaNewer { found: 9_999, .. })));
    }
}
