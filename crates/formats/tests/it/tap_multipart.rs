//! TAP as `multipart/mixed`: the report in one part, files in others. A table of parts against what is read or refused.

use formats::tap::{
    AttachmentType, ContentType, Refusal, limits, read_kept, read_multipart, read_report, write_report,
};

const REPORT: &str =
    "Content-Disposition: attachment; name=report\r\nContent-Type: application/json\r\n\r\n{\"purl\":\"pkg:npm/x\"}";

fn body(parts: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(b"--b\r\n");
        body.extend_from_slice(part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b--\r\n");
    body
}

fn attachment(headers: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("Content-Disposition: attachment; name=\"attachment\"; {headers}\r\n\r\n");
    [head.as_bytes(), bytes].concat()
}

/// A report with every kind of part.
pub fn good() -> Vec<u8> {
    let zip = attachment(
        "filename=\"a \\\"b\\\".zip\"\r\nContent-Type: application/zip\r\nContent-Description: the proof\r\n\
         Content-Akrites-Type: reproducer",
        b"PK\x03\x04\r\n--c\r\n\xff\x00",
    );
    let text = attachment("filename=poc.md\r\ncontent-type: text/markdown; charset=UTF-8", "größer\r\n".as_bytes());
    let exploit = b"Content-Disposition: attachment; name=exploit\r\nContent-Transfer-Encoding: binary\r\n\r\nboom";
    body(&[&zip, REPORT.as_bytes(), exploit, &text])
}

#[test]
fn parts_are_read_to_the_byte_and_kept_as_json() {
    let (report, warnings) = read_multipart(&good(), "b").unwrap();
    assert_eq!(report.purl.as_deref(), Some("pkg:npm/x"));
    let shown: Vec<_> = report
        .attachments
        .iter()
        .map(|a| (a.filename.as_str(), a.content_type, a.kind, a.description.as_deref(), a.bytes.as_slice()))
        .collect();
    assert_eq!(
        shown,
        [
            (
                "a \"b\".zip",
                ContentType::Zip,
                AttachmentType::Reproducer,
                Some("the proof"),
                &b"PK\x03\x04\r\n--c\r\n\xff\x00"[..]
            ),
            ("poc.md", ContentType::Markdown, AttachmentType::Other, None, "größer\r\n".as_bytes()),
            ("exploit", ContentType::Plain, AttachmentType::ExploitProofOfConcept, None, b"boom"),
        ]
    );
    assert_eq!(warnings.iter().map(|w| w.code).collect::<Vec<_>>(), ["deprecated_field"]);
    assert_eq!(read_kept(&write_report(&report)).unwrap(), report);
}

/// The largest file of bytes is longer in base64 than a sender may send so; what is kept is read all the same.
#[test]
fn the_largest_file_is_kept_and_one_byte_more_is_refused() {
    let of = |bytes: usize| {
        let file = attachment("filename=a.bin\r\nContent-Type: application/octet-stream", &vec![0xff; bytes]);
        read_multipart(&body(&[REPORT.as_bytes(), &file]), "b")
    };
    let (report, _) = of(limits::ATTACHMENT_DATA_BYTES_MAX).unwrap();
    let kept = write_report(&report);
    assert_eq!(read_kept(&kept).unwrap(), report);
    assert!(matches!(read_report(&kept), Err(refusal) if refusal.is_size()));
    let refused = of(limits::ATTACHMENT_DATA_BYTES_MAX + 1).unwrap_err();
    assert!(refused.is_size(), "{refused:?}");
    let control = attachment("filename=a.txt", &vec![1; limits::ATTACHMENT_DATA_BYTES_MAX]);
    let (report, _) = read_multipart(&body(&[REPORT.as_bytes(), &control]), "b").unwrap();
    assert_eq!(read_kept(&write_report(&report)).unwrap(), report);
}

fn refused(parts: &[&[u8]]) -> String {
    match read_multipart(&body(parts), "b") {
        Ok(_) => "accepted".into(),
        Err(Refusal::Invalid { violations }) => {
            violations.iter().map(|v| format!("{} {}", v.code, v.field)).collect::<Vec<_>>().join(", ")
        }
        Err(other) => other.to_string(),
    }
}

#[test]
fn what_is_wrong_is_told_by_its_code() {
    let report = REPORT.as_bytes();
    let with = |headers: &str, bytes: &[u8]| refused(&[report, &attachment(headers, bytes)]);
    for (found, wanted) in [
        (with("filename=a.txt", b"\xff"), "invalid_utf8 attachments[0].data"),
        (with("filename=a.txt", b""), "degenerate_value attachments[0].data"),
        (with("filename=\"../a\"", b"x"), "invalid_filename attachments[0].filename"),
        (with("filename=\"größe.txt\"", b"x"), "accepted"),
        (with("filename=a\r\nContent-Type: text/html", b"x"), "invalid_content_type attachments[0].content_type"),
        (
            with("filename=a\r\nContent-Type: application/pdf; charset=utf-8", b"x"),
            "invalid_content_type attachments[0].content_type",
        ),
        (with("filename=a\r\nContent-Akrites-Type: virus", b"x"), "invalid_attachment_type attachments[0].type"),
        (
            refused(&[report, b"Content-Disposition: attachment; name=attachment\r\n\r\nx"]),
            "missing_field attachments[0].filename",
        ),
        (refused(&[report, report]), "field_not_allowed report"),
        (refused(&[report, b"Content-Disposition: attachment; name=other\r\n\r\nx"]), "field_not_allowed other"),
        (
            refused(&[
                b"Content-Disposition: attachment; name=report\r\n\r\n{\"purl\":\"pkg:npm/x\",\"exploit\":\"x\"}",
            ]),
            "field_not_allowed exploit",
        ),
        (
            refused(&[report, b"Content-Disposition: attachment; name=raw; filename=a\r\n\r\nx"]),
            "field_not_allowed raw.filename",
        ),
    ] {
        assert_eq!(found, wanted);
    }
    let many: Vec<Vec<u8>> = (0..17).map(|n| attachment(&format!("filename=f{n}"), b"x")).collect();
    let parts: Vec<&[u8]> = std::iter::once(report).chain(many.iter().map(Vec::as_slice)).collect();
    assert_eq!(refused(&parts), "too_many_items attachments");
}

#[test]
fn what_is_no_such_message_is_not_one_report() {
    let report = REPORT.as_bytes();
    for (parts, reason) in [
        (&[][..], "no part is named report"),
        (&[&b"\r\nx"[..]][..], "part 1: no Content-Disposition"),
        (&[report, b"Content-Disposition: form-data; name=raw\r\n\r\nx"], "part 2: a Content-Disposition other"),
        (
            &[report, b"Content-Disposition: attachment; name*=utf-8''raw\r\n\r\nx"],
            "part 2: a parameter of Content-Disposition",
        ),
        (
            &[report, b"Content-Disposition: attachment; name=raw\r\nContent-Transfer-Encoding: base64\r\n\r\nx"],
            "part 2: a transfer encoding",
        ),
        (
            &[report, b"Content-Disposition: attachment; name=raw\r\nContent-ID: 1\r\n\r\nx"],
            "part 2: a Content- header",
        ),
        (
            &[report, b"Content-Disposition: attachment; name=raw\r\nContent-Description: 1\r\n\r\nx"],
            "part 2: a Content- header",
        ),
        (&[b"Content-Disposition: attachment; name=report\r\n\r\n\xff"], "the part report is not UTF-8"),
        (&[b"Content-Disposition: attachment; name=report\r\n\r\n{"], "the part report is not one JSON document"),
        (&[report, b"Content-Disposition: attachment; name=raw; name=raw\r\n\r\nx"], "part 2: a parameter of"),
        (&[report, b"Content-Disposition: attachment; name=\"raw\r\n\r\nx"], "part 2: a quoted value that never ends"),
    ] {
        let found = refused(parts);
        assert!(found.contains(reason), "{found}, not {reason}");
    }
}
