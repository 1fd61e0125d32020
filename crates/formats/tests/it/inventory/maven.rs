//! pom.xml: what it says itself, what it leaves to a parent, and XML that must not be followed.

use super::{data, lines, read_lines, refused};

pub const POM: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>3.0</version></parent>
  <artifactId>shop</artifactId>
  <properties>
    <log4j.version>2.14.1</log4j.version>
    <jackson>${jackson.of.parent}</jackson>
    <a>${b}</a><b>${a}</b>
    <group>org.apache</group>
    <odd>${unclosed</odd>
  </properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>commons-io</groupId><artifactId>commons-io</artifactId><version>2.6</version></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>${group}.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>${log4j.version}</version></dependency>
    <dependency><groupId>commons-io</groupId><artifactId>commons-io</artifactId></dependency>
    <dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-databind</artifactId><version>${jackson}</version></dependency>
    <dependency><groupId>a</groupId><artifactId>cyclic</artifactId><version>${a}</version></dependency>
    <dependency><groupId>a</groupId><artifactId>range</artifactId><version>[1.0,2.0)</version></dependency>
    <dependency><groupId>a</groupId><artifactId>exact</artifactId><version>[1.5]</version></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>sibling</artifactId><version>${project.version}</version></dependency>
    <dependency><groupId>a</groupId><artifactId>system</artifactId><version>1</version><scope>system</scope></dependency>
    <dependency><groupId>a</groupId><artifactId>unmanaged</artifactId></dependency>
    <dependency><artifactId>groupless</artifactId><version>1</version></dependency>
    <dependency><groupId>a</groupId><artifactId>odd</artifactId><version>${odd}</version></dependency>
    <!-- <dependency><groupId>a</groupId><artifactId>comment</artifactId></dependency> -->
  </dependencies>
  <profiles><profile><dependencies>
    <dependency><groupId>b</groupId><artifactId>profiled</artifactId><version>1.0</version></dependency>
  </dependencies></profile></profiles>
</project>
"#;

#[test]
fn pom() {
    assert_eq!(
        read_lines(POM),
        [
            "dependencies[0]: Maven org.apache.logging.log4j:log4j-core 2.14.1",
            "dependencies[1]: Maven commons-io:commons-io 2.6",
            "dependencies[2]: com.fasterxml.jackson.core:jackson-databind [unresolved]",
            "dependencies[3]: a:cyclic [unresolved]",
            "dependencies[4]: a:range [not-pinned]",
            "dependencies[5]: Maven a:exact 1.5",
            "dependencies[6]: Maven org.example:sibling 3.0",
            "dependencies[7]: a:system [from-file]",
            "dependencies[8]: a:unmanaged [unresolved]",
            "dependencies[9]: :groupless [unresolved]",
            "dependencies[10]: a:odd [unresolved]",
            "profiles[0].dependencies[0]: Maven b:profiled 1.0",
            "warning parent parent",
            "warning profile profiles[0].dependencies[0]",
        ]
    );
    let (inventory, _) = formats::inventory::read(POM.as_bytes()).unwrap();
    assert_eq!(inventory.subject.as_deref(), Some("shop 3.0"));
    assert_eq!(inventory.components[0].purl.as_deref(), Some("pkg:maven/org.apache.logging.log4j/log4j-core"));
}

#[test]
fn a_property_that_grows_is_not_followed() {
    let doubled: String = (0..15).map(|n| format!("<p{n}>${{p{0}}}${{p{0}}}</p{n}>", n + 1)).collect();
    let pom = format!(
        "<project><modelVersion>4.0.0</modelVersion><properties>{doubled}<p15>xxxxxxxxxxxxxxxx</p15></properties>\
         <dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId><version>${{p0}}</version></dependency>\
         </dependencies></project>"
    );
    assert_eq!(read_lines(&pom), ["dependencies[0]: a:b [unresolved]"]);
    let long = pom
        .replace("<p15>xxxxxxxxxxxxxxxx</p15>", &format!("<p15>{}</p15>", "x".repeat(2_000)))
        .replace("${p0}", "${p15}");
    assert_eq!(read_lines(&long), ["dependencies[0]: a:b [unresolved]"]);
}

#[test]
fn xml_that_would_multiply_or_exhaust_is_refused() {
    let entity = "<!DOCTYPE project [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><project><modelVersion>&b;</modelVersion></project>";
    assert!(refused(entity).starts_with("read an inventory: not XML: "), "{}", refused(entity));
    let outside = "<!DOCTYPE project SYSTEM \"file:///etc/passwd\"><project><modelVersion>4</modelVersion></project>";
    assert!(refused(outside).starts_with("read an inventory: not XML: "));
    let deep = "read an inventory: more than 128 levels of elements";
    assert_eq!(refused(&"<a>".repeat(200_000)), deep);
    assert_eq!(refused(&"<a b=\"/>\">".repeat(200_000)), deep);
    assert_eq!(refused(&format!("{}<!-- {} -->{}", "<a>".repeat(100), "</a>".repeat(100), "<a>".repeat(100))), deep);
    assert!(refused(&"<a b=".repeat(200_000)).contains("more than 128"));
    let many = format!("<project>{}</project>", "<a/>".repeat(2_100_000));
    assert_eq!(refused(&many), "read an inventory: more than 2000000 XML nodes");
    let attributes = format!("<project {}/>", "a='' ".repeat(100_000));
    assert_eq!(refused(&attributes), "read an inventory: more than 64 attributes of one element");
    let namespaces = format!("<project>{}</project>", "<a xmlns:b='x'/>".repeat(1_001));
    assert_eq!(refused(&namespaces), "read an inventory: more than 1000 declared namespaces");
    assert!(refused("<html></html>").starts_with("read an inventory: it is none of "));
}

#[test]
fn maven_reads_it_so_too() {
    let own = lines(formats::inventory::read(&data("pom.xml")));
    assert_eq!(
        own,
        [
            "dependencies[0]: Maven org.apache.logging.log4j:log4j-core 2.14.1",
            "dependencies[1]: Maven commons-io:commons-io 2.6",
        ]
    );
}
