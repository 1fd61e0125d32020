//! A second implementation of order and ranges, as plain and slow as the texts it comes from (semver.org section 11,
//! the pseudocode in OSV's schema), against which the real one is held. Shares no code with it.

use std::cmp::Ordering;

use versions::osv::{Event, Range};

type Parts = (Vec<u64>, Vec<String>);

/// Numbers and pre-release identifiers; `None` when it is not a version.
pub fn parts(text: &str) -> Option<Parts> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = text.split('+').next()?;
    let (core, pre) = match text.split_once('-') {
        Some((core, pre)) => (core, pre.split('.').map(str::to_owned).collect()),
        None => (text, Vec::new()),
    };
    let mut numbers: Vec<u64> = core.split('.').map(|n| n.parse().ok()).collect::<Option<_>>()?;
    if numbers.len() > 3 || pre.iter().any(String::is_empty) {
        return None;
    }
    numbers.resize(3, 0);
    Some((numbers, pre))
}

pub fn order(a: &Parts, b: &Parts) -> Ordering {
    for (x, y) in a.0.iter().zip(&b.0) {
        if x != y {
            return if x < y { Ordering::Less } else { Ordering::Greater };
        }
    }
    match (a.1.is_empty(), b.1.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    for (x, y) in a.1.iter().zip(&b.1) {
        let o = match (x.parse::<u128>(), y.parse::<u128>()) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => x.as_bytes().cmp(y.as_bytes()),
        };
        if o != Ordering::Equal {
            return o;
        }
    }
    a.1.len().cmp(&b.1.len())
}

/// The pseudocode, line by line. `None` when something cannot be read and no other range says yes.
pub fn included(version: &str, ranges: &[Range], versions: &[String]) -> Option<bool> {
    let v = parts(version);
    for listed in versions {
        let same = matches!((&v, parts(listed)), (Some(a), Some(b)) if order(a, &b) == Ordering::Equal);
        if listed == version || same {
            return Some(true);
        }
    }
    let v = v?;
    let mut unreadable = false;
    for range in ranges {
        if range.events.iter().any(|e| e.version() != "*" && parts(e.version()).is_none()) {
            unreadable = true;
            continue;
        }
        if before_limits(&v, range) && vulnerable(&v, range) {
            return Some(true);
        }
    }
    if unreadable { None } else { Some(false) }
}

/// `introduced: "0"` is below everything; an insertion sort, which is stable.
fn vulnerable(v: &Parts, range: &Range) -> bool {
    let place = |e: &Event| match e {
        Event::Introduced(s) if s == "0" => None,
        e => parts(e.version()),
    };
    let mut sorted: Vec<&Event> = Vec::new();
    for event in range.events.iter().filter(|e| !matches!(e, Event::Limit(_))) {
        let at = sorted
            .iter()
            .position(|other| match (place(event), place(other)) {
                (None, None) | (Some(_), None) => false,
                (None, Some(_)) => true,
                (Some(a), Some(b)) => order(&a, &b) == Ordering::Less,
            })
            .unwrap_or(sorted.len());
        sorted.insert(at, event);
    }
    let mut vulnerable = false;
    for event in sorted {
        let o = place(event).map_or(Ordering::Greater, |at| order(v, &at));
        match event {
            Event::Introduced(_) if o != Ordering::Less => vulnerable = true,
            Event::Fixed(_) if o != Ordering::Less => vulnerable = false,
            Event::LastAffected(_) if o == Ordering::Greater => vulnerable = false,
            _ => {}
        }
    }
    vulnerable
}

fn before_limits(v: &Parts, range: &Range) -> bool {
    let limits: Vec<&str> =
        range.events.iter().filter_map(|e| if let Event::Limit(l) = e { Some(l.as_str()) } else { None }).collect();
    limits.is_empty() || limits.iter().any(|l| *l == "*" || parts(l).is_some_and(|l| order(v, &l) == Ordering::Less))
}
