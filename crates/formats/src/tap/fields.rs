//! Reads the report's fields one after the other, in the order of the published table. Each check says which code it gives;
//! attachments, package naming and enrichment have modules of their own.

use super::limits::*;
use super::parts::FileParts;
use super::reading::{Members, Reading, name_shown};
use super::report::{Notify, Report, Symbol};
use super::violation::Code;
use super::{attachment, enrichment, package};
use crate::Warning;
use crate::json::Node;

/// Reads everything, whatever is wrong on the way; `reading` knows whether the result may be used.
pub(super) fn report_read(reading: &mut Reading, document: Node, files: Option<FileParts>) -> Report {
    if let Some(key) = document.repeated_key() {
        reading.not_a_report(format!("the field {} stands twice", name_shown(key)));
    }
    let Some(members) = reading.object("the document", document) else { return Report::default() };
    let mut m = Members::new(members);
    let mut report = Report::default();
    package::named(reading, &mut m, &mut report);
    report.code_path = reading.text("code_path", m.take("code_path"), CODE_PATH_BYTES_MAX);
    report.affected_symbol = m.take("affected_symbol").and_then(|node| symbol(reading, node));
    report.attachments = match files {
        Some(files) => attachment::of_parts(reading, &mut m, files),
        None => attachment::all(reading, &mut m),
    };
    let limits = (REFERENCES_COUNT_MAX, REFERENCE_BYTES_MAX);
    report.references = reading.texts("references", m.take("references"), limits, reference);
    let limits = (UPSTREAM_IDS_COUNT_MAX, UPSTREAM_ID_BYTES_MAX);
    report.upstream_ids = reading.texts("upstream_ids", m.take("upstream_ids"), limits, upstream_id);
    report.introduced_commit = commit(reading, "introduced_commit", m.take("introduced_commit"));
    report.fixed_commit = commit(reading, "fixed_commit", m.take("fixed_commit"));
    report.package_repo_url = repo_url(reading, m.take("package_repo_url"));
    report.discovery_method = reading.text("discovery_method", m.take("discovery_method"), DISCOVERY_METHOD_BYTES_MAX);
    report.discovery_tooling =
        reading.text("discovery_tooling", m.take("discovery_tooling"), DISCOVERY_TOOLING_BYTES_MAX);
    contact(reading, &mut m, &mut report);
    report.enrichment = m.take("enrichment").and_then(|node| enrichment::read(reading, node));
    reading.unknown("", &m.rest(), UNKNOWN_FIELDS_LISTED_MAX);
    report
}

fn symbol(reading: &mut Reading, node: Node) -> Option<Symbol> {
    if node.repeated_key().is_some() {
        let text = "a field stands twice in it; the last one counts";
        reading.warnings.push(Warning::new("repeated_field", "affected_symbol", text));
    }
    let mut m = Members::new(reading.object("affected_symbol", node)?);
    let file = reading.text("affected_symbol.file", m.take("file"), SYMBOL_FILE_BYTES_MAX);
    let function = reading.text("affected_symbol.function", m.take("function"), SYMBOL_FUNCTION_BYTES_MAX);
    let line = match m.take("line") {
        Some(Node::Number(number)) => {
            let line = number.as_u64();
            if line.is_none() {
                reading.violation(Code::InvalidSymbolLine, "affected_symbol.line", "not an integer from 0 on");
            }
            line
        }
        Some(other) => {
            reading.not_a_report(format!("affected_symbol.line is {}, not a number", other.kind()));
            None
        }
        None => None,
    };
    reading.unknown("affected_symbol.", &m.rest(), UNKNOWN_FIELDS_LISTED_MAX);
    let symbol = Symbol { file, function, line };
    (symbol != Symbol::default()).then_some(symbol)
}

fn reference(reading: &mut Reading, path: &str, text: String) -> Option<String> {
    if is_http_url(&text) {
        return Some(text);
    }
    reading.violation(Code::InvalidReference, path, "not an absolute http or https URL");
    None
}

fn repo_url(reading: &mut Reading, node: Option<Node>) -> Option<String> {
    let field = "package_repo_url";
    let text = reading.text_bounded(field, node, REPO_URL_BYTES_MAX)?;
    if is_http_url(&text) {
        return Some(text);
    }
    let reason = if text.starts_with("pkg:") { "a purl goes into the field purl" } else { "not an http or https URL" };
    reading.violation(Code::InvalidRepoUrl, field, reason);
    None
}

/// An absolute http(s) URL with a host, in characters a URL may have.
#[must_use]
pub fn is_http_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return false;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_port = authority.rsplit('@').next().unwrap_or_default();
    let host = if host_port.starts_with('[') {
        host_port.split_once(']').map_or("", |(host, _)| host)
    } else {
        host_port.split(':').next().unwrap_or_default()
    };
    let odd = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '\\' | '^' | '`' | '{' | '|' | '}')
    };
    host.trim_matches(['.', '[']).len() > usize::from(host.starts_with('[')) && !text.chars().any(odd)
}

fn upstream_id(reading: &mut Reading, path: &str, text: String) -> Option<String> {
    let id = upstream_id_canonical(&text);
    if id.is_none() {
        reading.violation(Code::InvalidUpstreamId, path, "not CVE-YYYY-NNNN, GHSA-xxxx-xxxx-xxxx or PREFIX-token");
    }
    id
}

/// CVE and GHSA ids to the letter of their own rules, in their usual case; any other upper-case `PREFIX-token`.
#[must_use]
pub fn upstream_id_canonical(text: &str) -> Option<String> {
    let (prefix, token) = text.split_once('-')?;
    let digits = |s: &str, min: usize| s.len() >= min && s.bytes().all(|b| b.is_ascii_digit());
    match prefix.to_ascii_uppercase().as_str() {
        "CVE" => {
            let (year, number) = token.split_once('-')?;
            let good = year.len() == 4 && digits(year, 4) && digits(number, 4) && number.len() <= 19;
            good.then(|| format!("CVE-{token}"))
        }
        "GHSA" => {
            let token = token.to_ascii_lowercase();
            let groups: Vec<&str> = token.split('-').collect();
            let group = |g: &&str| g.len() == 4 && g.bytes().all(|b| b"23456789cfghjmpqrvwx".contains(&b));
            (groups.len() == 3 && groups.iter().all(group)).then(|| format!("GHSA-{token}"))
        }
        _ => {
            let letters = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
            let token_of = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
            let good = prefix.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
                && prefix.bytes().all(letters)
                && token.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
                && token.bytes().all(token_of);
            good.then(|| text.to_owned())
        }
    }
}

fn commit(reading: &mut Reading, field: &str, node: Option<Node>) -> Option<String> {
    let text = reading.string(field, node)?;
    let good =
        (COMMIT_DIGITS_MIN..=COMMIT_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    if !good {
        let reason = format!("not {COMMIT_DIGITS_MIN} to {COMMIT_DIGITS_MAX} hex digits");
        reading.violation(Code::InvalidCommit, field, reason);
        return None;
    }
    Some(text.to_ascii_lowercase())
}

/// `email` and `notify`, which depend on each other.
fn contact(reading: &mut Reading, m: &mut Members, report: &mut Report) {
    let email = m.take("email");
    let sent = email.is_some();
    report.email = reading.text_bounded("email", email, EMAIL_BYTES_MAX).filter(|text| {
        let good = is_address(text);
        if !good {
            reading.violation(Code::InvalidEmail, "email", "not an address of the form name@host.domain");
        }
        good
    });
    let word = reading.text_bounded("notify", m.take("notify"), NOTIFY_BYTES_MAX);
    report.notify = match word.as_deref().map(Notify::of_word) {
        Some(Some(notify)) => notify,
        Some(None) => {
            reading.violation(Code::InvalidNotify, "notify", "not one of off, final, milestones, all");
            Notify::Off
        }
        None if sent => Notify::Milestones,
        None => Notify::Off,
    };
    if report.notify != Notify::Off && !sent {
        reading.violation_of_two(Code::MissingField, "email", "notify", "notify other than off needs an email");
    }
}

fn is_address(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let labels: Vec<&str> = host.split('.').collect();
    let label = |l: &&str| {
        !l.is_empty() && !l.starts_with('-') && !l.ends_with('-') && l.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let odd = |c: char| c.is_whitespace() || matches!(c, '@' | '<' | '>' | ',' | ';' | ':' | '(' | ')' | '"' | '\\');
    !local.is_empty() && !local.contains(odd) && labels.len() >= 2 && labels.iter().all(label)
}
