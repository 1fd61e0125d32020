//! Pairs of made and changed versions from a seed, put to somebody else's program and to ours. The program reads lines of two
//! versions with a tab between them and answers `<`, `=`, `>`, or `!` for what it refuses. Used by the tests here and by the
//! example `peers`, which asks for a million pairs.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Command, Stdio};

use versions::{Comparer, Scheme};

/// Examples that are kept of each kind of difference.
const EXAMPLES_COUNT_MAX: usize = 12;

/// What a peer's versions are made of: versions as they are published, and parts that are put together at random.
pub struct Words {
    pub whole: &'static [&'static str],
    pub parts: &'static [&'static str],
}

pub const fn words(scheme: Scheme) -> Words {
    match scheme {
        Scheme::Npm | Scheme::Cargo | Scheme::Tag => Words {
            whole: &[
                "1.2.3",
                "0.0.0",
                "10.20.30",
                "1.0.0-alpha.1",
                "1.0.0-rc.1+build.5",
                "2.0.0-0",
                "1.0.0-beta-1",
                "4.17.21",
            ],
            parts: &[
                "1",
                "0",
                ".",
                "-",
                "+",
                "alpha",
                "beta",
                "rc",
                "10",
                "9",
                "x",
                "-0",
                ".1",
                "01",
                "v",
                "A",
                "999999999999999",
            ],
        },
        Scheme::Go => Words {
            whole: &[
                "v1.2.3",
                "v0.0.0-20160722212129-ac0cc4484ad4",
                "v1.2.4-0.20191109021931-daa7c04131f5",
                "v2.0.0+incompatible",
                "v1",
                "v1.2",
            ],
            parts: &["1", "0", ".", "-", "+", "pre", "rc", "10", ".1", "01", "99999999999999999999999", "A", "-0."],
        },
        Scheme::PyPI => Words {
            whole: &[
                "1.0",
                "1.0.0",
                "2.1.dev3",
                "1.0a1",
                "1.0b2.post345.dev456",
                "1.0rc1",
                "1!2.0",
                "1.0+ubuntu.1",
                "2024.10.1",
                "1.0.post1",
                "v3.2",
            ],
            parts: &[
                "1", "0", ".", "-", "_", "a", "b", "rc", "c", "pre", "preview", "alpha", "beta", "post", "rev", "r",
                "dev", "!", "+", "10", "09", "A1", "+a.1", ".dev0",
            ],
        },
        Scheme::Maven => Words {
            whole: &[
                "1.0",
                "1.0.0",
                "1.0-SNAPSHOT",
                "1.0-alpha-1",
                "2.0.0.RELEASE",
                "1.0-rc1",
                "5.3.0-M2",
                "1.0.1-b02",
                "2.0-20130101.010101-1",
                "31.1-jre",
                "1.0.Final",
                "Finchley.SR1",
                "1.2-ga",
            ],
            parts: &[
                "1",
                "0",
                "2",
                ".",
                "-",
                "alpha",
                "beta",
                "m",
                "a",
                "b",
                "rc",
                "cr",
                "snapshot",
                "final",
                "ga",
                "release",
                "sp",
                "jre",
                "x",
                "10",
                "00",
                ".0",
                "-0",
                "SNAPSHOT",
                "_",
                "12345678901",
                "99999999999999999999",
            ],
        },
        Scheme::RubyGems => Words {
            whole: &["1.0.0", "1.0", "2.0.0.rc1", "1.0.0.beta.2", "5.2.4.5", "1.0-2", "1.0.0.pre", "0.0.1.a", "1.2.b1"],
            parts: &["1", "0", ".", ".0", ".0.0", "a", "b", "rc", "pre", "-", "10", "A", ".a.0", "00"],
        },
        Scheme::NuGet => Words {
            whole: &[
                "1.0.0",
                "1.0",
                "1.0.0.0",
                "13.0.1-beta2",
                "1.0.0-alpha.1+sha",
                "4.3.0-preview1-24530-04",
                "01.2.3",
            ],
            parts: &["1", "0", ".", "-", "+", "alpha", "ALPHA", "rc", ".1", "10", "05"],
        },
        Scheme::Packagist => Words {
            whole: &[
                "1.0.0",
                "v2.3",
                "1.0.0-alpha1",
                "1.0.0-beta.2",
                "1.0-RC1",
                "1.0.0-dev",
                "2.x-dev",
                "1.0.0-patch2",
                "2010-01-02",
                "20100102",
                "1.0.0+build",
                "5.4.0-BETA1",
                "1.2.3.4",
            ],
            parts: &[
                "1",
                "0",
                ".",
                "-",
                "_",
                "alpha",
                "a",
                "beta",
                "b",
                "RC",
                "rc",
                "p",
                "pl",
                "patch",
                "dev",
                "-dev",
                "stable",
                "x",
                ".x",
                "10",
                "2010",
                "+a",
                "99999999999999999999",
            ],
        },
        Scheme::Debian => Words {
            whole: &[
                "1.0-1",
                "1:2.30.2-1+deb11u2",
                "1.0~rc1-1",
                "2.36-9+deb12u4",
                "0.9.8o-4squeeze14",
                "1.2.3+dfsg-1~bpo11+1",
                "20230101",
                "1.0-1ubuntu0.1",
                "1.18.0-6.1+b1",
            ],
            parts: &[
                "1",
                "0",
                "00",
                ".",
                "-",
                "~",
                "~~",
                "+",
                "a",
                "Z",
                "rc",
                ":",
                "0:",
                "10",
                "9",
                "ubuntu",
                "12345678901234567890",
            ],
        },
        Scheme::Apk => Words {
            whole: &[
                "1.2.3-r0",
                "1.2.3_alpha1-r2",
                "1.0a",
                "1.2.3_git20200101",
                "1.02.3",
                "3.0.12-r4",
                "1.0_p1",
                "2.9.9_rc3",
            ],
            parts: &[
                "1", "0", ".", "_alpha", "_beta", "_pre", "_rc", "_p", "_git", "-r1", "-r10", "a", "b", "10", "01",
                "~ab12",
            ],
        },
        Scheme::Rpm => Words {
            whole: &[
                "1.0-1.el9",
                "0:1.8.3-5.fc38",
                "1:2.0~rc1-1",
                "1.0^git20200101-1",
                "5.14.0-284.11.1.el9_2",
                "2.4.37-43.module_el8.5.0",
                "1.0",
            ],
            parts: &["1", "0", "00", ".", "-", "~", "^", "_", "+", "a", "Z", "el", "git", "10", "..", "1:", "9"],
        },
        Scheme::Conda => Words {
            whole: &[
                "1.0",
                "1.0.0",
                "1.1dev1",
                "1.1a1",
                "1.1.post1",
                "1!0.4",
                "1.0+2",
                "0.5b3",
                "2021.10.3",
                "1.1.0rc1",
            ],
            parts: &["1", "0", ".", "_", "a", "dev", "post", "rc", "10", "+", "B", "-", ".0"],
        },
        Scheme::Conan => Words {
            whole: &["1.0", "1.0.0", "1.1.1s", "1.2.3-pre.1", "1.0+b2", "cci.20200101", "8.45"],
            parts: &["1", "0", ".", "-", "+", "a", "b", "pre", "10", ".0", "cci"],
        },
        _ => Words { whole: &["1.0", "1.0.0", "2.10"], parts: &["1", "0", ".", "10"] },
    }
}

/// SplitMix64: a few lines, the same on every machine.
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn of<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// A published version, or one of numbers and a few parts.
    fn version(&mut self, words: &Words) -> String {
        if self.below(3) == 0 {
            return self.of(words.whole).to_owned();
        }
        let prefix = if words.whole[0].starts_with('v') { "v" } else { "" };
        let mut text = prefix.to_owned();
        for place in 0..1 + self.below(4) {
            if place > 0 {
                text.push('.');
            }
            text.push_str(&self.below(12).to_string());
        }
        for _ in 0..self.below(5) {
            text.push_str(self.of(words.parts));
        }
        text
    }

    /// One to three small changes.
    fn changed(&mut self, text: &str, words: &Words) -> String {
        let mut text = text.to_owned();
        for _ in 0..1 + self.below(3) {
            let at = self.below(text.len() + 1);
            let end = (at + self.below(3)).min(text.len());
            match self.below(5) {
                0 => text.replace_range(at..end, ""),
                1 => text.replace_range(at..end, self.of(words.parts)),
                2 => text.insert_str(at, self.of(words.parts)),
                3 => text.push_str(self.of(words.parts)),
                _ => text.insert_str(at, &self.below(20).to_string()),
            }
        }
        text
    }

    pub fn pair(&mut self, words: &Words) -> (String, String) {
        let a = self.version(words);
        let b = if self.below(4) == 0 { self.version(words) } else { self.changed(&a, words) };
        let a = if self.below(4) == 0 { self.changed(&a, words) } else { a };
        if self.below(2) == 0 { (a, b) } else { (b, a) }
    }
}

/// What came out.
#[derive(Default)]
pub struct Outcome {
    /// Pairs that both could read.
    pub compared: usize,
    /// Pairs that neither could.
    pub neither: usize,
    /// The orders differ.
    pub order: Differences,
    /// Only the peer reads both versions.
    pub peer_only: Differences,
    /// Only we read both versions.
    pub ours_only: Differences,
}

/// How many, and a few of them.
#[derive(Default)]
pub struct Differences {
    pub count: usize,
    pub examples: Vec<String>,
}

impl Differences {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_COUNT_MAX {
            self.examples.push(example());
        }
    }
}

/// Puts `count` pairs from `seed` to the program.
pub fn differ(scheme: Scheme, mut command: Command, seed: u64, count: usize) -> Outcome {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let mut input = BufWriter::new(child.stdin.take().unwrap());
    let writer = std::thread::spawn(move || {
        let (mut chance, words) = (Chance(seed), words(scheme));
        for _ in 0..count {
            let (a, b) = chance.pair(&words);
            writeln!(input, "{a}\t{b}").unwrap();
        }
        input.flush().unwrap();
    });
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut chance, words) = (Chance(seed), words(scheme));
    let mut outcome = Outcome::default();
    let mut comparer = Comparer::new();
    for at in 0..count {
        let (a, b) = chance.pair(&words);
        let theirs = answers.next().unwrap_or_else(|| panic!("{command:?} ended after {at} answers")).unwrap();
        judge(&mut outcome, comparer.compare(scheme, &a, &b), theirs.trim(), &a, &b);
    }
    writer.join().unwrap();
    assert!(child.wait().unwrap().success(), "{command:?}");
    outcome
}

pub fn judge(
    outcome: &mut Outcome,
    ours: Result<std::cmp::Ordering, (bool, &'static str)>,
    theirs: &str,
    a: &str,
    b: &str,
) {
    match ours {
        Ok(ours) => {
            let ours = ["<", "=", ">"][(ours as i8 + 1) as usize];
            match theirs {
                "!" => outcome.ours_only.add(|| format!("{a:?} {ours} {b:?}")),
                "<" | "=" | ">" => {
                    outcome.compared += 1;
                    if ours != theirs {
                        outcome.order.add(|| format!("{a:?} {theirs} {b:?}, ours {ours}"));
                    }
                }
                other => panic!("the peer says {other:?} of {a:?} and {b:?}"),
            }
        }
        Err(_) if theirs == "!" => outcome.neither += 1,
        Err((second, reason)) => {
            let which = if second { b } else { a };
            outcome.peer_only.add(|| format!("{a:?} {theirs} {b:?}; {which:?}: {reason}"));
        }
    }
}
