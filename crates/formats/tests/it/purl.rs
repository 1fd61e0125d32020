//! Purls: the rules of the specification and of its types, and the names that advisories have for them.

use formats::purl::{Purl, purl_of};

/// The canonical text without version, the version, the ecosystem and the name in it.
fn parts(text: &str) -> String {
    match text.parse::<Purl>() {
        Ok(purl) => format!(
            "{} {} {}:{}",
            purl.canonical,
            purl.version.as_deref().unwrap_or("-"),
            purl.ecosystem.unwrap_or("-"),
            purl.name
        ),
        Err(_) => "none".to_owned(),
    }
}

#[test]
fn the_parts_of_a_purl() {
    let cases = [
        // The scheme, the slashes behind it, the type's capitals.
        ("pkg:npm/lodash@4.17.15", "pkg:npm/lodash 4.17.15 npm:lodash"),
        ("pkg://npm/lodash@4.17.15", "pkg:npm/lodash 4.17.15 npm:lodash"),
        ("pkg:///npm/lodash@4.17.15", "pkg:npm/lodash 4.17.15 npm:lodash"),
        ("pkg:NPM/lodash", "pkg:npm/lodash - npm:lodash"),
        ("npm/lodash", "none"),
        ("http://npm/lodash", "none"),
        ("pkg:npm", "none"),
        ("pkg:npm/", "none"),
        ("pkg:/lodash", "none"),
        ("pkg:lodash@1", "none"),
        ("", "none"),
        // Namespaces, percent signs and empty segments.
        ("pkg:npm/%40babel/core@7.0.0", "pkg:npm/%40babel/core 7.0.0 npm:@babel/core"),
        ("pkg:npm/@babel/core@7.0.0", "pkg:npm/%40babel/core 7.0.0 npm:@babel/core"),
        ("pkg:maven/org.apache.commons/io@1.3.4", "pkg:maven/org.apache.commons/io 1.3.4 Maven:org.apache.commons:io"),
        (
            "pkg:golang/github.com/gorilla/mux@v1.8.0",
            "pkg:golang/github.com/gorilla/mux v1.8.0 Go:github.com/gorilla/mux",
        ),
        ("pkg:composer/laravel/laravel@5.5.0", "pkg:composer/laravel/laravel 5.5.0 Packagist:laravel/laravel"),
        // Go's names have capitals, as npm's old ones do, and advisories have them so.
        (
            "pkg:golang/github.com/Masterminds/semver@v1.0.0",
            "pkg:golang/github.com/masterminds/semver v1.0.0 Go:github.com/Masterminds/semver",
        ),
        (
            "pkg:golang/github.com/BurntSushi/toml@v1.0.0",
            "pkg:golang/github.com/burntsushi/toml v1.0.0 Go:github.com/BurntSushi/toml",
        ),
        ("pkg:npm/JSONStream@1.0.0", "pkg:npm/jsonstream 1.0.0 npm:JSONStream"),
        // Versions keep what is theirs.
        ("pkg:cargo/rand@0.7.2+build", "pkg:cargo/rand 0.7.2+build crates.io:rand"),
        ("pkg:cargo/rand@0.7.2%2Bbuild", "pkg:cargo/rand 0.7.2+build crates.io:rand"),
        ("pkg:npm/lodash@", "pkg:npm/lodash - npm:lodash"),
        // Qualifiers and subpaths stay with the canonical text, sorted, and do not name another package.
        ("pkg:maven/a/b@1?type=zip&classifier=dist", "pkg:maven/a/b?classifier=dist&type=zip 1 Maven:a:b"),
        ("pkg:maven/a/b@1?classifier=", "pkg:maven/a/b 1 Maven:a:b"),
        ("pkg:golang/a.org/b@v1#sub/path", "pkg:golang/a.org/b#sub/path v1 Go:a.org/b"),
        // Types with rules for names.
        ("pkg:pypi/Django_package@1.11", "pkg:pypi/django-package 1.11 PyPI:django-package"),
        ("pkg:gem/Ruby-Advisory@1.1", "pkg:gem/Ruby-Advisory 1.1 RubyGems:Ruby-Advisory"),
        (
            "pkg:nuget/EnterpriseLibrary.Common@6.0",
            "pkg:nuget/EnterpriseLibrary.Common 6.0 NuGet:EnterpriseLibrary.Common",
        ),
        (
            "pkg:docker/cassandra@sha256:244fd47e07d1004f0aed9c",
            "pkg:docker/cassandra sha256:244fd47e07d1004f0aed9c -:cassandra",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parts(text), expected, "{text}");
    }
    assert_eq!(parts(&format!("pkg:npm/{}", "a".repeat(600))), "none");
}

#[test]
fn what_is_canonical_reads_as_itself() {
    let texts = [
        "pkg:npm/%40babel/core@7.0.0",
        "pkg:maven/a/b@1?type=zip&classifier=dist",
        "pkg:pypi/Django_package@1.11",
        "pkg:golang/a.org/b@v1#sub/path",
        "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie",
        "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25",
    ];
    for text in texts {
        let canonical = text.parse::<Purl>().unwrap().canonical;
        assert_eq!(canonical.parse::<Purl>().unwrap().canonical, canonical, "{text}");
    }
}

#[test]
fn a_package_as_its_ecosystem_names_it() {
    let cases = [
        ("npm", "@babel/core", "pkg:npm/%40babel/core"),
        ("Maven", "org.apache.commons:io", "pkg:maven/org.apache.commons/io"),
        ("Go", "github.com/gorilla/mux", "pkg:golang/github.com/gorilla/mux"),
        ("PyPI", "Django_package", "pkg:pypi/django-package"),
        ("crates.io", "rand", "pkg:cargo/rand"),
        ("Packagist", "symfony/http-kernel", "pkg:composer/symfony/http-kernel"),
    ];
    for (ecosystem, name, expected) in cases {
        assert_eq!(purl_of(ecosystem, name).as_deref(), Some(expected));
    }
    assert_eq!(purl_of("no such ecosystem", "a"), None);
    assert_eq!(purl_of("Linux", "Kernel"), None);
}

proptest::proptest! {
    #[test]
    fn the_purl_that_is_made_of_a_name_is_canonical(
        ecosystem in proptest::sample::select(vec!["crates.io", "npm", "PyPI", "RubyGems", "NuGet", "Hex", "Pub", "CRAN", "Hackage"]),
        name in "[a-zA-Z0-9._~+ %@-]{1,12}",
    ) {
        let made = purl_of(ecosystem, &name).unwrap();
        let read: Purl = made.parse().unwrap();
        proptest::prop_assert_eq!(&read.package, &made);
        proptest::prop_assert_eq!(read.name.to_lowercase().replace('_', "-"), name.to_lowercase().replace('_', "-"));
    }
}
