//! CycloneDX in XML and SPDX in its three forms.

use super::{read_lines, refused};

pub const CYCLONEDX_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.4" serialNumber="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79" version="1">
  <metadata><component type="application"><name>shop</name><version>2.0.0</version></component></metadata>
  <components>
    <component type="library" bom-ref="a">
      <group>org.apache.logging.log4j</group><name>log4j-core</name><version>2.14.1</version>
      <licenses><license><id>Apache-2.0</id></license></licenses>
      <purl>pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar</purl>
      <components>
        <component type="library"><name><![CDATA[lod]]>ash</name><purl>pkg:npm/lodash@4.17.15</purl></component>
        <component type="file"><name>inner &amp; outer</name></component>
      </components>
    </component>
    <component type="library"><name>b</name><version>1</version><purl>not a purl</purl></component>
    <component type="library"><purl>pkg:npm/c</purl></component>
    <odd/>
  </components>
</bom>
"#;

#[test]
fn cyclonedx_xml() {
    for version in ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"] {
        assert_eq!(
            read_lines(&CYCLONEDX_XML.replace("bom/1.4", &format!("bom/{version}"))),
            [
                "components[0]: Maven org.apache.logging.log4j:log4j-core 2.14.1",
                "components[0].components[0]: npm lodash 4.17.15",
                "components[0].components[1]: inner & outer [no-purl]",
                "components[1]: b [malformed-purl]",
                "components[2]: c [no-version]",
                "components[3]:  [malformed-text]",
            ]
        );
    }
    let (inventory, _) = formats::inventory::read(CYCLONEDX_XML.as_bytes()).unwrap();
    assert_eq!((inventory.format.as_str(), inventory.subject.as_deref()), ("CycloneDX 1.4", Some("shop 2.0.0")));
    assert_eq!(inventory.components[0].bom_ref.as_deref(), Some("a"));
    let refusal = "read a CycloneDX inventory: version \"1.1\" is not read; 1.2 to 1.7 are";
    assert_eq!(refused(&CYCLONEDX_XML.replace("bom/1.4", "bom/1.1")), refusal);
    let levels = |count| {
        let open = "<component><name>a</name><components>".repeat(count);
        let close = "</components></component>".repeat(count);
        format!("<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"><components>{open}{close}</components></bom>")
    };
    assert_eq!(read_lines(&levels(47)).len(), 47);
    assert_eq!(refused(&levels(49)), "read a CycloneDX inventory: more than 48 levels of components");
    assert_eq!(refused(&levels(70)), "read an inventory: more than 128 levels of elements");
}

#[test]
fn packages_of_distributions() {
    let purls = [
        (
            "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl",
            "Debian:12 openssl 3.0.11-1~deb12u2",
        ),
        (
            "pkg:deb/debian/libgcc-s1@12.2.0-14%2Bb1?upstream=gcc-12%4012.2.0-14&distro=debian-12.4",
            "Debian:12 gcc-12 12.2.0-14",
        ),
        ("pkg:deb/ubuntu/bash@5.1-6ubuntu1?distro=ubuntu-22.04", "Ubuntu:22.04 bash 5.1-6ubuntu1"),
        ("pkg:apk/alpine/libssl3@3.1.4-r2?distro=alpine-3.19.1&upstream=openssl", "Alpine:v3.19 openssl 3.1.4-r2"),
        ("pkg:apk/wolfi/openssl@3.1.4-r2?distro=20230201", "Wolfi openssl 3.1.4-r2"),
        (
            "pkg:rpm/almalinux/openssl-libs@3.0.7-24.el9?epoch=1&distro=almalinux-9.3&upstream=openssl-3.0.7-24.el9.src.rpm",
            "AlmaLinux:9 openssl-libs 1:3.0.7-24.el9",
        ),
        (
            "pkg:rpm/rocky/python3-libs@3.9.18-1.el9?distro=rocky-9.3&upstream=python3.9-3.9.18-1.el9.src.rpm",
            "Rocky Linux:9 python3.9 3.9.18-1.el9",
        ),
        ("pkg:deb/openssl@3.0.11-1?distro=debian-12", "Debian:12 openssl 3.0.11-1"),
        ("pkg:deb/openssl@3.0.11-1", "openssl [unknown-distribution]"),
        ("pkg:deb/devuan/openssl@3.0.11-1", "openssl [unknown-distribution]"),
        ("pkg:deb/debian/openssl", "openssl [no-version]"),
    ];
    for (purl, expected) in purls {
        let text = serde_json::json!({"bomFormat": "CycloneDX", "specVersion": "1.7", "components": [{"purl": purl}]});
        assert_eq!(read_lines(&text.to_string()), [format!("components[0]: {expected}")], "{purl}");
    }
}

pub const SPDX: &str = r#"{
    "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "the document",
    "packages": [
        {"SPDXID": "SPDXRef-shop", "name": "shop", "versionInfo": "2.0.0", "downloadLocation": "NOASSERTION"},
        {"SPDXID": "SPDXRef-a", "name": "lodash", "versionInfo": "4.17.15", "downloadLocation": "https://packages.example.org/lodash/-/lodash-4.17.15.tgz",
         "externalRefs": [
            {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:lodash:lodash:4.17.15:*:*:*:*:*:*:*"},
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/lodash@4.17.15"}]},
        {"SPDXID": "SPDXRef-b", "name": "minimist", "versionInfo": "NOASSERTION", "downloadLocation": "NONE",
         "externalRefs": [{"referenceCategory": "PACKAGE_MANAGER", "referenceType": "http://spdx.org/rdf/references/purl", "referenceLocator": "pkg:npm/minimist"}]},
        {"SPDXID": "SPDXRef-c", "name": "git", "versionInfo": "1.0.0", "downloadLocation": "git+ssh://git@example.org/git.git#0123",
         "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/git@1.0.0"}]},
        {"SPDXID": "SPDXRef-d", "name": 5},
        "odd"
    ],
    "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-shop"},
                      {"spdxElementId": "SPDXRef-a", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-b"},
                      {"spdxElementId": "SPDXRef-b", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-a"}]
}"#;

#[test]
fn spdx_json() {
    let expected = [
        "packages[0]: shop [own-code]",
        "packages[1]: npm lodash 4.17.15",
        "packages[2]: minimist [no-version]",
        "packages[3]: git [from-repository]",
        "packages[4]:  [malformed-text]",
        "packages[5]:  [malformed-text]",
    ];
    assert_eq!(read_lines(SPDX), expected);
    assert_eq!(read_lines(&SPDX.replace("SPDX-2.3", "SPDX-2.2")), expected);
    let (inventory, _) = formats::inventory::read(SPDX.as_bytes()).unwrap();
    assert_eq!((inventory.format.as_str(), inventory.subject.as_deref()), ("SPDX 2.3", Some("shop 2.0.0")));
    assert_eq!(inventory.components[1].bom_ref.as_deref(), Some("SPDXRef-a"));
    let refusal = "read an SPDX document: version \"SPDX-2.1\" is not read; SPDX-2.2, SPDX-2.3 and 3.0 are";
    assert_eq!(refused(&SPDX.replace("SPDX-2.3", "SPDX-2.1")), refusal);
}

pub const SPDX_TAGS: &str = "SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: the document
## shop
PackageName: shop
SPDXID: SPDXRef-shop
PackageVersion: 2.0.0
PackageDownloadLocation: NOASSERTION
PackageComment: <text>over
PackageName: not one
lines</text>
PackageCopyrightText: <text>one line</text>

FileName: ./a
SPDXID: SPDXRef-file
PackageVersion: 9

PackageName: lodash
SPDXID: SPDXRef-a
PackageVersion: 4.17.15
ExternalRef: SECURITY cpe23Type cpe:2.3:a:lodash:lodash:4.17.15:*:*:*:*:*:*:*
ExternalRef: PACKAGE-MANAGER purl pkg:npm/lodash@4.17.15
PackageName: git
PackageDownloadLocation: git+https://example.org/git.git
ExternalRef: PACKAGE-MANAGER purl pkg:npm/git@1.0.0
no tag
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-shop
";

#[test]
fn spdx_tags() {
    let text = SPDX_TAGS;
    assert_eq!(
        read_lines(text),
        [
            "line 6: shop [own-code]",
            "line 19: npm lodash 4.17.15",
            "line 24: git [from-repository]",
            "warning malformed_line line 27",
        ]
    );
    let (inventory, _) = formats::inventory::read(text.as_bytes()).unwrap();
    assert_eq!((inventory.format.as_str(), inventory.subject.as_deref()), ("SPDX 2.3 (tags)", Some("shop 2.0.0")));
    assert!(refused(&text.replace("SPDX-2.3", "SPDX-1.2")).contains("version \"SPDX-1.2\" is not read"));
}

pub const SPDX_3: &str = r#"{
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": [
            {"type": "CreationInfo", "@id": "_:creationinfo", "specVersion": "3.0.1", "created": "2024-05-01T00:00:00Z"},
            {"type": "SpdxDocument", "spdxId": "https://example.org/doc", "name": "the document", "rootElement": ["https://example.org/bom"]},
            {"type": "software_Sbom", "spdxId": "https://example.org/bom", "rootElement": ["https://example.org/shop"]},
            {"type": "software_Package", "spdxId": "https://example.org/shop", "name": "shop", "software_packageVersion": "2.0.0"},
            {"type": "software_Package", "spdxId": "https://example.org/a", "name": "lodash", "software_packageVersion": "4.17.15",
             "software_packageUrl": "pkg:npm/lodash@4.17.15"},
            {"type": "software_Package", "spdxId": "https://example.org/b", "name": "minimist", "software_packageVersion": "1.2.5",
             "externalIdentifier": [{"type": "ExternalIdentifier", "externalIdentifierType": "cpe23", "identifier": "cpe:2.3:a"},
                                    {"type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": "pkg:npm/minimist@1.2.5"}]},
            {"type": "software_File", "spdxId": "https://example.org/c", "name": "./file"},
            {"type": "Relationship", "from": "https://example.org/a", "relationshipType": "dependsOn", "to": ["https://example.org/a"]}
        ]
    }"#;

#[test]
fn spdx_3() {
    let text = SPDX_3;
    assert_eq!(
        read_lines(text),
        ["@graph[3]: shop [own-code]", "@graph[4]: npm lodash 4.17.15", "@graph[5]: npm minimist 1.2.5"]
    );
    let (inventory, _) = formats::inventory::read(text.as_bytes()).unwrap();
    assert_eq!((inventory.format.as_str(), inventory.subject.as_deref()), ("SPDX 3.0", Some("shop 2.0.0")));
    let refusal =
        "read an SPDX document: version \"4.0/spdx-context.jsonld\" is not read; SPDX-2.2, SPDX-2.3 and 3.0 are";
    assert_eq!(refused(&text.replace("rdf/3.0.1", "rdf/4.0")), refusal);
}
