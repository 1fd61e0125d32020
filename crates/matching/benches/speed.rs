//! How fast an index answers, on one core. `cargo xtask bench match` runs it and adds the peers. Measures the processor's time of
//! this thread's process, so that other work on the machine does not count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::path::Path;
use std::time::Instant;

use formats::osv::{Record, read};
use matching::{Advisory, Builder, Built, HoldingsBuilder, Hot, Index, Opening, Place};
use signing::Signer;

/// The best of so many counts: the machine is shared.
const PASSES_COUNT: usize = 25;

/// A small generator: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// Processor seconds of this process so far.
fn cpu_s() -> f64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap();
    now.tv_sec() as f64 + now.tv_nsec() as f64 / 1e9
}

fn resident_bytes(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

fn build(path: &Path, malicious: usize) -> Built {
    let mut builder = Builder::default();
    let file = std::fs::File::open(path).unwrap();
    let mut lines = std::io::BufReader::new(zstd::Decoder::new(file).unwrap());
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).unwrap() > 0 {
        builder.take(&read(&line).unwrap().0);
        line.clear();
    }
    for number in 0..malicious {
        let ecosystem = if number % 5 == 0 { "PyPI" } else { "npm" };
        let text = format!(
            r#"{{"schema_version":"1.5.0","id":"MAL-2026-{number}","modified":"2026-01-01T00:00:00Z","published":"2026-01-01T00:00:00Z","summary":"Malicious code in package-{number}","details":"The package was found to contain malicious code that runs when it is installed.","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"package-{number:x}-of-nobody"}},"versions":["1.0.{}","99.{}.0"],"database_specific":{{"cwes":[{{"cweId":"CWE-506"}}]}}}}],"references":[{{"type":"WEB","url":"https://example.org/{number}"}}]}}"#,
            number % 9,
            number % 7
        );
        builder.take(&read(text.as_bytes()).unwrap().0);
    }
    builder.build().unwrap()
}

/// Package and version, as an inventory holds them.
type Row = (String, String, String);

/// Versions beside the borders of every range.
fn borders(records: &[Record]) -> Vec<Row> {
    let mut all = Vec::new();
    for affected in records.iter().flat_map(|record| &record.affected) {
        let Some(package) = &affected.package else { continue };
        let events = affected.ranges.iter().filter(|r| r.kind != formats::osv::RangeKind::Git).flat_map(|r| &r.events);
        for version in events.map(|event| event.parts().1).filter(|version| *version != "0") {
            all.push((package.ecosystem.clone(), package.name.clone(), version.to_owned()));
        }
    }
    all
}

fn records(path: &Path) -> Vec<Record> {
    let file = std::fs::File::open(path).unwrap();
    let lines = std::io::BufReader::new(zstd::Decoder::new(file).unwrap()).lines();
    lines.map(|line| read(line.unwrap().as_bytes()).unwrap().0).collect()
}

fn forward(index: &Index, name: &str, rows: &[Row]) {
    let mut asker = index.hot().asker();
    let mut best = f64::MAX;
    let mut found = 0;
    for _ in 0..PASSES_COUNT {
        let start = cpu_s();
        found = 0;
        for (ecosystem, name, version) in rows {
            found += asker.ask(ecosystem, name, version).len();
        }
        best = best.min(cpu_s() - start);
    }
    println!("forward, {name}: {} rows, {found} findings, {:.2} M/s", rows.len(), rows.len() as f64 / best / 1e6);
}

/// Rows as a fleet has them: many assets with the same packages, most of which no advisory names.
fn fleet(borders: &[Row], count: usize, numbers: &mut Numbers, mut take: impl FnMut(&str, &str, &str, Place)) {
    let mut other = String::new();
    for row in 0..count {
        let place = Place { inventory: (row / 500) as u32, component: (row % 500) as u32 };
        if numbers.below(3) == 0 {
            let (ecosystem, name, version) = &borders[numbers.below(borders.len())];
            take(ecosystem, name, version, place);
        } else {
            other.clear();
            other.push_str("package-");
            other.push_str(&numbers.below(20_000).to_string());
            let version = ["1.0.0", "1.2.3", "2.0.0", "4.17.20"][numbers.below(4)];
            take(["npm", "PyPI", "Maven", "Go"][numbers.below(4)], &other, version, place);
        }
    }
}

fn reverse(index: &Index, records: &[Record], borders: &[Row], count: usize) {
    let mut numbers = Numbers(88_172_645_463_325_252);
    let (start, resident) = (cpu_s(), resident_bytes("VmRSS"));
    let mut builder = HoldingsBuilder::default();
    fleet(borders, count, &mut numbers, |e, n, v, place| builder.take(e, n, v, place));
    let holdings = builder.build();
    let loaded = count as f64 / (cpu_s() - start);
    println!(
        "reverse, {count} rows: held in {:.0} MiB, {:.0} MiB at most while loading",
        mib(resident_bytes("VmRSS").saturating_sub(resident)),
        mib(resident_bytes("VmHWM").saturating_sub(resident))
    );
    let mut times = Vec::with_capacity(records.len());
    let mut by_hits: BTreeMap<u32, (f64, usize)> = BTreeMap::new();
    let mut reached = 0;
    for record in records {
        let start = Instant::now();
        let advisory = Advisory::of(std::slice::from_ref(record));
        let mut hits = 0;
        holdings.reach_advisory(&advisory, |version| hits += version.places.len());
        let took = start.elapsed().as_secs_f64() * 1e6;
        times.push(took);
        reached += hits;
        let slot = by_hits.entry(hits.checked_ilog10().map_or(0, |n| n + 1)).or_default();
        *slot = (slot.0 + took, slot.1 + 1);
    }
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    let start = cpu_s();
    let mut scanned = 0;
    holdings.rescan(index.hot(), |version| scanned += version.places.len());
    let rescan = cpu_s() - start;
    println!(
        "reverse, {count} rows: {} advisories reach {reached} rows; p50 {:.1} us, p99 {:.0} us, most {:.0} us; loaded at {:.2} M rows a CPU s; \
         whole rescan {:.0} ms ({scanned} rows hit), {:.0} x one advisory's mean",
        records.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        loaded / 1e6,
        rescan * 1e3,
        rescan * 1e6 / (times.iter().sum::<f64>() / times.len() as f64)
    );
    for (hits, (sum, count)) in by_hits {
        let range = if hits == 0 {
            "no row".to_owned()
        } else {
            format!("{} to {} rows", 10u64.pow(hits - 1), 10u64.pow(hits) - 1)
        };
        println!("  {range} hit: {:.1} us on average ({count} advisories)", sum / count as f64);
    }
}

/// The deciding part, read and checked as `proofhouse match --index` does it.
fn deciding(path: &Path, signer: &Signer) -> Hot {
    let mut file = std::fs::File::open(path).unwrap();
    let mut start = vec![0; 12];
    file.read_exact(&mut start).unwrap();
    start.resize(Opening::bytes_wanted(&start).unwrap(), 0);
    file.read_exact(&mut start[12..]).unwrap();
    let opening = Opening::read(&start, &signer.public()).unwrap();
    let mut bytes = Vec::with_capacity(opening.hot_at().1 as usize);
    (&mut file).take(opening.hot_at().1).read_to_end(&mut bytes).unwrap();
    Hot::open(opening, bytes).unwrap()
}

fn opening(bytes: &[u8], signer: &Signer) {
    let path = std::env::temp_dir().join(format!("proofhouse-bench-{}.index", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    let mut best = (f64::MAX, f64::MAX);
    let mut deciding_bytes = 0;
    for _ in 0..PASSES_COUNT {
        let start = cpu_s();
        let hot = deciding(&path, signer);
        let took = cpu_s() - start;
        deciding_bytes = hot.bytes();
        let start = cpu_s();
        let file = std::fs::read(&path).unwrap();
        let index = Index::read(&file, &signer.public()).unwrap();
        assert!(index.records() > 0);
        best = (best.0.min(took), best.1.min(cpu_s() - start));
    }
    std::fs::remove_file(&path).unwrap();
    println!(
        "opened: deciding part, {deciding_bytes} bytes, read and checked {:.2} ms; everything {:.2} ms",
        best.0 * 1e3,
        best.1 * 1e3
    );
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let Some(path) = arguments.next() else {
        println!("skipped: give the file of advisories (.jsonl.zst)");
        return;
    };
    let path = Path::new(&path);
    let step = arguments.next().unwrap_or_default();
    let signer = Signer::from_seed(&[1; 32]);
    if step == "build" {
        let malicious = arguments.next().map_or(0, |n| n.parse().unwrap());
        let start = cpu_s();
        let built = build(path, malicious);
        let file = built.to_file(&signer);
        println!(
            "built with {malicious} more records: {:.2} CPU s, {} bytes, peak {:.0} MiB",
            cpu_s() - start,
            file.len(),
            mib(resident_bytes("VmHWM"))
        );
        opening(&file, &signer);
        return;
    }
    let records = records(path);
    let borders = borders(&records);
    let index = Index::of_built(build(path, 0)).unwrap();
    if step == "forward" {
        forward_both(&index, &borders);
        return;
    }
    let rows: &[usize] = if step == "curve" { &[100_000, 1_000_000, 10_000_000] } else { &[100_000, 1_000_000] };
    for count in rows {
        reverse(&index, &records, &borders, *count);
    }
}

fn forward_both(index: &Index, borders: &[Row]) {
    let mut numbers = Numbers(2_463_534_242);
    let mut mixed = Vec::new();
    fleet(borders, 200_000, &mut numbers, |e, n, v, _| mixed.push((e.to_owned(), n.to_owned(), v.to_owned())));
    forward(index, "mixed inventory (a third near borders)", &mixed);
    let mut shuffled = borders.to_vec();
    for at in (1..shuffled.len()).rev() {
        shuffled.swap(at, numbers.below(at + 1));
    }
    // An inventory that is read lies in memory in its own order.
    let shuffled = shuffled.iter().map(|row| (row.0.clone(), row.1.clone(), row.2.clone())).collect::<Vec<Row>>();
    forward(index, "shuffled pairs at borders", &shuffled);
}
