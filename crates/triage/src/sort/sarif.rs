//! SARIF 2.1.0: each result of each run as one item. Takes what says where and what; leaves pictures, fixes and graphs alone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::item::{Item, Kind, file_name};
use super::sarif_path::{Artifact, ArtifactOf, Bases, Contents};
use super::sketch::hash;
use super::{prose, turn, weakness};
use crate::place::{self, NoSymbol, Origin, Place};

/// Results of one document that are read.
pub const SARIF_RESULTS_MAX: usize = 500_000;

#[derive(Deserialize)]
struct Log<'a> {
    #[serde(borrow)]
    runs: Vec<Run<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    #[serde(borrow, default)]
    results: Option<Vec<ResultOf<'a>>>,
    #[serde(borrow, default)]
    tool: Option<Tool<'a>>,
    #[serde(borrow, default)]
    version_control_provenance: Vec<Provenance<'a>>,
    #[serde(borrow, default)]
    properties: Option<Properties<'a>>,
    #[serde(borrow, default)]
    original_uri_base_ids: BTreeMap<Cow<'a, str>, Artifact<'a>>,
    #[serde(borrow, default)]
    artifacts: Vec<ArtifactOf<'a>>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    driver: Driver<'a>,
}

#[derive(Deserialize)]
struct Driver<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    rules: Vec<Rule<'a>>,
}

#[derive(Deserialize)]
struct Rule<'a> {
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    properties: Option<Properties<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provenance<'a> {
    #[serde(borrow, default)]
    repository_uri: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Properties<'a> {
    #[serde(borrow, default)]
    tags: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    package: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    cwe: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultOf<'a> {
    #[serde(borrow, default)]
    rule_id: Option<Cow<'a, str>>,
    #[serde(default)]
    rule_index: Option<i64>,
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(borrow, default)]
    locations: Vec<Location<'a>>,
    #[serde(default)]
    partial_fingerprints: BTreeMap<String, String>,
    #[serde(default)]
    fingerprints: BTreeMap<String, String>,
    #[serde(borrow, default)]
    properties: Option<Properties<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    text: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    #[serde(borrow, default)]
    physical_location: Option<Physical<'a>>,
    #[serde(borrow, default)]
    logical_locations: Vec<Logical<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Physical<'a> {
    #[serde(borrow, default)]
    artifact_location: Option<Artifact<'a>>,
    #[serde(borrow, default)]
    region: Option<Region<'a>>,
    #[serde(borrow, default)]
    context_region: Option<Region<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region<'a> {
    #[serde(default)]
    start_line: Option<u32>,
    #[serde(default)]
    start_column: Option<u32>,
    #[serde(default)]
    end_line: Option<u32>,
    #[serde(default)]
    end_column: Option<u32>,
    #[serde(borrow, default)]
    snippet: Option<Message<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logical<'a> {
    #[serde(borrow, default)]
    fully_qualified_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
}

/// All results; `None` when it is no SARIF.
pub fn read(id: &str, text: &str) -> Option<Vec<Item>> {
    read_up_to(id, text, SARIF_RESULTS_MAX)
}

/// The first result, for who wants no other: what a run says of all its results is copied into each. `None` when it is no SARIF.
pub fn first(id: &str, text: &str) -> Option<Vec<Item>> {
    read_up_to(id, text, 1)
}

fn read_up_to(id: &str, text: &str, results_max: usize) -> Option<Vec<Item>> {
    let log: Log<'_> = serde_json::from_str(text).ok()?;
    let mut items = Vec::new();
    for (run_at, run) in log.runs.iter().enumerate() {
        let run_id = hash(format!("{id}#{run_at}").as_bytes());
        let files = Files { bases: Bases::of(&run.original_uri_base_ids), contents: Contents::of(&run.artifacts) };
        for (at, result) in run.results.iter().flatten().enumerate() {
            if items.len() == results_max {
                break;
            }
            let mut one = item(run, result, &files);
            one.id = format!("{id}#/runs/{run_at}/results/{at}");
            one.run = Some(run_id);
            items.push(one.tidied());
        }
    }
    turn::put(&mut items);
    Some(items)
}

/// Where the paths of one run lead.
struct Files<'a> {
    bases: Bases<'a>,
    contents: Contents<'a>,
}

fn item(run: &Run<'_>, result: &ResultOf<'_>, files: &Files<'_>) -> Item {
    let driver = run.tool.as_ref().map(|tool| &tool.driver);
    let index = result.rule_index.and_then(|at| usize::try_from(at).ok());
    let rule = driver.and_then(|driver| {
        let named = |rule: &&Rule<'_>| result.rule_id.as_deref().is_some_and(|id| id == rule.id);
        index.and_then(|at| driver.rules.get(at)).or_else(|| driver.rules.iter().take(1_000).find(named))
    });
    let rule_id = result.rule_id.as_deref().or(rule.map(|rule| rule.id.as_ref()));
    let mut one = Item { kind: Kind::Static, ..Item::default() };
    one.rule = rule_id.map(|id| format!("{}/{id}", driver.map_or("", |d| d.name.as_ref())));
    let told = [result.properties.as_ref(), rule.and_then(|rule| rule.properties.as_ref()), run.properties.as_ref()];
    for properties in told.into_iter().flatten() {
        one.weaknesses.extend(properties.tags.iter().flat_map(|tag| weakness::numbers(&tag.to_ascii_lowercase())));
        one.weaknesses.extend(properties.cwe.iter().flat_map(|cwe| weakness::numbers(&cwe.to_ascii_lowercase())));
        one.package = one.package.or_else(|| properties.package.as_deref().map(prose::package_name));
    }
    let repository = run.version_control_provenance.first().filter(|p| !p.repository_uri.is_empty());
    one.package = one.package.or_else(|| repository.map(|p| prose::package_name(&p.repository_uri)));
    let message = result.message.as_ref().map_or("", |message| message.text.as_ref());
    if one.weaknesses.is_empty() {
        let said = format!("{} {message}", rule_id.unwrap_or_default()).to_ascii_lowercase();
        one.weaknesses = weakness::of_text(&said.replace(['/', '_'], "-"));
        if one.weaknesses.is_empty() {
            one.weaknesses = weakness::of_text(&said.replace(['-', '_', '/'], " "));
        }
    }
    one.fingerprints.extend(result.partial_fingerprints.iter().map(|(name, value)| format!("{name}:{value}")));
    one.fingerprints.extend(result.fingerprints.iter().map(|(name, value)| format!("{name}:{value}")));
    if let Some(location) = result.locations.first() {
        location_put(&mut one, location, run, files);
    }
    let place = (&one.rule, &one.path, one.line, &one.symbols);
    one.content = hash(format!("{place:?} {message}").as_bytes());
    one
}

fn location_put(one: &mut Item, location: &Location<'_>, run: &Run<'_>, files: &Files<'_>) {
    let logical = location.logical_locations.first();
    let name = logical.and_then(|l| l.fully_qualified_name.as_deref().or(l.name.as_deref()));
    one.symbols.extend(name.map(place::normal).filter(|name| !name.is_empty()));
    one.placed = !one.symbols.is_empty();
    one.origin = one.placed.then_some(Origin::Document);
    let Some(physical) = &location.physical_location else { return };
    if let Some(artifact) = &physical.artifact_location {
        let path = files.bases.path(artifact, &run.artifacts);
        one.files.push(file_name(&path).to_owned());
        one.artifact = files.contents.text(artifact, &path, &files.bases);
        one.path = Some(path);
    }
    if let Some(region) = &physical.region {
        one.line = region.start_line;
        one.place = region.start_line.map(|line| Place {
            line,
            column: region.start_column.unwrap_or_default(),
            end_line: region.end_line.unwrap_or_default(),
            end_column: region.end_column.unwrap_or_default(),
        });
    }
    if one.origin.is_none() {
        one.no_symbol = Some(if one.place.is_some() { NoSymbol::NoSource } else { NoSymbol::NoPlace });
    }
    let snippet = [&physical.region, &physical.context_region]
        .into_iter()
        .flatten()
        .find_map(|region| region.snippet.as_ref())
        .filter(|snippet| !snippet.text.trim().is_empty());
    one.context = snippet.map(|snippet| {
        let bare: String = snippet.text.chars().filter(|c| !c.is_whitespace()).collect();
        hash(bare.as_bytes())
    });
}
