//! Versions of every scheme in rising order, from the documents and test suites that state the order, and what no scheme of
//! that name may read. Groups of equal versions stand in one row.

use std::cmp::Ordering;

use versions::{ECOSYSTEMS, Scheme, Version, compare};

type Rows = &'static [&'static [&'static str]];

pub const RISING: [(Scheme, Rows); 24] = [
    (Scheme::Npm, &[&["1.0.0-0", "v1.0.0-0"], &["1.0.0-alpha"], &["1.0.0", "=1.0.0", "1.0.0+b"], &["1.0.1"]]),
    (Scheme::Cargo, &[&["1.0.0-rc.1"], &["1.0.0", "1.0.0+x"], &["1.10.0"]]),
    (
        Scheme::Go,
        &[
            &["v0.0.0-20160722212129-ac0cc4484ad4"],
            &["v0.0.0-20210101000000-aaaaaaaaaaaa"],
            &["v1.2.3-0.20191109021931-daa7c04131f5"],
            &["v1.2.3", "1.2.3", "v1.2.3+incompatible"],
            &["go1.20", "1.20.0"],
            &["1.99999999999999999999.0"],
        ],
    ),
    (Scheme::Hex, &[&["1.0.0-dev"], &["1.0.0"], &["1.0.1"]]),
    (Scheme::Pub, &[&["1.0.0-a"], &["1.0.0"], &["1.0.0+1"], &["1.0.0+2"], &["1.0.0+a"], &["1.0.1"]]),
    (Scheme::Julia, &[&["1.0.0-a"], &["1", "1.0", "v1.0.0"], &["1.0.0+1"], &["1.0.0+10"], &["1.1"]]),
    (Scheme::Tag, &[&["v3"], &["v4-rc.1"], &["v4", "4.0.0"], &["v4.1"]]),
    (
        Scheme::Bitnami,
        &[&["6.2.0-rc.1"], &["6.2.0"], &["6.2.0-0", "6.2.0-00"], &["6.2.0-1"], &["6.2.0-10"], &["6.2.1"]],
    ),
    (
        Scheme::PyPI,
        &[
            &["1.dev0", "1.0.dev0"],
            &["1.0a1.dev3"],
            &["1.0a1", "1.0-alpha.1", "v1_a_1"],
            &["1.0b2.post345.dev456"],
            &["1.0b2.post345"],
            &["1.0rc1", "1.0c1", "1.0-pre1", "1.0.preview_1"],
            &["1.0", "1.0.0", " 1 "],
            &["1.0+abc.5"],
            &["1.0+abc.7"],
            &["1.0+5"],
            &["1.0.post456.dev34"],
            &["1.0.post456", "1.0-456", "1.0-r456"],
            &["1.0.15"],
            &["1.1.dev1"],
            &["1!0.1"],
        ],
    ),
    (
        Scheme::Maven,
        &[
            &["1-alpha-1", "1.0a1", "1.0-alpha1"],
            &["1-beta1"],
            &["1-milestone-1", "1m1"],
            &["1-rc1", "1-cr1", "1.0.0-RC1"],
            &["1-SNAPSHOT", "1.0.0-snapshot"],
            &["1", "1.0", "1-ga", "1.0.final", "1.0.0-RELEASE", "1-0"],
            &["1-sp"],
            &["1-abc"],
            &["1-xyz"],
            &["1-1", "1.0-1"],
            &["1.0.1"],
            &["1.1"],
            &["1.2147483648"],
            &["1.9223372036854775808"],
        ],
    ),
    (
        Scheme::RubyGems,
        &[
            &["1.0.0.a", "1.a", "1.0.a"],
            &["1.0.a.2"],
            &["1.0.b1", "1.0.0.b.1"],
            &["1.0-2", "1.0.pre.2"],
            &["1", "1.0.0", " 1.0 "],
            &["1.0.0.1"],
            &["1.1"],
        ],
    ),
    (
        Scheme::NuGet,
        &[
            &["1.0.0-1"],
            &["1.0.0-alpha", "1.0.0-ALPHA"],
            &["1.0.0-alpha.1"],
            &["1.0.0-beta"],
            &["1.0.0", "1", "1.0.0.0", "01.0.0", "1.0.0+x"],
            &["1.0.0.1"],
            &["1.0.1"],
        ],
    ),
    (
        Scheme::Packagist,
        &[
            &["1.0.0-dev", "1.0-DEV"],
            &["1.0-alpha"],
            &["1.0.0-alpha1", "v1.0a1"],
            &["1.0-beta"],
            &["1.0.0-RC1"],
            &["1.0.0", "1", "v1.0.0.0", "1.0.0+abc"],
            &["1.0.0-p1", "1.0.0pl1", "1.0-patch1"],
            &["1.0.1"],
            &["1.x-dev"],
            &["2.0"],
            &["2010-01-02"],
            &["20100102"],
        ],
    ),
    (
        Scheme::Debian,
        &[
            &["1.0~~"],
            &["1.0~~a"],
            &["1.0~rc1-1"],
            &["1.0", "1.0-0", "0:1.0", "01.0"],
            &["1.0-1"],
            &["1.0-1+deb12u1"],
            &["1.0a"],
            &["1.0+dfsg-1"],
            &["1.0.1"],
            &["1.10"],
            &["1:0.1"],
        ],
    ),
    (
        Scheme::Apk,
        &[
            &["1.0_alpha"],
            &["1.0_alpha2"],
            &["1.0_beta1-r3"],
            &["1.0_rc1"],
            &["1.0"],
            &["1.0-r1"],
            &["1.0_git20200101"],
            &["1.0_p1"],
            &["1.0a"],
            &["1.0.0"],
            &["1.0.1"],
            &["1.05"],
            &["1.1"],
        ],
    ),
    (
        Scheme::Rpm,
        &[
            &["1.0~rc1-1.el9"],
            &["1.0"],
            &["1.0-1.el9", "0:1.0-1.el9", "1.0-1_el9"],
            &["1.0-2.el9"],
            &["1.0^git1-1"],
            &["1.0a-1"],
            &["1.0.1-1"],
            &["1.10-1"],
            &["1:0.1-1"],
        ],
    ),
    (Scheme::Cran, &[&["0.9"], &["1.0", "1-0", "1.00"], &["1.0.0"], &["1.0-1"], &["1.10"]]),
    (Scheme::Hackage, &[&["0.9"], &["1"], &["1.0"], &["1.0.0"], &["1.10"]]),
    (
        Scheme::Conda,
        &[
            &["0.4"],
            &["0.4.1.rc"],
            &["0.4.1", "0.4.1.0"],
            &["0.5a1"],
            &["0.5b3"],
            &["0.5"],
            &["0.960923"],
            &["1.0"],
            &["1.1dev1"],
            &["1.1a1"],
            &["1.1.0dev1", "1.1.dev1"],
            &["1.1.a1"],
            &["1.1", "1.1.0"],
            &["1.1.0post1", "1.1.post1"],
            &["1.1post1"],
            &["1996.07.12"],
            &["1!0.4.1"],
        ],
    ),
    (Scheme::Kernel, &[&["6.1-rc1"], &["6.1-rc10"], &["6.1", "v6.1", "6.1.0"], &["6.1.9"], &["6.1.10"], &["6.2-rc1"]]),
    (
        Scheme::Conan,
        &[
            &["1.0-pre"],
            &["1.0", "1", "1.0.0"],
            &["1.0+b1"],
            &["1.1.1"],
            &["1.1.1a"],
            &["1.1.1b"],
            &["1.1.10"],
            &["cci"],
        ],
    ),
    (Scheme::Vcpkg, &[&["1.0-rc1"], &["1.0", "1.0#0"], &["1.0#1"], &["1.0.0"], &["2023-12-31"], &["2024-01-01"]]),
    (Scheme::Opam, &[&["1.0~beta"], &["1.0", "1.00"], &["1.0+a"], &["v1.0"]]),
    (Scheme::Natural, &[&["12-dev1"], &["12-beta1"], &["12-rc1"], &["12", "v12"], &["12L"], &["12.1"], &["13"]]),
];

#[test]
fn each_scheme_has_its_order() {
    for (scheme, rows) in RISING {
        let flat = || rows.iter().enumerate().flat_map(|(row, texts)| texts.iter().map(move |text| (row, text)));
        for (row, a) in flat() {
            for (other, b) in flat() {
                assert_eq!(compare(scheme, a, b), Ok(row.cmp(&other)), "{scheme}: {a} against {b}");
            }
        }
    }
    assert!(Scheme::ALL.iter().all(|scheme| RISING.iter().any(|(known, _)| known == scheme)));
}

#[test]
fn what_is_no_version_is_unreadable() {
    for scheme in Scheme::ALL {
        for text in ["", " ", "*", "^1.0", ">=1.0", "1.0 || 2.0", "1.0\0", "1.0\n2", "ü1.0", "../1.0", "[1.0,2.0)"] {
            assert!(
                Version::read(scheme, text).is_err() || (scheme, text) == (Scheme::Conda, "*"),
                "{scheme} {text:?}"
            );
        }
    }
    for (scheme, text) in [
        (Scheme::PyPI, "0.1dev-r1234x"),
        (Scheme::PyPI, "2004d-legacy"),
        (Scheme::Maven, "LATEST"),
        (Scheme::Maven, "${project.version}"),
        (Scheme::RubyGems, "1..0"),
        (Scheme::RubyGems, "1.0-"),
        (Scheme::NuGet, "1.0.0.0.0"),
        (Scheme::NuGet, "2147483648.0"),
        (Scheme::Packagist, "dev-main"),
        (Scheme::Packagist, "abc"),
        (Scheme::Debian, "<unfixed>"),
        (Scheme::Debian, "1.0-"),
        (Scheme::Debian, "a:1.0"),
        (Scheme::Debian, "sid"),
        (Scheme::Apk, "1.0_foo"),
        (Scheme::Apk, "1.0-1"),
        (Scheme::Rpm, "x:1.0"),
        (Scheme::Cran, "1.0a"),
        (Scheme::Hackage, "1.0-1"),
        (Scheme::Kernel, "5.4.0-42-generic"),
        (Scheme::Vcpkg, "vista"),
        (Scheme::Natural, "latest"),
    ] {
        assert!(Version::read(scheme, text).is_err(), "{scheme} {text:?}");
    }
}

#[test]
fn every_ecosystem_has_its_scheme_with_and_without_a_release() {
    for (name, scheme) in ECOSYSTEMS {
        assert_eq!(Scheme::of_ecosystem(name), Some(scheme));
        assert_eq!(Scheme::of_ecosystem(&format!("{name}:12 LTS")), Some(scheme));
    }
    assert_eq!(Scheme::of_ecosystem("Root:Debian:12"), Some(Scheme::Debian));
    assert_eq!(Scheme::of_ecosystem("GIT"), None);
    assert_eq!(Scheme::of_ecosystem("debian"), None);
    for scheme in Scheme::ALL {
        assert_eq!(Scheme::of_ecosystem(scheme.ecosystem()), Some(scheme));
    }
    assert_eq!(Scheme::of_purl_type("deb"), Some(Scheme::Debian));
}

#[test]
fn numbers_of_any_length_are_ordered_by_size() {
    for scheme in [Scheme::Go, Scheme::PyPI, Scheme::Maven, Scheme::Debian, Scheme::Rpm, Scheme::Cran, Scheme::RubyGems]
    {
        let text = |digits: usize| {
            if scheme == Scheme::Go { format!("{}.0.0", "9".repeat(digits)) } else { "9".repeat(digits) }
        };
        for digits in [1, 17, 100, 249, 250, 251] {
            assert_eq!(compare(scheme, &text(digits), &text(digits + 1)), Ok(Ordering::Less), "{scheme} {digits}");
        }
    }
}
