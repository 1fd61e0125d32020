//! Artefacts of Maven repositories: real ones, compiled against and run in real boxes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proof::maven::Coordinates;
use proof::maven::config::MavenConfig;
use proof::maven::registry::Registry;
use proof::maven::resolve::{self, Wish};
use proof::source::SourceError;
use proof::store::PackageStore;
use proof::{Bundle, Method, ProveReport, RangeOptions, VerifyOptions};
use sha1::{Digest as _, Sha1};

use super::registry::Fake;
use super::{engine, prove, told, watch};

/// It needs another artefact, and that one a third.
const PURL: &str = "pkg:maven/net.minidev/json-smart";
const VULNERABLE: &str = "2.4.8";
const CONTROL: &str = "if (!JSONValue.parseWithException(\"[1]\").toString().equals(\"[1]\")) System.exit(3);";
const OVERFLOWS: &str = "try { JSONValue.parseWithException(\"[\".repeat(50_000)); }
    catch (StackOverflowError broken) { System.exit(10); }
    catch (net.minidev.json.parser.ParseException refused) { }";

fn source(class: &str, body: &str) -> Vec<u8> {
    let imports =
        "import java.io.*;\nimport java.net.*;\nimport java.nio.file.*;\nimport net.minidev.json.JSONValue;\n";
    format!(
        "{imports}public class {class} {{\npublic static void main(String[] none) throws Exception {{\n{body}\n}}\n}}\n"
    )
    .into_bytes()
}

fn bundle(oracle: &str, vulnerable: &str, poc: &str, control: &str) -> Bundle {
    let manifest = format!(
        "proof = 1\ntitle = \"a test\"\n[target]\npurl = \"{PURL}\"\nvulnerable = \"{vulnerable}\"\nfixed = \"2.4.9\"\n\
         [runtime]\nkind = \"jvm\"\n[run]\nprogram = \"poc.java\"\ncontrol = \"control.java\"\nrepeat = 1\nwall = \"10s\"\n\
         [oracle]\nkind = \"{oracle}\"\n"
    );
    let files = BTreeMap::from([
        ("proof.toml".to_owned(), manifest.into_bytes()),
        ("poc.java".to_owned(), source("Poc", poc)),
        ("control.java".to_owned(), source("Control", control)),
    ]);
    Bundle::from_files(files, Path::new("made")).unwrap()
}

fn run(oracle: &str, poc: &str) -> ProveReport {
    prove(&bundle(oracle, VULNERABLE, poc, CONTROL))
}

#[test]
fn a_real_defect_is_confirmed_replayed_and_ranged() {
    let bundle = bundle("assertion", VULNERABLE, OVERFLOWS, CONTROL);
    let report = prove(&bundle);
    assert_eq!(told(&report), format!("confirmed; {VULNERABLE} fired; 2.4.9 silent"));
    assert!(
        report.controls.vacuous_quiet && report.controls.self_test_passed && !report.controls.control_passes_on_stub
    );
    let receipt = fs::read(report.runs[0].receipt.as_ref().unwrap()).unwrap();
    let replayed = engine().verify(&receipt, &VerifyOptions::default(), watch()).unwrap();
    assert!(replayed.verified && replayed.warnings.is_empty(), "{:?}", replayed.warnings);

    let range = engine().range(&bundle, RangeOptions { method: Method::Bisect, fresh: false }, watch()).unwrap();
    assert!(range.fired.iter().any(|version| version == VULNERABLE), "{:?}", range.fired);
    assert!(range.silent.iter().any(|version| version == "2.4.9"), "{:?}", range.unknown);
}

/// Every oracle of the runtime fires on what must fire there and is quiet on what must not.
#[test]
fn each_oracle_is_tested_on_itself() {
    let row = proof::runtime::row(proof::bundle::manifest::RuntimeKind::Jvm);
    for kind in row.oracles {
        let report = run(kind.as_str(), CONTROL);
        assert!(report.controls.self_test_passed, "{kind}");
        assert_eq!(report.grade, "unconfirmed", "{kind}");
    }
}

#[test]
fn what_fires_by_itself_is_not_confirmed() {
    let write = "Files.write(Paths.get(System.getenv(\"PROOF_CANARY_WRITE\")), new byte[1]);";
    for (oracle, poc) in [("assertion", "System.exit(10);"), ("file-write", write)] {
        let report = run(oracle, poc);
        assert_eq!(told(&report), format!("unconfirmed; {VULNERABLE} fired; 2.4.9 fired"));
        assert!(report.grade_reasons.iter().any(|reason| reason.contains("nobody sees in whose hands")));
    }
}

#[test]
fn effects_written_by_hand_or_only_tried_are_not_seen() {
    let write =
        "Files.write(Paths.get(System.getenv(\"PROOF_OUT\")), \"fired\".getBytes()); System.out.println(\"fired\");";
    assert!(told(&run("file-read", write)).ends_with(&format!("{VULNERABLE} silent; 2.4.9 silent")));
    let write = "Files.write(Paths.get(\"/box/executed\"), \"fired\".getBytes());
        try { Files.readAllBytes(Paths.get(System.getenv(\"PROOF_CANARY_EXEC\"))); } catch (IOException refused) { }";
    assert!(told(&run("command-execution", write)).ends_with(&format!("{VULNERABLE} silent; 2.4.9 silent")));
}

#[test]
fn the_host_is_out_of_reach() {
    let poc = "for (String f : new String[] {\"/etc/shadow\", \"/proc/1/environ\"})
            try { Files.readAllBytes(Paths.get(f)); System.exit(10); } catch (IOException refused) { }
        for (String f : new String[] {\"/app/build/program/x\", \"/app/lib/x\", \"/runtime/jdk/x\", \"/x\"})
            try { Files.write(Paths.get(f), new byte[1]); System.exit(10); } catch (IOException refused) { }
        try { new Socket(\"127.0.0.1\", 22); System.exit(10); } catch (IOException refused) { }";
    assert_eq!(told(&run("assertion", poc)), format!("unconfirmed; {VULNERABLE} silent; 2.4.9 silent"));
}

#[test]
fn what_shows_nothing_says_why() {
    let reason = |poc: &str, control: &str, version: &str| {
        let report = prove(&bundle("assertion", version, poc, control));
        let run = &report.runs[0];
        assert_eq!((report.grade.as_str(), run.verdict.as_str()), ("unconfirmed", "inconclusive"));
        format!("{}: {}", run.reason.clone().unwrap_or_default(), run.detail.clone().unwrap_or_default())
    };
    let found = reason("JSONValue.noSuch();", CONTROL, VULNERABLE);
    assert!(found.starts_with("api-absent: ") && found.contains("noSuch"), "{found}");
    let found = reason("int x = \"\";", CONTROL, VULNERABLE);
    assert!(found.starts_with("build-failed: the program does not compile"), "{found}");
    let found = reason("throw new IllegalStateException(\"lost\");", CONTROL, VULNERABLE);
    assert!(found.starts_with("harness-error: ") && found.contains("IllegalStateException: lost"), "{found}");
    let found = reason("throw new NoClassDefFoundError(\"lost\");", CONTROL, VULNERABLE);
    assert!(found.starts_with("load-failed: "), "{found}");
    let found = reason(OVERFLOWS, "System.exit(1);", "2.4.9");
    assert!(found.starts_with("control-failed: "), "{found}");
    let found = reason(OVERFLOWS, CONTROL, "9.9.9");
    assert!(found.starts_with("install-failed: "), "{found}");
}

/// A repository of our own: artefacts with what their projects say, and a digest beside each file.
struct Repository {
    fake: Fake,
    room: tempfile::TempDir,
}

impl Repository {
    fn start() -> Self {
        Self { fake: Fake::start(), room: tempfile::tempdir().unwrap() }
    }

    fn file(&self, path: &str, bytes: &[u8]) {
        self.fake.set(path, 200, bytes);
        self.fake.set(&format!("{path}.sha1"), 200, hex::encode(Sha1::digest(bytes)).as_bytes());
    }

    /// An artefact `g:name` of a version, with the inside of its project.
    fn artifact(&self, name: &str, version: &str, inside: &str) {
        let start = format!("/g/{name}/{version}/{name}-{version}");
        let pom = format!("<project><artifactId>{name}</artifactId>{inside}</project>");
        self.file(&format!("{start}.pom"), pom.as_bytes());
        self.file(&format!("{start}.jar"), start.as_bytes());
    }

    /// What is chosen for a target and pins, each as `name version`.
    fn chosen(&self, target: &str, pins: &[&str]) -> Result<Vec<String>, SourceError> {
        let settings = format!(
            "<settings><mirrors><mirror><id>m</id><mirrorOf>central</mirrorOf><url>{}</url></mirror></mirrors></settings>",
            self.fake.address
        );
        let registry = Registry::new(&MavenConfig::of_text(&settings), self.room.path().join("cache"));
        let store = PackageStore::new(self.room.path().join("store"), None);
        let of = |text: &str| {
            let (name, version) = text.split_once(' ').unwrap();
            Coordinates::of(&format!("g:{name}"), version).unwrap()
        };
        let pins: Vec<Coordinates> = pins.iter().map(|pin| of(pin)).collect();
        let files = resolve::choose(&registry, &store, &Wish { target: &of(target), pins: &pins })?;
        for file in &files {
            registry.obtain(&store, file)?;
        }
        Ok(files.iter().map(|file| format!("{} {}", file.of.artifact, file.of.version)).collect())
    }
}

fn needs(list: &[&str]) -> String {
    let one = |text: &&str| {
        let (name, rest) = text.split_once(' ').unwrap();
        let (version, more) = rest.split_once(' ').unwrap_or((rest, ""));
        let version = if version == "-" { String::new() } else { format!("<version>{version}</version>") };
        format!("<dependency><groupId>g</groupId><artifactId>{name}</artifactId>{version}{more}</dependency>")
    };
    format!("<dependencies>{}</dependencies>", list.iter().map(one).collect::<String>())
}

const PARENT: &str = "<parent><groupId>g</groupId><artifactId>parent</artifactId><version>1</version></parent>";

#[test]
fn a_class_path_is_chosen_as_maven_does() {
    let repository = Repository::start();
    let out = "<exclusions><exclusion><groupId>g</groupId><artifactId>*</artifactId></exclusion></exclusions>";
    let managed = format!(
        "<dependencyManagement>{}</dependencyManagement>",
        needs(&["a ${a.version}", "bom 1 <type>pom</type><scope>import</scope>",])
    );
    repository.artifact("parent", "1", &format!("<properties><a.version>0</a.version></properties>{managed}"));
    let imported = needs(&["b 2", "a 9"]);
    repository.artifact(
        "bom",
        "1",
        &format!("<version>1</version><dependencyManagement>{imported}</dependencyManagement>"),
    );
    let own = needs(&[
        "a -",
        "b -",
        "c [1,3)",
        &format!("d 1 {out}"),
        "e 1 <scope>test</scope>",
        "f 1 <optional>true</optional>",
        "h 1 <scope>provided</scope>",
    ]);
    repository.artifact("top", "5", &format!("{PARENT}<properties><a.version>1</a.version></properties>{own}"));
    repository.artifact("a", "1", &needs(&["x 1"]));
    repository.artifact("b", "2", &needs(&["x 2", "c 9"]));
    repository.artifact("c", "2.5", "");
    repository.artifact("d", "1", &needs(&["y 1"]));
    repository.artifact("x", "1", &needs(&["z ${project.version}"]));
    repository.artifact("z", "1", &needs(&["top 1"]));
    let versions = "<version>1</version><version>2.5</version><version>3</version>";
    let list = format!("<metadata><versioning><versions>{versions}</versions></versioning></metadata>");
    repository.fake.set("/g/c/maven-metadata.xml", 200, list.as_bytes());
    let chosen = repository.chosen("top 5", &[]).unwrap();
    assert_eq!(chosen, ["top 5", "a 1", "b 2", "c 2.5", "d 1", "x 1", "z 1"]);
    repository.artifact("c", "1", "");
    let chosen = repository.chosen("top 5", &["c 1"]).unwrap();
    assert_eq!(chosen, ["top 5", "c 1", "a 1", "b 2", "d 1", "x 1", "z 1"]);
}

#[test]
fn a_repository_that_misbehaves_is_refused() {
    let repository = Repository::start();
    let refused = |target: &str| repository.chosen(target, &[]).unwrap_err().to_string();
    assert!(refused("gone 1").contains("not available here"));
    repository.artifact("lost", "1", &needs(&["gone 1"]));
    assert!(refused("lost 1").contains("g:lost:1 asks for g:gone as `1`"), "{}", refused("lost 1"));
    repository.artifact("vague", "1", &needs(&["lost ${nowhere}"]));
    assert!(refused("vague 1").contains("that is no version"));
    repository.artifact("entity", "1", "");
    repository.file(
        "/g/entity/1/entity-1.pom",
        b"<!DOCTYPE project [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><project>&e;</project>",
    );
    assert!(refused("entity 1").contains("DTD"), "{}", refused("entity 1"));
    repository.artifact(
        "circle",
        "1",
        "<parent><groupId>g</groupId><artifactId>circle</artifactId><version>1</version></parent>",
    );
    assert!(refused("circle 1").contains("too many parents"));
    repository.artifact("other", "1", "");
    repository.fake.set("/g/other/1/other-1.jar", 200, b"other bytes");
    assert!(refused("other 1").contains("the tarball's digest is"), "{}", refused("other 1"));
    repository.fake.set("/g/other/1/other-1.jar.sha1", 404, b"");
    assert!(refused("other 1").contains("no digest is served beside it"));
}
