//! The wait that a server asks for.
//!
//! Specification: <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{Response, StatusCode};

/// Waits as long as an answer with the status 429 or 503 says, and not longer than
/// `at_most`. Whoever sent the request repeats it afterwards.
pub(super) async fn wait<T>(answer: &Response<T>, at_most: Duration) {
    if let Some(time) = asked(answer, SystemTime::now()) {
        tokio::time::sleep(time.min(at_most)).await;
    }
}

/// Returns how long an answer asks to wait at the time `now`.
fn asked<T>(answer: &Response<T>, now: SystemTime) -> Option<Duration> {
    let busy = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    if !busy.contains(&answer.status()) {
        return None;
    }
    let text = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    date(text)?.duration_since(now).ok()
}

/// Reads a date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<SystemTime> {
    let (_, rest) = text.split_once(", ")?;
    let mut words = rest.strip_suffix(" GMT")?.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = months
        .find(month)
        .filter(|at| at % 3 == 0 && month.len() == 3)?
        / 3
        + 1;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_how_long_to_wait_in_seconds_or_by_a_date() {
        let now = humantime::parse_rfc3339("1994-11-06T08:49:30Z").unwrap();
        for (status, text, seconds) in [
            (429, "3", Some(3)),
            (503, "120", Some(120)),
            (503, "Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            (503, "Sun, 06 Nov 1994 08:49:20 GMT", None),
            (503, "Sun, 06 anF 1994 08:49:37 GMT", None),
            (503, "soon", None),
            (500, "3", None),
            (200, "3", None),
        ] {
            let answer = Response::builder().status(status);
            let answer = answer.header(RETRY_AFTER, text).body(()).unwrap();
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(asked(&answer, now), expected, "{status} {text}");
        }
    }
}
