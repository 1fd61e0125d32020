//! A crash while it is being put together, and the rules that hold for all tools: how a type is written, what is
//! security-relevant, what makes the state.

use super::address::{self, AddressKind};
use super::text::start;
use super::{Access, CRASH_STATE_FRAMES_MAX, Crash, Frame, name, noise};

/// The longest name or message that is kept, in bytes.
const MESSAGE_BYTES_MAX: usize = 400;
/// How often a function must be in the stack to count as part of the recursion.
const RECURSION_COUNT_MIN: usize = 3;
/// Sizes that are told in a type; others are written `{*}`, since they follow the input.
const SIZES_TOLD: [u64; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Types that say only that the program stopped itself.
const MERE_STOPS: [&str; 5] = ["Abrt", "Trap", "Ill", "Fatal-signal", "Breakpoint"];
/// Memory touched where it must not be, or about to be.
const SECURITY: [&str; 14] = [
    "Bad-cast",
    "Buffer-overflow",
    "Heap-corruption",
    "Heap-double-free",
    "Incorrect-function-pointer-type",
    "Index-out-of-bounds",
    "Invalid-free",
    "Memory-corruption",
    "Non-positive-vla-bound-value",
    "Object-size",
    "Security exception",
    "Tag-mismatch",
    "Use-of-uninitialized-value",
    "Use-after-poison",
];
/// Parts of names of which every bearer is security-relevant.
const SECURITY_PARTS: [&str; 9] = [
    "buffer-overflow",
    "buffer-underflow",
    "use-after-",
    "container-overflow",
    "out-of-bounds",
    "param-overlap",
    "negative-size-param",
    "dealloc-mismatch",
    "delete-type-mismatch",
];

/// What a reader found.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The type without access and size.
    pub base: String,
    pub access: Option<Access>,
    pub size_bytes: Option<u64>,
    pub address: Option<String>,
    /// Where the tool says what kind of address it is.
    pub region: Option<AddressKind>,
    /// Whether the machine refused the address.
    pub unmapped: bool,
    /// Where the reader knows better than the type.
    pub security: Option<bool>,
    /// Stands before the frames in the state: a failed condition.
    pub lead: Option<String>,
    pub message: Option<String>,
    pub frames: Vec<Frame>,
    pub tool: &'static str,
    pub warnings: Vec<String>,
}

impl Draft {
    /// A type, told by a tool.
    pub fn new(base: impl Into<String>, tool: &'static str) -> Self {
        Draft { base: base.into(), tool, ..Draft::default() }
    }

    /// Whether the type says nothing of why.
    pub fn is_mere_stop(&self) -> bool {
        MERE_STOPS.contains(&self.base.as_str())
    }

    /// The same crash, of which `cause` says why. Where both have a stack, that of the cause is nearer.
    pub fn caused_by(self, cause: Draft) -> Draft {
        let frames = if cause.frames.is_empty() { self.frames } else { cause.frames };
        let mut warnings = self.warnings;
        warnings.extend(cause.warnings);
        Draft { frames, warnings, ..cause }
    }

    /// Applies the rules.
    pub fn finish(mut self) -> Crash {
        let address = self.address.as_deref().and_then(address::value);
        let by_number = address.map_or(AddressKind::Unknown, |a| address::kind_of(a, self.unmapped));
        let address_kind = match (self.region, by_number) {
            (Some(region), AddressKind::Unknown | AddressKind::Wild) => region,
            (region, AddressKind::Unknown) => region.unwrap_or_default(),
            (_, kind) => kind,
        };
        if self.base == "UNKNOWN" && address_kind == AddressKind::Null {
            self.base = "Null-dereference".to_owned();
        }
        let security = self.security.unwrap_or_else(|| is_security(&self.base, address_kind));
        if self.base == "UNKNOWN" && address_kind == AddressKind::Unknown {
            self.warnings.push("the address is not told: a null pointer cannot be told from a wild one".to_owned());
        }
        let message = self.message.as_deref().map(|m| start(m.trim(), MESSAGE_BYTES_MAX).to_owned());
        Crash {
            crash_type: self.type_text(),
            access: self.access,
            size_bytes: self.size_bytes,
            address_kind,
            security,
            state: self.state(message.as_deref()),
            frames: self.frames,
            tool: self.tool,
            address: self.address,
            message: message.filter(|m| !m.is_empty()),
            warnings: self.warnings,
        }
    }

    fn type_text(&self) -> String {
        let mut text = self.base.clone();
        let Some(access) = self.access else { return text };
        text.push(' ');
        text.push_str(access.as_str());
        match self.size_bytes {
            Some(size) if SIZES_TOLD.contains(&size) => text.push_str(&format!(" {size}")),
            Some(_) => text.push_str(" {*}"),
            None => {}
        }
        text
    }

    fn state(&self, message: Option<&str>) -> Vec<String> {
        let mut state: Vec<String> = self.lead.iter().filter(|l| !l.is_empty()).cloned().collect();
        let own: Vec<String> = noise::own(&self.frames).into_iter().map(name::identity).collect();
        let names = if self.base.eq_ignore_ascii_case("stack-overflow") || self.base == "Stack overflow" {
            recursion(own)
        } else {
            own
        };
        state.extend(names);
        if state.is_empty() && self.tool != "libc" && !["Stack-overflow", "Out-of-memory"].contains(&self.base.as_str())
        {
            // What a program says of itself names the place; what every program says names nothing.
            state.extend(message.map(stable).filter(|m| !m.is_empty()));
        }
        state.truncate(CRASH_STATE_FRAMES_MAX);
        state
    }
}

fn is_security(base: &str, kind: AddressKind) -> bool {
    if base == "UNKNOWN" {
        return kind != AddressKind::Null;
    }
    if base.starts_with("Kernel failure") {
        return !["Hung-task", "Deadlock", "Warning", "Kernel-bug"].iter().any(|word| base.contains(word));
    }
    SECURITY.contains(&base) || SECURITY_PARTS.iter().any(|part| base.to_ascii_lowercase().contains(part))
}

/// A message without what differs from run to run: numbers become `#`.
fn stable(message: &str) -> String {
    let mut out = String::new();
    let line = message.lines().next().unwrap_or_default().trim();
    let mut in_number = false;
    for c in start(line, MESSAGE_BYTES_MAX).chars() {
        let within_word = out.chars().next_back().is_some_and(|last| last.is_alphanumeric() || last == '_');
        if in_number && c.is_ascii_hexdigit() || c.is_ascii_digit() && !within_word {
            if !in_number {
                out.push('#');
            }
            in_number = true;
        } else if in_number && c == 'x' && out.ends_with('#') {
            // `0x`: the digits that follow belong to it.
        } else {
            in_number = false;
            out.push(c);
        }
    }
    out
}

/// The functions that call each other without end, beginning with the first by name: where the stack ran out is chance.
fn recursion(own: Vec<String>) -> Vec<String> {
    let mut counted: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for function in &own {
        *counted.entry(function).or_default() += 1;
    }
    let again = |function: &&String| counted.get(function.as_str()).is_some_and(|n| *n >= RECURSION_COUNT_MIN);
    let mut cycle: Vec<String> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for function in own.iter().filter(again) {
        if seen.insert(function.as_str()) {
            cycle.push(function.clone());
        }
    }
    if cycle.is_empty() {
        return own;
    }
    let first = cycle.iter().enumerate().min_by(|a, b| a.1.cmp(b.1)).map_or(0, |(at, _)| at);
    cycle.rotate_left(first);
    cycle
}
