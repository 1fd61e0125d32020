//! Text with blanks and quotes comes out of a shell as it went in.

#![allow(deprecated)]

fn main() {
    let text = "two words; and 'more'";
    let quoted = shlex::quote(text);
    let shell = std::process::Command::new("bash").args(["-c", &format!("printf '<%s>' {quoted}")]).output().unwrap();
    assert!(shell.status.success());
    assert_eq!(shell.stdout, format!("<{text}>").as_bytes());
}
