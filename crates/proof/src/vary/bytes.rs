//! Rewrites an input file of whatever format at one to four places. Pure.

use super::{Dice, Rewritten};

/// Places of one variant.
const PLACES_COUNT_MAX: usize = 4;
/// Longest run of bytes that is doubled or taken away.
const RUN_BYTES_MAX: usize = 64;
/// Largest file rewritten, in bytes.
const FILE_BYTES_MAX: usize = 4 << 20;

/// The file with some bytes changed, doubled or taken away; `None` where it is empty or too large.
pub(super) fn rewrite(content: &[u8], dice: &mut Dice) -> Option<Rewritten> {
    if content.is_empty() || content.len() > FILE_BYTES_MAX {
        return None;
    }
    let mut bytes = content.to_vec();
    let mut changes = Vec::new();
    for _ in 0..1 + dice.below(PLACES_COUNT_MAX) {
        let at = dice.below(bytes.len());
        let run = 1 + dice.below(RUN_BYTES_MAX.min(bytes.len() - at));
        let Some(old) = bytes.get(at).copied() else { break };
        match dice.below(6) {
            0 => {
                bytes[at] ^= 1 << dice.below(8);
                changes.push(format!("byte {at}: {old:#04x} -> {:#04x}", bytes[at]));
            }
            1 => {
                let piece = bytes[at..at + run].to_vec();
                bytes.splice(at..at, piece);
                changes.push(format!("{run} bytes at {at} doubled"));
            }
            2 if run < bytes.len() => {
                bytes.drain(at..at + run);
                changes.push(format!("{run} bytes at {at} taken away"));
            }
            3 => {
                bytes[at] = old.wrapping_add(1);
                changes.push(format!("byte {at}: {old:#04x} -> {:#04x}", bytes[at]));
            }
            4 if old.is_ascii_alphanumeric() => {
                bytes[at] = if old.is_ascii_digit() {
                    b'0' + u8::try_from(dice.below(10)).unwrap_or_default()
                } else {
                    old ^ 0x20
                };
                changes.push(format!("byte {at}: {old:#04x} -> {:#04x}", bytes[at]));
            }
            _ => {
                bytes.push(old);
                changes.push("one byte more at the end".into());
            }
        }
    }
    (bytes != content).then(|| Rewritten { bytes, change: changes.join("; ") })
}
