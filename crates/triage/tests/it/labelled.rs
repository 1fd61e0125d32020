//! A labelled set of our own making: defects that were made up, and reports of each in several formats and several people's words.
//! Also the source of what `cargo xtask bench triage` measures. Deterministic: a seed gives the same set on every machine.

use std::fmt::Write;

use serde_json::json;

/// One report and the defect that it is about.
pub struct Report {
    pub name: String,
    pub text: String,
    pub defect: usize,
}

/// A generator of numbers: the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % below.max(1) as u64) as usize
    }

    fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.next(all.len())]
    }
}

/// How a weakness is called by tools and by people.
struct Weakness {
    asan: &'static str,
    access: &'static str,
    cwe: u32,
    words: [&'static str; 3],
}

const WEAKNESSES: [Weakness; 6] = [
    Weakness {
        asan: "heap-buffer-overflow",
        access: "WRITE",
        cwe: 787,
        words: ["heap buffer overflow", "out-of-bounds write", "heap overflow"],
    },
    Weakness {
        asan: "heap-buffer-overflow",
        access: "READ",
        cwe: 125,
        words: ["out-of-bounds read", "buffer over-read", "heap buffer overflow"],
    },
    Weakness {
        asan: "heap-use-after-free",
        access: "READ",
        cwe: 416,
        words: ["use after free", "use-after-free", "dangling pointer"],
    },
    Weakness {
        asan: "stack-buffer-overflow",
        access: "WRITE",
        cwe: 121,
        words: ["stack buffer overflow", "buffer overflow", "stack-buffer-overflow"],
    },
    Weakness { asan: "double-free", access: "", cwe: 415, words: ["double free", "double-free", "double free"] },
    Weakness {
        asan: "SEGV",
        access: "READ",
        cwe: 476,
        words: ["null pointer dereference", "NULL pointer access", "null dereference"],
    },
];
const NOUNS: [&str; 24] = [
    "chunk", "header", "palette", "frame", "packet", "glyph", "tile", "stream", "record", "table", "index", "cookie",
    "token", "attr", "entity", "scan", "huff", "block", "cell", "node", "page", "slice", "layer", "track",
];
const VERBS: [&str; 16] = [
    "expand", "read", "fill", "copy", "parse", "merge", "skip", "unpack", "decode", "append", "resize", "lookup",
    "flush", "split", "rotate", "emit",
];
const PACKAGES: [&str; 12] = [
    "imagelib",
    "netkit",
    "fontbox",
    "xmlite",
    "jsonic",
    "mediacore",
    "zipper",
    "tinydb",
    "htmlsafe",
    "mailparse",
    "geoshape",
    "audiotag",
];

struct Defect {
    package: &'static str,
    function: String,
    caller: String,
    file: String,
    line: usize,
    weakness: &'static Weakness,
    code: String,
    cve: Option<String>,
    version: String,
}

fn defect(numbers: &mut Numbers, at: usize) -> Defect {
    let (noun, verb) = (numbers.of(&NOUNS), numbers.of(&VERBS));
    let caller = format!("{noun}_{}_all", numbers.of(&VERBS));
    Defect {
        package: PACKAGES[numbers.next(PACKAGES.len())],
        function: format!("{noun}_{verb}"),
        caller,
        file: format!("{noun}.c"),
        line: 20 + numbers.next(900),
        weakness: &WEAKNESSES[numbers.next(WEAKNESSES.len())],
        code: format!("{noun}->{verb}[{}] = at + {};", numbers.next(64), at),
        cve: (numbers.next(4) == 0).then(|| format!("CVE-2019-{:05}", 10_000 + at)),
        version: format!("{}.{}.{}", 1 + numbers.next(3), numbers.next(20), numbers.next(9)),
    }
}

/// `defects` defects with `each` reports of each. Some defects share a function with another weakness, a weakness with another
/// function, or a function's name with another package: what a careless comparison would join.
pub fn set(seed: u64, defects: usize, each: usize) -> Vec<Report> {
    let mut numbers = Numbers(seed);
    let mut known: Vec<Defect> = Vec::new();
    let mut reports = Vec::new();
    for at in 0..defects {
        let mut one = defect(&mut numbers, at);
        if let Some(last) = known.last().filter(|_| numbers.next(5) == 0) {
            match numbers.next(3) {
                0 => (one.package, one.file) = (last.package, last.file.clone()),
                1 => (one.function, one.file) = (last.function.clone(), last.file.clone()),
                _ => (one.package, one.weakness) = (last.package, last.weakness),
            }
        }
        // Two defects with everything alike would be one.
        let same = |k: &Defect| k.package == one.package && k.function == one.function;
        if known.iter().any(same) {
            write!(one.function, "_{at}").unwrap();
        }
        for copy in 0..each {
            let text = match copy % 6 {
                0 => crash(&mut numbers, &one),
                1 => sarif(&mut numbers, &one),
                2 => tap(&mut numbers, &one),
                3 => mail(&mut numbers, &one),
                4 => markdown(&mut numbers, &one),
                _ => crash(&mut numbers, &one),
            };
            reports.push(Report { name: format!("{at:05}-{copy:02}"), text, defect: at });
        }
        known.push(one);
    }
    reports
}

fn crash(numbers: &mut Numbers, one: &Defect) -> String {
    let root = numbers.of(&["/src/", "/build/out/", "./", "/tmp/x/"]).to_owned() + one.package;
    let line = one.line + numbers.next(30);
    let address = if one.weakness.asan == "SEGV" { 8 } else { 0x6020_0000_0000 + numbers.next(1 << 30) };
    let mut out = match one.weakness.asan {
        "SEGV" => format!(
            "==7==ERROR: AddressSanitizer: SEGV on unknown address {address:#014x} (pc 0x55d1 bp 0x1 sp 0x2 T0)\n==7==The signal is caused by a READ memory access.\n"
        ),
        "double-free" => format!(
            "==7==ERROR: AddressSanitizer: attempting double-free on {address:#x} in thread T0:\n    #0 0x7f10 in __interceptor_free asan_malloc_linux.cpp:52\n"
        ),
        kind => format!(
            "==7==ERROR: AddressSanitizer: {kind} on address {address:#x} at pc 0x55d1 bp 0x1 sp 0x2\n{} of size {} at {address:#x} thread T0\n",
            one.weakness.access,
            1 << numbers.next(4)
        ),
    };
    let first = usize::from(one.weakness.asan == "double-free");
    let outer = numbers.of(&["LLVMFuzzerTestOneInput", "main", "tool_run"]);
    for (at, function) in [one.function.as_str(), one.caller.as_str(), outer].iter().enumerate() {
        let pc = numbers.next(1 << 40);
        writeln!(
            out,
            "    #{} {pc:#x} in {function} {root}/src/{}:{}:{}",
            at + first,
            one.file,
            line + at * 40,
            1 + numbers.next(40)
        )
        .unwrap();
    }
    out
}

fn sarif(numbers: &mut Numbers, one: &Defect) -> String {
    let tool = numbers.of(&["scan", "lintall"]);
    json!({"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": tool, "rules": [{"id": "memory", "properties": {"tags": [format!("external/cwe/cwe-{:03}", one.weakness.cwe)]}}]}},
        "versionControlProvenance": [{"repositoryUri": format!("https://example.org/{0}/{0}.git", one.package)}],
        "results": [{
            "ruleId": "memory", "ruleIndex": 0, "message": {"text": format!("possible {}", one.weakness.words[0])},
            "locations": [{
                "physicalLocation": {"artifactLocation": {"uri": format!("src/{}", one.file)}, "region": {"startLine": one.line + numbers.next(30), "snippet": {"text": one.code}}},
                "logicalLocations": [{"fullyQualifiedName": one.function, "kind": "function"}],
            }],
        }],
    }]})
    .to_string()
}

fn tap(numbers: &mut Numbers, one: &Defect) -> String {
    let mut report = json!({
        "purl": format!("pkg:generic/{}@{}", one.package, one.version), "versions": [one.version],
        "affected_symbol": {"file": format!("src/{}", one.file), "function": one.function, "line": one.line},
        "raw": format!("A {} was found by {}.", one.weakness.words[1], numbers.of(&["fuzzing", "reading the code", "a scanner"])),
    });
    if numbers.next(2) == 0 {
        report["enrichment"] = json!({"cwe": format!("CWE-{}", one.weakness.cwe)});
    }
    report.to_string()
}

fn mail(numbers: &mut Numbers, one: &Defect) -> String {
    let word = one.weakness.words[numbers.next(3)];
    let greeting = numbers.of(&["Hello,", "Dear maintainers,", "Hi all,"]);
    let opening =
        numbers.of(&["we believe there is a", "while fuzzing we hit a", "our audit found a", "please look at a"]);
    let closing = numbers.of(&[
        "No fix is known to us.",
        "We can share the file.",
        "We plan to publish in 90 days.",
        "A patch would check the length first.",
    ]);
    let cve = one.cve.as_ref().map(|id| format!(" It was given {id}.")).unwrap_or_default();
    format!(
        "From: finder{}@example.org\nSubject: {word} in {}\n\n{greeting}\n\n{opening} {word} in {} {}: the function {}() in {} trusts a length from the file.{cve}\n{closing}\n",
        numbers.next(99), one.package, one.package, one.version, one.function, one.file
    )
    .replacen("\n\n", &format!("\n\nPackage: {}\n", one.package), 1)
}

fn markdown(numbers: &mut Numbers, one: &Defect) -> String {
    let word = one.weakness.words[numbers.next(3)];
    let detail = numbers.of(&[
        "A crafted file is enough.",
        "It needs no rights.",
        "It can be reached from the network.",
        "The tests do not cover it.",
    ]);
    let cve = one.cve.as_ref().map(|id| format!("\n**Identifier**: {id}\n")).unwrap_or_default();
    format!(
        "# {}: {word}\n\n**Package**: {}\n**Version**: {}\n{cve}\n## What happens\n\n`{}` is called by `{}` with a size that was never checked; see `src/{}:{}`. {detail}\n",
        one.package,
        one.package,
        one.version,
        one.function,
        one.caller,
        one.file,
        one.line + numbers.next(20)
    )
}
