//! Numbers of bytes in a second, as users write them.

/// Reads a number of bytes in a second, such as `50MB`, `1.5 GiB/s` or `500000`; `None` if
/// the text is none.
pub fn bytes_a_second(text: &str) -> Option<u64> {
    let text = text.trim();
    let text = text.strip_suffix("/s").unwrap_or(text);
    let unit = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let factor = match &*unit.to_ascii_lowercase() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number.trim().parse::<f64>().ok()? * factor;
    // The number has at most 53 bits, which is enough.
    (1.0..1e15).contains(&bytes).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bandwidth_has_a_unit() {
        for (text, bytes) in [
            ("50MB", 50_000_000),
            ("50 MB/s", 50_000_000),
            ("1.5kB", 1_500),
            ("2MiB", 2 << 20),
            ("1g", 1_000_000_000),
            ("300", 300),
        ] {
            assert_eq!(bytes_a_second(text), Some(bytes), "{text}");
        }
        for text in ["", "MB", "0", "-1MB", "50MBit", "nan", "inf", "1e30"] {
            assert_eq!(bytes_a_second(text), None, "{text}");
        }
    }
}
