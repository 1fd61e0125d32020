//! Changes bytes of good documents, from a seed. Must not know what a reader makes of them.

/// Pieces of which the readers' syntaxes are made.
const PIECES: [&str; 40] = [
    "[",
    "]",
    "{",
    "}",
    "[[",
    "]]",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    ":",
    ": ",
    "- ",
    "? ",
    "&a ",
    "*a",
    "!!x ",
    "|\n",
    ">-\n",
    "\n",
    "\r\n",
    "\t",
    "    ",
    "#",
    ",",
    "=",
    "==",
    ".",
    "/",
    "@",
    "\\",
    "\0",
    "\u{feff}",
    "é",
    "<!--",
    "<![CDATA[",
    "</",
    "<a>",
    "%",
    "-1",
];

/// A source of numbers: xorshift64*.
pub struct Numbers(u64);

impl Numbers {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below a bound; 0 where the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        if bound == 0 { 0 } else { number as usize % bound }
    }
}

/// One document of another, changed in one to eight places.
pub fn mutant(documents: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = documents[numbers.below(documents.len())].clone();
    for _ in 0..=numbers.below(8) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(40)).min(bytes.len());
        match numbers.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                let times = 1 + numbers.below(50);
                bytes.splice(at..at, piece.repeat(times));
            }
            3 => bytes.truncate(at),
            4 => {
                let other = &documents[numbers.below(documents.len())];
                let from = numbers.below(other.len() + 1);
                let to = (from + numbers.below(200)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let piece = PIECES[numbers.below(PIECES.len())];
                let times = if numbers.below(10) == 0 { numbers.below(500) } else { 1 };
                bytes.splice(at..at, piece.repeat(times).into_bytes());
            }
        }
    }
    bytes
}
