//! What distributions say is installed: dpkg, apk, rpm.

use super::{data, lines, read_lines, refused};

pub const DPKG: &str = "Package: base-files
Status: install ok installed
Maintainer: Santiago Vila <sanvila@debian.org>
Version: 12.4+deb12u5

Package: libssl3
Status: install ok installed
Source: openssl
Version: 3.0.11-1~deb12u2
Description: Secure Sockets Layer toolkit
 Package: not one

Package: libgcc-s1
Status: install ok installed
Source: gcc-12 (12.2.0-14)
Version: 12.2.0-14+b1
Version: 1

Package: gone
Status: deinstall ok config-files
Version: 1.0

Status: install ok installed
Version: 1.0
";

#[test]
fn dpkg() {
    let text = DPKG;
    assert_eq!(
        read_lines(text),
        [
            "line 1: Debian:12 base-files 12.4+deb12u5",
            "line 6: Debian:12 openssl 3.0.11-1~deb12u2",
            "line 13: Debian:12 gcc-12 12.2.0-14",
            "line 19: gone [not-installed]",
            "line 23: a stanza without a Package [malformed-entry]",
            "warning repeated_field line 17",
        ]
    );
    let (inventory, _) = formats::inventory::read(text.as_bytes()).unwrap();
    assert_eq!(inventory.components[1].name, "libssl3");
    assert_eq!(inventory.components[1].purl.as_deref(), Some("pkg:deb/debian/openssl"));
    let ubuntu = "Package: base-files\nMaintainer: Ubuntu Developers <x@lists.ubuntu.com>\nVersion: 12ubuntu4.6\n";
    assert_eq!(read_lines(ubuntu), ["line 1: Ubuntu base-files 12ubuntu4.6"]);
    let unsaid = "Package: a\nVersion: 1\n";
    assert_eq!(read_lines(unsaid), ["line 1: a [unknown-distribution]", "warning unknown_distribution base-files"]);
}

#[test]
fn dpkgs_own() {
    let own = lines(formats::inventory::read(&data("dpkg-status")));
    assert!(own.len() >= 5 && own.iter().all(|line| line.contains(": Debian:12 ")), "{own:?}");
    assert!(own.iter().any(|line| line.contains("Debian:12 glibc 2.36")), "{own:?}");
}

pub const APK: &str = "C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=
P:alpine-release
V:3.19.1-r0
A:x86_64
o:alpine-base

C:Q1SpzNzCdXQ=
P:libssl3
V:3.1.4-r2
o:openssl
F:lib
R:libssl.so.3

P:busybox
V:1.36.1-r15
";

#[test]
fn apk() {
    let text = APK;
    assert_eq!(
        read_lines(text),
        [
            "line 1: Alpine:v3.19 alpine-base 3.19.1-r0",
            "line 7: Alpine:v3.19 openssl 3.1.4-r2",
            "line 14: Alpine:v3.19 busybox 1.36.1-r15",
        ]
    );
    let wolfi = "P:wolfi-baselayout\nV:20230201-r0\n\nP:openssl\nV:3.1.4-r2\n\nV:1\n";
    assert_eq!(
        read_lines(wolfi),
        [
            "line 1: Wolfi wolfi-baselayout 20230201-r0",
            "line 4: Wolfi openssl 3.1.4-r2",
            "line 7: a stanza without a name [malformed-entry]",
        ]
    );
    let unsaid = "P:openssl\nV:3.1.4-r2\n";
    assert_eq!(
        read_lines(unsaid),
        ["line 1: openssl [unknown-distribution]", "warning unknown_distribution the document"]
    );
}

pub const RPM: &str = "openssl-libs\t1\t3.0.7\t24.el9\tx86_64\topenssl-3.0.7-24.el9.src.rpm\tAlmaLinux
bash\t0\t5.1.8\t6.el9_1\tx86_64\tbash-5.1.8-6.el9_1.src.rpm\tRocky Enterprise Software Foundation
python3-libs\t(none)\t3.9.18\t1.el9\tx86_64\tpython3.9-3.9.18-1.el9.src.rpm\tRocky Enterprise Software Foundation
libopenssl3\t0\t3.0.8\t150400.4.1\tx86_64\topenssl-3-3.0.8-150400.4.1.src.rpm\tSUSE LLC <https://example.org/>
glibc\t0\t2.34\t83.el9\tx86_64\tglibc-2.34-83.el9.src.rpm\tRed Hat, Inc.
own\t0\t1\t1\tnoarch\town-1-1.src.rpm\t(none)
";

#[test]
fn rpm() {
    let text = RPM;
    assert_eq!(
        read_lines(text),
        [
            "line 1: AlmaLinux:9 openssl-libs 1:3.0.7-24.el9",
            "line 2: Rocky Linux:9 bash 5.1.8-6.el9_1",
            "line 3: Rocky Linux:9 python3.9 3.9.18-1.el9",
            "line 4: SUSE openssl-3 3.0.8-150400.4.1",
            "line 5: Red Hat glibc 2.34-83.el9",
            "line 6: own [unknown-distribution]",
        ]
    );
    let plain = "openssl-libs-3.0.7-24.el9.x86_64\ngpg-pubkey-b86b3716-61e69f29.(none)\nbash-0:5.1.8-6.el9_1.x86_64\n";
    assert_eq!(
        read_lines(plain),
        [
            "line 1: openssl-libs [unknown-distribution]",
            "line 2: gpg-pubkey [unknown-distribution]",
            "line 3: bash [unknown-distribution]",
            "warning not_enough the document",
        ]
    );
}

#[test]
fn too_many_are_refused_before_they_are_held() {
    let many = [
        ("a dpkg status file", "Package: a\nVersion: 1\n\n", "P:\n\n"),
        ("an apk installed file", "P:a\nV:1\n\n", "P:a\n\n"),
        ("a list of rpm -qa", "a-1-1.src\n", "a-1-1.src\n"),
        ("a go.mod", "module a\n", "a\n"),
        ("an SPDX document", "SPDXVersion: SPDX-2.3\n", "PackageName:\n"),
        ("a requirements file", "a==1\n", "a\n"),
    ];
    for (what, head, unit) in many {
        let refusal = format!("read {what}: more than 200000 components");
        assert_eq!(refused(&format!("{head}{}", unit.repeat(200_001))), refusal);
    }
}
