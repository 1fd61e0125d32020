//! Gathers reports into clusters: finds the pairs worth weighing through an index, joins the strong ones, proposes the weak ones.
//! The answer depends on which reports there are, never on the order in which they came.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::item::{Item, Kind, leaf};
use super::sketch::hash;
use super::weigh::{Because, POINTS_JOIN_COUNT_MIN, POINTS_PROPOSE_COUNT_MIN, Weight, weigh};

/// Reports under one key of which each is weighed against this many next ones: never all with all.
const NEIGHBOURS_MAX: usize = 8;
/// Named functions of one report that are looked up.
const KEY_SYMBOLS_MAX: usize = 16;
/// Proposals that are kept, the strongest first.
pub const PROPOSALS_MAX: usize = 10_000;

/// Two reports and why they belong together, or may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The ids of the two, in order.
    pub between: [String; 2],
    /// The sum of points.
    pub points: i32,
    /// What it rests on, the strongest first.
    pub because: Vec<Because>,
}

/// Reports of one defect, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// From the ids of its members: the same members have the same id.
    pub id: String,
    /// Ids, in order.
    pub members: Vec<String>,
    /// What joined them: one edge for each member but the first.
    pub reasons: Vec<Edge>,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// By their first member; each report is in exactly one.
    pub groups: Vec<Group>,
    /// Pairs in different groups that a person should look at, the strongest first.
    pub proposals: Vec<Edge>,
    /// Proposals beyond [`PROPOSALS_MAX`], left out.
    pub proposals_left_out: usize,
}

/// Reports with an index over what they may have in common. Grows by adding; the answer is the same as for all at once.
#[derive(Debug, Default)]
pub struct Gathering {
    items: BTreeMap<String, Item>,
}

impl Gathering {
    /// Adds a report; one with the same id is replaced and given back.
    pub fn add(&mut self, item: Item) -> Option<Item> {
        self.items.insert(item.id.clone(), item)
    }

    /// How many reports there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The clusters and what is proposed.
    #[must_use]
    pub fn gather(&self) -> Gathered {
        let items: Vec<&Item> = self.items.values().collect();
        let mut weighed: Vec<(i32, u32, u32)> = pairs(&items)
            .into_iter()
            .filter_map(|(a, b)| {
                let points = weigh(items.get(a as usize)?, items.get(b as usize)?).points;
                (points >= POINTS_PROPOSE_COUNT_MIN).then_some((points, a, b))
            })
            .collect();
        // Items are in the order of their ids, so numbers break ties as ids would.
        weighed.sort_unstable_by(|x, y| (y.0, x.1, x.2).cmp(&(x.0, y.1, y.2)));
        let mut forest = Forest::of(&items);
        let (mut joined, mut open) = (Vec::new(), Vec::new());
        for (points, a, b) in weighed {
            if points < POINTS_JOIN_COUNT_MIN || !forest.join(a as usize, b as usize, &mut joined) {
                open.push((a as usize, b as usize));
            }
        }
        answer(&items, &mut forest, &joined, &open)
    }
}

fn edge(items: &[&Item], a: usize, b: usize) -> Option<Edge> {
    let (one, other) = (items.get(a)?, items.get(b)?);
    let Weight { points, because } = weigh(one, other);
    Some(Edge { between: [one.id.clone(), other.id.clone()], points, because })
}

fn answer(items: &[&Item], forest: &mut Forest, joined: &[(usize, usize)], open: &[(usize, usize)]) -> Gathered {
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let empty = Group { id: String::new(), members: Vec::new(), reasons: Vec::new() };
        groups.entry(forest.root(at)).or_insert(empty).members.push(item.id.clone());
    }
    for (a, b) in joined {
        if let (Some(group), Some(edge)) = (groups.get_mut(&forest.root(*a)), edge(items, *a, *b)) {
            group.reasons.push(edge);
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    for group in &mut groups {
        group.id = format!("{:016x}", hash(group.members.join("\n").as_bytes()));
    }
    groups.sort_by(|x, y| x.members.cmp(&y.members));
    let mut told = BTreeSet::new();
    let mut proposals = Vec::new();
    let mut proposals_left_out = 0;
    for (a, b) in open {
        let (x, y) = (forest.root(*a), forest.root(*b));
        // Between two groups the strongest pair is enough.
        if x == y || !told.insert((x.min(y), x.max(y))) {
            continue;
        }
        if proposals.len() < PROPOSALS_MAX {
            proposals.extend(edge(items, *a, *b));
        } else {
            proposals_left_out += 1;
        }
    }
    Gathered { groups, proposals, proposals_left_out }
}

/// The pairs worth weighing. Reports meet under a key; within one they are sorted by what else they say, and each is weighed
/// against the next few, so that the work grows with the number of reports and not with its square.
fn pairs(items: &[&Item]) -> Vec<(u32, u32)> {
    let mut keyed: Vec<(u64, u32)> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let at = at as u32;
        keyed.extend(keys(item).into_iter().map(|key| (key, at)));
    }
    let likeness: Vec<u64> = items.iter().map(|item| likeness(item)).collect();
    let like = |at: u32| likeness.get(at as usize).copied().unwrap_or_default();
    keyed.sort_unstable_by_key(|(key, at)| (*key, like(*at), *at));
    keyed.dedup();
    let mut pairs = Vec::new();
    for same in keyed.chunk_by(|x, y| x.0 == y.0) {
        for (place, (_, a)) in same.iter().enumerate() {
            for (_, b) in same.iter().skip(place + 1).take(NEIGHBOURS_MAX) {
                pairs.push((*a.min(b), *a.max(b)));
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Brings what is alike together within one key.
fn likeness(item: &Item) -> u64 {
    let package = hash(item.package.as_deref().unwrap_or_default().as_bytes()) & 0xffff;
    let path = hash(item.path.as_deref().unwrap_or_default().as_bytes()) & 0xffff;
    let weakness = u64::from(item.weaknesses.first().copied().unwrap_or_default()) & 0xffff;
    let context = item.statement.or(item.context).unwrap_or_default() & 0xffff;
    package << 48 | path << 32 | weakness << 16 | context
}

fn keys(item: &Item) -> Vec<u64> {
    let mut keys = Vec::new();
    let mut put = |kind: &str, parts: &[&str]| keys.push(hash(format!("{kind}\0{}", parts.join("\0")).as_bytes()));
    let package = item.package.as_deref().unwrap_or_default();
    for identifier in &item.identifiers {
        put("identifier", &[identifier]);
    }
    for fingerprint in &item.fingerprints {
        put("fingerprint", &[fingerprint]);
    }
    if item.kind != Kind::Static {
        put("content", &[&item.content.to_string()]);
    }
    let symbols_max = if item.kind == Kind::Crash { 3 } else { KEY_SYMBOLS_MAX };
    for symbol in item.symbols.iter().take(symbols_max) {
        put("symbol", &[leaf(symbol)]);
        put("package-symbol", &[package, leaf(symbol)]);
        for weakness in &item.weaknesses {
            put("symbol-weakness", &[leaf(symbol), &weakness.to_string()]);
        }
    }
    for code in [item.context, item.statement].into_iter().flatten() {
        let path = item.path.as_deref().unwrap_or_default();
        put("code", &[path, &code.to_string()]);
        let symbol = item.symbols.first().map_or("", |symbol| leaf(symbol));
        put(
            "place",
            &[path, symbol, item.rule.as_deref().unwrap_or_default(), &code.to_string(), &item.turn.to_string()],
        );
    }
    if let (Some(path), true) = (&item.path, item.symbols.is_empty()) {
        put("rule", &[path, item.rule.as_deref().unwrap_or_default()]);
    }
    if let Some(sketch) = &item.sketch {
        keys.extend(sketch.bands());
    }
    keys
}

/// Groups that grow, with what no group may hold two of.
struct Forest {
    parents: Vec<usize>,
    /// The run of each report.
    runs: Vec<Option<u64>>,
    facts: HashMap<usize, Facts>,
}

#[derive(Clone, Debug, Default)]
struct Facts {
    package: Option<String>,
    identifier: Option<String>,
    /// Functions in which its reports go wrong.
    places: BTreeSet<String>,
    /// Runs of tools whose results it holds, in order.
    runs: Vec<u64>,
}

impl Forest {
    fn of(items: &[&Item]) -> Self {
        let facts = items.iter().enumerate().map(|(at, item)| {
            let mut cves = item.identifiers.iter().filter(|id| id.starts_with("CVE-"));
            let identifier = cves.next().filter(|_| cves.next().is_none()).cloned();
            let places = item.place().map(str::to_owned).into_iter().collect();
            (at, Facts { package: item.package.clone(), identifier, places, runs: item.run.into_iter().collect() })
        });
        let runs = items.iter().map(|item| item.run).collect();
        Forest { parents: (0..items.len()).collect(), runs, facts: facts.collect() }
    }

    fn root(&mut self, mut at: usize) -> usize {
        loop {
            let parent = self.parents.get(at).copied().unwrap_or(at);
            if parent == at {
                return at;
            }
            let above = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(at) {
                *slot = above;
            }
            at = above;
        }
    }

    /// Joins the groups of two reports and notes the edge, unless together they would be about two packages, have two
    /// identifiers, go wrong in functions that nothing connects but a text, or join by two static results what one run tells apart:
    /// of copies of one function each stays with its own. Whether they are together now.
    fn join(&mut self, a: usize, b: usize, joined: &mut Vec<(usize, usize)>) -> bool {
        let (x, y) = (self.root(a), self.root(b));
        if x == y {
            return true;
        }
        let (Some(one), Some(other)) = (self.facts.get(&x), self.facts.get(&y)) else { return false };
        let differ = |p: &Option<String>, q: &Option<String>| p.is_some() && q.is_some() && p != q;
        let same_identifier = one.identifier.is_some() && one.identifier == other.identifier;
        let apart = !one.places.is_empty() && !other.places.is_empty() && one.places.is_disjoint(&other.places);
        let run = |at: usize| self.runs.get(at).copied().flatten();
        let twice = run(a).zip(run(b)).is_some_and(|(p, q)| p != q)
            && one.runs.iter().any(|run| other.runs.binary_search(run).is_ok());
        if differ(&one.package, &other.package)
            || twice
            || differ(&one.identifier, &other.identifier)
            || apart && !same_identifier
        {
            return false;
        }
        let (low, high) = (x.min(y), x.max(y));
        let moved = self.facts.remove(&high).unwrap_or_default();
        if let (Some(kept), Some(slot)) = (self.facts.get_mut(&low), self.parents.get_mut(high)) {
            kept.package = kept.package.take().or(moved.package);
            kept.identifier = kept.identifier.take().or(moved.identifier);
            kept.places.extend(moved.places);
            kept.runs.extend(moved.runs);
            kept.runs.sort_unstable();
            kept.runs.dedup();
            *slot = low;
        }
        joined.push((a, b));
        true
    }
}
