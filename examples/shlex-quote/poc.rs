//! Text with braces is to come out of a shell as it went in.

#![allow(deprecated)]

fn main() {
    // What a shell makes of the quoted text must be that very text.
    let text = "{a,b}";
    let quoted = shlex::quote(text);
    let shell = std::process::Command::new("bash").args(["-c", &format!("printf '<%s>' {quoted}")]).output().unwrap();
    assert!(shell.status.success());
    let one_word = shell.stdout == format!("<{text}>").as_bytes();
    std::process::exit(if one_word { 0 } else { 10 });
}
