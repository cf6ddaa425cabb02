//! The value of `--memory`.

use clap::Args;
use rxrx_writer::MemoryLimit;

/// The option that bounds memory.
#[derive(Debug, Args)]
pub(crate) struct MemoryArguments {
    /// Most memory for pixels and buffers, such as 500M or 2G; the table comes on top
    /// [default: 1G, or half of the limit of the container, if that is less]
    #[arg(long, value_name = "SIZE", value_parser = parse)]
    memory: Option<u64>,
}

impl MemoryArguments {
    /// Returns the bound that is given, or the default.
    pub(crate) fn bound(&self) -> MemoryLimit {
        self.memory
            .map_or_else(MemoryLimit::default, |bytes| MemoryLimit { bytes })
    }
}

/// Parses a size: a number of bytes, or of units of 1024 such as `K`, `MiB` or `GB`.
fn parse(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let unit = unit.to_ascii_uppercase();
    let unit = unit.strip_suffix('B').unwrap_or(&unit);
    let power = match unit.strip_suffix('I').unwrap_or(unit) {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err("expected a size such as 500M or 2G".to_owned()),
    };
    let size = digits.parse::<u64>().ok().filter(|size| *size > 0);
    size.and_then(|size| size.checked_mul(1 << (10 * power)))
        .ok_or_else(|| "expected a whole number, such as 500M or 2G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_units_of_1024() {
        for (text, bytes) in [
            ("1", 1),
            ("4096B", 4096),
            ("3k", 3 << 10),
            ("500M", 500 << 20),
            ("2GiB", 2 << 30),
            ("1tb", 1 << 40),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "G",
            "0",
            "0G",
            "-1G",
            "1.5G",
            "1P",
            "1 G",
            "99999999T",
            "1Gi B",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
