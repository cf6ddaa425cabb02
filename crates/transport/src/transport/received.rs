//! The body of an answer, which fails when it is too slow.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use object_store::client::HttpError;
use tokio::time::{Sleep, sleep};

use super::bandwidth::Bandwidth;
use super::error::of_reqwest;
use super::pace::RequestPace;

/// The body of an answer.
pub(super) struct ReceivedBody {
    body: reqwest::Body,
    pace: RequestPace,
    bandwidth: Option<Arc<Bandwidth>>,
    /// The wait for bytes: since when, and the time at which it was too long.
    wait: Option<(Instant, Pin<Box<Sleep>>)>,
    /// The time that was waited in the current window, and the bytes that came in it.
    waited: Duration,
    received: u64,
    /// A piece that a limit of bandwidth holds back.
    held: Option<(Frame<Bytes>, Pin<Box<Sleep>>)>,
}

impl ReceivedBody {
    pub(super) fn new(
        body: reqwest::Body,
        pace: RequestPace,
        bandwidth: Option<Arc<Bandwidth>>,
    ) -> Self {
        if body.is_end_stream() {
            pace.worked();
        }
        Self {
            body,
            pace,
            bandwidth,
            wait: None,
            waited: Duration::ZERO,
            received: 0,
            held: None,
        }
    }

    /// Returns the next piece, or an error when it is late.
    fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(piece) = Pin::new(&mut self.body).poll_frame(context) {
            if let Some((since, _)) = self.wait.take() {
                self.waited += since.elapsed();
            }
            let Some(piece) = piece else {
                self.pace.worked();
                return Poll::Ready(None);
            };
            let piece = piece.map_err(of_reqwest)?;
            self.received += piece.data_ref().map_or(0, Bytes::len) as u64;
            if self.pace.is_enough(self.received) {
                (self.waited, self.received) = (Duration::ZERO, 0);
            }
            return Poll::Ready(Some(Ok(piece)));
        }
        let left = self.pace.left(self.waited);
        let begin = || (Instant::now(), Box::pin(sleep(left)));
        let (_, late) = self.wait.get_or_insert_with(begin);
        ready!(late.as_mut().poll(context));
        Poll::Ready(Some(Err(self.pace.slow())))
    }
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = self.get_mut();
        if this.held.is_none() {
            match ready!(this.poll_piece(context)) {
                Some(Ok(piece)) => match &this.bandwidth {
                    None => return Poll::Ready(Some(Ok(piece))),
                    Some(bandwidth) => {
                        let bytes = piece.data_ref().map_or(0, Bytes::len);
                        let wait = sleep(bandwidth.reserve(bytes));
                        this.held = Some((piece, Box::pin(wait)));
                    }
                },
                end => return Poll::Ready(end),
            }
        }
        if let Some((_, wait)) = &mut this.held {
            ready!(wait.as_mut().poll(context));
        }
        Poll::Ready(this.held.take().map(|(piece, _)| Ok(piece)))
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
