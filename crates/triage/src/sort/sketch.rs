//! A sketch of a text: MinHash over three-word shingles, so that near copies are found without comparing all with all. Knows words,
//! not what they mean.

/// Hash functions in a sketch.
const HASHES_COUNT: usize = 64;
/// Hashes that must all agree for two texts to meet.
const BAND_HASHES_COUNT: usize = 4;
/// Words of one text that are read.
const WORDS_MAX: usize = 20_000;
/// Texts with fewer words are not sketched: three words in common mean nothing.
const WORDS_MIN: usize = 8;

/// The sketch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch(Box<[u32]>);

/// FNV-1a, 64 bits, with a last mix: the same on every machine.
pub fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
    mix(fnv)
}

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Sketch {
    /// Of a text in lower case; `None` for one too short.
    pub fn of(lower: &str) -> Option<Sketch> {
        let words = lower.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        let words: Vec<u64> = words.take(WORDS_MAX).map(|word| hash(word.as_bytes())).collect();
        if words.len() < WORDS_MIN {
            return None;
        }
        let mut least = vec![u32::MAX; HASHES_COUNT];
        for shingle in words.windows(3) {
            let seed = shingle.iter().fold(0_u64, |all, word| mix(all.rotate_left(17) ^ word));
            for (function, slot) in least.iter_mut().enumerate() {
                let value = (mix(seed ^ mix(function as u64 + 1)) >> 32) as u32;
                *slot = (*slot).min(value);
            }
        }
        Some(Sketch(least.into_boxed_slice()))
    }

    /// About how much two texts share, in percent of what either has.
    pub fn shared_percent(&self, other: &Sketch) -> u32 {
        let same = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        (same * 100 / HASHES_COUNT) as u32
    }

    /// Numbers of which near copies have at least one in common.
    pub fn bands(&self) -> impl Iterator<Item = u64> {
        self.0
            .chunks(BAND_HASHES_COUNT)
            .enumerate()
            .map(|(band, hashes)| hashes.iter().fold(mix(band as u64 + 77), |all, h| mix(all ^ u64::from(*h))))
    }
}
