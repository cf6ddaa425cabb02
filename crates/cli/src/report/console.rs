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

/// Says texts on standard error, or to a [`Listener`].
#[derive(Clone, Copy)]
pub(crate) struct Console<'a> {
    verbosity: Verbosity,
    listener: Option<&'a dyn Listener>,
}

impl<'a> Console<'a> {
    /// Returns the console of the program: standard error.
    pub(crate) fn of_program(verbosity: Verbosity) -> Self {
        Self {
            verbosity,
            listener: None,
        }
    }

    /// Returns a console that says everything to `listener`.
    pub(crate) fn of_listener(verbosity: Verbosity, listener: &'a dyn Listener) -> Self {
        Self {
            verbosity,
            listener: Some(listener),
        }
    }

    /// Amount of text that the user wants.
    pub(crate) fn verbosity(self) -> Verbosity {
        self.verbosity
    }

    /// Whether progress bars may be drawn.
    pub(crate) fn has_bars(self) -> bool {
        self.listener.is_none() && self.verbosity > Verbosity::Quiet
    }

    /// Whether progress is printed as lines in place of bars.
    pub(crate) fn has_lines(self) -> bool {
        self.has_bars() && !streams::is_terminal()
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
