//! What a command says while it runs, on its way from the threads of the command to the
//! thread that called it.
//!
//! Only the calling thread touches Python. The others put what they have to say into a
//! queue, and wait while it is full. When the caller is gone, they drop it.

use crossbeam_channel::Sender;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rxrx2zarr::{Event, Listener};

/// Something that a command says.
pub(crate) enum Said {
    /// A warning or another message, by its kind.
    Text(&'static str, String),
    /// Progress.
    Event(Notice),
}

/// An event of the library, as `rxrx2zarr._progress` reads it.
#[derive(Default)]
pub(crate) struct Notice {
    kind: &'static str,
    /// Numbers by their names.
    numbers: Vec<(&'static str, u64)>,
    /// The object or the image that the event is about.
    name: Option<String>,
}

impl Said {
    /// Passes it on to a function of Python: `sink(kind, text, numbers)`.
    pub(crate) fn tell(self, sink: &Bound<'_, PyAny>) -> PyResult<()> {
        let numbers = PyDict::new(sink.py());
        let (kind, text) = match self {
            Self::Text(kind, text) => (kind, Some(text)),
            Self::Event(notice) => {
                for (name, number) in notice.numbers {
                    numbers.set_item(name, number)?;
                }
                (notice.kind, notice.name)
            }
        };
        sink.call1((kind, text, numbers)).map(drop)
    }
}

/// A queue from the threads of a command to its caller.
pub(crate) struct Queue(pub(crate) Sender<Said>);

impl Queue {
    fn send(&self, said: Said) {
        // A caller that is gone wants to hear no more.
        let _ = self.0.send(said);
    }
}

impl Listener for Queue {
    fn warning(&self, text: &str) {
        self.send(Said::Text("warning", text.to_owned()));
    }

    fn message(&self, text: &str) {
        self.send(Said::Text("message", text.to_owned()));
    }

    fn event(&self, event: &Event<'_>) {
        if let Some(notice) = notice(event) {
            self.send(Said::Event(notice));
        }
    }
}

/// Returns the progress in an event; `None` where the command also says it as a text.
fn notice(event: &Event<'_>) -> Option<Notice> {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let of = |kind, numbers: &[(&'static str, u64)]| Notice {
        kind,
        numbers: numbers.to_vec(),
        name: None,
    };
    Some(match event {
        Event::Started { sites, units } => of(
            "started",
            &[("sites", count(*sites)), ("units", count(*units))],
        ),
        Event::ChunkEncoded {
            sites,
            source_bytes,
            ..
        } => of(
            "sites",
            &[("sites", count(*sites)), ("bytes", *source_bytes)],
        ),
        Event::ChunkVerified {
            sites,
            stored_bytes,
        } => of(
            "sites",
            &[("sites", count(*sites)), ("bytes", *stored_bytes)],
        ),
        Event::Checking { objects } => of("checking", &[("objects", count(*objects))]),
        Event::Publishing { objects } => of("uploading", &[("objects", count(*objects))]),
        Event::ObjectDone { key, bytes } => Notice {
            name: Some((*key).to_owned()),
            ..of("object", &[("bytes", *bytes)])
        },
        Event::UnitStored { key, bytes } => Notice {
            name: Some((*key).to_owned()),
            ..of("stored", &[("bytes", *bytes)])
        },
        Event::Stopping { .. } => of("stopping", &[]),
        Event::Sealing => of("sealing", &[]),
        _ => return None,
    })
}
