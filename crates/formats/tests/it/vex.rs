//! VEX in its three forms, each as the statements that matching knows.

use formats::openvex::Statement;
use formats::vex;

fn lines(text: &str) -> Vec<String> {
    let (document, warnings) = vex::read(text.as_bytes()).unwrap();
    let line = |s: &Statement| {
        let justification = s.justification.map(|j| format!(" ({})", j.as_str())).unwrap_or_default();
        let texts = [&s.impact_statement, &s.action_statement].into_iter().flatten();
        let texts: String = texts.map(|text| format!(" \"{text}\"")).collect();
        let (ids, products) = (s.aliases.join(" "), s.products.join(" "));
        format!("{} [{ids}] {products} {}{justification}{texts}", s.vulnerability, s.status.as_str())
    };
    let warned = warnings.iter().map(|w| format!("warning {} {}", w.code, w.at));
    document.statements.iter().map(line).chain(warned).collect()
}

fn refused(text: &str) -> String {
    vex::read(text.as_bytes()).unwrap_err().to_string()
}

const CYCLONEDX: &str = r#"{
    "bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
    "metadata": {"timestamp": "2024-01-01T00:00:00Z", "supplier": {"name": "Shop Ltd"},
                 "component": {"bom-ref": "shop", "name": "shop", "version": "2.0.0"}},
    "components": [{"bom-ref": "a", "name": "lodash", "version": "4.17.15", "purl": "pkg:npm/lodash",
                    "components": [{"bom-ref": "b", "name": "minimist", "purl": "pkg:npm/minimist@1.2.5"}]}],
    "vulnerabilities": [
        {"id": "CVE-2020-8203", "references": [{"id": "GHSA-p6mc-m468-83gw"}],
         "analysis": {"state": "not_affected", "justification": "code_not_reachable", "detail": "never called"},
         "affects": [{"ref": "a"}, {"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#b"}, {"ref": "shop"}, {}]},
        {"id": "CVE-2021-44906", "analysis": {"state": "not_affected", "justification": "requires_environment"},
         "affects": [{"ref": "pkg:npm/minimist@1.2.5"}]},
        {"id": "CVE-2021-23337", "recommendation": "update", "analysis": {"state": "exploitable"},
         "affects": [{"ref": "a", "versions": [{"version": "4.17.20"}, {"version": "4.17.21", "status": "unaffected"},
                                               {"range": "vers:npm/<4.17.21"}, {"version": "4.17.1", "status": "unknown"}]}]},
        {"id": "CVE-2000-0001", "analysis": {"state": "resolved"}},
        {"id": "CVE-2000-0002"},
        {"analysis": {"state": "resolved"}}
    ]
}"#;

#[test]
fn cyclonedx() {
    assert_eq!(
        lines(CYCLONEDX),
        [
            "CVE-2020-8203 [GHSA-p6mc-m468-83gw] pkg:npm/lodash@4.17.15 not_affected (vulnerable_code_not_in_execute_path) \"never called\"",
            "CVE-2020-8203 [GHSA-p6mc-m468-83gw] pkg:npm/minimist@1.2.5 not_affected (vulnerable_code_not_in_execute_path) \"never called\"",
            "CVE-2020-8203 [GHSA-p6mc-m468-83gw] shop not_affected (vulnerable_code_not_in_execute_path) \"never called\"",
            "CVE-2021-44906 [] pkg:npm/minimist@1.2.5 not_affected \"requires_environment\"",
            "CVE-2021-23337 [] pkg:npm/lodash@4.17.20 affected \"update\"",
            "CVE-2021-23337 [] pkg:npm/lodash@4.17.21 not_affected \"update\"",
            "CVE-2021-23337 [] pkg:npm/lodash@4.17.1 under_investigation \"update\"",
            "CVE-2000-0001 []  fixed",
            "warning wrong_shape vulnerabilities[0].affects[3]",
            "warning not_one_version vulnerabilities[2].affects[0].versions[2]",
            "warning no_state vulnerabilities[4]",
            "warning wrong_shape vulnerabilities[5]",
        ]
    );
    let (document, _) = vex::read(CYCLONEDX.as_bytes()).unwrap();
    assert_eq!((document.author.as_str(), document.timestamp.as_str()), ("Shop Ltd", "2024-01-01T00:00:00Z"));
    assert!(
        refused(r#"{"bomFormat": "CycloneDX", "specVersion": "1.5"}"#).contains("vulnerabilities should be an array")
    );
}

#[test]
fn cyclonedx_xml() {
    let text = r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.4">
      <components><component bom-ref="a"><name>lodash</name><version>4.17.15</version><purl>pkg:npm/lodash@4.17.15</purl></component></components>
      <vulnerabilities><vulnerability>
        <id>CVE-2020-8203</id>
        <references><reference><id>GHSA-p6mc-m468-83gw</id></reference></references>
        <analysis><state>false_positive</state><justification>code_not_present</justification><detail>not shipped</detail></analysis>
        <affects><target><ref>a</ref></target>
          <target><ref>a</ref><versions><version><version>4.17.1</version><status>affected</status></version></versions></target></affects>
      </vulnerability></vulnerabilities>
    </bom>"#;
    assert_eq!(
        lines(text),
        [
            "CVE-2020-8203 [GHSA-p6mc-m468-83gw] pkg:npm/lodash@4.17.15 not_affected (vulnerable_code_not_present) \"not shipped\"",
            "CVE-2020-8203 [GHSA-p6mc-m468-83gw] pkg:npm/lodash@4.17.1 not_affected (vulnerable_code_not_present) \"not shipped\"",
        ]
    );
}

const CSAF: &str = r#"{
    "document": {"category": "csaf_vex", "csaf_version": "2.0", "publisher": {"name": "Shop Ltd"},
                 "tracking": {"id": "SHOP-1", "version": "3", "current_release_date": "2024-01-01T00:00:00Z"}},
    "product_tree": {
        "branches": [{"category": "vendor", "name": "x", "branches": [
            {"category": "product_version", "name": "4.17.15", "product": {"product_id": "P1", "name": "lodash 4.17.15",
             "product_identification_helper": {"purl": "pkg:npm/lodash"}}},
            {"category": "product_version_range", "name": "vers:npm/<4.17.21", "product": {"product_id": "P2", "name": "lodash before 4.17.21",
             "product_identification_helper": {"purl": "pkg:npm/lodash"}}}]}],
        "full_product_names": [{"product_id": "P3", "name": "shop", "product_identification_helper": {"cpe": "cpe:/a:shop"}}],
        "relationships": [{"category": "default_component_of", "product_reference": "P1", "relates_to_product_reference": "P3",
                           "full_product_name": {"product_id": "P3:P1", "name": "lodash in shop"}}],
        "product_groups": [{"group_id": "G1", "product_ids": ["P3:P1"]}]
    },
    "vulnerabilities": [
        {"cve": "CVE-2020-8203", "ids": [{"system_name": "GitHub", "text": "GHSA-p6mc-m468-83gw"}],
         "product_status": {"known_not_affected": ["P3:P1", "P2", "P9"], "known_affected": ["P1"], "recommended": ["P1"]},
         "flags": [{"label": "vulnerable_code_not_in_execute_path", "group_ids": ["G1"]}],
         "threats": [{"category": "impact", "details": "never called", "product_ids": ["P3:P1"]}],
         "remediations": [{"category": "vendor_fix", "details": "update", "product_ids": ["P1"]}]},
        {"ids": [{"text": "SHOP-V1"}], "product_status": {"fixed": ["P1"], "under_investigation": ["P3"]}},
        {"product_status": {"fixed": ["P1"]}}
    ]
}"#;

#[test]
fn csaf() {
    assert_eq!(
        lines(CSAF),
        [
            "CVE-2020-8203 [GHSA-p6mc-m468-83gw] pkg:npm/lodash@4.17.15 not_affected (vulnerable_code_not_in_execute_path) \"never called\"",
            "CVE-2020-8203 [GHSA-p6mc-m468-83gw] lodash before 4.17.21 not_affected",
            "CVE-2020-8203 [GHSA-p6mc-m468-83gw] pkg:npm/lodash@4.17.15 affected \"update\"",
            "SHOP-V1 [] pkg:npm/lodash@4.17.15 fixed",
            "SHOP-V1 [] shop under_investigation",
            "warning not_one_version P2",
            "warning unknown_product vulnerabilities[0]",
            "warning wrong_shape vulnerabilities[2]",
        ]
    );
    let (document, _) = vex::read(CSAF.as_bytes()).unwrap();
    assert_eq!((document.id.as_str(), document.version), ("SHOP-1", 3));
    assert!(refused(&CSAF.replace("\"2.0\"", "\"1.2\"")).contains("version \"1.2\" is not read; CSAF 2.0 and 2.1 are"));
}

#[test]
fn what_csaf_says_again_and_again_is_bounded() {
    let product = r#"{"product_id": "P", "name": "a"}"#;
    let group = format!(r#"{{"group_id": "G", "product_ids": ["P"{}]}}"#, r#", "P""#.repeat(9_999));
    let flags = r#"{"label": "component_not_present", "group_ids": ["G"]},"#.repeat(1_001);
    let text = format!(
        r#"{{"document": {{"csaf_version": "2.0"}}, "product_tree": {{"full_product_names": [{product}], "product_groups": [{group}]}},
            "vulnerabilities": [{{"cve": "CVE-1", "flags": [{flags} {{}}], "product_status": {{"known_not_affected": ["P"]}}}}]}}"#
    );
    assert_eq!(refused(&text), "read a VEX document: more than 10000000 mentions of products");
}

#[test]
fn our_own_csaf_and_openvex_and_neither() {
    let openvex = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{"vulnerability": {"name": "CVE-2020-8203"},
        "products": [{"@id": "pkg:npm/lodash@4.17.15"}], "status": "fixed"}]}"#;
    assert_eq!(lines(openvex), ["CVE-2020-8203 [] pkg:npm/lodash@4.17.15 fixed"]);
    assert!(refused("{}").contains("@context should be an OpenVEX context"));
    assert!(refused("<html/>").contains("the root element should be a CycloneDX bom"));
    assert!(refused("").contains("not JSON"));
}

#[test]
fn no_change_makes_a_reader_panic() {
    let documents = [CYCLONEDX.as_bytes().to_vec(), CSAF.as_bytes().to_vec()];
    for number in 0..3_000 {
        let seed = 20_261_127 + number;
        let bytes = crate::inventory::mutate::mutant(&documents, &mut crate::inventory::mutate::Numbers::new(seed));
        assert!(std::panic::catch_unwind(|| drop(vex::read(&bytes))).is_ok(), "seed {seed}");
    }
}
