//! Which two places say the same: blanks, comments and line breaks do not matter, tokens do.

use triage::place::{Language, Place, Question};

fn at(language: Language, source: &str, place: (u32, u32, u32, u32)) -> u64 {
    let (line, column, end_line, end_column) = place;
    let places = vec![Place { line, column, end_line, end_column }];
    let question = Question { language, source: source.as_bytes().to_vec(), places };
    symbols::answer(&question).unwrap().remove(0).unwrap().statement
}

#[track_caller]
fn check(language: Language, one: (&str, u32), other: (&str, u32), same: bool) {
    let (x, y) = (at(language, one.0, (one.1, 0, 0, 0)), at(language, other.0, (other.1, 0, 0, 0)));
    assert_eq!(x == y, same, "{one:?} and {other:?}");
}

#[test]
fn blanks_comments_and_breaks_do_not_matter() {
    use Language::*;
    check(JavaScript, ("f(a, b);", 1), ("\n\nf(a, // why\n  b)", 3), true);
    check(C, ("int f() { free(p); }", 1), ("int f()\n{\n  free ( p ) ; }", 1), true);
    check(C, ("int f() {\nfree(p); }", 2), ("int g() {\n/* so */ free( p );\n}", 2), true);
    check(Python, ("def f():\n  g(a,b)", 2), ("def f():\n\n    g(a,\n      b)  # so", 3), true);
    check(Rust, ("fn f() {\nx.unwrap()\n}", 2), ("fn f() {\n\n\n x\n.unwrap() }", 4), true);
}

#[test]
fn other_tokens_are_other_statements() {
    use Language::*;
    check(JavaScript, ("f(a, b)", 1), ("f(a, c)", 1), false);
    check(JavaScript, ("f('a b')", 1), ("f('ab')", 1), false);
    check(Python, ("x = ab", 1), ("x = a.b", 1), false);
    check(Rust, ("fn f() {\nx.unwrap()\n}", 2), ("fn f() {\ny.unwrap()\n}", 2), false);
    check(JavaScript, ("a(1); b(2)", 1), ("a(1); b(3)", 1), false);
}

#[test]
fn what_is_in_a_body_is_not_the_statement_before_it() {
    use Language::*;
    check(JavaScript, ("if (a) {\n f()\n}", 1), ("if (a) {\n g()\n h()\n}", 1), true);
    check(Java, ("class A {\n void f(int a) {\n g(); } }", 2), ("class A {\n void f(int a) {\n h(); } }", 2), true);
    check(C, ("int f(int a) { if (a) { g(); } }", 1), ("int f(int b) { if (a) { g(); } }", 1), false);
}

#[test]
fn columns_tell_places_on_one_line_apart() {
    let text = "function f() { a(1); b(2); a(1) }";
    let place = |column| at(Language::JavaScript, text, (1, column, 1, column + 4));
    assert_eq!(place(16), place(28));
    assert_ne!(place(16), place(22));
}

#[test]
fn a_table_is_told_by_the_line() {
    let table = |extra: &str| {
        let rows: String = (0..200).map(|n| format!("  'k{n}': f({n}),\n")).collect();
        format!("module.exports = {{\n{extra}{rows}}}\n")
    };
    let (one, other) = (table(""), table("  'new': f(0),\n"));
    check(Language::JavaScript, (&one, 50), (&other, 51), true);
    check(Language::JavaScript, (&one, 50), (&one, 51), false);
}
