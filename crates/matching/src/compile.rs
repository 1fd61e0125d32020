//! From what an entry says to spans of positions, by OSV's algorithm (schema 1.7, "Evaluation"), once for all versions there are.
//! Agrees with [`versions::osv::Compiled`] wherever that decides; is stricter where events overlap or stand in the wrong order.

use versions::Scheme;
use versions::osv::{RangeKind, Status};

use crate::brief::{Body, BodyRange, FIXED, INTRODUCED, LAST_AFFECTED, LIMIT};
use crate::order::{Role, key_push};
use crate::sheet::{ENDLESS, Span};

/// What one entry draws: keys, sorted and without repetition, spans in their positions, and what only a text can name.
#[derive(Debug, Default)]
pub(crate) struct Piece<'a> {
    pub(crate) keys: Vec<Vec<u8>>,
    /// `entry` is 0 in all.
    pub(crate) spans: Vec<Span>,
    pub(crate) texts: Vec<&'a str>,
    /// For each listed version, whether a range includes it already and no text of it is needed.
    pub(crate) spared: Vec<bool>,
    /// A range has an end that ends nothing: its events overlap or stand in the wrong order.
    pub(crate) disordered: bool,
}

/// A range's event, at the number of a key; `None` lies below every version.
type Step = (Option<usize>, u8);

#[derive(Default)]
struct Keys {
    all: Vec<Vec<u8>>,
}

impl Keys {
    fn take(&mut self, scheme: Scheme, text: &str) -> Option<usize> {
        let mut key = Vec::with_capacity(24);
        key_push(scheme, Role::Bound, text, &mut key).ok()?;
        self.all.push(key);
        Some(self.all.len() - 1)
    }

    /// Sorts, and gives the rank of each key by the number it was taken under.
    fn rank(self) -> (Vec<Vec<u8>>, Vec<u32>) {
        let mut order: Vec<usize> = (0..self.all.len()).collect();
        order.sort_by(|a, b| self.all.get(*a).cmp(&self.all.get(*b)));
        let mut ranks = vec![0; self.all.len()];
        let mut all = self.all;
        let mut sorted: Vec<Vec<u8>> = Vec::with_capacity(all.len());
        for number in order {
            let key = all.get_mut(number).map(std::mem::take).unwrap_or_default();
            if sorted.last() != Some(&key) {
                sorted.push(key);
            }
            if let Some(rank) = ranks.get_mut(number) {
                *rank = u32::try_from(sorted.len() - 1).unwrap_or(ENDLESS >> 2);
            }
        }
        (sorted, ranks)
    }
}

/// A range's steps and limits, or why there are none.
enum Read {
    Timeline { steps: Vec<Step>, limits: Vec<usize>, endless: bool },
    Undecidable,
    Commits,
}

/// Compiles one entry. Where no order is known, or nothing is stated, every position is unknown.
pub(crate) fn compile<'a>(scheme: Option<Scheme>, body: &Body<'a>) -> Piece<'a> {
    let Some(scheme) = scheme else {
        return Piece { texts: body.listed.clone(), spans: vec![everywhere()], ..Piece::default() };
    };
    let mut keys = Keys::default();
    let reads: Vec<Read> = body.ranges.iter().map(|range| read(scheme, range, &mut keys)).collect();
    let last_known = body.last_known.and_then(|text| last_known_read(scheme, text, &mut keys));
    let listed: Vec<Option<usize>> = body.listed.iter().map(|version| keys.take(scheme, version)).collect();
    let (sorted, ranks) = keys.rank();
    let rank = |number: usize| ranks.get(number).copied().unwrap_or_default();
    let mut piece = Piece { keys: sorted, ..Piece::default() };
    let commits_alone = body.listed_count == 0 && reads.iter().all(|read| matches!(read, Read::Commits));
    let mut undecided = commits_alone;
    for read in reads {
        match read {
            Read::Timeline { steps, limits, endless } => {
                let end = if endless { None } else { limits.into_iter().map(rank).max() };
                let high_max = end.map_or(ENDLESS, |limit| 2 * limit);
                let steps = steps.into_iter().map(|(number, word)| (number.map(rank), word)).collect();
                sweep(steps, high_max, &mut piece);
            }
            Read::Undecidable => undecided = true,
            Read::Commits => {}
        }
    }
    if let Some((number, inclusive)) = last_known {
        last_known_cut(&mut piece.spans, 2 * rank(number) + u32::from(inclusive));
    }
    listed_add(scheme, body, &listed, &rank, &mut piece);
    if undecided {
        piece.spans.push(everywhere());
    }
    piece
}

fn everywhere() -> Span {
    Span { low: 0, high: ENDLESS, entry: 0, status: Status::Unknown }
}

fn read(scheme: Scheme, range: &BodyRange<'_>, keys: &mut Keys) -> Read {
    match range.kind() {
        RangeKind::Git => return Read::Commits,
        RangeKind::Unreadable => return Read::Undecidable,
        RangeKind::Semver | RangeKind::Ecosystem => {}
    }
    // OSV requires one; a reader of old records would take its absence for "from the beginning".
    if !range.events.iter().any(|(word, _)| *word == INTRODUCED) {
        return Read::Undecidable;
    }
    let (mut steps, mut limits, mut endless) = (Vec::new(), Vec::new(), true);
    let mut limited = false;
    let mut star = false;
    for (word, version) in &range.events {
        match (*word, *version) {
            (LIMIT, "*") => star = true,
            (INTRODUCED, "0") => steps.push((None, INTRODUCED)),
            (word, version) => {
                let Some(number) = keys.take(scheme, version) else { return Read::Undecidable };
                if word == LIMIT {
                    limited = true;
                    limits.push(number);
                } else {
                    steps.push((Some(number), word));
                }
            }
        }
    }
    if limited && !star {
        endless = false;
    }
    Read::Timeline { steps, limits, endless }
}

/// Walks the sorted events once. At the very key of an event `last_affected` has not ended the stretch; above it, it has.
fn sweep(mut steps: Vec<(Option<u32>, u8)>, high_max: u32, piece: &mut Piece<'_>) {
    steps.sort_by_key(|(rank, _)| *rank);
    let first = steps.first().map_or(0, |(rank, _)| rank.map_or(0, |rank| 2 * rank + 1));
    let last = steps.last().map_or(0, |(rank, word)| match rank {
        Some(rank) if *word == LAST_AFFECTED => 2 * rank + 1,
        Some(rank) => 2 * rank,
        None => 0,
    });
    let mut spans = Vec::new();
    let (mut inside, mut opened, mut disordered) = (false, 0, false);
    let mut turn = |now: bool, inside: &mut bool, at: u32| {
        if now && !*inside {
            opened = at;
        } else if !now && *inside {
            spans.push((opened, at - 1));
        }
        *inside = now;
    };
    for group in steps.chunk_by(|a, b| a.0 == b.0) {
        let (mut exact, mut above) = (inside, inside);
        for (_, word) in group {
            disordered |= *word != INTRODUCED && !above;
            above = *word == INTRODUCED;
            exact = match *word {
                INTRODUCED => true,
                FIXED => false,
                _ => exact,
            };
        }
        match group.first().and_then(|(rank, _)| *rank) {
            None => turn(above, &mut inside, 0),
            Some(rank) => {
                turn(exact, &mut inside, 2 * rank + 1);
                turn(above, &mut inside, 2 * rank + 2);
            }
        }
    }
    if inside {
        spans.push((opened, ENDLESS));
    }
    let span = |low, high: u32, status| Span { low, high: high.min(high_max), entry: 0, status };
    let affected = spans.into_iter().map(|(low, high)| span(low, high, Status::Affected));
    piece.spans.extend(affected.filter(|span| span.low <= span.high));
    if disordered && first <= last.min(high_max) {
        piece.disordered = true;
        piece.spans.push(span(first, last, Status::Unknown));
    }
}

/// `<= 1.2.3` and `< 1.2.3`; anything else says nothing.
fn last_known_read(scheme: Scheme, text: &str, keys: &mut Keys) -> Option<(usize, bool)> {
    let (version, inclusive) = match text.trim().strip_prefix("<=") {
        Some(version) => (version, true),
        None => (text.trim().strip_prefix('<')?, false),
    };
    Some((keys.take(scheme, version.trim())?, inclusive))
}

/// Where no fix is stated, a version above the last one that is known to be affected is neither: it is unknown.
fn last_known_cut(spans: &mut Vec<Span>, known: u32) {
    let mut unknown = Vec::new();
    for span in spans.iter_mut().filter(|span| span.high == ENDLESS && span.low <= known) {
        unknown.push(Span { low: known + 1, status: Status::Unknown, ..*span });
        span.high = known;
    }
    spans.append(&mut unknown);
}

/// Listed versions: a position of their own where no range includes them; a text where nothing else could name them.
fn listed_add<'a>(
    scheme: Scheme,
    body: &Body<'a>,
    listed: &[Option<usize>],
    rank: &impl Fn(usize) -> u32,
    piece: &mut Piece<'a>,
) {
    let mut ranged: Vec<(u32, u32)> =
        piece.spans.iter().filter(|s| s.status == Status::Affected).map(|s| (s.low, s.high)).collect();
    ranged.sort_unstable();
    // Spans of one range do not overlap, those of several may: the highest end so far decides.
    let mut reach = 0;
    for span in &mut ranged {
        reach = reach.max(span.1);
        span.1 = reach;
    }
    let mut unread = Vec::new();
    for (version, number) in body.listed.iter().zip(listed) {
        unread.clear();
        let as_text = key_push(scheme, Role::Version, version, &mut unread).is_err();
        if as_text {
            piece.texts.push(version);
        }
        let at = number.map(|number| 2 * rank(number) + 1);
        let before = ranged.partition_point(|(low, _)| at.is_some_and(|at| *low <= at));
        let included =
            at.zip(before.checked_sub(1).and_then(|i| ranged.get(i))).is_some_and(|(at, (_, high))| at <= *high);
        piece.spared.push(included && !as_text);
        if let Some(at) = at.filter(|_| !included) {
            piece.spans.push(Span { low: at, high: at, entry: 0, status: Status::Affected });
        }
    }
}
