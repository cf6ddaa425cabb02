//! The body of a request, which counts the bytes that were sent.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use object_store::client::{HttpError, HttpRequestBody};
use tokio::time::{Sleep, sleep};

use super::bandwidth::Bandwidth;

/// Largest piece that is handed to the connection at once.
const PIECE: usize = 32 << 10;

/// How much of a request was sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    bytes: AtomicU64,
    /// Whether a limit of bandwidth holds bytes back now.
    is_held_back: AtomicBool,
    /// Whether it has held bytes back since somebody asked.
    was_held_back: AtomicBool,
    completed: OnceLock<Instant>,
}

impl Sent {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether a limit of bandwidth holds bytes back, or did so since the last call.
    pub(super) fn was_held_back(&self) -> bool {
        self.was_held_back.swap(false, Ordering::Relaxed)
            || self.is_held_back.load(Ordering::Relaxed)
    }

    fn hold_back(&self, is_held_back: bool) {
        self.is_held_back.store(is_held_back, Ordering::Relaxed);
        self.was_held_back.store(true, Ordering::Relaxed);
    }

    /// Returns when the last byte was handed to the connection.
    pub(super) fn completed(&self) -> Option<Instant> {
        self.completed.get().copied()
    }

    pub(super) fn complete(&self) {
        self.completed.get_or_init(Instant::now);
    }
}

/// The body of a request in small pieces.
pub(super) struct SentBody {
    body: HttpRequestBody,
    /// Pieces of the last frame of `body`.
    pieces: VecDeque<Bytes>,
    left: u64,
    sent: Arc<Sent>,
    bandwidth: Option<Arc<Bandwidth>>,
    /// The time that was reserved for the next piece.
    wait: Option<Pin<Box<Sleep>>>,
}

impl SentBody {
    pub(super) fn new(
        body: HttpRequestBody,
        sent: Arc<Sent>,
        bandwidth: Option<Arc<Bandwidth>>,
    ) -> Self {
        Self {
            left: body.content_length() as u64,
            body,
            pieces: VecDeque::new(),
            sent,
            bandwidth,
            wait: None,
        }
    }

    /// Waits until so many bytes may pass.
    fn poll_bandwidth(&mut self, bytes: usize, context: &mut Context<'_>) -> Poll<()> {
        let Some(bandwidth) = &self.bandwidth else {
            return Poll::Ready(());
        };
        if self.wait.is_none() {
            self.wait = Some(Box::pin(sleep(bandwidth.reserve(bytes))));
        }
        if let Some(wait) = &mut self.wait {
            self.sent.hold_back(true);
            ready!(wait.as_mut().poll(context));
            self.sent.hold_back(false);
        }
        self.wait = None;
        Poll::Ready(())
    }
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = self.get_mut();
        loop {
            if let Some(bytes) = this.pieces.front().map(Bytes::len) {
                ready!(this.poll_bandwidth(bytes, context));
                this.sent.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                this.left = this.left.saturating_sub(bytes as u64);
                if this.left == 0 {
                    this.sent.complete();
                }
                return Poll::Ready(this.pieces.pop_front().map(|piece| Ok(Frame::data(piece))));
            }
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => {
                    let mut bytes = frame.into_data().unwrap_or_default();
                    while !bytes.is_empty() {
                        let piece = bytes.split_to(bytes.len().min(PIECE));
                        this.pieces.push_back(piece);
                    }
                }
                end => return Poll::Ready(end),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
