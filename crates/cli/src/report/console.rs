//! Where a command says what is neither its result nor its error.

use std::fmt::Display;

use rxrx_writer::Event;

use super::messages;
use super::streams;
use crate::verbosity::Verbosity;

/// A receiver of what a command says while it runs, for programs that call it as a function.
/// The threads of the command call it, several at once.
pub trait Listener: Sync {
    /// Receives a warning.
    fn warning(&self, text: &str);

    /// Receives a message that is no warning.
    fn message(&self, text: &str);

    /// Receives an event of the library.
    fn event(&self, event: &Event<'_>);
}

/// How progress is shown, as the user asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProgressKind {
    /// A bar on a terminal, otherwise lines
    #[default]
    Auto,
    /// A bar, if standard error is a terminal
    Bar,
    /// A line every ten seconds, with the time
    Lines,
    /// A line of JSON every second (see docs/json.md)
    Json,
    /// Nothing
    None,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Bar,
    Lines,
    Json,
    None,
}

/// Says texts on standard error, or to a [`Listener`].
#[derive(Clone, Copy)]
pub(crate) struct Console<'a> {
    verbosity: Verbosity,
    progress: ProgressKind,
    listener: Option<&'a dyn Listener>,
}

impl<'a> Console<'a> {
    /// Returns the console of the program: standard error.
    pub(crate) fn of_program(verbosity: Verbosity, progress: ProgressKind) -> Self {
        Self {
            verbosity,
            progress,
            listener: None,
        }
    }

    /// Returns a console that says everything to `listener`.
    pub(crate) fn of_listener(verbosity: Verbosity, listener: &'a dyn Listener) -> Self {
        Self {
            verbosity,
            progress: ProgressKind::None,
            listener: Some(listener),
        }
    }

    /// Amount of text that the user wants.
    pub(crate) fn verbosity(self) -> Verbosity {
        self.verbosity
    }

    /// How progress is shown.
    pub(crate) fn shown(self) -> Shown {
        let is_quiet = self.verbosity == Verbosity::Quiet;
        match self.progress {
            _ if self.listener.is_some() => Shown::None,
            ProgressKind::None => Shown::None,
            ProgressKind::Auto if is_quiet => Shown::None,
            ProgressKind::Auto | ProgressKind::Bar if streams::is_terminal() => Shown::Bar,
            ProgressKind::Auto | ProgressKind::Bar | ProgressKind::Lines => Shown::Lines,
            ProgressKind::Json => Shown::Json,
        }
    }

    /// Says a warning.
    pub(crate) fn warning(self, text: &str) {
        match self.listener {
            Some(listener) => listener.warning(text),
            None => messages::warning(text),
        }
    }

    /// Says a message.
    pub(crate) fn line(self, text: impl Display) {
        match self.listener {
            Some(listener) => listener.message(&text.to_string()),
            None => streams::line(text),
        }
    }

    /// Passes an event on to the listener.
    pub(crate) fn event(self, event: &Event<'_>) {
        if let Some(listener) = self.listener {
            listener.event(event);
        }
    }
}
