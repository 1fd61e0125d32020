//! Durations and sizes as a person writes them in `proof.toml`: `20s`, `512MiB`. Knows no limits of its own.

/// `500ms`, `20s`, `2m` as milliseconds.
///
/// # Errors
/// What the text should look like.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{}` is no duration; write a whole number with ms, s or m, such as \"20s\"", cut(text));
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(factor).ok_or_else(wrong)
}

/// `64KiB`, `512MiB`, `2GiB` as bytes.
///
/// # Errors
/// What the text should look like.
pub fn size_bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{}` is no size; write a whole number with KiB, MiB or GiB, such as \"512MiB\"", cut(text));
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let factor = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(factor).ok_or_else(wrong)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn cut(text: &str) -> String {
    text.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_quantities() {
        assert_eq!(duration_ms("500ms"), Ok(500));
        assert_eq!(duration_ms("2m"), Ok(120_000));
        assert_eq!(size_bytes("512MiB"), Ok(512 << 20));
        for bad in ["", "20", "s", "1.5s", "-1s", "20 s", "99999999999999999999s", "18446744073709551615m"] {
            assert!(duration_ms(bad).is_err(), "{bad}");
        }
        for bad in ["512MB", "512", "512mib", "18446744073709551615GiB"] {
            assert!(size_bytes(bad).is_err(), "{bad}");
        }
    }
}
