//! A registry that misbehaves, trees of dependencies, and several processes at one store. The registry is one of our
//! own on the loopback, because the real one does not misbehave on demand; it serves the scope `@fake` alone.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use nodejs_semver::Version;
use proof::npm::config::NpmConfig;
use proof::npm::registry::Registry;
use proof::npm::resolve::tree_resolve;
use proof::source::SourceError;
use proof::{Engine, EngineConfig, ProveOptions};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use super::{config, error_of, made, prove, told, watch};

/// Answers by path: status and body.
type Answers = BTreeMap<String, (u16, Vec<u8>)>;

/// One published version: its number, what its record says besides, and its files.
type Published<'a> = (&'a str, Value, &'a [(&'a str, &'a str)]);

pub(super) struct Fake {
    pub(super) address: String,
    answers: Arc<Mutex<Answers>>,
    asked: Arc<AtomicUsize>,
}

impl Fake {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let answers: Arc<Mutex<Answers>> = Arc::default();
        let asked: Arc<AtomicUsize> = Arc::default();
        let (seen, count) = (answers.clone(), asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, count) = (seen.clone(), count.clone());
                thread::spawn(move || answer(stream, &seen, &count));
            }
        });
        Self { address, answers, asked }
    }

    fn config(&self) -> NpmConfig {
        NpmConfig::of_text(&format!("@fake:registry={}", self.address))
    }

    /// A package with these versions: what each asks for besides, and the files in it.
    fn package(&self, name: &str, versions: &[Published<'_>]) {
        let mut listed = serde_json::Map::new();
        let mut answers = self.answers.lock().unwrap();
        for (version, more, files) in versions {
            let tarball = packed(files);
            let path = format!("/{name}/-/{version}.tgz");
            let integrity = base64::engine::general_purpose::STANDARD.encode(Sha512::digest(&tarball));
            let mut doc = json!({ "name": name, "version": version,
                "dist": { "tarball": format!("{}{}", self.address, &path[1..]), "integrity": format!("sha512-{integrity}") } });
            for (key, value) in more.as_object().into_iter().flatten() {
                doc[key] = value.clone();
            }
            listed.insert((*version).to_owned(), doc);
            answers.insert(path, (200, tarball));
        }
        let packument = json!({ "name": name, "versions": listed });
        answers.insert(format!("/{}", name.replace('/', "%2f")), (200, packument.to_string().into_bytes()));
    }

    pub(super) fn set(&self, path: &str, status: u16, body: &[u8]) {
        self.answers.lock().unwrap().insert(path.to_owned(), (status, body.to_vec()));
    }
}

fn answer(stream: TcpStream, answers: &Mutex<Answers>, asked: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|n| n > 0) {
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut header = String::new();
        let mut known = false;
        while reader.read_line(&mut header).is_ok_and(|n| n > 2) {
            known |= header.to_ascii_lowercase().starts_with("if-none-match");
            header.clear();
        }
        asked.fetch_add(1, Ordering::Relaxed);
        let found = answers.lock().unwrap().get(&path).cloned().unwrap_or((404, b"{}".to_vec()));
        let (status, body) = if known && found.0 == 200 { (304, Vec::new()) } else { found };
        let head = format!("HTTP/1.1 {status} X\r\netag: \"1\"\r\ncontent-length: {}\r\n\r\n", body.len());
        let stream = reader.get_mut();
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
            return;
        }
        line.clear();
    }
}

fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("package/{name}"), text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn shared_home() -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("proof-home")
}

fn engine_with(fake: &Fake) -> Engine {
    // The runtime still comes from the real registry, by the configuration of whoever runs the tests.
    let mut npm = NpmConfig::load();
    npm.merge(&fake.config());
    Engine::open(EngineConfig { npm: Some(npm), ..config(&shared_home()) }).unwrap()
}

#[test]
fn what_a_bad_registry_serves_is_a_verdict_and_never_silence() {
    let fake = Fake::start();
    // Each version has bytes of its own: what is in the store already is not asked for again.
    let more = [
        ("1.0.0", json!({})),
        ("1.1.0", json!({})),
        ("1.2.0", json!({})),
        ("1.3.0", json!({ "dependencies": { "@fake/none": "^1" } })),
        ("1.4.0", json!({ "dependencies": { "x": "git+ssh://example/x" } })),
        ("1.5.0", json!({ "dist": { "tarball": format!("{}t", fake.address) } })),
    ];
    let texts: Vec<String> = more.iter().map(|(version, _)| format!("module.exports = '{version}';")).collect();
    let files: Vec<[(&str, &str); 1]> = texts.iter().map(|text| [("index.js", text.as_str())]).collect();
    let versions: Vec<Published<'_>> =
        more.iter().zip(&files).map(|((version, more), files)| (*version, more.clone(), files.as_slice())).collect();
    fake.package("@fake/bad", &versions);
    fake.set("/@fake/bad/-/1.1.0.tgz", 404, b"");
    fake.set("/@fake/bad/-/1.2.0.tgz", 200, b"other bytes");
    let bundle = made("@fake/bad@1.0.0", "assertion", "require('@fake/bad')", "require('@fake/bad')", |m| m);
    let versions = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.9.0"].map(String::from).to_vec();
    let options = ProveOptions { versions, ..ProveOptions::default() };
    let report = engine_with(&fake).prove(&bundle, &options, watch()).unwrap();
    let told = told(&report);
    assert_eq!(
        told,
        "unconfirmed; 1.0.0 silent; 1.1.0 inconclusive install-failed; 1.2.0 inconclusive install-failed; \
         1.3.0 inconclusive install-failed; 1.4.0 inconclusive install-failed; 1.5.0 inconclusive install-failed; \
         1.9.0 inconclusive install-failed"
    );
    let details: Vec<String> = report.runs.iter().map(|run| run.detail.clone().unwrap_or_default()).collect();
    for (index, wanted) in [(1, "not available here"), (2, "digest"), (3, "@fake/none"), (4, "registry"), (5, "digest")]
    {
        assert!(details[index].contains(wanted), "{wanted} is not in {:?}", details[index]);
    }
}

#[test]
fn a_registry_that_is_down_is_no_verdict() {
    let fake = Fake::start();
    fake.set("/@fake%2fdown", 503, b"");
    let bundle = made("@fake/down@1.0.0", "assertion", "1", "1", |m| m);
    let error = error_of(engine_with(&fake).prove(&bundle, &ProveOptions::default(), watch()));
    assert_eq!(error.code(), "registry-unreachable", "{error}");
    assert_eq!(fake.asked.load(Ordering::Relaxed), 4);
}

#[test]
fn a_packument_is_asked_for_once_and_known_offline() {
    let fake = Fake::start();
    fake.package("@fake/once", &[("1.0.0", json!({}), &[("index.js", "")])]);
    let cache = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let registry = Registry::new(fake.config(), cache.path().to_owned());
        registry.packument("@fake/once").unwrap();
        registry.packument("@fake/once").unwrap();
    }
    assert_eq!(fake.asked.load(Ordering::Relaxed), 1);
    let registry = Registry::new(fake.config(), cache.path().to_owned());
    assert!(matches!(registry.packument("@fake/../x"), Err(SourceError::NoSuchPackage { .. })));
    assert!(matches!(registry.packument("@fake/unknown"), Err(SourceError::NoSuchPackage { .. })));
}

#[test]
fn trees_are_laid_out_as_npm_does() {
    let fake = Fake::start();
    let none: &[(&str, &str)] = &[];
    let needs = |list: Value| json!({ "dependencies": list });
    fake.package(
        "@fake/a",
        &[("1.0.0", needs(json!({ "@fake/b": "^1", "@fake/c": "^1", "@fake/gone": "npm:@fake/d@^1" })), none)],
    );
    fake.package(
        "@fake/b",
        &[("1.0.0", json!({}), none), ("1.2.0", needs(json!({ "@fake/d": "^2" })), none), ("2.0.0", json!({}), none)],
    );
    fake.package(
        "@fake/c",
        &[("1.0.0", json!({ "dependencies": { "@fake/b": "^2", "@fake/a": "*" }, "optionalDependencies": { "@fake/never": "1" },
            "peerDependencies": { "@fake/d": "*", "@fake/e": "*" }, "peerDependenciesMeta": { "@fake/e": { "optional": true } } }), none)],
    );
    fake.package("@fake/d", &[("1.0.0", json!({}), none), ("2.0.0", needs(json!({ "@fake/b": "^1" })), none)]);
    let cache = tempfile::tempdir().unwrap();
    let registry = Registry::new(fake.config(), cache.path().to_owned());
    let target = registry.packument("@fake/a").unwrap();
    let layout = |overrides: &[(&str, &str)]| -> Vec<String> {
        let overrides = overrides.iter().map(|(n, v)| ((*n).to_owned(), Version::parse(v).unwrap())).collect();
        let tree = tree_resolve(&registry, "@fake/a", &target.versions[0], &overrides).unwrap();
        tree.iter()
            .map(|p| format!("{} = {}@{}", p.path.replace("node_modules/@fake/", ""), p.name, p.doc.version))
            .collect()
    };
    assert_eq!(
        layout(&[]),
        ["b = @fake/b@1.2.0", "c = @fake/c@1.0.0", "c/b = @fake/b@2.0.0", "d = @fake/d@2.0.0", "gone = @fake/d@1.0.0"]
    );
    let pinned = layout(&[("@fake/b", "1.0.0"), ("@fake/d", "1.0.0")]);
    assert_eq!(pinned, ["b = @fake/b@1.0.0", "c = @fake/c@1.0.0", "d = @fake/d@1.0.0", "gone = @fake/d@1.0.0"]);
}

#[test]
fn a_proof_sees_its_dependencies_where_they_belong() {
    // A real tree with a name in two versions, and one more that the program asks for itself.
    let poc = "const a = require('brace-expansion/package.json').version, m = require('minimatch');
               const found = require('module').createRequire(require.resolve('minimatch')).resolve('brace-expansion');
               if (a !== '1.1.6' || !m('x.js', '*.js') || !found) process.exit(3);";
    let bundle = made("brace-expansion@1.1.6", "assertion", poc, "require('brace-expansion')", |manifest| {
        format!("{manifest}[dependencies]\nminimatch = \"3.0.2\"\n")
    });
    assert_eq!(told(&prove(&bundle)), "unconfirmed; 1.1.6 silent");
}

#[test]
fn several_engines_at_one_store_do_not_disturb_each_other() {
    let fake = Fake::start();
    let many: Vec<(String, String)> = (0..200).map(|n| (format!("f{n}.js"), format!("// {n}"))).collect();
    let mut files: Vec<(&str, &str)> = many.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    files.push(("index.js", "module.exports = require('fs').readdirSync(__dirname).length;"));
    fake.package("@fake/shared", &[("1.0.0", json!({}), &files)]);
    let poc = "if (require('@fake/shared') !== 201) process.exit(3);";
    let bundle = made("@fake/shared@1.0.0", "assertion", poc, poc, |m| m);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let report = engine_with(&fake).prove(&bundle, &ProveOptions::default(), watch()).unwrap();
                assert_eq!(told(&report), "unconfirmed; 1.0.0 silent");
            });
        }
    });
}
