//! Adds up what the processes of a box use, out of a /proc that is the working folder. Pure counting.

use std::fs;
use std::io;

/// What all processes but pid 1 use now.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct TreeUse {
    /// CPU time of the living and of the children they have waited for, microseconds.
    pub cpu_us: u64,
    /// Memory that no file backs, bytes: private, shared between processes, and swapped out. Pages shared since a fork,
    /// or mapped by several, are counted for each.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub tasks: u64,
}

/// The kernel's unit of CPU time.
#[derive(Debug, Clone, Copy)]
pub struct Ticks {
    per_second: u64,
}

impl Ticks {
    /// Asks the C library.
    pub fn read() -> Self {
        use nix::unistd::{SysconfVar, sysconf};
        let ask =
            |name, otherwise| sysconf(name).ok().flatten().and_then(|n| u64::try_from(n).ok()).unwrap_or(otherwise);
        Self { per_second: ask(SysconfVar::CLK_TCK, 100).max(1) }
    }
}

impl TreeUse {
    /// Reads every process in the working folder. One that ends meanwhile counts as it was last read, or not.
    pub fn read(ticks: &Ticks) -> io::Result<Self> {
        let mut sum = Self::default();
        for entry in fs::read_dir(".")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) else {
                continue;
            };
            if pid == "1" {
                continue;
            }
            if let Ok(stat) = fs::read_to_string(format!("{pid}/stat")) {
                sum.stat_add(&stat, ticks);
            }
            if let Ok(status) = fs::read_to_string(format!("{pid}/status")) {
                sum.status_add(&status);
            }
        }
        Ok(sum)
    }

    /// Adds a line of `stat`, whose second field is the program's own choice and may hold spaces and brackets.
    fn stat_add(&mut self, line: &str, ticks: &Ticks) {
        let Some((_, fields)) = line.rsplit_once(')') else { return };
        let number =
            |field: usize| fields.split_ascii_whitespace().nth(field).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        // utime, stime, cutime, cstime are the 14th to 17th field of the line, num_threads is the 20th.
        let spent: u64 = (11..=14).map(number).sum();
        self.cpu_us = self.cpu_us.saturating_add(spent.saturating_mul(1_000_000) / ticks.per_second);
        self.tasks = self.tasks.saturating_add(number(17));
    }

    /// Adds what `status` says of memory. Its lines begin with the program's own name, in which the kernel escapes line
    /// ends, so that no name can pass for another line.
    fn status_add(&mut self, text: &str) {
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            if matches!(name, "RssAnon" | "RssShmem" | "VmSwap") {
                let kibibytes = value.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0);
                self.memory_bytes = self.memory_bytes.saturating_add(kibibytes.saturating_mul(1_024));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let ticks = Ticks { per_second: 100 };
        let mut sum = TreeUse::default();
        sum.stat_add("7 (a) R 9 9) S 1 7 7 0 -1 4194560 100 0 0 0 30 20 10 5 20 0 3 0 100 1000 50", &ticks);
        sum.status_add("Name:\ta\\nRssAnon:\t9 kB\nVmRSS:\t     900 kB\nRssAnon:\t     100 kB\nRssFile:\t     700 kB\nRssShmem:\t      60 kB\nVmSwap:\t       8 kB\n");
        assert_eq!(sum, TreeUse { cpu_us: 650_000, memory_bytes: 168 << 10, tasks: 3 });
    }
}
