//! A second request for a range of bytes whose answer is late.
//!
//! One request in some hundred takes ten times as long as the others: it reached a busy
//! disk, or a packet was lost. Whoever waits for a batch of ranges waits for the slowest. So
//! a range that takes much longer than ranges of its size took before is asked for once
//! more, and the first answer counts; the other request is given up.
//!
//! Where all answers are slow, the network or the store is, and second requests would make
//! it worse: few requests have one.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use object_store::Result;

/// Answers of ranges of one size that are remembered.
const REMEMBERED: usize = 32;
/// Answers that must have come before one can be late.
const ANSWERS_AT_LEAST: usize = 8;
/// How many times as long as usual a late answer takes.
const TIMES_AS_LONG: u32 = 4;
/// No answer is late before.
const LATE_AT_LEAST: Duration = Duration::from_millis(100);
/// One of so many requests has a second one at most.
const REQUESTS_A_SECOND_ONE: u64 = 16;

/// How long answers took, and how many requests there were.
#[derive(Debug)]
pub(super) struct Hedge {
    late_at_least: Duration,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The times of the latest answers, by the number of bits of the length of the range.
    times: HashMap<u32, VecDeque<Duration>>,
    requests: u64,
    second_requests: u64,
}

impl Default for Hedge {
    fn default() -> Self {
        Self::new(LATE_AT_LEAST)
    }
}

impl Hedge {
    fn new(late_at_least: Duration) -> Self {
        Self {
            late_at_least,
            seen: Mutex::default(),
        }
    }

    /// Asks for a range of `bytes` bytes, and once more if the answer is late. Both requests
    /// must give the same.
    pub(super) async fn ask<T, A>(&self, bytes: u64, ask: impl Fn() -> A) -> Result<T>
    where
        A: Future<Output = Result<T>>,
    {
        let begun = Instant::now();
        let first = pin!(ask());
        let answer = match self.late_after(bytes) {
            None => first.await,
            Some(late) => match select(first, pin!(tokio::time::sleep(late))).await {
                Either::Left((answer, _)) => answer,
                Either::Right(((), first)) if !self.may_repeat() => first.await,
                Either::Right(((), first)) => match select(first, pin!(ask())).await {
                    // The failure of one request is none while the other one is under way.
                    Either::Left((Err(_), second)) => second.await,
                    Either::Right((Err(_), first)) => first.await,
                    Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
                },
            },
        };
        if answer.is_ok() {
            self.remember(bytes, begun.elapsed());
        }
        answer
    }

    /// Counts a request for `bytes` bytes, and returns the time after which its answer is
    /// late; `None` as long as too little is known.
    fn late_after(&self, bytes: u64) -> Option<Duration> {
        let mut seen = self.seen();
        seen.requests += 1;
        let times = seen.times.get(&bits(bytes))?;
        if times.len() < ANSWERS_AT_LEAST {
            return None;
        }
        let mut sorted: Vec<Duration> = times.iter().copied().collect();
        sorted.sort_unstable();
        let usual = sorted.get(sorted.len() / 2)?;
        Some(usual.saturating_mul(TIMES_AS_LONG).max(self.late_at_least))
    }

    /// Whether there may be a second request; if so, it is counted.
    fn may_repeat(&self) -> bool {
        let mut seen = self.seen();
        let may = seen.second_requests * REQUESTS_A_SECOND_ONE < seen.requests;
        seen.second_requests += u64::from(may);
        may
    }

    fn remember(&self, bytes: u64, time: Duration) {
        let mut seen = self.seen();
        let times = seen.times.entry(bits(bytes)).or_default();
        if times.len() == REMEMBERED {
            times.pop_front();
        }
        times.push_back(time);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ranges of about the same length have the same number of bits.
fn bits(bytes: u64) -> u32 {
    u64::BITS - bytes.leading_zeros()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;

    use object_store::Error;
    use tokio::sync::oneshot;

    use super::*;

    const BYTES: u64 = 1000;

    /// A hedge that has seen fast answers, and takes one for late soon.
    fn hedge() -> Hedge {
        let hedge = Hedge::new(Duration::from_millis(1));
        for _ in 0..ANSWERS_AT_LEAST {
            hedge.remember(BYTES, Duration::from_micros(10));
        }
        hedge
    }

    fn wait<T>(answer: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(answer)
    }

    fn failure() -> Error {
        Error::Generic {
            store: "test",
            source: "no".into(),
        }
    }

    #[test]
    fn a_late_answer_is_asked_for_once_more() {
        let requests = Cell::new(0);
        let answer = wait(hedge().ask(BYTES, || async {
            requests.set(requests.get() + 1);
            match requests.get() {
                1 => pending().await,
                number => Ok(number),
            }
        }));
        assert_eq!(answer.unwrap(), 2);
    }

    /// The first request goes on until the second one has begun, and the one that does not
    /// fail until the other one has failed.
    #[test]
    fn the_failure_of_one_request_does_not_count() {
        for fails in [1, 2] {
            let requests = Cell::new(0);
            let (begins, begun) = oneshot::channel::<()>();
            let (failing, failed) = oneshot::channel::<()>();
            let (begins, begun) = (Cell::new(Some(begins)), Cell::new(Some(begun)));
            let (failing, failed) = (Cell::new(Some(failing)), Cell::new(Some(failed)));
            let answer = wait(hedge().ask(BYTES, || {
                requests.set(requests.get() + 1);
                let number = requests.get();
                let (begins, begun) = (&begins, &begun);
                let (failing, failed) = (&failing, &failed);
                async move {
                    match (number, begun.take()) {
                        (1, Some(begun)) => drop(begun.await),
                        _ => drop(begins.take()),
                    }
                    if number == fails {
                        drop(failing.take());
                        return Err(failure());
                    }
                    if let Some(failed) = failed.take() {
                        let _ = failed.await;
                    }
                    Ok(number)
                }
            }));
            assert_eq!(answer.unwrap(), 3 - fails);
        }
    }

    #[test]
    fn both_failures_are_a_failure() {
        let answer: Result<()> = wait(hedge().ask(BYTES, || async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Err(failure())
        }));
        assert!(answer.is_err());
    }

    #[test]
    fn nothing_is_late_before_enough_is_known() {
        let hedge = hedge();
        assert!(hedge.late_after(BYTES).is_some());
        // Ranges of another size.
        assert_eq!(hedge.late_after(100 * BYTES), None);
        let new = Hedge::default();
        for _ in 1..ANSWERS_AT_LEAST {
            new.remember(BYTES, Duration::from_millis(30));
        }
        assert_eq!(new.late_after(BYTES), None);
        new.remember(BYTES, Duration::from_millis(30));
        let late = Duration::from_millis(120);
        assert_eq!(new.late_after(BYTES), Some(late));
        assert_eq!(hedge.late_after(BYTES), Some(hedge.late_at_least));
    }

    #[test]
    fn few_requests_have_a_second_one() {
        let hedge = hedge();
        let second = (0..160).filter(|_| {
            hedge.late_after(BYTES);
            hedge.may_repeat()
        });
        assert_eq!(second.count(), 10);
        for _ in 0..3 * REMEMBERED {
            hedge.remember(BYTES, Duration::from_millis(1));
        }
        assert_eq!(hedge.seen().times[&bits(BYTES)].len(), REMEMBERED);
    }
}
