//! Weaknesses: which CWE a crash's type or a report's words mean, and which of them are near each other in CWE's tree. Facts of the
//! Common Weakness Enumeration (view 1000), as far as reports name them. Decides nothing about reports.

/// Child and parent. Only what reports name in practice; a weakness that is not here is near nothing but itself.
const PARENTS: [(u32, u32); 104] = [
    (23, 22),
    (24, 23),
    (35, 23),
    (36, 22),
    (59, 706),
    (73, 610),
    (77, 74),
    (78, 77),
    (79, 74),
    (80, 79),
    (83, 79),
    (87, 79),
    (88, 77),
    (89, 943),
    (90, 943),
    (91, 74),
    (93, 74),
    (94, 74),
    (95, 94),
    (96, 94),
    (113, 93),
    (22, 706),
    (119, 118),
    (120, 119),
    (121, 787),
    (122, 787),
    (124, 786),
    (125, 119),
    (126, 125),
    (127, 125),
    (129, 1285),
    (131, 682),
    (134, 668),
    (190, 682),
    (191, 682),
    (192, 681),
    (193, 682),
    (194, 681),
    (195, 681),
    (196, 681),
    (197, 681),
    (203, 200),
    (208, 203),
    (209, 200),
    (248, 703),
    (259, 798),
    (269, 284),
    (276, 732),
    (285, 284),
    (287, 284),
    (290, 287),
    (294, 287),
    (295, 287),
    (297, 295),
    (306, 287),
    (321, 798),
    (326, 693),
    (327, 693),
    (328, 327),
    (330, 693),
    (331, 330),
    (338, 330),
    (347, 345),
    (352, 345),
    (362, 691),
    (364, 362),
    (366, 362),
    (367, 362),
    (369, 682),
    (400, 664),
    (401, 772),
    (404, 664),
    (405, 400),
    (407, 405),
    (409, 405),
    (415, 825),
    (416, 825),
    (434, 669),
    (444, 436),
    (457, 908),
    (476, 754),
    (502, 913),
    (532, 538),
    (564, 89),
    (590, 762),
    (601, 610),
    (611, 610),
    (617, 670),
    (639, 863),
    (674, 834),
    (680, 190),
    (681, 704),
    (761, 763),
    (762, 763),
    (763, 404),
    (770, 400),
    (772, 404),
    (776, 674),
    (786, 119),
    (787, 119),
    (788, 119),
    (789, 770),
    (805, 119),
    (824, 119),
];
/// The rest of the same table.
const PARENTS_MORE: [(u32, u32); 16] = [
    (825, 119),
    (835, 834),
    (833, 667),
    (843, 704),
    (862, 285),
    (863, 285),
    (908, 665),
    (909, 665),
    (456, 909),
    (915, 913),
    (916, 328),
    (918, 441),
    (1321, 915),
    (1333, 407),
    (1335, 682),
    (1336, 94),
];
/// Too general for being under one of them to say anything.
const WIDE: [u32; 24] = [
    20, 74, 118, 200, 284, 285, 345, 404, 435, 436, 441, 610, 664, 665, 668, 669, 670, 682, 691, 693, 703, 706, 754,
    913,
];
/// What one commonly leads to, or is reported as, in another part of the tree.
const LEADS_TO: [(u32, u32); 16] = [
    (129, 119),
    (129, 125),
    (129, 787),
    (131, 787),
    (131, 122),
    (190, 119),
    (190, 787),
    (190, 122),
    (193, 787),
    (193, 125),
    (476, 690),
    (674, 400),
    (834, 400),
    (835, 400),
    (763, 415),
    (590, 415),
];
/// Crash types, by how their base begins, and what they show.
const CRASHES: [(&str, u32); 34] = [
    ("Heap-buffer-overflow", 122),
    ("Stack-buffer-overflow", 121),
    ("Dynamic-stack-buffer-overflow", 121),
    ("Stack-buffer-underflow", 124),
    ("Global-buffer-overflow", 120),
    ("Container-overflow", 119),
    ("Buffer-overflow", 120),
    ("Heap-use-after-free", 416),
    ("Stack-use-after", 562),
    ("Use-after-poison", 416),
    ("Heap-double-free", 415),
    ("Invalid-free", 763),
    ("Heap-corruption", 119),
    ("Use-of-uninitialized-value", 457),
    ("Null-dereference", 476),
    ("Invalid memory address", 476),
    ("Integer-overflow", 190),
    ("Unsigned-integer-overflow", 190),
    ("Undefined-shift", 1335),
    ("Divide-by-zero", 369),
    ("Integer divide by zero", 369),
    ("Floating-point-exception", 369),
    ("Index-out-of-bounds", 129),
    ("Index out of range", 129),
    ("Slice bounds out of range", 129),
    ("Bad-cast", 843),
    ("Data race", 362),
    ("Timeout", 400),
    ("Out-of-memory", 789),
    ("Stack-overflow", 674),
    ("Stack overflow", 674),
    ("Direct-leak", 401),
    ("ASSERT", 617),
    ("Uncaught exception", 248),
];
/// Words of reports, lower case, and what they mean. The more exact before the more general.
const WORDS: [(&str, u32); 60] = [
    ("use after free", 416),
    ("use-after-free", 416),
    ("dangling pointer", 416),
    ("double free", 415),
    ("double-free", 415),
    ("heap buffer overflow", 122),
    ("heap-buffer-overflow", 122),
    ("heap overflow", 122),
    ("stack buffer overflow", 121),
    ("stack-buffer-overflow", 121),
    ("out-of-bounds write", 787),
    ("out of bounds write", 787),
    ("out-of-bounds read", 125),
    ("out of bounds read", 125),
    ("buffer overread", 125),
    ("buffer over-read", 125),
    ("out-of-bounds", 119),
    ("buffer overflow", 120),
    ("integer overflow", 190),
    ("integer underflow", 191),
    ("null pointer", 476),
    ("null dereference", 476),
    ("nil pointer", 476),
    ("uninitialized", 457),
    ("uninitialised", 457),
    ("type confusion", 843),
    ("division by zero", 369),
    ("divide by zero", 369),
    ("stack overflow", 674),
    ("unbounded recursion", 674),
    ("infinite recursion", 674),
    ("infinite loop", 835),
    ("race condition", 362),
    ("data race", 362),
    ("memory leak", 401),
    ("format string", 134),
    ("sql injection", 89),
    ("command injection", 78),
    ("shell injection", 78),
    ("code injection", 94),
    ("template injection", 1336),
    ("cross-site scripting", 79),
    ("cross site scripting", 79),
    ("xss", 79),
    ("csrf", 352),
    ("cross-site request forgery", 352),
    ("ssrf", 918),
    ("server-side request forgery", 918),
    ("path traversal", 22),
    ("directory traversal", 22),
    ("zip slip", 22),
    ("xml external entit", 611),
    ("insecure deserialization", 502),
    ("unsafe deserialization", 502),
    ("prototype pollution", 1321),
    ("open redirect", 601),
    ("redos", 1333),
    ("catastrophic backtracking", 1333),
    ("memory exhaustion", 770),
    ("hard-coded credential", 798),
];
/// How many steps up the tree are looked at.
const ANCESTORS_MAX: usize = 8;
/// Steps between two weaknesses that are near, over an ancestor that says something.
const NEAR_STEPS_MAX: usize = 2;

/// How two weaknesses stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kinship {
    /// Nothing in common that says anything.
    Far,
    /// One of them is not told, or too general.
    Unknown,
    /// Near in the tree, or one leads to the other.
    Near,
    /// The same.
    Same,
}

/// What a crash of this type shows.
pub fn of_crash(crash_type: &str) -> Option<u32> {
    let access = |read, write| if crash_type.contains("WRITE") { write } else { read };
    let found = CRASHES.iter().find(|(begin, _)| crash_type.starts_with(begin)).map(|(_, cwe)| *cwe)?;
    Some(if found == 122 { access(125, 122) } else { found })
}

/// What a text names: numbers (`CWE-787`) and words.
pub fn of_text(lower: &str) -> Vec<u32> {
    let mut found: Vec<u32> = numbers(lower);
    if found.is_empty() {
        let mut rest = lower.to_owned();
        for (words, cwe) in WORDS {
            if rest.contains(words) {
                found.push(cwe);
                // `heap buffer overflow` is no `buffer overflow` beside it.
                rest = rest.replace(words, " ");
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The numbers behind `cwe-` or `cwe/cwe-`.
pub fn numbers(lower: &str) -> Vec<u32> {
    let behind = lower.split("cwe-").skip(1).chain(lower.split("cwe_").skip(1));
    let digits = behind.filter_map(|rest| {
        let end = rest.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    });
    digits.collect()
}

fn parent(cwe: u32) -> Option<u32> {
    PARENTS.iter().chain(&PARENTS_MORE).find(|(child, _)| *child == cwe).map(|(_, parent)| *parent)
}

fn line(cwe: u32) -> Vec<u32> {
    std::iter::successors(Some(cwe), |one| parent(*one)).take(ANCESTORS_MAX).collect()
}

/// How two weaknesses stand to each other.
pub fn kinship(a: u32, b: u32) -> Kinship {
    if WIDE.contains(&a) || WIDE.contains(&b) {
        return if a == b { Kinship::Near } else { Kinship::Unknown };
    }
    if a == b {
        return Kinship::Same;
    }
    if LEADS_TO.iter().any(|(from, to)| (*from, *to) == (a, b) || (*from, *to) == (b, a)) {
        return Kinship::Near;
    }
    let (one, other) = (line(a), line(b));
    for (up, ancestor) in one.iter().enumerate() {
        let Some(down) = other.iter().position(|x| x == ancestor) else { continue };
        let direct = up == 0 || down == 0;
        if WIDE.contains(ancestor) || !direct && up + down > NEAR_STEPS_MAX {
            return Kinship::Far;
        }
        return Kinship::Near;
    }
    Kinship::Far
}

/// The best that any two of two reports' weaknesses give; unknown where one names none.
pub fn kinship_of(a: &[u32], b: &[u32]) -> Kinship {
    a.iter().flat_map(|x| b.iter().map(|y| kinship(*x, *y))).max().unwrap_or(Kinship::Unknown)
}
