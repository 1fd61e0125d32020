//! UndefinedBehaviorSanitizer's runtime errors, with a stack or without. Names are ClusterFuzz's.

use super::address::AddressKind;
use super::draft::Draft;
use super::text::{Text, after, hex, number};
use super::{Access, Frame, frame};

/// Lines below the error in which its stack begins.
const STACK_LINES_MAX: usize = 8;

/// What the message contains, and what that is called. The first that fits counts.
const KINDS: [(&str, &str); 34] = [
    ("control flow integrity check", "Bad-cast"),
    ("downcast of", "Bad-cast"),
    ("which does not point to an object of type", "Bad-cast"),
    ("division by zero", "Divide-by-zero"),
    ("outside the range of representable values", "Float-cast-overflow"),
    ("implicit conversion from type", "Implicit-conversion"),
    ("through pointer to incorrect function type", "Incorrect-function-pointer-type"),
    ("out of bounds for type", "Index-out-of-bounds"),
    ("not a valid value for type 'bool'", "Invalid-bool-value"),
    ("not a valid value for type 'BOOL'", "Invalid-bool-value"),
    ("which is not a valid argument", "Invalid-builtin-use"),
    ("passing zero to", "Invalid-builtin-use"),
    ("misaligned address", "Misaligned-address"),
    ("end of a value-returning function", "No-return-value"),
    ("declared to never be null", "Invalid-null-argument"),
    ("load of null pointer", "Null-dereference READ"),
    ("store to null pointer", "Null-dereference WRITE"),
    ("binding to null pointer", "Null-dereference"),
    ("access within null pointer", "Null-dereference"),
    ("call on null pointer", "Null-dereference"),
    ("with insufficient space for an object of type", "Object-size"),
    ("unsigned offset", "Pointer-overflow"),
    ("pointer index expression with base", "Pointer-overflow"),
    ("offset to null pointer", "Pointer-overflow"),
    ("to null pointer", "Pointer-overflow"),
    ("declared to never return null", "Invalid-null-return"),
    ("shift", "Undefined-shift"),
    ("unreachable program point", "Unreachable code"),
    ("unsigned integer overflow", "Unsigned-integer-overflow"),
    ("bound evaluates to non-positive value", "Non-positive-vla-bound-value"),
    ("not a valid value for type", "Invalid-enum-value"),
    ("integer overflow", "Integer-overflow"),
    ("cannot be represented in type", "Integer-overflow"),
    ("assumption is violated", "Assumption-violated"),
];

/// Reads the first runtime error.
pub fn read(text: &Text<'_>) -> Option<Draft> {
    let (at, (place, message)) = text.find(error)?;
    let known = KINDS.iter().find(|(words, _)| message.contains(words)).map(|(_, base)| *base);
    let (base, access) = match known {
        Some("Null-dereference READ") => ("Null-dereference", Some(Access::Read)),
        Some("Null-dereference WRITE") => ("Null-dereference", Some(Access::Write)),
        Some(base) => (base, None),
        None => ("Undefined-behavior", None),
    };
    let mut draft = Draft::new(base, "UndefinedBehaviorSanitizer");
    draft.access = access;
    draft.region = (base == "Null-dereference").then_some(AddressKind::Null);
    draft.message = Some(message.to_owned());
    draft.address = after(message, "address 0x").and_then(hex);
    let close = text.from(at + 1).take(STACK_LINES_MAX).find(|(_, line)| line.trim_start().starts_with("#0 "));
    if let Some((line, _)) = close {
        draft.frames = frame::stack(text, line).map(|(frames, _)| frames).unwrap_or_default();
    }
    if draft.frames.is_empty() {
        let (file, line) = frame::place(place);
        draft.frames = vec![Frame { file, line, ..Frame::default() }];
        draft.warnings.push("no stack was printed (UBSAN_OPTIONS=print_stacktrace=1 prints one)".to_owned());
    }
    Some(draft)
}

/// `a.c:33:62: runtime error: message`; Go says `panic: runtime error:` and is not meant.
fn error(line: &str) -> Option<(&str, &str)> {
    let (place, message) = line.split_once(": runtime error: ")?;
    let place = place.rsplit(' ').next().unwrap_or(place);
    let numbered = place.rsplit(':').next().and_then(number).is_some();
    (numbered || place == "<unknown>").then_some((place, message))
}
