//! go.mod and go.sum: what is matched, what is only listed, and what is told beside.

use super::{data, lines, read_lines};

const GO_MOD: &str = r#"// of the shop
module example.org/shop

go 1.21.0

toolchain go1.22.1

require golang.org/x/text v0.3.5

require (
	github.com/gin-gonic/gin v1.6.0 // indirect
	"github.com/quoted/name" v1.0.0
	github.com/old/module v2.0.0+incompatible
	github.com/own/folder v1.2.3
	github.com/only/one v1.0.0
	github.com/only/one/v2 v2.0.0
	odd
)

replace (
	github.com/old/module => github.com/new/module v2.1.0
	github.com/own/folder => ../folder
	github.com/only/one v1.0.1 => ../one
)

replace github.com/only/one/v2 v2.0.0 => github.com/fork/one/v2 v2.0.1

exclude golang.org/x/text v0.3.4
retract [v1.0.0, v1.1.0]
future thing
"#;

#[test]
fn go_mod() {
    assert_eq!(
        read_lines(GO_MOD),
        [
            "line 4: stdlib [not-pinned]",
            "line 6: toolchain [not-pinned]",
            "line 8: Go golang.org/x/text v0.3.5",
            "line 11: Go github.com/gin-gonic/gin v1.6.0",
            "line 12: Go github.com/quoted/name v1.0.0",
            "line 13: Go github.com/new/module v2.1.0",
            "line 14: github.com/own/folder [from-file]",
            "line 15: Go github.com/only/one v1.0.0",
            "line 16: Go github.com/fork/one/v2 v2.0.1",
            "line 17: require odd [malformed-entry]",
            "warning replaced line 13",
            "warning replaced line 16",
            "warning unknown_directive line 30",
        ]
    );
    let (inventory, _) = formats::inventory::read(GO_MOD.as_bytes()).unwrap();
    assert_eq!(inventory.subject.as_deref(), Some("example.org/shop"));
    assert_eq!(inventory.components[2].purl.as_deref(), Some("pkg:golang/golang.org/x/text"));
    let old = "module a\nrequire b.org/c v1.0.0\n";
    assert_eq!(read_lines(old), ["line 2: Go b.org/c v1.0.0", "warning direct_only go"]);
}

#[test]
fn go_sum() {
    let text = "golang.org/x/text v0.3.5 h1:i6eZZ+zk0SOf0xgBpEpPD18qWcJda6q1sxt3S0kzyUQ=\n\
        golang.org/x/text v0.3.5/go.mod h1:5Zoc/QRtKVWzQhOtBMvqHzDpF6irO9z98xDceosuGiQ=\n\
        golang.org/x/tools v0.1.0/go.mod h1:xkSsbof2nBLbhDlRMhhhyNLN/zl3eTqcnHD5viDpcZ0=\n\
        odd line\n";
    let expected = [
        "line 1: Go golang.org/x/text v0.3.5",
        "line 4: odd line [malformed-entry]",
        "warning fetched_not_built the document",
    ];
    assert_eq!(read_lines(text), expected);
}

#[test]
fn gos_own() {
    let named = lines(formats::inventory::read(&data("go.mod")));
    assert!(named.contains(&"line 5: Go golang.org/x/text v0.3.5".to_owned()), "{named:?}");
    let fetched = lines(formats::inventory::read(&data("go.sum")));
    assert!(fetched.iter().any(|line| line.ends_with("Go golang.org/x/text v0.3.5")), "{fetched:?}");
}
