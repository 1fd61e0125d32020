//! Which language a file is in, from its name alone.

/// A language whose symbols are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// C.
    C,
    /// C++, and headers, which may be either: its grammar reads both.
    Cpp,
    /// C#.
    CSharp,
    /// Go.
    Go,
    /// Java.
    Java,
    /// JavaScript, with JSX.
    JavaScript,
    /// PHP.
    Php,
    /// Python.
    Python,
    /// Ruby.
    Ruby,
    /// Rust.
    Rust,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
}

use Language::*;

/// Endings of names, lower case; `H` is C++ by custom and falls under `h`.
const ENDINGS: [(&str, Language); 38] = [
    ("c", C),
    ("h", Cpp),
    ("cc", Cpp),
    ("cpp", Cpp),
    ("cxx", Cpp),
    ("c++", Cpp),
    ("hh", Cpp),
    ("hpp", Cpp),
    ("hxx", Cpp),
    ("h++", Cpp),
    ("inl", Cpp),
    ("ipp", Cpp),
    ("tcc", Cpp),
    ("cs", CSharp),
    ("csx", CSharp),
    ("go", Go),
    ("java", Java),
    ("js", JavaScript),
    ("mjs", JavaScript),
    ("cjs", JavaScript),
    ("jsx", JavaScript),
    ("php", Php),
    ("php3", Php),
    ("php4", Php),
    ("php5", Php),
    ("phtml", Php),
    ("inc", Php),
    ("py", Python),
    ("pyi", Python),
    ("pyw", Python),
    ("rb", Ruby),
    ("rake", Ruby),
    ("gemspec", Ruby),
    ("rs", Rust),
    ("ts", TypeScript),
    ("mts", TypeScript),
    ("cts", TypeScript),
    ("tsx", Tsx),
];

impl Language {
    /// Every language, in the order of its wire byte.
    pub const ALL: [Language; 12] = [C, Cpp, CSharp, Go, Java, JavaScript, Php, Python, Ruby, Rust, TypeScript, Tsx];

    /// By the ending of a file's name.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
        ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, language)| *language)
    }

    /// Its byte on the wire.
    #[must_use]
    pub fn byte(self) -> u8 {
        self as u8
    }

    /// The language of a wire byte.
    #[must_use]
    pub fn of_byte(byte: u8) -> Option<Self> {
        Language::ALL.get(usize::from(byte)).copied()
    }

    /// What stands between a symbol and the one it is in, as people write it in this language.
    #[must_use]
    pub fn joint(self) -> &'static str {
        match self {
            C | Cpp | Rust | Php | Ruby => "::",
            CSharp | Go | Java | JavaScript | Python | TypeScript | Tsx => ".",
        }
    }
}
