//! One way to write a closed list of words: an enum, its spelling, and the way back.
//!
//! The spelling is the one that goes into the store, the API and the documents; it must never
//! change once released. Must not hold any word itself: each noun's words stand in its own file.

use thiserror::Error;

/// A word that is not in the list it was looked up in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{word}` is not a {list}; one of: {allowed}")]
pub struct UnknownWord {
    /// The word as given, cut to 64 characters.
    pub word: String,
    /// The name of the list, such as `Role`.
    pub list: &'static str,
    /// Every word of the list, separated by commas.
    pub allowed: String,
}

/// Writes an enum whose every variant has one spelling.
///
/// Gives `ALL` (in declaration order), `as_str`, `Display` and `FromStr`.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every word, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spelling, as stored and sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::vocabulary::UnknownWord;

            fn from_str(word: &str) -> std::result::Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|w| w.as_str() == word)
                    .ok_or_else(|| $crate::vocabulary::UnknownWord {
                        word: word.chars().take(64).collect(),
                        list: stringify!($name),
                        allowed: Self::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(", "),
                    })
            }
        }
    };
}
