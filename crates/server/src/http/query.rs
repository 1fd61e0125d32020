//! Reads query strings strictly: no unknown and no repeated parameter, every violation listed.
//!
//! Must not know any resource: each list says which parameters it has.

use std::collections::HashSet;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::vocabulary::UnknownWord;
use store::page::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use store::{Cursor, Page};

use super::door::Door;
use super::problem::{Problem, ProblemError};
use crate::limits::QUERY_BYTES_MAX;

/// A set of parameters that knows how to read itself.
pub trait FromQuery: Sized {
    /// Reads every parameter, whatever happens to the ones before; `None` when a violation was noted.
    fn from_query(query: &mut Parameters) -> Option<Self>;
}

/// The parameters of a request, read.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: FromQuery> FromRequestParts<Door> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Problem> {
        read(parts.uri.query().unwrap_or_default()).map(Query)
    }
}

/// The parameters while they are being read.
#[derive(Debug)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
    asked: HashSet<&'static str>,
    violations: Vec<ProblemError>,
}

/// Reads one query string.
///
/// # Errors
/// 400 with every violation.
pub fn read<T: FromQuery>(query: &str) -> Result<T, Problem> {
    if query.len() > QUERY_BYTES_MAX {
        let reason = format!("at most {QUERY_BYTES_MAX} bytes");
        return Err(Problem::invalid("field_too_large", "(query)", reason));
    }
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut parameters = Parameters { pairs, asked: HashSet::new(), violations: Vec::new() };
    let value = T::from_query(&mut parameters);
    parameters.refuse_unknown();
    match value {
        Some(value) if parameters.violations.is_empty() => Ok(value),
        _ => Err(Problem::validation(parameters.violations)),
    }
}

impl Parameters {
    fn refuse(&mut self, code: &'static str, name: &str, reason: impl Into<String>) {
        self.violations.push(ProblemError::new(code, name, reason));
    }

    /// A parameter as text; absent and empty are the same.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.asked.insert(name);
        let mut all = self.pairs.iter().filter(|(key, _)| key == name);
        let first = all.next().map(|(_, value)| value.clone());
        if all.next().is_some() {
            self.refuse("repeated_field", name, "stands more than once");
        }
        first.filter(|value| !value.is_empty())
    }

    /// A parameter that is parsed; the outer `None` means a violation was noted.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        name: &'static str,
        code: &'static str,
    ) -> Option<Option<T>> {
        let Some(text) = self.text(name) else { return Some(None) };
        match text.parse() {
            Ok(value) => Some(Some(value)),
            Err(error) => {
                self.refuse(code, name, format!("{error}"));
                None
            }
        }
    }

    /// A parameter that must be there.
    pub fn needed<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &'static str, code: &'static str) -> Option<T> {
        let read = self.parsed(name, code)?;
        if read.is_none() {
            self.refuse("missing_field", name, "must be given");
        }
        read
    }

    /// A word of a closed list; the outer `None` means a violation was noted.
    pub fn word<T: FromStr<Err = UnknownWord>>(&mut self, name: &'static str) -> Option<Option<T>> {
        self.parsed(name, "unknown_word")
    }

    /// `cursor` and `limit`.
    pub fn page(&mut self) -> Option<Page> {
        let cursor: Option<Option<Cursor>> = self.parsed("cursor", "invalid_cursor");
        let limit: Option<Option<u32>> = self.parsed("limit", "out_of_range");
        let limit = limit?.unwrap_or(PAGE_ROWS_DEFAULT);
        if !(1..=PAGE_ROWS_MAX).contains(&limit) {
            self.refuse("out_of_range", "limit", format!("1 to {PAGE_ROWS_MAX}"));
            return None;
        }
        Some(Page { cursor: cursor?, limit })
    }

    fn refuse_unknown(&mut self) {
        let unknown: Vec<String> = self
            .pairs
            .iter()
            .filter(|(key, _)| !self.asked.contains(key.as_str()))
            .map(|(key, _)| key.clone())
            .collect();
        let mut known: Vec<&str> = self.asked.iter().copied().collect();
        known.sort_unstable();
        let known = known.join(", ");
        for name in unknown {
            let plain: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            self.refuse("field_not_allowed", &plain, format!("known here: {known}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Only(Page);
    impl FromQuery for Only {
        fn from_query(query: &mut Parameters) -> Option<Self> {
            query.page().map(Self)
        }
    }

    #[test]
    fn reads_or_lists_everything_that_is_wrong() {
        assert_eq!(read::<Only>("").unwrap_or_else(|_| panic!()).0.limit, PAGE_ROWS_DEFAULT);
        let body = |q: &str| serde_json::to_value(read::<Only>(q).err().unwrap()).unwrap();
        let problem = body("limit=0&cursor=zz&x=1&limit=2");
        let codes: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["invalid_cursor", "repeated_field", "out_of_range", "field_not_allowed"]);
    }
}
