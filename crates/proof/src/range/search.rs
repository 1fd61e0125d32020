//! Which versions to run next, from what is known so far. Pure: no runs, no clock, no randomness.
//!
//! Goes release line by release line (as its ecosystem tells lines), because within one line there is one interval at most
//! in all but rare cases, and across lines there often are several.

use domain::proof::Verdict;

use crate::runtime::PublishedVersion;

/// What is known of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its verdict.
    pub verdict: Verdict,
    /// Why it is inconclusive; part of what makes two verdicts the same.
    pub reason: Option<String>,
    /// How often the program was run on it.
    pub repeats: u32,
}

impl Known {
    fn same_as(&self, other: &Self) -> bool {
        self.verdict == other.verdict && self.reason == other.reason
    }
}

/// All versions in order, and what is known of each.
#[derive(Debug, Clone)]
pub struct Board {
    /// Ascending.
    pub versions: Vec<PublishedVersion>,
    /// `None` where it was not run.
    pub known: Vec<Option<Known>>,
}

impl Board {
    /// Nothing known yet.
    #[must_use]
    pub fn new(versions: Vec<PublishedVersion>) -> Self {
        let known = vec![None; versions.len()];
        Self { versions, known }
    }

    /// Every version not run yet.
    #[must_use]
    pub fn unknown(&self) -> Vec<usize> {
        (0..self.versions.len()).filter(|i| self.known[*i].is_none()).collect()
    }

    /// What to run next by bisection; empty where the picture is closed.
    ///
    /// First both ends and the middle of every line; then between two neighbours of different verdict, the middle;
    /// then the neighbours of every border, on which new differences may show.
    #[must_use]
    pub fn bisect_next(&self) -> Vec<usize> {
        let mut wanted = Vec::new();
        for (first, last) in self.lines() {
            wanted.extend([first, first + (last - first) / 2, last]);
            let run: Vec<usize> = (first..=last).filter(|i| self.known[*i].is_some()).collect();
            for pair in run.windows(2) {
                let (a, b) = (pair[0], pair[1]);
                let differ = match (&self.known[a], &self.known[b]) {
                    (Some(x), Some(y)) => !x.same_as(y),
                    _ => false,
                };
                if differ && b - a > 1 {
                    wanted.push(a + (b - a) / 2);
                } else if differ {
                    wanted.extend([a.saturating_sub(1).max(first), (b + 1).min(last)]);
                }
            }
        }
        wanted.retain(|i| self.known[*i].is_none());
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// Versions at a border between conclusive verdicts that were run fewer than `repeats` times.
    #[must_use]
    pub fn borders_next(&self, repeats: u32) -> Vec<usize> {
        let mut wanted = Vec::new();
        for (a, b) in self.borders() {
            wanted.extend([a, b]);
        }
        wanted.retain(|i| self.known[*i].as_ref().is_some_and(|known| known.repeats < repeats));
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// Pairs of indexes between which the conclusive verdict changes, whatever unknown lies between.
    #[must_use]
    pub fn borders(&self) -> Vec<(usize, usize)> {
        let closed = self.closed();
        let conclusive: Vec<usize> = (0..closed.len())
            .filter(|i| closed[*i].as_ref().is_some_and(|k| k.verdict != Verdict::Inconclusive))
            .collect();
        let verdict = |i: usize| closed[i].as_ref().map(|known| known.verdict);
        conclusive.windows(2).map(|pair| (pair[0], pair[1])).filter(|(a, b)| verdict(*a) != verdict(*b)).collect()
    }

    /// The verdict of every version: its own, or inferred where the nearest run ones in its line agree.
    #[must_use]
    pub fn closed(&self) -> Vec<Option<Known>> {
        let mut closed = self.known.clone();
        for (first, last) in self.lines() {
            let run: Vec<usize> = (first..=last).filter(|i| self.known[*i].is_some()).collect();
            for pair in run.windows(2) {
                if let (Some(x), Some(y)) = (&self.known[pair[0]], &self.known[pair[1]])
                    && x.same_as(y)
                {
                    let inferred = Known { repeats: 0, ..x.clone() };
                    closed[pair[0] + 1..pair[1]].fill(Some(inferred));
                }
            }
        }
        closed
    }

    /// First and last index of every release line.
    fn lines(&self) -> Vec<(usize, usize)> {
        let mut lines: Vec<(usize, usize)> = Vec::new();
        for (i, version) in self.versions.iter().enumerate() {
            match lines.last_mut() {
                Some((first, last)) if self.versions[*first].line == version.line => *last = i,
                _ => lines.push((i, i)),
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn published(major: u64, minor: u64, patch: u64) -> PublishedVersion {
        PublishedVersion {
            text: format!("{major}.{minor}.{patch}"),
            line: format!("{major}.{minor}"),
            prerelease: false,
            published: None,
            yanked: false,
        }
    }

    fn board(lines: &[usize]) -> Board {
        let all = lines
            .iter()
            .enumerate()
            .flat_map(|(minor, n)| (0..*n).map(move |patch| (1u64, minor as u64, patch as u64)));
        Board::new(all.map(|(major, minor, patch)| published(major, minor, patch)).collect())
    }

    fn known(fires: bool) -> Known {
        Known { verdict: if fires { Verdict::Fired } else { Verdict::Silent }, reason: None, repeats: 1 }
    }

    fn run_out(board: &mut Board, truth: &[bool]) -> usize {
        let mut rounds = 0;
        loop {
            let next = board.bisect_next();
            if next.is_empty() {
                return board.known.iter().flatten().count();
            }
            rounds += 1;
            assert!(rounds < 100, "the search does not end");
            for i in next {
                board.known[i] = Some(known(truth[i]));
            }
        }
    }

    #[test]
    fn one_border_in_a_long_line_costs_few_runs() {
        let mut board = board(&[100]);
        let truth: Vec<bool> = (0..100).map(|i| i < 73).collect();
        let runs = run_out(&mut board, &truth);
        assert!(runs <= 13, "{runs}");
        assert_eq!(board.borders(), [(72, 73)]);
        assert_eq!(board.borders_next(3), [72, 73]);
    }

    #[test]
    fn unknown_versions_are_no_border() {
        let mut board = board(&[5]);
        let failed = Known { verdict: Verdict::Inconclusive, reason: Some("load-failed".into()), repeats: 1 };
        board.known =
            vec![Some(known(true)), Some(failed.clone()), Some(failed), Some(known(true)), Some(known(false))];
        assert_eq!(board.borders(), [(3, 4)]);
    }

    proptest! {
        /// Where each line has one interval that covers an end, the search finds the truth for every version.
        #[test]
        fn finds_one_border_a_line(lines in prop::collection::vec((1usize..40, 0usize..40, any::<bool>()), 1..6)) {
            let sizes: Vec<usize> = lines.iter().map(|(n, _, _)| *n).collect();
            let mut board = board(&sizes);
            let truth: Vec<bool> = lines
                .iter()
                .flat_map(|(n, cut, up)| (0..*n).map(move |i| (i < *cut) == *up))
                .collect();
            run_out(&mut board, &truth);
            let found: Vec<bool> =
                board.closed().into_iter().map(|k| k.unwrap().verdict == Verdict::Fired).collect();
            prop_assert_eq!(found, truth);
        }
    }
}
