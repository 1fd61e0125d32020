//! VERS ranges: read, written, asked, and to and from OSV's, which must then say the same.

use versions::osv::{Status, evaluate};
use versions::vers::Vers;
use versions::{Scheme, Version};

#[test]
fn what_is_written_is_canonical() {
    for (text, written) in [
        ("vers:npm/>=1.2.3|<2", "vers:npm/>=1.2.3|<2"),
        ("vers:npm/<2.0.0|>=1.2.3|", "vers:npm/>=1.2.3|<2.0.0"),
        ("vers:pypi/*", "vers:pypi/*"),
        ("vers:pypi/=1.0|!=1.1", "vers:pypi/1.0|!=1.1"),
        ("vers:deb/<=1%3A2.0%2Bdfsg-1", "vers:deb/<=1:2.0%2Bdfsg-1"),
    ] {
        assert_eq!(text.parse::<Vers>().unwrap().to_string(), written);
    }
    for text in [
        "",
        "npm/1.0.0",
        "vers:npm",
        "vers:none/1",
        "vers:npm/",
        "vers:npm/>=",
        "vers:npm/1.0.0|<1.0.0",
        "vers:npm/%zz",
    ] {
        assert!(text.parse::<Vers>().is_err(), "{text}");
    }
}

#[test]
fn both_kinds_of_range_say_the_same() {
    let asked = ["0.9.0", "1.0.0-rc.1", "1.0.0", "1.5.0", "2.0.0", "2.5.0", "3.0.0", "3.1.0", "4.0.0"];
    for text in [
        "vers:npm/*",
        "vers:npm/<2.0.0",
        "vers:npm/<=2.0.0",
        "vers:npm/>=1.0.0",
        "vers:npm/>=1.0.0|<2.0.0|>=3.0.0|<=3.1.0",
        "vers:npm/1.0.0|2.5.0",
        "vers:npm/<1.0.0|2.5.0|>=3.0.0",
    ] {
        let vers: Vers = text.parse().unwrap();
        let (ranges, versions) = vers.to_osv().unwrap();
        for version in asked {
            let read = Version::read(Scheme::Npm, version).unwrap();
            let status = evaluate(Some(Scheme::Npm), &ranges, &versions, version).status;
            assert_eq!(vers.contains(&read), status == Status::Affected, "{text} at {version}");
        }
        assert_eq!(Vers::from_osv("npm", ranges.first(), &versions).unwrap(), vers);
    }
    assert!("vers:npm/>1.0.0".parse::<Vers>().unwrap().to_osv().is_err());
    let vers: Vers = "vers:npm/>1.0.0|!=1.5.0|<2.0.0".parse().unwrap();
    let inside: Vec<&str> =
        asked.into_iter().chain(["1.6.0"]).filter(|v| vers.contains(&Version::read(Scheme::Npm, v).unwrap())).collect();
    assert_eq!(inside, ["1.6.0"]);
}
