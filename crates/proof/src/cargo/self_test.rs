//! The oracles' own test among Rust programs: a crate of ours with each defect and the same without. Must not use the
//! network.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use domain::proof::OracleKind;

use crate::bundle::{Bundle, BundleError};

/// The crate the self-test is about; never fetched.
pub const CRATE: &str = "proofhouse-self-test";
/// Its version.
pub const VERSION: &str = "1.0.0";

/// Functions with each defect, and the same without.
const LIB: &str = r#"use std::process::Command;
pub fn read(path: &str) -> String { std::fs::read_to_string(path).unwrap_or_default() }
pub fn write(path: &str) { let _ = std::fs::write(path, "x"); }
pub fn run(name: &str) { let _ = Command::new("sh").args(["-c", &format!("true {name}")]).status(); }
pub fn safe_run(name: &str) { let _ = Command::new("true").arg(name).status(); }
#[inline(never)]
pub fn slow(n: u64) -> u64 { let mut x = 1u64; for _ in 0..n { x ^= fast(n); } x }
#[inline(never)]
pub fn fast(n: u64) -> u64 { (0..n).fold(1, |x, i| std::hint::black_box(x * 7 + i) % 1_000_003) }
pub fn broken() -> bool { true }
pub fn hoard(n: usize) -> usize { (0..n).map(|_| std::hint::black_box(vec![1u8; 1 << 20])).collect::<Vec<_>>().len() }
pub fn peek(at: usize) -> u8 {
    let bytes = std::hint::black_box(vec![1u8; 16]);
    unsafe { *std::hint::black_box(bytes.as_ptr()).add(std::hint::black_box(at)) }
}
pub fn crash() { unsafe { std::hint::black_box(std::ptr::null_mut::<u8>()).write_volatile(1) } }
pub fn spin(mut n: u64) { while std::hint::black_box(n) != 0 { n = n.max(1); } }
pub fn get(url: &str) {
    use std::io::{Read, Write};
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap_or_default();
    if let Ok(mut stream) = std::net::TcpStream::connect(host) {
        let _ = write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    }
}
pub fn safe_get(url: &str) { if !url.starts_with("http://127.") { get(url); } }
pub fn parse(xml: &str) -> String { let path = xml.split('"').nth(1).unwrap_or_default(); read(path) }
pub fn safe_parse(xml: &str) -> String { xml.replace("&x;", "") }
pub fn head(path: &str) -> String { format!("HTTP/1.1 302 Found\r\nLocation: {path}\r\n\r\n") }
pub fn safe_head(path: &str) -> String { head(&path.replace(['\r', '\n'], "")) }
"#;

/// Sizes of the self-test of `cpu-blow-up`: quick, and enough for a fit.
const SIZES: &str = "sizes = [200, 2000, 4000, 8000, 12000, 16000]";

/// The two programs for an oracle: one that fires and one that must not.
fn programs(kind: OracleKind) -> (&'static str, &'static str) {
    match kind {
        OracleKind::FileRead => {
            (r#"show(t::read(&env("PROOF_CANARY_FILE")))"#, r#"t::read(&env("PROOF_CANARY_FILE"));"#)
        }
        OracleKind::FileWrite => (r#"t::write(&env("PROOF_CANARY_WRITE"))"#, r#"t::write("x")"#),
        OracleKind::CommandExecution => (
            r#"t::run(&format!(";{}", env("PROOF_CANARY_EXEC")))"#,
            r#"t::safe_run(&format!(";{}", env("PROOF_CANARY_EXEC")))"#,
        ),
        // Seen with AddressSanitizer and without: the one reads behind a buffer, which crashes nothing by itself.
        OracleKind::MemoryError => {
            ("if t::peek(17) != 255 { t::crash() }", "std::process::exit((t::peek(7) != 1) as i32)")
        }
        OracleKind::UncontrolledAllocation => ("t::hoard(4096);", "t::hoard(8);"),
        OracleKind::InfiniteLoop => ("t::spin(1)", "t::spin(0)"),
        OracleKind::ServerSideRequest => {
            (r#"t::get(&env("PROOF_CANARY_URL"))"#, r#"t::safe_get(&env("PROOF_CANARY_URL"))"#)
        }
        OracleKind::XmlExternalEntity => (
            r#"show(t::parse(&format!("<!ENTITY x SYSTEM \"{}\"><a>&x;</a>", env("PROOF_CANARY_FILE"))))"#,
            r#"show(t::safe_parse(&format!("<!ENTITY x SYSTEM \"{}\"><a>&x;</a>", env("PROOF_CANARY_FILE"))))"#,
        ),
        OracleKind::ResponseSplitting => (
            r#"show(t::head(&format!("/a\r\n{}: {}", env("PROOF_CANARY_HEADER"), env("PROOF_CANARY_VALUE"))))"#,
            r#"show(t::safe_head(&format!("/a\r\n{}: {}", env("PROOF_CANARY_HEADER"), env("PROOF_CANARY_VALUE"))))"#,
        ),
        OracleKind::CpuBlowUp => (
            r#"std::process::exit((t::slow(env("PROOF_SIZE").parse().unwrap()) == 1) as i32 * 0)"#,
            r#"std::process::exit((t::fast(env("PROOF_SIZE").parse().unwrap_or(1)) == 0) as i32 * 0)"#,
        ),
        _ => (
            "std::process::exit(if t::broken() { 10 } else { 0 })",
            "std::process::exit(if t::broken() { 0 } else { 10 })",
        ),
    }
}

/// The proof that must fire and the one that must stay silent.
///
/// # Errors
/// None in practice: the bundles are our own.
pub fn bundles(kind: OracleKind) -> Result<(Bundle, Bundle), BundleError> {
    let (fires, quiet) = programs(kind);
    let bundle = |program: &str| {
        let sizes = if kind == OracleKind::CpuBlowUp { SIZES } else { "" };
        let manifest = format!(
            "proof = 1\ntitle = \"self-test of {kind}\"\n[target]\npurl = \"pkg:cargo/{CRATE}\"\nvulnerable = \"{VERSION}\"\n\
             [runtime]\nkind = \"rust\"\n[run]\nprogram = \"program.rs\"\ncontrol = \"control.rs\"\nrepeat = 1\nwall = \"20s\"\n\
             [oracle]\nkind = \"{kind}\"\n{sizes}\n"
        );
        let program_of = |body: &str| {
            format!(
                "use proofhouse_self_test as t;\nfn env(name: &str) -> String {{ std::env::var(name).unwrap_or_default() }}\n\
                 fn show(text: String) {{ let _ = std::fs::write(env(\"PROOF_OUT\"), text); }}\n\
                 fn main() {{ let _ = (env, show); {body} }}\n"
            )
            .into_bytes()
        };
        let files = BTreeMap::from([
            ("proof.toml".to_owned(), manifest.into_bytes()),
            ("program.rs".to_owned(), program_of(program)),
            ("control.rs".to_owned(), program_of(quiet)),
        ]);
        Bundle::from_files(files, Path::new("self-test"))
    };
    Ok((bundle(fires)?, bundle(quiet)?))
}

/// Writes the crate into the new folder `dest`.
///
/// # Errors
/// Whatever the disk says.
pub fn crate_write(dest: &Path) -> io::Result<()> {
    fs::create_dir_all(dest.join("src"))?;
    fs::write(
        dest.join("Cargo.toml"),
        format!("[package]\nname = \"{CRATE}\"\nversion = \"{VERSION}\"\nedition = \"2021\"\n"),
    )?;
    fs::write(dest.join("src/lib.rs"), LIB)
}
