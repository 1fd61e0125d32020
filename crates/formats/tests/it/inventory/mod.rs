//! CycloneDX and package-lock.json: one line a component, and the documents that are refused.

use formats::inventory::Inventory;
use formats::{Unreadable, Warning, cyclonedx, npm_lock};
use proptest::prelude::*;
use serde_json::{Value, json};

mod any_bytes;
mod bills;
mod cargo;
mod distributions;
mod go;
mod javascript;
mod maven;
#[path = "../../../examples/fuzz/mutate.rs"]
pub mod mutate;
mod others;
mod python;

/// What [`formats::inventory::read`] makes of a text, one line a component and one a warning.
fn read_lines(text: &str) -> Vec<String> {
    lines(formats::inventory::read(text.as_bytes()))
}

/// The words in which a text is refused.
fn refused(text: &str) -> String {
    formats::inventory::read(text.as_bytes()).unwrap_err().to_string()
}

/// A file that a tool wrote, below `tests/data/inventory`.
fn data(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inventory");
    std::fs::read(folder.join(name)).unwrap()
}

fn lines(read: Result<(Inventory, Vec<Warning>), Unreadable>) -> Vec<String> {
    let (inventory, warnings) = read.unwrap();
    let component = |c: &formats::inventory::Component| match &c.matchable {
        Ok(p) => format!("{}: {} {} {}", c.path, p.ecosystem, p.name, p.version),
        Err(why) => format!("{}: {} [{}]", c.path, c.name, why.as_str()),
    };
    let warned = warnings.iter().map(|w| format!("warning {} {}", w.code, w.at));
    let mut components: Vec<String> = inventory.components.iter().map(component).collect();
    if inventory.format.starts_with("package-lock") {
        // Members of an object come in whatever order the JSON library keeps.
        components.sort();
    }
    components.into_iter().chain(warned).collect()
}

fn sbom() -> Value {
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5",
        "metadata": {"component": {"type": "application", "name": "shop", "version": "2.0.0"}},
        "components": [
            {"type": "library", "name": "lodash", "version": "4.17.15", "purl": "pkg:npm/lodash@4.17.15", "bom-ref": "a",
             "components": [
                {"type": "library", "group": "@babel", "name": "core", "version": "7.0.0", "purl": "pkg:npm/%40babel/core"},
                {"type": "file", "name": "inner.bin"},
            ]},
            {"type": "library", "name": "a", "version": "1.0.0", "purl": "pkg:npm/a@1.0.1"},
            {"type": "library", "name": "b", "purl": "pkg:npm/b"},
            {"type": "library", "name": "c", "version": "1.0.0", "purl": "c"},
            {"type": "library", "name": "d", "version": "1.0.0", "purl": "pkg:npm/d@1.0.0?vcs_url=git%2Bssh://git%40example.org/d.git"},
            {"type": "library", "name": "e", "version": "1.0.0", "purl": "pkg:made-up/e@1.0.0"},
            {"type": "library", "name": 5, "version": "1.0.0", "purl": "pkg:npm/f@1.0.0"},
            {"type": "library", "name": "g", "version": "not a version", "purl": "pkg:npm/g"},
            {"type": "library", "name": "JSONStream", "purl": "pkg:npm/JSONStream@1.0.0"},
            {"type": "library", "name": "h", "version": "1", "purl": "pkg:maven/org.h/h@1?type=jar"},
            "odd",
        ]
    })
}

#[test]
fn cyclonedx_components() {
    let text = sbom().to_string();
    assert_eq!(
        lines(cyclonedx::read(text.as_bytes())),
        [
            "components[0]: npm lodash 4.17.15",
            "components[0].components[0]: npm @babel/core 7.0.0",
            "components[0].components[1]: inner.bin [no-purl]",
            "components[1]: npm a 1.0.1",
            "components[2]: b [no-version]",
            "components[3]: c [malformed-purl]",
            "components[4]: d [from-repository]",
            "components[5]: e [unknown-ecosystem]",
            "components[6]: f [malformed-text]",
            "components[7]: npm g not a version",
            "components[8]: npm JSONStream 1.0.0",
            "components[9]: Maven org.h:h 1",
            "components[10]:  [malformed-text]",
            "warning versions_differ components[1].version",
        ]
    );
    let (inventory, _) = cyclonedx::read(text.as_bytes()).unwrap();
    assert_eq!((inventory.format.as_str(), inventory.subject.as_deref()), ("CycloneDX 1.5", Some("shop 2.0.0")));
    assert_eq!(inventory.components[0].bom_ref.as_deref(), Some("a"));
}

#[test]
fn cyclonedx_refusals() {
    let refusal = |document: Value| cyclonedx::read(document.to_string().as_bytes()).unwrap_err().to_string();
    assert_eq!(refusal(json!({})), "read a CycloneDX inventory: bomFormat should be \"CycloneDX\"");
    assert_eq!(
        refusal(json!({"bomFormat": "CycloneDX", "specVersion": "1.1"})),
        "read a CycloneDX inventory: version \"1.1\" is not read; 1.2 to 1.7 are"
    );
    assert_eq!(
        refusal(json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": {}})),
        "read a CycloneDX inventory: components should be an array"
    );
    let many = vec![json!({}); formats::inventory::COMPONENTS_COUNT_MAX + 1];
    assert_eq!(
        refusal(json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": many})),
        "read a CycloneDX inventory: more than 200000 components"
    );
    let nested = (0..49).fold(json!([]), |inner, _| json!([{"components": inner}]));
    assert_eq!(
        refusal(json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": nested})),
        "read a CycloneDX inventory: more than 48 levels of components"
    );
    let deep = format!("{{\"components\":{}", "[{\"components\":".repeat(500_000));
    assert!(matches!(cyclonedx::read(deep.as_bytes()), Err(Unreadable::Malformed { .. })));
}

fn lock_v3() -> Value {
    json!({
        "name": "shop", "version": "2.0.0", "lockfileVersion": 3, "requires": true,
        "packages": {
            "": {"name": "shop", "version": "2.0.0", "dependencies": {"lodash": "^4.0.0"}},
            "node_modules/lodash": {"version": "4.17.15"},
            "node_modules/@babel/core": {"version": "7.0.0", "resolved": "https://registry.example.org/%40babel%2fcore/-/core-7.0.0.tgz"},
            "node_modules/a/node_modules/lodash": {"version": "3.10.1", "dev": true},
            "node_modules/alias": {"name": "minimist", "version": "1.2.5"},
            "node_modules/from-git": {"version": "1.0.0", "resolved": "git+ssh://git@example.org/x/y.git#0123"},
            "node_modules/from-file": {"version": "1.0.0", "resolved": "file:../x"},
            "node_modules/from-archive": {"version": "1.0.0", "resolved": "https://example.org/x.tgz"},
            "node_modules/workspace": {"resolved": "packages/workspace", "link": true},
            "node_modules/no-version": {},
            "packages/workspace": {"version": "0.1.0"},
        }
    })
}

#[test]
fn package_lock_2_and_3() {
    for version in [2, 3] {
        let mut lock = lock_v3();
        lock["lockfileVersion"] = json!(version);
        assert_eq!(
            lines(npm_lock::read(lock.to_string().as_bytes())),
            [
                "node_modules/@babel/core: npm @babel/core 7.0.0",
                "node_modules/a/node_modules/lodash: npm lodash 3.10.1",
                "node_modules/alias: npm minimist 1.2.5",
                "node_modules/from-archive: from-archive [from-archive]",
                "node_modules/from-file: from-file [from-file]",
                "node_modules/from-git: from-git [from-repository]",
                "node_modules/lodash: npm lodash 4.17.15",
                "node_modules/no-version: no-version [no-version]",
                "node_modules/workspace: workspace [link]",
                "packages/workspace: packages/workspace [own-code]",
            ]
        );
    }
}

fn lock_v1() -> Value {
    json!({
        "name": "shop", "lockfileVersion": 1,
        "dependencies": {
            "lodash": {"version": "4.17.15", "dependencies": {"inner": {"version": "1.0.0", "dev": true}}},
            "alias": {"version": "npm:@a/minimist@1.2.5"},
            "git": {"version": "git+https://example.org/x.git#0123", "from": "x"},
            "hub": {"version": "github:a/b#0123"},
            "file": {"version": "file:../x"},
            "archive": {"version": "https://example.org/x.tgz"},
        }
    })
}

#[test]
fn package_lock_1() {
    assert_eq!(
        lines(npm_lock::read(lock_v1().to_string().as_bytes())),
        [
            "node_modules/alias: npm @a/minimist 1.2.5",
            "node_modules/archive: archive [from-archive]",
            "node_modules/file: file [from-file]",
            "node_modules/git: git [from-repository]",
            "node_modules/hub: hub [from-repository]",
            "node_modules/lodash/node_modules/inner: npm inner 1.0.0",
            "node_modules/lodash: npm lodash 4.17.15",
        ]
    );
}

#[test]
fn a_small_document_of_too_many_values_is_refused() {
    let text = format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","x":[{}0]}}"#, r#"{"a":1},"#.repeat(1_000_000));
    let said = cyclonedx::read(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(said, "read a CycloneDX inventory: more than 2000000 JSON values");
    let commas = format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","x":"\"{}"}}"#, ",".repeat(3_000_000));
    assert!(cyclonedx::read(commas.as_bytes()).is_ok());
}

#[test]
fn package_lock_refusals() {
    let refusal = |document: Value| npm_lock::read(document.to_string().as_bytes()).unwrap_err().to_string();
    assert_eq!(refusal(json!([])), "read a package-lock.json: lockfileVersion should be 1, 2 or 3");
    assert_eq!(
        refusal(json!({"lockfileVersion": 4})),
        "read a package-lock.json: version \"4\" is not read; 1, 2 and 3 are"
    );
    assert_eq!(refusal(json!({"lockfileVersion": 3})), "read a package-lock.json: packages should be an object");
    assert!(matches!(npm_lock::read(b"\xff"), Err(Unreadable::NotUtf8 { byte: 0, .. })));
    assert!(matches!(npm_lock::read(&vec![b' '; 64 * 1024 * 1024 + 1]), Err(Unreadable::TooLarge { .. })));
}

#[test]
fn the_kind_is_seen_from_the_content() {
    let format = |document: Value| formats::inventory::read(document.to_string().as_bytes()).map(|(i, _)| i.format);
    assert_eq!(format(sbom()), Ok("CycloneDX 1.5".to_owned()));
    assert_eq!(format(lock_v3()), Ok("package-lock.json v3".to_owned()));
    let neither = format(json!({})).unwrap_err().to_string();
    assert!(neither.starts_with("read an inventory: it is none of CycloneDX, "), "{neither}");
}

#[test]
fn the_examples_are_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/inventories");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let (inventory, warnings) = formats::inventory::read(&std::fs::read(&path).unwrap()).unwrap();
        assert!(!inventory.components.is_empty() && warnings.is_empty(), "{}: {warnings:?}", path.display());
        count += 1;
    }
    assert!(count > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = cyclonedx::read(&bytes);
        let _ = npm_lock::read(&bytes);
    }

    #[test]
    fn good_documents_with_bytes_changed(which in 0usize..3, at in any::<prop::sample::Index>(), new in any::<u8>(), cut in 0usize..6) {
        let document = [sbom(), lock_v1(), lock_v3()][which].to_string();
        let mut bytes = document.into_bytes();
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, [new]);
        let _ = cyclonedx::read(&bytes);
        let _ = npm_lock::read(&bytes);
    }
}
