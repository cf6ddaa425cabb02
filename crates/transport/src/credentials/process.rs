//! A program that prints a credential.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// Most bytes that are read of what a program prints.
const BYTES_AT_MOST: u64 = 64 << 10;
/// Longest part of an error of a program that is repeated.
const TEXT_BYTES_AT_MOST: usize = 500;
/// The time between two looks whether the program has ended.
const PAUSE: Duration = Duration::from_millis(10);
/// For how long the output of a program that has ended is awaited: a program that it
/// started may keep it open.
const OUTPUT_WITHIN: Duration = Duration::from_secs(5);

/// A program gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("it cannot be started: {0}")]
    Start(io::Error),
    #[error("it does not end within {} s", .0.as_secs_f32())]
    Late(Duration),
    #[error("it ends with {status}{}", told(.error))]
    Failed { status: ExitStatus, error: String },
    #[error("it cannot be watched: {0}")]
    Io(#[from] io::Error),
    #[error("it was not run, because of a defect of this program")]
    Defect,
}

impl Failure {
    /// Whether there is no such program.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Start(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Returns the last line of an error, in front of it a colon.
fn told(error: &str) -> String {
    let mut lines = error.lines().map(str::trim).rev();
    let last = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let end = last.floor_char_boundary(TEXT_BYTES_AT_MOST);
    match last.get(..end) {
        None | Some("") => String::new(),
        Some(last) => format!(": {last}"),
    }
}

/// Runs a program that reads nothing, and returns what it prints on standard output.
pub(super) fn run(mut command: Command, within: Duration) -> Result<Vec<u8>, Failure> {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(Failure::Start)?;
    let ended = watch(&mut child, within);
    if ended.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    ended
}

fn watch(child: &mut Child, within: Duration) -> Result<Vec<u8>, Failure> {
    let output = child.stdout.take().map(read).transpose()?;
    let error = child.stderr.take().map(read).transpose()?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() >= within {
            return Err(Failure::Late(within));
        }
        thread::sleep(PAUSE);
    };
    let printed = |pipe: Option<Receiver<Vec<u8>>>| {
        let pipe = pipe.and_then(|pipe| pipe.recv_timeout(OUTPUT_WITHIN).ok());
        pipe.unwrap_or_default()
    };
    if !status.success() {
        let error = String::from_utf8_lossy(&printed(error)).into_owned();
        return Err(Failure::Failed { status, error });
    }
    Ok(printed(output))
}

/// Reads a pipe in a thread of its own, so that a program that prints much can end.
fn read(pipe: impl Read + Send + 'static) -> io::Result<Receiver<Vec<u8>>> {
    let (send, receive) = mpsc::channel();
    let read = move || {
        let mut pipe = pipe;
        let mut bytes = Vec::new();
        let _ = pipe.by_ref().take(BYTES_AT_MOST).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
        let _ = send.send(bytes);
    };
    thread::Builder::new().spawn(read)?;
    Ok(receive)
}
