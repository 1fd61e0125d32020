//! A SQLite database file of three pages, written byte by byte: a table of harmless rows and one with a secret.
//!
//! Layout from SQLite's own description of its file format. Holds no statement and reads none: the engine has no SQL.

/// Bytes of a page.
const PAGE_BYTES: usize = 4_096;
/// Bytes of the file's header, before the first page's own.
const HEAD_BYTES: usize = 100;
/// Rows of the harmless table.
const ITEMS: [&str; 3] = ["lamp", "chair", "table"];

/// The file: `items(id, name)` and `secrets(id, token)` with `secret` in its only row.
#[must_use]
pub fn file(secret: &str) -> Vec<u8> {
    let items = "CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT)";
    let secrets = "CREATE TABLE secrets(id INTEGER PRIMARY KEY, token TEXT)";
    let described = |name: &str, page: u8, made_by: &str| {
        record(&[Field::Text("table"), Field::Text(name), Field::Text(name), Field::Number(page), Field::Text(made_by)])
    };
    let schema = [described("items", 2, items), described("secrets", 3, secrets)];
    let rows: Vec<Vec<u8>> = ITEMS.iter().map(|name| record(&[Field::Null, Field::Text(name)])).collect();
    let mut out = page(&schema, HEAD_BYTES);
    out[..HEAD_BYTES].copy_from_slice(&head());
    out.extend(page(&rows, 0));
    out.extend(page(&[record(&[Field::Null, Field::Text(secret)])], 0));
    out
}

enum Field<'a> {
    Null,
    Number(u8),
    Text(&'a str),
}

fn head() -> [u8; HEAD_BYTES] {
    let mut head = [0u8; HEAD_BYTES];
    head[..16].copy_from_slice(b"SQLite format 3\0");
    head[16..18].copy_from_slice(&(PAGE_BYTES as u16).to_be_bytes());
    // Rollback journal; payload fractions as the format fixes them.
    head[18..24].copy_from_slice(&[1, 1, 0, 64, 32, 32]);
    // Change counter, pages, and (from 40) schema cookie, schema format, and (at 56) UTF-8.
    for (at, value) in [(24, 1u32), (28, 3), (40, 1), (44, 4), (56, 1), (92, 1), (96, 3_040_000)] {
        head[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
    head
}

/// A leaf of a table: rows numbered from 1, their bytes at the page's end. All of ours fit by far.
fn page(rows: &[Vec<u8>], skip: usize) -> Vec<u8> {
    let mut page = vec![0u8; PAGE_BYTES];
    let mut end = PAGE_BYTES;
    let mut pointers = Vec::new();
    for (number, row) in (1u64..).zip(rows) {
        let cell = [varint(row.len() as u64), varint(number), row.clone()].concat();
        end -= cell.len();
        page[end..end + cell.len()].copy_from_slice(&cell);
        pointers.extend((end as u16).to_be_bytes());
    }
    page[skip] = 0x0d;
    page[skip + 3..skip + 5].copy_from_slice(&(rows.len() as u16).to_be_bytes());
    page[skip + 5..skip + 7].copy_from_slice(&(end as u16).to_be_bytes());
    page[skip + 8..skip + 8 + pointers.len()].copy_from_slice(&pointers);
    page
}

fn record(fields: &[Field<'_>]) -> Vec<u8> {
    let (mut types, mut body) = (Vec::new(), Vec::new());
    for field in fields {
        match field {
            Field::Null => types.extend(varint(0)),
            Field::Number(number) => {
                types.extend(varint(1));
                body.push(*number);
            }
            Field::Text(text) => {
                types.extend(varint(13 + 2 * text.len() as u64));
                body.extend(text.as_bytes());
            }
        }
    }
    // The header's length counts itself; ours stay below 127 bytes.
    [varint(types.len() as u64 + 1), types, body].concat()
}

fn varint(value: u64) -> Vec<u8> {
    let mut out = vec![(value & 0x7f) as u8];
    let mut rest = value >> 7;
    while rest > 0 {
        out.insert(0, (rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out
}
