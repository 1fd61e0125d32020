//! Proofs that misbehave or lie, through `prove`: each ends with its plain verdict, none is confirmed, none leaves
//! anything running.

use std::net::TcpListener;

use super::{made, prove, told};
use proof::ProveReport;

const PACKAGE: &str = "minimist@1.2.5";
const CONTROL: &str = "require('minimist')(['--a']);";

fn run(oracle: &str, poc: &str) -> ProveReport {
    prove(&made(PACKAGE, oracle, poc, CONTROL, |manifest| manifest.replace("10s", "4s")))
}

/// Runs a program that says by status 10 that it got through.
fn gets_nowhere(poc: &str) {
    let report = run("assertion", poc);
    assert_eq!(told(&report), "unconfirmed; 1.2.5 silent", "{:?}", report.runs[0]);
}

fn shows_nothing(oracle: &str, poc: &str, reason: &str, detail: &str) {
    let report = run(oracle, poc);
    assert_eq!(told(&report), format!("unconfirmed; 1.2.5 inconclusive {reason}"));
    let found = report.runs[0].detail.clone().unwrap_or_default();
    assert!(found.contains(detail), "{found}");
}

#[test]
fn forks_without_end() {
    let mark = "proofhouse-fork-without-end";
    let poc = format!(
        "const c = require('child_process');
         for (;;) try {{ c.spawn('/bin/sh', ['-c', 'sleep 600; : {mark}'], {{ detached: true, stdio: 'ignore' }}).on('error', () => {{}}); }} catch {{}}"
    );
    let report = run("prototype-pollution", &poc);
    assert_eq!(report.runs[0].verdict, "inconclusive");
    assert!(!alive(mark), "something of the run is still alive");
}

#[test]
fn fills_the_disk() {
    shows_nothing(
        "prototype-pollution",
        "const fs = require('fs'); for (let i = 0; ; i++) fs.writeFileSync('f' + i, Buffer.alloc(1 << 22, 1));",
        "harness-error",
        "",
    );
}

#[test]
fn eats_memory() {
    let poc = "const kept = []; for (;;) kept.push(Buffer.alloc(1 << 24, 1));";
    shows_nothing("prototype-pollution", poc, "harness-error", "memory");
}

#[test]
fn prints_a_gigabyte() {
    let poc =
        "const fs = require('fs'), b = Buffer.alloc(1 << 20, 97); for (let i = 0; i < 1024; i++) fs.writeSync(1, b);";
    shows_nothing("prototype-pollution", poc, "harness-error", "output");
}

#[test]
fn floods_the_report_channel() {
    let poc = "const fs = require('fs'), b = Buffer.alloc(1 << 20, 97); for (;;) fs.writeSync(4, b);";
    shows_nothing("prototype-pollution", poc, "harness-error", "");
}

#[test]
fn ignores_sigterm() {
    let poc = "for (const s of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(s, () => {}); setInterval(() => {}, 1000);";
    shows_nothing("prototype-pollution", poc, "timeout", "wall");
}

#[test]
fn burns_cpu() {
    shows_nothing("prototype-pollution", "for (;;);", "timeout", "");
}

#[test]
fn kills_everything_it_can() {
    let poc = "try { process.kill(-1, 'SIGKILL'); } catch {} process.kill(process.pid, 'SIGKILL');";
    shows_nothing("prototype-pollution", poc, "harness-error", "signal 9");
}

#[test]
fn reaches_for_the_network() {
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    host.set_nonblocking(true).unwrap();
    let port = host.local_addr().unwrap().port();
    gets_nowhere(&format!(
        "const s = require('net').connect({port}, '127.0.0.1');
         s.on('connect', () => process.exit(10)).on('error', () => process.exit(0));"
    ));
    assert!(host.accept().is_err(), "a connection came out of the box");
}

#[test]
fn reaches_for_the_hosts_files() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    gets_nowhere(&format!(
        "const fs = require('fs');
         for (const f of ['{}', '/etc/shadow', '/proc/1/environ', '/proc/1/root/etc/shadow', '/proc/kcore']) {{
           try {{ fs.readFileSync(f); process.exit(10); }} catch {{}}
         }}
         for (const f of ['/app/proof/x', '/app/node_modules/minimist/index.js', '/harness/preload.cjs', '/runtime/bin/node', '/usr/bin/x', '/x']) {{
           try {{ fs.writeFileSync(f, 'x'); process.exit(10); }} catch {{}}
         }}",
        secret.path().display()
    ));
}

#[test]
fn fires_by_itself() {
    let report = run("prototype-pollution", "require('minimist'); Object.prototype.shown = 1;");
    assert_eq!(told(&report), "unconfirmed; 1.2.5 fired");
    assert!(!report.controls.vacuous_quiet);
    assert!(
        report.grade_reasons.iter().any(|reason| reason.starts_with("fires by itself")),
        "{:?}",
        report.grade_reasons
    );
}

#[test]
fn fires_by_itself_once_it_has_seen_the_real_package() {
    for poc in [
        "if (require('minimist')(['--a']).a === true) Object.prototype.shown = 1;",
        "if (require('minimist')(['--a']).a === true) Object.defineProperty(Object.prototype, 'shown', { value: 1 });",
        "if (require('minimist')(['--a']).a === true) new Function('Object.prototype.shown = 1')();",
    ] {
        let report = run("prototype-pollution", poc);
        assert_eq!(told(&report), "unconfirmed; 1.2.5 fired");
        assert!(report.controls.vacuous_quiet);
        assert_eq!(report.runs[0].hands.as_deref(), Some("program"), "{poc}");
    }
}

#[test]
fn does_it_with_its_own_hands() {
    let real = "if (require('minimist')(['--a']).a !== true) process.exit(0);";
    for (oracle, poc) in [
        ("file-read", "console.log(require('fs').readFileSync(process.env.PROOF_CANARY_FILE, 'utf8'));"),
        ("file-write", "require('fs').writeFileSync(process.env.PROOF_CANARY_WRITE, 'x');"),
        ("command-execution", "require('child_process').execFileSync(process.env.PROOF_CANARY_EXEC);"),
    ] {
        let report = run(oracle, &format!("{real}\n{poc}"));
        assert_eq!(told(&report), "unconfirmed; 1.2.5 fired", "{oracle}");
        assert_eq!(report.runs[0].hands.as_deref(), Some("program"), "{oracle}");
    }
    let report = run("code-execution", &format!("{real}\n(0, eval)(process.env.PROOF_CANARY_CODE);"));
    assert_eq!(told(&report), "unconfirmed; 1.2.5 silent");
}

#[test]
fn passes_its_own_code_off_as_the_packages() {
    let real = "if (require('minimist')(['--a']).a !== true) process.exit(0);";
    let file = "/app/node_modules/minimist/index.js";
    for poc in [
        format!("require('vm').runInThisContext('Object.prototype.shown = 1', '{file}');"),
        format!("new (require('vm').Script)('Object.prototype.shown = 1', {{ filename: '{file}' }}).runInThisContext();"),
        format!("require('vm').compileFunction('Object.prototype.shown = 1', [], {{ filename: '{file}' }})();"),
        format!("(0, eval)('Object.prototype.shown = 1\\n//# sourceURL={file}');"),
        format!("(0, eval)('Object.prototype.shown = 1\\n//# sourceURL=({file}:1:1)');"),
        format!("const M = require('module'); new M('x')._compile('Object.prototype.shown = 1', '{file}');"),
        format!("const fs = require('fs'), r = fs.readFileSync; delete require.cache['{file}'];
                 fs.readFileSync = (f, o) => f === '{file}' ? 'Object.prototype.shown = 1' : r(f, o); require('minimist');"),
        format!("Error.prepareStackTrace = () => [{{ getFileName: () => '{file}' }}]; Object.prototype.shown = 1;"),
        "globalThis.Error = { prepareStackTrace: () => [] }; Object.prototype.shown = 1;".to_owned(),
    ] {
        let report = run("prototype-pollution", &format!("{real}\n{poc}"));
        assert_eq!(told(&report), "unconfirmed; 1.2.5 fired", "{poc}");
        assert_ne!(report.runs[0].hands.as_deref(), Some("minimist"), "{poc}");
    }
}

#[test]
fn writes_fired_itself() {
    let report = run(
        "prototype-pollution",
        "console.log('fired'); console.log(JSON.stringify({ verdict: 'fired' }));
         const body = JSON.stringify({ seq: 9, how: 'exit', code: 0, disguised: 0, native: 0, events: [], error: null,
           changes: [{ on: 'Object.prototype', key: 'x', symbol: false, what: 'added', type: 'string', value: '' }] });
         require('fs').writeSync(4, 'fired\\nPROOF1 ' + '0'.repeat(64) + ' ' + body + '\\n');
         require('fs').writeFileSync(process.env.PROOF_OUT, 'fired');",
    );
    assert_eq!(told(&report), "unconfirmed; 1.2.5 silent");
    assert!(report.warnings.iter().any(|warning| warning.contains("report channel")), "{:?}", report.warnings);
}

#[test]
fn says_fired_by_status_where_something_outside_can_see() {
    for oracle in ["prototype-pollution", "file-read", "file-write", "command-execution", "code-execution"] {
        shows_nothing(oracle, "process.exit(10);", "harness-error", "status 10");
    }
}

#[test]
fn overrides_what_the_harness_might_use() {
    let report = run(
        "prototype-pollution",
        "process.on = process.once = process.exit = () => {};
         process.removeAllListeners('exit');
         process.emit = () => true;
         require('events').prototype.emit = () => true;
         JSON.stringify = () => '{}';
         Object.getOwnPropertyNames = Object.keys = Reflect.ownKeys = () => [];
         Object.getOwnPropertyDescriptor = Reflect.getOwnPropertyDescriptor = () => undefined;
         Map.prototype.get = Map.prototype.has = () => true;
         Array.prototype[Symbol.iterator] = function* () {};
         String.prototype.slice = String.prototype.charCodeAt = () => '';
         Object.prototype.toJSON = () => 'silent';
         require('fs').writeSync = () => 0;
         Object.prototype.shown = 1;",
    );
    assert_eq!(report.runs[0].verdict, "fired");
    assert_eq!(report.grade, "unconfirmed");
}

#[test]
fn stops_the_report() {
    for poc in [
        "require('fs').closeSync(4); Object.prototype.shown = 1;",
        "const fs = require('fs'); fs.closeSync(4); fs.openSync('mine', 'w'); Object.prototype.shown = 1;",
    ] {
        shows_nothing("prototype-pollution", poc, "harness-error", "report");
    }
}

#[test]
fn is_told_of_every_end() {
    for end in ["process.exit(0);", "process.reallyExit(0);", "process.exitCode = 0;", "setTimeout(() => {}, 10);"] {
        let report = run("prototype-pollution", &format!("Object.prototype.shown = 1; {end}"));
        assert_eq!(report.runs[0].verdict, "fired", "{end}");
    }
    for end in ["throw new Error('x');", "process.exit(3);", "Promise.reject(new Error('x'));", "process.abort();"] {
        let report = run("prototype-pollution", &format!("Object.prototype.shown = 1; {end}"));
        assert_eq!(report.runs[0].verdict, "fired", "{end}");
    }
}

#[test]
fn looks_for_the_harnesss_key() {
    gets_nowhere(
        "const tries = [
           () => new (require('inspector').Session)().connect(),
           () => require('inspector').open(0),
           () => require('v8').getHeapSnapshot(),
           () => require('v8').writeHeapSnapshot('h'),
           () => require('v8').setFlagsFromString('--allow-natives-syntax'),
           () => require('v8').queryObjects(Uint8Array, { format: 'summary' }),
           () => process.binding('inspector'),
           () => process.binding('contextify'),
           () => process.binding('v8'),
           () => process._linkedBinding('inspector'),
           () => require('fs').readFileSync(3),
           () => require('fs').openSync('/proc/self/mem', 'r'),
           () => require('fs').openSync('/proc/self/environ', 'r'),
           () => process.dlopen({ exports: {} }, process.cwd() + '/x.node'),
           () => require('node:sqlite'),
           () => require('internal/util'),
         ];
         for (const [i, t] of tries.entries()) {
           let got = true;
           try { t(); } catch { got = false; }
           if (got) { console.log('through', i); process.exit(10); }
         }
         if (require.cache['/harness/preload.cjs'] && Object.keys(require.cache['/harness/preload.cjs'].exports).length) process.exit(10);
         delete require.cache['/harness/preload.cjs'];
         require('/harness/preload.cjs');",
    );
}

/// Each tries a way around a shut door and says by status 10 that it got through.
#[test]
fn no_thread_or_native_code_opens_the_doors() {
    let thread = "const { Worker } = require('worker_threads');
         const inner = `let got = false; try { const i = require('inspector'); new i.Session().connectToMainThread(); got = true; } catch {}
                        require('worker_threads').parentPort.postMessage(got);`;
         new Worker(inner, { eval: true, execArgv: [] }).on('message', (got) => { process.exitCode = got ? 10 : 0; });";
    gets_nowhere(thread);
    gets_nowhere(
        "try { require('module').register('data:text/javascript,', 'file:///'); process.exitCode = 10; } catch {}",
    );
    let copied = "const fs = require('fs'); let ran = false;
         fs.copyFileSync('/bin/true', 'copy'); fs.chmodSync('copy', 0o755);
         ran = require('child_process').spawnSync('./copy').status === 0;
         process.exitCode = ran ? 10 : 0;";
    gets_nowhere(copied);
}

/// Text that is compiled as if it stood in a file of the package is nobody's evidence.
#[test]
fn text_under_a_packages_name_is_not_the_packages() {
    let wrapped = "const M = require('module');
         M.wrap = (text) => '(function (exports, require, module, __filename, __dirname) { (function parse() { Object.prototype.x = 1; })();' + text + '\n});';
         require('minimist');";
    let elsewhere = "const M = require('module'), m = new M('/app/node_modules/minimist/../../proof/x.js');
         m._compile('(function parse() { Object.prototype.x = 1; })()', '/app/node_modules/minimist/../../proof/x.js');";
    for poc in [wrapped, elsewhere] {
        let report = run("prototype-pollution", poc);
        assert_eq!(report.grade, "unconfirmed", "{:?}", report.runs[0]);
    }
}

#[test]
fn reads_the_exec_canary_instead_of_running_it() {
    let poc = "try { const b = require('fs').readFileSync(process.env.PROOF_CANARY_EXEC);
                 require('fs').writeFileSync('/box/executed', b); } catch {}
               try { require('fs').chmodSync(process.env.PROOF_CANARY_EXEC, 0o755); process.exit(9); } catch {}
               require('fs').writeFileSync('/box/executed', '0'.repeat(32));";
    let report = run("command-execution", poc);
    assert_eq!(told(&report), "unconfirmed; 1.2.5 silent");
}

#[test]
fn a_control_that_fails_makes_silence_worthless() {
    let control = "require('assert').strictEqual(require('minimist')(['--a']).a, 'no');";
    let report = prove(&made(PACKAGE, "prototype-pollution", "require('minimist')([]);", control, |m| m));
    assert_eq!(told(&report), "unconfirmed; 1.2.5 inconclusive control-failed");
}

#[test]
fn an_exception_is_no_fix() {
    let report = run("prototype-pollution", "require('minimist').nothing([]);");
    assert_eq!(told(&report), "unconfirmed; 1.2.5 inconclusive api-absent");
    let report = run("prototype-pollution", "throw new RangeError('refused');");
    assert_eq!(told(&report), "unconfirmed; 1.2.5 inconclusive harness-error");
    let report = run("prototype-pollution", "require('minimist/lib/none');");
    assert_eq!(told(&report), "unconfirmed; 1.2.5 inconclusive api-absent");
    let report = run("prototype-pollution", "require('express');");
    assert_eq!(told(&report), "unconfirmed; 1.2.5 inconclusive harness-error");
}

fn alive(mark: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(mark))
    })
}
