//! What the demo's finders report, in their own words. The defects are real, long public and long
//! fixed; the bundles are under `examples/`.

/// One report of the demo.
pub struct Line {
    /// Which finder, by number.
    pub finder: usize,
    /// The bundle, below the folder of examples.
    pub bundle: &'static str,
    /// The function the finder names, if it names one.
    pub symbol: Option<&'static str>,
    /// The weakness.
    pub cwe: &'static str,
    /// Ids the finder knows.
    pub aliases: &'static [&'static str],
    /// What found it.
    pub tooling: &'static str,
    /// The description.
    pub text: &'static str,
}

/// Every report, in the order in which they come in.
pub const REPORTS: [Line; 8] = [
    Line {
        finder: 0,
        bundle: "lodash-zipobjectdeep",
        symbol: Some("zipObjectDeep"),
        cwe: "CWE-1321",
        aliases: &["CVE-2020-8203"],
        tooling: "manual review",
        text: "zipObjectDeep follows the key __proto__ in a path and writes to Object.prototype. Whoever controls a path \
               controls a property of every object in the process.",
    },
    Line {
        finder: 1,
        bundle: "lodash-set-proto",
        symbol: Some("set"),
        cwe: "CWE-1321",
        aliases: &[],
        tooling: "scanning agent, build 118",
        text: "Agent run 118: a settings endpoint hands a path from the request to lodash.set. With the segments \
               [\"__proto__\", \"isAdmin\"] every later object answers true to isAdmin.",
    },
    Line {
        finder: 2,
        bundle: "lodash-updatewith-pollution",
        symbol: None,
        cwe: "CWE-915",
        aliases: &["GHSA-p6mc-m468-83gw"],
        tooling: "property-based fuzzer",
        text: "Our fuzzer found that updateWith can be made to change objects it was never given. No idea which other \
               functions share the cause.",
    },
    Line {
        finder: 1,
        bundle: "wrong/lodash-merge-claim",
        symbol: Some("merge"),
        cwe: "CWE-1321",
        aliases: &[],
        tooling: "scanning agent, build 118",
        text: "Agent run 118: merge copies keys recursively, so it must be possible to pollute the prototype with it.",
    },
    Line {
        finder: 2,
        bundle: "wrong/minimist-incomplete-fix",
        symbol: None,
        cwe: "CWE-1321",
        aliases: &["CVE-2021-44906"],
        tooling: "manual review",
        text: "Dotted arguments of minimist reach Object.prototype by way of constructor.prototype. Fixed in 1.2.3, says \
               the change log.",
    },
    Line {
        finder: 0,
        bundle: "underscore-template-injection",
        symbol: Some("template"),
        cwe: "CWE-94",
        aliases: &["CVE-2021-23358"],
        tooling: "manual review",
        text: "The setting `variable` of template goes into the source of the function that is built, unchecked.",
    },
    Line {
        finder: 1,
        bundle: "netmask-octal",
        symbol: Some("contains"),
        cwe: "CWE-704",
        aliases: &["CVE-2021-28918"],
        tooling: "scanning agent, build 119",
        text: "Agent run 119: a request filter built on netmask lets 0177.0.0.1 pass, which is 127.0.0.1 to whoever connects.",
    },
    Line {
        finder: 2,
        bundle: "fast-loops-merge",
        symbol: Some("objectMergeDeep"),
        cwe: "CWE-1321",
        aliases: &["CVE-2024-39008"],
        tooling: "property-based fuzzer",
        text: "objectMergeDeep walks into __proto__ when a parsed document owns a key of that name.",
    },
];
