//! Times in the form of RFC 3339, such as `2026-11-28T01:50:06Z`.

use std::time::{Duration, SystemTime};

const DAY: i64 = 24 * 3600;

/// Parses a time from 1970 on: date, `T` or a blank, time, with or without a fraction of a
/// second, and `Z` or an offset such as `+00:00`.
pub fn parse_time(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_at_checked(10)?;
    let time = time.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = time.split_at_checked(8)?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|digit: char| digit.is_ascii_digit()),
        None => rest,
    };
    let offset = match rest {
        "Z" | "z" => 0,
        rest => {
            let (sign, clock) = match rest.strip_prefix('-') {
                Some(clock) => (-1, clock),
                None => (1, rest.strip_prefix('+')?),
            };
            let [hours, minutes] = numbers(clock, ':')?;
            sign * (hours * 3600 + minutes * 60)
        }
    };
    let is_time = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    let seconds = u64::try_from(seconds).ok().filter(|_| is_time)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Parses numbers with `separator` between them.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let parts = text.split(separator).map(|part| {
        let is_number = !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
        part.parse().ok().filter(|_| is_number)
    });
    let numbers: Vec<i64> = parts.collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar. The year begins
/// in March, so that the day of a leap year is its last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let days_before = (153 * month + 2) / 5;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + days_before + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01 00:00:00.999Z", 0),
            ("2000-02-29T23:59:59+00:00", 951_868_799),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2026-11-28T01:50:06Z", 1_795_830_606),
            ("2026-11-28T03:20:06.123456+01:30", 1_795_830_606),
            ("2026-11-27T20:50:06-05:00", 1_795_830_606),
            ("2100-03-01t00:00:00z", 4_107_542_400),
        ] {
            let time = parse_time(text).unwrap_or_else(|| panic!("{text}"));
            let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
            assert_eq!(since.as_secs(), seconds, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-11-28",
            "2026-11-28T01:50:06",
            "2026-11-28T01:50:06+",
            "2026-11-28T01:50:06+1",
            "2026-13-28T01:50:06Z",
            "2026-11-28T24:50:06Z",
            "2026-11-28T01:50:6ZZ",
            "+026-11-28T01:50:06Z",
            "1969-12-31T23:59:59Z",
            "2026-11-2\u{e9}T01:50:06Z",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
