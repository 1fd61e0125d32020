//! A decision by the number of the call, as a binary search in BPF: the kernel walks every filter for every number when it
//! takes one, so a long chain of comparisons would cost each box more than anything else in it. Pure.

use std::collections::BTreeMap;

use super::super::wire::Instruction;

pub const RETURN: u16 = 0x06;
pub const JUMP: u16 = 0x05;
pub const AT_LEAST: u16 = 0x35;
/// Ends the filter: the call is made.
pub const ALLOW: Instruction = Instruction { code: RETURN, jt: 0, jf: 0, k: 0x7fff_0000 };
/// Ends the filter: the call is refused.
const REFUSE: Instruction = Instruction { code: RETURN, jt: 0, jf: 0, k: 0x0005_0000 | libc::EPERM as u32 };
/// Ends the filter: the call does not exist.
pub const ABSENT: Instruction = Instruction { code: RETURN, jt: 0, jf: 0, k: 0x0005_0000 | libc::ENOSYS as u32 };
/// Stands for a jump past the whole decision until its length is known.
const ONWARD: Instruction = Instruction { code: JUMP, jt: 0, jf: 0, k: u32::MAX };

/// What a call's number alone says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Refused,
    Absent,
    /// What follows the decision looks at the arguments.
    Judged,
}

/// The decision, for a number that has been loaded. Numbers that are not in the table are absent.
pub fn decision(verdicts: &BTreeMap<u32, Verdict>) -> Vec<Instruction> {
    let mut program = search(&segments(verdicts));
    let length = program.len();
    for (at, one) in program.iter_mut().enumerate() {
        if one.code == JUMP && one.k == u32::MAX {
            one.k = (length - at - 1) as u32;
        }
    }
    program
}

/// The first number of each stretch of one verdict, from 0 on.
fn segments(verdicts: &BTreeMap<u32, Verdict>) -> Vec<(u32, Verdict)> {
    let mut segments = vec![(0, Verdict::Absent)];
    let mut next = 0;
    let mut begin = |number: u32, verdict: Verdict| match segments.last_mut() {
        Some((_, last)) if *last == verdict => {}
        Some(last) if last.0 == number => *last = (number, verdict),
        _ => segments.push((number, verdict)),
    };
    for (&number, &verdict) in verdicts {
        if number > next {
            begin(next, Verdict::Absent);
        }
        begin(number, verdict);
        next = number.saturating_add(1);
    }
    begin(next, Verdict::Absent);
    segments
}

fn search(segments: &[(u32, Verdict)]) -> Vec<Instruction> {
    let (low, high) = segments.split_at(segments.len() / 2);
    match (low, high) {
        (_, [(_, verdict)]) if low.is_empty() => vec![match verdict {
            Verdict::Allowed => ALLOW,
            Verdict::Refused => REFUSE,
            Verdict::Absent => ABSENT,
            Verdict::Judged => ONWARD,
        }],
        (_, [(first, _), ..]) => {
            let (low_code, high_code) = (search(low), search(high));
            let mut program = vec![Instruction { code: AT_LEAST, jt: 0, jf: 1, k: *first }];
            program.push(Instruction { code: JUMP, jt: 0, jf: 0, k: low_code.len() as u32 });
            program.extend(low_code);
            program.extend(high_code);
            program
        }
        _ => vec![ABSENT],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel would make of it.
    fn walked(program: &[Instruction], number: u32) -> Verdict {
        let mut at = 0;
        let mut steps = 0;
        loop {
            steps += 1;
            assert!(steps < 64, "{number} takes too many steps");
            let Some(one) = program.get(at) else {
                assert_eq!(at, program.len());
                return Verdict::Judged;
            };
            at += 1 + match one.code {
                AT_LEAST => usize::from(if number >= one.k { one.jt } else { one.jf }),
                JUMP => one.k as usize,
                _ if *one == ALLOW => return Verdict::Allowed,
                _ if *one == REFUSE => return Verdict::Refused,
                _ => return Verdict::Absent,
            };
        }
    }

    #[test]
    fn every_number_comes_to_its_own_verdict() {
        use Verdict::{Absent, Allowed, Judged, Refused};
        let tables: [&[(u32, Verdict)]; 5] = [
            &[],
            &[(0, Allowed)],
            &[(7, Refused), (8, Refused), (9, Judged), (30, Allowed)],
            &[(0, Judged), (1, Allowed), (2, Absent), (3, Allowed), (4, Refused), (6, Refused)],
            &[(5, Allowed), (8, Allowed)],
        ];
        let long: Vec<(u32, Verdict)> =
            (0..900).filter(|n| n % 7 != 0).map(|n| (n, [Allowed, Refused, Judged][n as usize % 3])).collect();
        for table in tables.into_iter().chain([long.as_slice()]) {
            let table: BTreeMap<u32, Verdict> = table.iter().copied().collect();
            let program = decision(&table);
            for number in (0..1_000).chain([u32::MAX]) {
                let expected = table.get(&number).copied().unwrap_or(Absent);
                assert_eq!(walked(&program, number), expected, "{number} in {table:?}");
            }
        }
    }
}
