//! The oracles' own test in Java: a class of ours with each defect and without, compiled and run like any other. Must not use
//! the network.

use std::collections::BTreeMap;
use std::path::Path;

use domain::proof::OracleKind;

use super::build::{BUILT_FOLDER, Recipe, main_class};
use crate::bundle::{Bundle, BundleError};
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::npm::layer::closure_digest;
use crate::runtime::{Ground, Ready, Toolchain};
use crate::sandbox::Mount;

/// The artefact; never fetched.
pub const NAME: &str = "invalid.proofhouse:selftest";
/// Its purl.
const PURL: &str = "pkg:maven/invalid.proofhouse/selftest";
/// Its version.
pub const VERSION: &str = "1.0.0";

/// Its class, in the file that everything of the self-test is compiled from.
const SOURCE: &str = r#"import java.io.*;
import java.net.*;
import java.nio.file.*;
import java.util.*;
import javax.xml.parsers.*;

/** Methods with each defect, and the same without. */
public class Selftest {
    public static String read(String path) throws Exception { return new String(Files.readAllBytes(Paths.get(path))); }
    public static void write(String path) throws Exception { Files.write(Paths.get(path), new byte[] {'x'}); }
    public static void run(String name) throws Exception {
        new ProcessBuilder("/bin/sh", "-c", "true " + name).start().waitFor();
    }
    public static void safeRun(String name) throws Exception { new ProcessBuilder("/bin/true", name).start().waitFor(); }
    /** The name of a class, of its instance, of a method, and its argument. */
    public static void evaluate(String text) throws Exception {
        String[] words = text.split(" ");
        Class<?> type = Class.forName(words[0]);
        Object on = type.getMethod(words[1]).invoke(null);
        ((Process) type.getMethod(words[2], String.class).invoke(on, words[3])).waitFor();
    }
    public static void safeEvaluate(String text) { text.split(" "); }
    public static long slow(int n) { long x = 1; for (int i = 0; i < n; i++) x ^= fast(n); return x; }
    public static long fast(int n) { long x = 1; for (int i = 0; i < n; i++) x = x * 7 + i; return x; }
    public static int hoard(int count) {
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < count; i++) { byte[] one = new byte[1 << 20]; Arrays.fill(one, (byte) 1); kept.add(one); }
        return kept.size();
    }
    public static void spin(int n) { while (n != 0) n = n > 0 ? 1 : 0; }
    public static void get(String url) throws Exception { new URL(url).openStream().close(); }
    public static void safeGet(String url) throws Exception { if (!new URL(url).getHost().startsWith("127.")) get(url); }
    public static String parse(String xml) throws Exception {
        return factory().newDocumentBuilder().parse(new ByteArrayInputStream(xml.getBytes())).getDocumentElement().getTextContent();
    }
    public static String safeParse(String xml) throws Exception {
        DocumentBuilderFactory factory = factory();
        factory.setExpandEntityReferences(false);
        factory.setFeature("http://xml.org/sax/features/external-general-entities", false);
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(xml.getBytes())).getDocumentElement().getTextContent();
    }
    private static DocumentBuilderFactory factory() { return DocumentBuilderFactory.newInstance(); }
    public static class Gadget implements Serializable {
        public String name;
        private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
            in.defaultReadObject();
            try { new ProcessBuilder(name).start().waitFor(); } catch (InterruptedException e) { throw new IOException(e); }
        }
    }
    public static byte[] gadget(String name) throws Exception {
        Gadget gadget = new Gadget();
        gadget.name = name;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new ObjectOutputStream(bytes).writeObject(gadget);
        return bytes.toByteArray();
    }
    public static void revive(byte[] bytes) throws Exception { new ObjectInputStream(new ByteArrayInputStream(bytes)).readObject(); }
    public static void safeRevive(byte[] bytes) throws Exception {
        ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes));
        in.setObjectInputFilter(info -> ObjectInputFilter.Status.REJECTED);
        try { in.readObject(); } catch (InvalidClassException refused) { }
    }
    public static String head(String path) { return "HTTP/1.1 302 Found\r\nLocation: " + path + "\r\n\r\n"; }
    public static String safeHead(String path) { return head(path.replaceAll("[\r\n]", "")); }
    public static boolean broken() { return true; }
}
"#;

/// Sizes of the self-test of `cpu-blow-up`: quick, and enough for a fit.
const SIZES: &str = "sizes = [500, 4000, 8000, 16000, 24000, 32000]";

/// The two programs for an oracle: one that fires and one that must not.
fn programs(kind: OracleKind) -> (&'static str, &'static str) {
    match kind {
        OracleKind::FileRead => {
            (r#"System.out.println(read(env("PROOF_CANARY_FILE")))"#, r#"read(env("PROOF_CANARY_FILE"))"#)
        }
        OracleKind::FileWrite => (r#"write(env("PROOF_CANARY_WRITE"))"#, r#"write("x")"#),
        OracleKind::CommandExecution => {
            (r#"run(";" + env("PROOF_CANARY_EXEC"))"#, r#"safeRun(";" + env("PROOF_CANARY_EXEC"))"#)
        }
        OracleKind::CodeExecution => (
            r#"evaluate("java.lang.Runtime getRuntime exec " + env("PROOF_CANARY_EXEC"))"#,
            r#"safeEvaluate("java.lang.Runtime getRuntime exec " + env("PROOF_CANARY_EXEC"))"#,
        ),
        OracleKind::CpuBlowUp => (
            r#"System.out.println(slow(Integer.parseInt(env("PROOF_SIZE"))))"#,
            r#"String size = env("PROOF_SIZE"); System.out.println(fast(size == null ? 1 : Integer.parseInt(size)))"#,
        ),
        OracleKind::UncontrolledAllocation => ("hoard(4096)", "hoard(8)"),
        OracleKind::InfiniteLoop => ("spin(1)", "spin(0)"),
        OracleKind::ServerSideRequest => (r#"get(env("PROOF_CANARY_URL"))"#, r#"safeGet(env("PROOF_CANARY_URL"))"#),
        OracleKind::XmlExternalEntity => (
            r#"System.out.println(parse("<!DOCTYPE a [<!ENTITY x SYSTEM 'file://" + env("PROOF_CANARY_FILE") + "'>]><a>&x;</a>"))"#,
            r#"System.out.println(safeParse("<!DOCTYPE a [<!ENTITY x SYSTEM 'file://" + env("PROOF_CANARY_FILE") + "'>]><a>&x;</a>"))"#,
        ),
        OracleKind::Deserialisation => {
            (r#"revive(gadget(env("PROOF_CANARY_EXEC")))"#, r#"safeRevive(gadget(env("PROOF_CANARY_EXEC")))"#)
        }
        OracleKind::ResponseSplitting => (
            r#"show(head("/a\r\n" + env("PROOF_CANARY_HEADER") + ": " + env("PROOF_CANARY_VALUE")))"#,
            r#"show(safeHead("/a\r\n" + env("PROOF_CANARY_HEADER") + ": " + env("PROOF_CANARY_VALUE")))"#,
        ),
        _ => ("if (broken()) System.exit(10)", "if (!broken()) System.exit(10)"),
    }
}

/// The three classes for an oracle, in one file with all others: compiled once, started one by one. A bundle's program and control
/// are two files, so that what must be quiet goes by two names.
fn programs_source(kind: OracleKind) -> String {
    let (fires, quiet) = programs(kind);
    let class = class_of(kind);
    let source = |class: &str, body: &str| {
        format!(
            "class {class} extends Selftest {{\n    \
             static String env(String name) {{ return System.getenv(name); }}\n    \
             static void show(String text) throws Exception {{ Files.write(Paths.get(env(\"PROOF_OUT\")), text.getBytes()); }}\n    \
             public static void main(String[] none) throws Exception {{ {body}; }}\n}}\n"
        )
    };
    let fires = source(&format!("{class}Fires"), fires);
    let quiet = source(&format!("{class}Control"), quiet);
    format!("{fires}{quiet}class {class}Quiet extends {class}Control {{ }}\n")
}

/// `FileRead` for `file-read`.
fn class_of(kind: OracleKind) -> String {
    let words = kind.as_str().split('-');
    words.map(|word| main_class(&format!("{word}.java"))).collect()
}

/// The proof that must fire and the one that must stay silent.
///
/// # Errors
/// None in practice: the bundles are our own.
pub fn bundles(kind: OracleKind) -> Result<(Bundle, Bundle), BundleError> {
    let class = class_of(kind);
    let bundle = |which: &str| {
        let sizes = if kind == OracleKind::CpuBlowUp { SIZES } else { "" };
        let (program, control) = (format!("{class}{which}.java"), format!("{class}Control.java"));
        let manifest = format!(
            "proof = 1\ntitle = \"self-test of {kind}\"\n[target]\npurl = \"{PURL}\"\nvulnerable = \"{VERSION}\"\n\
             [runtime]\nkind = \"jvm\"\n[run]\nprogram = \"{program}\"\ncontrol = \"{control}\"\nrepeat = 1\nwall = \"20s\"\n\
             [oracle]\nkind = \"{kind}\"\n{sizes}\n"
        );
        let source = programs_source(kind).into_bytes();
        let files = BTreeMap::from([
            ("proof.toml".to_owned(), manifest.into_bytes()),
            (program, source.clone()),
            (control, source),
        ]);
        Bundle::from_files(files, Path::new("self-test"))
    };
    Ok((bundle("Fires")?, bundle("Quiet")?))
}

/// The artefact with both programs, ready to be run.
///
/// # Errors
/// Where this Java cannot compile them.
pub fn ready(ground: &Ground, toolchain: &Toolchain, oracles: &[OracleKind]) -> Result<Ready, EngineError> {
    let programs: String = oracles.iter().map(|kind| programs_source(*kind)).collect();
    let source = format!("{SOURCE}{programs}");
    let recipe = Recipe {
        class_path: &[],
        class_path_digest: Sha256Hex::of(b"none"),
        program: ("selftest.java", source.as_bytes()),
        control: ("none.java", b"class None { }"),
    };
    let built = recipe.build(ground, toolchain)?;
    if let Some(why) = built.program {
        return Err(EngineError::Unfit { runtime: toolchain.label(), why: why.shortfall().detail });
    }
    let classes = built.place.join("program");
    let mounts =
        ["program", "control"].map(|part| Mount { host: classes.clone(), at: format!("{BUILT_FOLDER}/{part}") });
    Ok(Ready {
        version: VERSION.to_owned(),
        sha256: Sha256Hex::of(source.as_bytes()),
        closure: Vec::new(),
        closure_digest: closure_digest(&[]),
        mounts: mounts.into(),
        unbuilt: Vec::new(),
    })
}
