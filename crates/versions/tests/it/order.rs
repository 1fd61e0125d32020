//! The order, against the specification's own list, an independent crate, and any bytes.

use std::cmp::Ordering;

use proptest::prelude::*;
use versions::{Scheme, Version, compare};

/// Precedence from Semantic Versioning 2.0.0, section 11, and a few of ours, lowest first.
const RISING: [&str; 14] = [
    "0.0.0-0",
    "0.0.0",
    "0.9.9",
    "1.0.0-0",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.2.0",
    "1.10.0",
];

#[test]
fn order_is_that_of_the_specification() {
    for scheme in [Scheme::Npm, Scheme::Cargo, Scheme::Go, Scheme::Hex, Scheme::Pub, Scheme::Julia, Scheme::Tag] {
        for (i, a) in RISING.iter().enumerate() {
            for (j, b) in RISING.iter().enumerate() {
                assert_eq!(compare(scheme, a, b), Ok(i.cmp(&j)), "{scheme}: {a} against {b}");
            }
        }
    }
}

#[test]
fn build_metadata_does_not_count() {
    assert_eq!(compare(Scheme::Cargo, "1.0.0+a", "1.0.0+b"), Ok(Ordering::Equal));
    assert_eq!(compare(Scheme::Go, "v2.0.0+incompatible", "2.0.0"), Ok(Ordering::Equal));
}

#[test]
fn each_scheme_reads_what_its_ecosystem_writes() {
    let reads = |scheme, text| Version::read(scheme, text).is_ok();
    for (text, npm, cargo, go) in [
        ("1.2.3", true, true, true),
        ("v1.2.3", true, false, true),
        (" =v1.2.3 ", true, false, false),
        ("go1.20.3", false, false, true),
        ("go1.20", false, false, true),
        ("1.2", false, false, true),
        ("0.0.0-20160722212129-ac0cc4484ad4", true, true, true),
        ("01.2.3", false, false, false),
        ("9007199254740992.0.0", false, true, true),
        ("99999999999999999999.0.0", false, false, true),
        ("latest", false, false, false),
        ("^1.2.3", false, false, false),
        ("1.2.x", false, false, false),
        ("git+ssh://git@example.org/a.git#1.0.0", false, false, false),
        ("", false, false, false),
    ] {
        assert_eq!(reads(Scheme::Npm, text), npm, "npm {text:?}");
        assert_eq!(reads(Scheme::Cargo, text), cargo, "crates.io {text:?}");
        assert_eq!(reads(Scheme::Go, text), go, "Go {text:?}");
    }
    let long = format!("1.0.0-{}", "a".repeat(300));
    assert!(!reads(Scheme::Npm, &long));
    assert!(Version::read_bound(Scheme::Npm, "6.0").unwrap() == Version::read(Scheme::Npm, "6.0.0").unwrap());
    assert!(Version::read_bound(Scheme::Npm, "6-rc.1").unwrap() < Version::read(Scheme::Npm, "6.0.0").unwrap());
}

#[test]
fn release_lines() {
    let read = |scheme, text| Version::read(scheme, text).unwrap();
    for (scheme, text, line, pre) in [
        (Scheme::PyPI, "v1!4.2.7rc1", "4.2", true),
        (Scheme::PyPI, "4.2.7.post1", "4.2", false),
        (Scheme::Maven, "5.3.0-M2", "5.3", true),
        (Scheme::Maven, "5.0.RELEASE", "5.0", false),
        (Scheme::RubyGems, "7.0.0.rc1", "7.0", true),
        (Scheme::Packagist, "v6.4.0-BETA1", "6.4", true),
        (Scheme::NuGet, "13.0.1-beta2", "13.0", true),
        (Scheme::Debian, "1:2.30~rc1-1", "2.30", true),
        (Scheme::Debian, "1:2.30.2-1+deb11u2", "2.30", false),
        (Scheme::Apk, "1.2.4_rc1-r0", "1.2", true),
        (Scheme::Apk, "1.02.4-r0", "1.2", false),
        (Scheme::Rpm, "0:1.8.3~beta-1.el9", "1.8", true),
        (Scheme::Kernel, "6.2-rc3", "6.2", true),
        (Scheme::Conda, "1.2.0dev1", "1.2", true),
        (Scheme::Bitnami, "6.2.0-1", "6", false),
        (Scheme::Natural, "13-beta2", "13.0", true),
    ] {
        let version = read(scheme, text);
        assert_eq!((version.line().as_str(), version.is_prerelease()), (line, pre), "{scheme} {text}");
        assert_eq!(version.to_string(), text);
    }
    let line = |text| read(Scheme::Npm, text).line();
    assert_eq!((line("4.17.20"), line("0.8.2"), line("10.0.0-rc.1")), ("4".into(), "0.8".into(), "10".into()));
}

fn version_text() -> impl Strategy<Value = String> {
    "(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})(-(0|[1-9][0-9]{0,2}|[a-z][a-z0-9-]{0,3})(\\.(0|[1-9][0-9]{0,2}|[A-Za-z-]{1,3})){0,2})?(\\+[a-z0-9]{1,4})?"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn order_agrees_with_another_reader(a in version_text(), b in version_text()) {
        let (x, y) = (nodejs_semver::Version::parse(&a).unwrap(), nodejs_semver::Version::parse(&b).unwrap());
        prop_assert_eq!(compare(Scheme::Npm, &a, &b), Ok(x.cmp(&y)), "{} against {}", a, b);
    }

    #[test]
    fn no_text_makes_it_fall_over(text in "\\PC{0,40}") {
        for scheme in Scheme::ALL {
            let _ = Version::read(scheme, &text);
            let _ = Version::read_bound(scheme, &text);
        }
    }
}
