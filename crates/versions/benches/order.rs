//! Processor nanoseconds for one comparison and one key, for each scheme, over versions as they are published.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/it/rising.rs"]
#[allow(dead_code, unused_imports)]
mod rising;

use std::hint::black_box;

use versions::compare;

const ROUNDS_COUNT: usize = 20_000;

/// Nanoseconds this process has been on a processor (Linux): other work on the machine does not count.
fn cpu_ns() -> u64 {
    std::fs::read_to_string("/proc/self/schedstat").unwrap().split(' ').next().unwrap().parse().unwrap()
}

fn main() {
    println!("{:<16}{:>12}{:>12}", "scheme", "compare ns", "key ns");
    for (scheme, rows) in rising::RISING {
        let texts: Vec<&str> = rows.iter().flat_map(|row| row.iter().copied()).collect();
        let started = cpu_ns();
        for _ in 0..ROUNDS_COUNT {
            for pair in texts.windows(2) {
                black_box(compare(scheme, black_box(pair[0]), black_box(pair[1])).unwrap());
            }
        }
        let compared = (cpu_ns() - started) / (ROUNDS_COUNT * (texts.len() - 1)) as u64;
        let (mut key, started) = (Vec::with_capacity(2_048), cpu_ns());
        for _ in 0..ROUNDS_COUNT {
            for text in &texts {
                key.clear();
                scheme.key(black_box(text), &mut key).unwrap();
                black_box(&key);
            }
        }
        let written = (cpu_ns() - started) / (ROUNDS_COUNT * texts.len()) as u64;
        println!("{:<16}{compared:>12}{written:>12}", scheme.ecosystem());
    }
}
