//! Mails: what is kept of a good one, and such as are meant to hurt.

use intake::{Kind, MAIL_LEVELS_MAX, kind_of};

use crate::{read, sample};

#[test]
fn text_files_and_sender_are_kept() {
    let document = read(&sample("mail.eml")).unwrap();
    let one = &document.reports[0];
    assert_eq!(one.title, "Over-read in yajl 2.1.0");
    let text = String::from_utf8(one.report.attachments[0].bytes.clone()).unwrap();
    assert!(text.contains("Grüße, Zoë") && !text.contains("<b>") && !text.contains("behind</b>"), "{text}");
    let files: Vec<(String, &str)> =
        one.report.attachments.iter().map(|a| (a.download_name(), a.kind.as_str())).collect();
    let expected = [
        ("description.md", "other"),
        ("crash.log.txt", "other"),
        ("fix.patch.txt", "patch"),
        ("poc.zip", "exploit-proof-of-concept"),
        ("provenance.json", "other"),
    ];
    assert_eq!(files, expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert!(one.report.attachments[1].bytes.starts_with(b"==4711==ERROR"));
    let told = one.provenance().unwrap();
    assert_eq!(told.chain[0].party, "Zoë Ångström <zoe@finder.example>");
    assert_eq!(told.chain[0].handling_id.as_deref(), Some("abc.123@finder.example"));
    assert_eq!(one.report.email, None, "nobody is written to because a header says so");
}

#[test]
fn a_mail_is_told_by_its_header() {
    for (text, kind) in [
        ("Subject: x\n\ntext", Kind::Mail),
        ("From a@b Tue Sep 1 10:00:00 2026\nSubject: x\nX-Odd: 1\n\ntext", Kind::Mail),
        ("Received: by a;\n\tb\nDate: now\n\ntext", Kind::Mail),
        ("Date: today\n\ntext", Kind::Prose),
        ("Subject: x", Kind::Prose),
        ("Note: this\nFrom here on: text\n\n", Kind::Prose),
    ] {
        assert_eq!(kind_of(text.as_bytes()).unwrap(), kind, "{text}");
    }
}

#[test]
fn other_character_sets_are_read() {
    for (charset, body, expected) in [
        ("iso-2022-jp", &b"\x1b$B%F%9%H\x1b(B"[..], "テスト"),
        ("gb18030", &b"\xb2\xe2\xca\xd4"[..], "测试"),
        ("windows-1251", &b"\xf2\xe5\xf1\xf2"[..], "тест"),
        ("utf-8", &b"ok \xff\xfe"[..], "ok \u{fffd}\u{fffd}"),
        ("no-such-set", &b"plain"[..], "plain"),
        ("utf-7", &b"+AGE-"[..], "a"),
    ] {
        let mut mail = format!("Subject: x\nContent-Type: text/plain; charset={charset}\n\n").into_bytes();
        mail.extend_from_slice(body);
        let document = read(&mail).unwrap();
        let text = String::from_utf8(document.reports[0].report.attachments[0].bytes.clone()).unwrap();
        assert!(text.contains(expected), "{charset}: {text}");
    }
}

#[test]
fn parts_within_parts_come_to_an_end() {
    // Multiparts in multiparts, deeper than is read.
    let mut mail = String::from("Subject: deep\n");
    for level in 0..5_000 {
        mail.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"));
    }
    mail.push_str("\nthe end\n");
    let document = read(mail.as_bytes()).unwrap();
    assert!(
        document.reports[0].warnings.iter().any(|w| w.text.contains(&format!("more than {MAIL_LEVELS_MAX} levels")))
    );
    // Mails in mails, plain and in base64.
    let mails = format!("Subject: x\n{}", "Content-Type: message/rfc822\n\n".repeat(100_000));
    assert!(read(mails.as_bytes()).unwrap().reports[0].warnings.iter().any(|w| w.text.contains("levels")));
    // Parts without end, each naming a boundary that never comes.
    let part = "--a\nContent-Type: multipart/mixed; boundary=never\n\nx\n";
    let many = format!("Subject: x\nContent-Type: multipart/mixed; boundary=a\n\n{}", part.repeat(100_000));
    assert!(read(many.as_bytes()).unwrap().reports[0].warnings.iter().any(|w| w.text.contains("at most 256 parts")));
}

#[test]
fn huge_and_broken_headers_are_refused_or_told() {
    let huge = format!("Subject: {}\n\ntext", "x".repeat(100_000));
    assert!(read(huge.as_bytes()).is_err() || kind_of(huge.as_bytes()).unwrap() == Kind::Prose);
    let folded = format!("Subject: x\n{}\ntext", " more\n".repeat(1_000));
    assert!(read(folded.as_bytes()).unwrap_err().to_string().contains("more lines than are read"));
    for header in [
        "From: =?utf-8?b?////?= <\u{1}>",
        "From: \"\\\"\\\"<><><@@>",
        "Content-Type: multipart/mixed; boundary=",
        "Content-Type: ;;;===\"",
        "Content-Disposition: attachment; filename*0*=utf-8''%ff; filename*1=x",
        "Date: 99 Foo 0000 99:99:99 +9999",
        "Message-ID: <<<>>>",
    ] {
        let mail = format!("Subject: x\n{header}\n\nbody text of a report\n");
        let document = read(mail.as_bytes()).unwrap();
        assert_eq!(document.reports.len(), 1, "{header}");
    }
}

#[test]
fn names_of_files_cannot_mislead() {
    let part = |name: &str| {
        format!(
            "--a\nContent-Type: text/plain\nContent-Disposition: attachment; filename=\"{name}\"\n\nbytes of {name}\n"
        )
    };
    let names = ["C:\\x\\evil.txt", "evil.TXT", "a\u{202e}txt.exe", "provenance.json", "description.md", "..", ""];
    let parts: String = names.iter().map(|name| part(name)).collect();
    let mail =
        format!("Subject: x\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nPackage: pkg:npm/x\n{parts}--a--\n");
    let document = read(mail.as_bytes()).unwrap();
    let one = &document.reports[0];
    assert_eq!(one.problem, None, "{:?}", one.report);
    assert_eq!(one.report.attachments.len(), 2 + names.len());
}
