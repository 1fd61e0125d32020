//! One SQL text for both back ends: it is written for PostgreSQL, and made fit for SQLite here.
//!
//! `$N` becomes `?N`, and `for update [skip locked]` falls away, because the one writer holds
//! everything. Quoted text is left alone. Must not rewrite anything else: what differs more than
//! that is not written in this crate.

/// The text for SQLite.
pub(crate) fn for_sqlite(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        if c == '\'' || c == '"' {
            let end = rest[1..].find(c).map_or(rest.len(), |at| at + 2);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if c == '$' && rest[1..].starts_with(|d: char| d.is_ascii_digit()) {
            out.push('?');
            rest = &rest[1..];
        } else if let Some(after) = lock_clause(rest, &out) {
            rest = after;
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// What follows a lock clause that starts here.
fn lock_clause<'a>(rest: &'a str, before: &str) -> Option<&'a str> {
    if !before.ends_with(char::is_whitespace) {
        return None;
    }
    let after = rest.strip_prefix("for update")?;
    Some(after.strip_prefix(" skip locked").unwrap_or(after))
}

/// The same row so many times, each `$` in it the next parameter: `($1, 0), ($2, 0)`.
pub(crate) fn rows(count: usize, row: &str) -> String {
    let mut out = String::with_capacity(count * (row.len() + 8));
    let mut parameter = 0;
    for at in 0..count {
        out.push_str(if at == 0 { "" } else { ", " });
        for part in row.split_inclusive('$') {
            out.push_str(part);
            if part.ends_with('$') {
                parameter += 1;
                out.push_str(&parameter.to_string());
            }
        }
    }
    out
}

/// What a statement does to what, such as `insert into reports`: for errors.
pub(crate) fn attempt(sql: &str) -> String {
    let words: Vec<&str> = sql.split_whitespace().take(400).collect();
    let table = |after: &str| words.iter().position(|w| *w == after).and_then(|i| words.get(i + 1)).copied();
    match words.first().copied() {
        Some("insert") => format!("insert into {}", table("into").unwrap_or("?")),
        Some("update") => format!("update {}", table("update").unwrap_or("?")),
        Some("delete") => format!("delete from {}", table("from").unwrap_or("?")),
        Some("select") => format!("read {}", table("from").unwrap_or("?")),
        Some(other) => other.to_owned(),
        None => "empty statement".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_lock_clauses_are_rewritten_and_quotes_are_not() {
        let cases = [
            ("select a from t where b = $1 and c = $12", "select a from t where b = ?1 and c = ?12"),
            ("select a from t where b = $1 for update", "select a from t where b = ?1 "),
            ("select a from t limit $1 for update skip locked) x", "select a from t limit ?1 ) x"),
            ("select '$1 for update', \"$2\", 'é' from t", "select '$1 for update', \"$2\", 'é' from t"),
            ("select 'it''s $1', $2", "select 'it''s $1', ?2"),
            ("select $x", "select $x"),
        ];
        for (given, wanted) in cases {
            assert_eq!(for_sqlite(given), wanted);
        }
    }

    #[test]
    fn rows_number_their_parameters_on() {
        assert_eq!(rows(2, "($, 0, $)"), "($1, 0, $2), ($3, 0, $4)");
    }

    #[test]
    fn an_attempt_names_the_table() {
        assert_eq!(attempt("insert into reports (id)\n values ($1)"), "insert into reports");
        assert_eq!(attempt("update jobs set a = 1"), "update jobs");
        assert_eq!(attempt("select a,\n b from cases c"), "read cases");
    }
}
