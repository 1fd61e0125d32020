//! What kind of address was touched. Numbers alone; knows no tool.

/// Addresses below are what a null pointer with a field's offset gives: one page, as in ClusterFuzz.
const ADDRESS_NULL_BYTES_MAX: u64 = 0x1000;
/// Addresses below are small numbers taken for pointers.
const ADDRESS_SMALL_BYTES_MAX: u64 = 0x10_0000;
/// The first address that no user program can have on 64-bit machines with 48-bit addresses.
const ADDRESS_USER_BYTES_MAX: u64 = 0x0000_8000_0000_0000;
/// The first address of the upper, kernel half.
const ADDRESS_KERNEL_BYTES_MIN: u64 = 0xffff_0000_0000_0000;

/// A kind of address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressKind {
    /// Null, or a field of it.
    Null,
    /// A small number.
    Small,
    /// In, beside or once in a heap block.
    Heap,
    /// In or beside a stack.
    Stack,
    /// In or beside a global.
    Global,
    /// In the kernel's half.
    Kernel,
    /// Mapped to nothing, or not an address at all.
    Wild,
    /// Not told.
    #[default]
    Unknown,
}

impl AddressKind {
    /// A stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AddressKind::Null => "null",
            AddressKind::Small => "small",
            AddressKind::Heap => "heap",
            AddressKind::Stack => "stack",
            AddressKind::Global => "global",
            AddressKind::Kernel => "kernel",
            AddressKind::Wild => "wild",
            AddressKind::Unknown => "unknown",
        }
    }
}

/// The number that `text` writes in hexadecimal, with `0x` or without.
pub fn value(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

/// From the number alone; `unmapped` when the machine refused it.
pub fn kind_of(address: u64, unmapped: bool) -> AddressKind {
    match address {
        0..ADDRESS_NULL_BYTES_MAX => AddressKind::Null,
        ADDRESS_NULL_BYTES_MAX..ADDRESS_SMALL_BYTES_MAX => AddressKind::Small,
        ADDRESS_KERNEL_BYTES_MIN.. => AddressKind::Kernel,
        ADDRESS_USER_BYTES_MAX.. => AddressKind::Wild,
        _ if unmapped => AddressKind::Wild,
        _ => AddressKind::Unknown,
    }
}
