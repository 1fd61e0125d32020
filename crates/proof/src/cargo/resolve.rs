//! Chooses exact versions for everything a target needs, as cargo would: one version for each compatible range, the
//! newest that fits, features united.
//!
//! cargo itself resolves again in the box, from exactly what was chosen here; so too much does no harm, and too little
//! is a build that fails. Same index and pins, same choice: nothing depends on time or order of answers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use semver::{Version, VersionReq};

use super::cfg::Platform;
use super::index::{CrateDoc, Dependency, Registry, VersionDoc};
use crate::source::SourceError;

/// Most crates in one closure.
pub const CLOSURE_CRATES_MAX: usize = 1_000;
/// How often the search starts again because a later range rules out an earlier choice.
const RESTARTS_MAX: usize = 64;

/// What there is to choose for.
pub struct Wish<'a> {
    /// The target.
    pub target: &'a Arc<VersionDoc>,
    /// Features of it that the bundle asks for.
    pub features: &'a [String],
    /// Whether its default features are on.
    pub default_features: bool,
    /// Exact versions that the bundle names: the program's own dependencies, and the choice wherever they fit.
    pub direct: &'a BTreeMap<String, Version>,
    /// Versions of a lockfile in the bundle: the choice wherever they fit.
    pub locked: &'a BTreeMap<String, Vec<Version>>,
    /// The compiler.
    pub rust: &'a Version,
    /// What is built for.
    pub platform: &'a Platform,
}

/// What was chosen, each sorted by name and version.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// Crates that are built.
    pub crates: Vec<Arc<VersionDoc>>,
    /// Crates of other platforms: cargo wants to know of them and never builds them.
    pub elsewhere: Vec<Arc<VersionDoc>>,
}

/// One version for each compatible range: what cargo keeps apart.
type Place = (String, (u64, u64, u64));

fn place(name: &str, version: &Version) -> Place {
    let range = match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    (name.to_owned(), range)
}

struct Node {
    doc: Arc<VersionDoc>,
    features: BTreeSet<String>,
    /// On another platform only.
    elsewhere: bool,
}

struct Search<'a> {
    wish: &'a Wish<'a>,
    registry: &'a Registry,
    nodes: BTreeMap<Place, Node>,
    ranges: BTreeMap<Place, BTreeSet<String>>,
}

/// What a place must hold because of ranges met before the last restart.
type Settled = BTreeMap<Place, Version>;

enum Trouble {
    /// Begin again with this choice.
    Again(Place, Version),
    Source(SourceError),
}

impl From<SourceError> for Trouble {
    fn from(e: SourceError) -> Self {
        Self::Source(e)
    }
}

/// Chooses.
///
/// # Errors
/// [`SourceError::Unresolvable`] and what the registry says.
pub fn choose(registry: &Registry, wish: &Wish<'_>) -> Result<Chosen, SourceError> {
    let mut settled = Settled::new();
    for _ in 0..RESTARTS_MAX {
        let mut search = Search { wish, registry, nodes: BTreeMap::new(), ranges: BTreeMap::new() };
        match search.run(&settled) {
            Ok(chosen) => return Ok(chosen),
            Err(Trouble::Again(place, version)) => {
                settled.insert(place, version);
            }
            Err(Trouble::Source(e)) => return Err(e),
        }
    }
    let (name, version) = (&wish.target.name, &wish.target.version);
    Err(SourceError::Unresolvable {
        name: name.clone(),
        dependency: "everything it needs".into(),
        range: version.to_string(),
        why: format!("no choice of versions was found in {RESTARTS_MAX} attempts"),
    })
}

/// One edge: who asks for what.
struct Request {
    from: String,
    package: String,
    range: VersionReq,
    features: BTreeSet<String>,
    elsewhere: bool,
}

/// A node whose features grew.
enum Grown {
    Target(BTreeSet<String>),
    At(Place),
}

impl Search<'_> {
    fn run(&mut self, settled: &Settled) -> Result<Chosen, Trouble> {
        let mut asked: BTreeSet<String> = self.wish.features.iter().cloned().collect();
        if self.wish.default_features {
            asked.insert("default".into());
        }
        let mut queue = VecDeque::from([Grown::Target(asked)]);
        for (name, version) in self.wish.direct {
            let request = Request {
                from: "the bundle".into(),
                package: name.clone(),
                range: exactly(version),
                features: BTreeSet::from(["default".to_owned()]),
                elsewhere: false,
            };
            queue.extend(self.grant(request, settled)?);
        }
        while let Some(grown) = queue.pop_front() {
            let (doc, features, elsewhere) = match grown {
                Grown::Target(features) => (self.wish.target.clone(), features, false),
                Grown::At(place) => match self.nodes.get(&place) {
                    Some(node) => (node.doc.clone(), node.features.clone(), node.elsewhere),
                    None => continue,
                },
            };
            // What is never built needs nothing.
            if elsewhere {
                continue;
            }
            let requests = self.requests(&doc, &features);
            let names: Vec<&str> = requests.iter().map(|request| request.package.as_str()).collect();
            self.registry.docs_ahead(&names);
            for request in requests {
                queue.extend(self.grant(request, settled)?);
            }
            if self.nodes.len() > CLOSURE_CRATES_MAX {
                let name = self.wish.target.name.clone();
                return Err(SourceError::TreeTooLarge { name, max: CLOSURE_CRATES_MAX }.into());
            }
        }
        let docs = |elsewhere: bool| {
            let found = self.nodes.values().filter(|node| node.elsewhere == elsewhere);
            found.map(|node| node.doc.clone()).collect()
        };
        Ok(Chosen { crates: docs(false), elsewhere: docs(true) })
    }

    /// What a version needs with these features.
    fn requests(&self, doc: &VersionDoc, features: &BTreeSet<String>) -> Vec<Request> {
        let on = Switched::of(doc, features);
        let needed = doc.dependencies.iter().filter(|dependency| {
            !dependency.development && (!dependency.optional || on.optional.contains(&dependency.alias))
        });
        needed.map(|dependency| self.request(doc, dependency, &on)).collect()
    }

    fn request(&self, doc: &VersionDoc, dependency: &Dependency, on: &Switched) -> Request {
        let mut features: BTreeSet<String> = dependency.features.iter().cloned().collect();
        if dependency.default_features {
            features.insert("default".into());
        }
        features.extend(on.of_dependencies.iter().filter(|(a, _)| *a == dependency.alias).map(|(_, f)| f.clone()));
        Request {
            from: format!("{}@{}", doc.name, doc.version),
            package: dependency.package.clone(),
            range: dependency.range.clone(),
            features,
            elsewhere: dependency.target.as_ref().is_some_and(|target| !self.wish.platform.is(target)),
        }
    }

    /// Grants one request: the place, where something there is new.
    fn grant(&mut self, request: Request, settled: &Settled) -> Result<Option<Grown>, Trouble> {
        let doc = self.registry.doc(&request.package)?;
        let there =
            self.nodes.iter().find(|(place, node)| place.0 == doc.name && request.range.matches(&node.doc.version));
        let at = match there {
            Some((place, _)) => place.clone(),
            None => {
                let version = self.pick(&doc, &request, settled)?;
                place(&doc.name, &version.version)
            }
        };
        self.ranges.entry(at.clone()).or_default().insert(request.range.to_string());
        let found = match self.nodes.get(&at) {
            Some(node) if !request.range.matches(&node.doc.version) => {
                return Err(Trouble::Again(at.clone(), self.reconcile(&doc, &at, &request)?));
            }
            Some(node) => node.doc.clone(),
            None => self.pick(&doc, &request, settled)?,
        };
        let fresh = !self.nodes.contains_key(&at);
        let node = self.nodes.entry(at.clone()).or_insert_with(|| Node {
            doc: found,
            features: BTreeSet::new(),
            elsewhere: request.elsewhere,
        });
        let before = node.features.len();
        node.features.extend(request.features);
        let awoken = node.elsewhere && !request.elsewhere;
        node.elsewhere &= request.elsewhere;
        Ok((fresh || awoken || node.features.len() > before).then_some(Grown::At(at)))
    }

    /// The version for a request on its own.
    fn pick(&self, doc: &CrateDoc, request: &Request, settled: &Settled) -> Result<Arc<VersionDoc>, Trouble> {
        let fits = |version: &Version| request.range.matches(version);
        let settled = settled.iter().rev().find(|((name, _), version)| *name == doc.name && fits(version));
        let direct = self.wish.direct.get(&doc.name).filter(|version| fits(version));
        let mut locked: Vec<&Version> = self.wish.locked.get(&doc.name).into_iter().flatten().collect();
        locked.sort_unstable();
        let locked = locked.into_iter().rev().find(|version| fits(version));
        let named = settled.map(|(_, version)| version).or(direct).or(locked);
        if let Some(found) = named.and_then(|version| doc.version(version)) {
            return Ok(found.clone());
        }
        newest(doc, self.wish.rust, fits).ok_or_else(|| self.unresolvable(doc, request, &request.range.to_string()))
    }

    /// One version of a place for all ranges met so far.
    fn reconcile(&self, doc: &CrateDoc, at: &Place, request: &Request) -> Result<Version, Trouble> {
        let texts = self.ranges.get(at);
        let ranges: Vec<VersionReq> =
            texts.into_iter().flatten().filter_map(|text| VersionReq::parse(text).ok()).collect();
        let fits =
            |version: &Version| place(&doc.name, version) == *at && ranges.iter().all(|range| range.matches(version));
        let named = self.wish.direct.get(&doc.name).filter(|version| fits(version)).cloned();
        let found = named.or_else(|| newest(doc, self.wish.rust, fits).map(|found| found.version.clone()));
        let all: Vec<String> = ranges.iter().map(ToString::to_string).collect();
        found.ok_or_else(|| self.unresolvable(doc, request, &all.join(" and ")))
    }

    fn unresolvable(&self, doc: &CrateDoc, request: &Request, range: &str) -> Trouble {
        Trouble::Source(SourceError::Unresolvable {
            name: request.from.clone(),
            dependency: doc.name.clone(),
            range: range.to_owned(),
            why: "no version fits".into(),
        })
    }
}

/// The newest version that fits: not taken back and for this compiler where there is one, a release before others.
fn newest(doc: &CrateDoc, rust: &Version, fits: impl Fn(&Version) -> bool) -> Option<Arc<VersionDoc>> {
    let for_compiler = |doc: &VersionDoc| doc.rust_version.as_ref().is_none_or(|least| least <= rust);
    let rank = |doc: &Arc<VersionDoc>| (!doc.yanked, for_compiler(doc), doc.version.clone());
    doc.versions.iter().filter(|doc| fits(&doc.version)).max_by_key(|doc| rank(doc)).cloned()
}

/// The range of one version.
fn exactly(version: &Version) -> VersionReq {
    VersionReq::parse(&format!("={version}")).unwrap_or(VersionReq::STAR)
}

/// What features switch on.
#[derive(Default)]
struct Switched {
    /// Optional dependencies, by what the dependent calls them.
    optional: BTreeSet<String>,
    /// Features of dependencies.
    of_dependencies: BTreeSet<(String, String)>,
}

impl Switched {
    fn of(doc: &VersionDoc, features: &BTreeSet<String>) -> Self {
        let mut on = Self::default();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut queue: Vec<&str> = features.iter().map(String::as_str).collect();
        while let Some(feature) = queue.pop() {
            if !seen.insert(feature) {
                continue;
            }
            if let Some(dependency) = feature.strip_prefix("dep:") {
                on.optional.insert(dependency.to_owned());
            } else if let Some((dependency, of_it)) = feature.split_once('/') {
                let weak = dependency.strip_suffix('?');
                let alias = weak.unwrap_or(dependency);
                on.of_dependencies.insert((alias.to_owned(), of_it.to_owned()));
                if weak.is_none() {
                    on.optional.insert(alias.to_owned());
                }
            } else {
                match doc.features.get(feature) {
                    Some(more) => queue.extend(more.iter().map(String::as_str)),
                    // An optional dependency is a feature of its own name.
                    None => {
                        on.optional.insert(feature.to_owned());
                    }
                }
            }
        }
        on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(features: &str) -> VersionDoc {
        let line =
            format!(r#"{{"name":"a","vers":"1.0.0","deps":[],"cksum":"{}","features":{features}}}"#, "0".repeat(64));
        CrateDoc::read("a", line.as_bytes()).versions[0].as_ref().clone()
    }

    fn check(features: &str, asked: &[&str], optional: &[&str], of_dependencies: &[&str]) {
        let asked = asked.iter().map(ToString::to_string).collect();
        let on = Switched::of(&doc(features), &asked);
        assert_eq!(on.optional.iter().map(String::as_str).collect::<Vec<_>>(), optional, "{features}");
        let found: Vec<String> = on.of_dependencies.iter().map(|(a, f)| format!("{a}/{f}")).collect();
        assert_eq!(found, of_dependencies, "{features}");
    }

    #[test]
    fn features_switch_on_dependencies_and_their_features() {
        let features = r#"{"default":["std"],"std":["x/std","y?/std"],"z":["dep:zed","z"]}"#;
        check(features, &["default"], &["x"], &["x/std", "y/std"]);
        check(features, &["z", "w"], &["w", "zed"], &[]);
        check(features, &[], &[], &[]);
    }

    #[test]
    fn places_are_what_cargo_keeps_apart() {
        let of = |text: &str| place("a", &Version::parse(text).unwrap()).1;
        assert_eq!(of("1.2.3"), of("1.9.0"));
        assert_ne!(of("1.2.3"), of("2.0.0"));
        assert_eq!(of("0.2.3"), of("0.2.9"));
        assert_ne!(of("0.2.3"), of("0.3.0"));
        assert_ne!(of("0.0.1"), of("0.0.2"));
    }
}
