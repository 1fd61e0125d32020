//! What an import makes of texts, without running anything.

use super::*;

fn import(origin: Origin, main: &str, body: &str) -> Import {
    let mut files = BTreeMap::from([(main.to_owned(), body.as_bytes().to_vec())]);
    let (purl, vulnerable) = match origin {
        Origin::OssFuzz => ("pkg:deb/debian/a", "1.0-1"),
        Origin::Pytest => ("pkg:pypi/a", "1.0"),
        Origin::Jest => ("pkg:npm/a", "1.0.0"),
        Origin::CargoTest => ("pkg:cargo/a", "1.0.0"),
    };
    if origin == Origin::OssFuzz {
        files.insert("build.sh".into(), b"true\n".to_vec());
        files.insert("good".into(), b"x".to_vec());
    }
    Import {
        origin,
        title: "a \"quoted\" title".into(),
        purl: purl.into(),
        vulnerable: vulnerable.into(),
        fixed: None,
        test: "shows".into(),
        control: if origin == Origin::OssFuzz { "good" } else { "works" }.into(),
        expect: Expectation::FailsWhenVulnerable,
        raises: Vec::new(),
        main: main.into(),
        files,
        dependencies: BTreeMap::new(),
    }
}

const RUST: &str = "#[test]\nfn shows() {}\n\n#[test]\nfn works() -> Result<(), ()> { Ok(()) }\n";

#[test]
fn each_origin_makes_a_valid_bundle() {
    let all = [
        import(Origin::OssFuzz, "crash", "\u{1}"),
        import(Origin::Pytest, "test_a.py", "def test_a(): pass\n"),
        import(Origin::Jest, "a.test.js", "test('shows', () => {})\n"),
        import(Origin::CargoTest, "a.rs", RUST),
    ];
    for import in all {
        let files = import.bundle().unwrap();
        let manifest = String::from_utf8(files["proof.toml"].clone()).unwrap();
        assert!(manifest.contains(r#"title = "a \"quoted\" title""#), "{manifest}");
    }
}

#[test]
fn a_rust_test_becomes_a_public_function() {
    let files = import(Origin::CargoTest, "a.rs", RUST).bundle().unwrap();
    assert!(!files.contains_key("a.rs"));
    let case = String::from_utf8(files["imported_case.rs"].clone()).unwrap();
    assert_eq!(case, "\npub fn shows() {}\n\n\npub fn works() -> Result<(), ()> { Ok(()) }\n");
}

fn refused(import: &Import, why: &str) {
    let said = import.bundle().unwrap_err().to_string();
    assert!(said.contains(why), "{said}");
}

#[test]
fn what_does_not_fit_is_refused_with_what_to_change() {
    refused(&import(Origin::CargoTest, "a.rs", "mod m { fn shows() {} }\n"), "outside any module");
    let panics = RUST.replacen("#[test]", "#[test]\n#[should_panic]", 1);
    refused(&import(Origin::CargoTest, "a.rs", &panics), "--raises panic");
    refused(&import(Origin::Jest, "a.test.ts", ""), "CommonJS");
    refused(&import(Origin::Pytest, "poc.py", ""), "rename yours");
    let fuzz = import(Origin::OssFuzz, "crash", "x");
    refused(&Import { test: "a b".into(), ..fuzz.clone() }, "puts into $OUT");
    refused(&Import { control: "missing".into(), ..fuzz.clone() }, "there is no file missing");
    refused(&Import { main: "other".into(), ..fuzz }, "there is no file other");
}
