//! The oracle's own canary test: in this very runtime it fires on what must fire and is quiet on what must not.
//!
//! Runs proofs of our own over a small package of our own, through the same code as any other proof. Must not use the
//! network.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use domain::proof::OracleKind;

use crate::bundle::{Bundle, BundleError};

/// The package the self-test is about; never fetched.
pub const PACKAGE: &str = "proofhouse-self-test";
/// Its version.
pub const VERSION: &str = "1.0.0";

/// Functions with each defect, and the same without.
const INDEX: &str = r"'use strict';
const fs = require('fs');
const child = require('child_process');
exports.merge = function merge(to, from) {
  for (const key in from) {
    if (from[key] && typeof from[key] === 'object') merge(to[key] = to[key] || {}, from[key]);
    else to[key] = from[key];
  }
  return to;
};
exports.safeMerge = (to, from) => Object.assign(to, from);
exports.read = function read(path) { return fs.readFileSync(path, 'utf8'); };
exports.write = function write(path, text) { fs.writeFileSync(path, text); };
exports.run = function run(name) { child.execSync('true ' + name); };
exports.safeRun = function safeRun(name) { child.execFileSync('true', [name]); };
exports.evaluate = function evaluate(text) { return new Function('return ' + text)(); };
exports.slow = function slow(n) { let x = 1; for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) x = (x * 7 + j) | 0; return x; };
exports.fast = function fast(n) { let x = 1; for (let i = 0; i < n; i++) x = (x * 7 + i) | 0; return x; };
exports.broken = () => true;
exports.hoard = function hoard(n) { const kept = []; for (let i = 0; i < n; i++) kept.push(Buffer.alloc(1 << 20, 1)); return kept.length; };
exports.spin = function spin(n) { while (n !== 0) n = n > 0 ? 1 : 0; };
exports.get = function get(url) { return new Promise((done, fail) => require('http').get(url, (r) => r.resume().on('end', done)).on('error', fail)); };
exports.safeGet = function safeGet(url) { return new URL(url).hostname === '127.0.0.1' ? Promise.resolve() : exports.get(url); };
exports.parse = function parse(xml) { return xml.replace(/&x;/, fs.readFileSync(/SYSTEM \x22([^\x22]*)\x22/.exec(xml)[1], 'utf8')); };
exports.safeParse = function safeParse(xml) { return xml.replace(/&x;/, ''); };
exports.revive = function revive(text) { const value = JSON.parse(text); if (value.run) child.execSync(value.run); return value; };
exports.safeRevive = function safeRevive(text) { return JSON.parse(text); };
exports.head = function head(path) { return 'HTTP/1.1 302 Found\r\nLocation: ' + path + '\r\n\r\n'; };
exports.safeHead = function safeHead(path) { return exports.head(encodeURI(path)); };
";

/// Sizes of the self-test of `cpu-blow-up`: quick, and enough for a fit.
const SIZES: &str = "sizes = [500, 4000, 8000, 16000, 32000, 48000]";

/// The two programs for an oracle: one that fires and one that must not.
fn programs(kind: OracleKind) -> (&'static str, &'static str) {
    match kind {
        OracleKind::PrototypePollution => (
            r#"t.merge({}, JSON.parse('{"__proto__":{"shown":1}}'))"#,
            r#"t.safeMerge({}, JSON.parse('{"__proto__":{"shown":1}}'))"#,
        ),
        OracleKind::FileRead => {
            ("console.log(t.read(process.env.PROOF_CANARY_FILE))", "t.read(process.env.PROOF_CANARY_FILE)")
        }
        OracleKind::FileWrite => ("t.write(process.env.PROOF_CANARY_WRITE, 'x')", "t.write(process.cwd() + '/x', 'x')"),
        OracleKind::CommandExecution => {
            ("t.run(';' + process.env.PROOF_CANARY_EXEC)", "t.safeRun(';' + process.env.PROOF_CANARY_EXEC)")
        }
        OracleKind::CodeExecution => (
            "t.evaluate(process.env.PROOF_CANARY_CODE)",
            "new Function(process.env.PROOF_CANARY_CODE)(); t.evaluate('1')",
        ),
        OracleKind::CpuBlowUp => ("t.slow(+process.env.PROOF_SIZE)", "t.fast(+process.env.PROOF_SIZE)"),
        // No script can touch memory where it must not; nothing to fire with.
        OracleKind::MemoryError => ("", ""),
        OracleKind::UncontrolledAllocation => ("t.hoard(4096)", "t.hoard(8)"),
        OracleKind::InfiniteLoop => ("t.spin(1)", "t.spin(0)"),
        OracleKind::ServerSideRequest => {
            ("t.get(process.env.PROOF_CANARY_URL)", "t.safeGet(process.env.PROOF_CANARY_URL)")
        }
        OracleKind::XmlExternalEntity => (
            "console.log(t.parse('<!ENTITY x SYSTEM \"' + process.env.PROOF_CANARY_FILE + '\"><a>&x;</a>'))",
            "console.log(t.safeParse('<!ENTITY x SYSTEM \"' + process.env.PROOF_CANARY_FILE + '\"><a>&x;</a>'))",
        ),
        OracleKind::Deserialisation => (
            "t.revive(JSON.stringify({ run: process.env.PROOF_CANARY_EXEC }))",
            "t.safeRevive(JSON.stringify({ run: process.env.PROOF_CANARY_EXEC }))",
        ),
        OracleKind::ResponseSplitting => (
            "require('fs').writeFileSync(process.env.PROOF_OUT, t.head('/a\\r\\n' + process.env.PROOF_CANARY_HEADER + ': ' + process.env.PROOF_CANARY_VALUE))",
            "require('fs').writeFileSync(process.env.PROOF_OUT, t.safeHead('/a\\r\\n' + process.env.PROOF_CANARY_HEADER + ': ' + process.env.PROOF_CANARY_VALUE))",
        ),
        // No SQLite of its own that may be used here: see the runtime's row.
        OracleKind::SqlInjection => ("", ""),
        OracleKind::Assertion => ("process.exit(t.broken() ? 10 : 0)", "process.exit(t.broken() ? 0 : 10)"),
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
            "proof = 1\ntitle = \"self-test of {kind}\"\n[target]\npurl = \"pkg:npm/{PACKAGE}\"\nvulnerable = \"{VERSION}\"\n\
             [runtime]\nkind = \"node\"\n[run]\nprogram = \"program.js\"\ncontrol = \"control.js\"\nrepeat = 1\nwall = \"20s\"\n\
             [oracle]\nkind = \"{kind}\"\n{sizes}\n"
        );
        let script = |body: &str| format!("'use strict';\nconst t = require('{PACKAGE}');\n{body};\n").into_bytes();
        let files = BTreeMap::from([
            ("proof.toml".to_owned(), manifest.into_bytes()),
            ("program.js".to_owned(), script(program)),
            ("control.js".to_owned(), script(quiet)),
        ]);
        Bundle::from_files(files, Path::new("self-test"))
    };
    Ok((bundle(fires)?, bundle(quiet)?))
}

/// Writes the package into the new folder `dest`.
///
/// # Errors
/// Whatever the disk says.
pub fn package_write(dest: &Path) -> io::Result<()> {
    fs::create_dir_all(dest)?;
    fs::write(dest.join("package.json"), format!(r#"{{"name":"{PACKAGE}","version":"{VERSION}","main":"index.js"}}"#))?;
    fs::write(dest.join("index.js"), INDEX)
}
