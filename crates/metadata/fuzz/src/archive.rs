//! Packed tables, whatever a gzip or zip file claims.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use rxrx_metadata::TableOptions;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Kind of an input.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A file that is read unaltered.
    File,
    /// A text that is gzipped and then damaged.
    Gzip,
    /// A text that is stored in an archive, which is then damaged.
    Stored,
    /// A text that is deflated in an archive, which is then damaged.
    Deflated,
}

impl Kind {
    /// The first byte of such an input.
    pub const fn first_byte(self) -> u8 {
        self as u8
    }

    fn of(first_byte: u8) -> Self {
        match first_byte % 4 {
            0 => Self::File,
            1 => Self::Gzip,
            2 => Self::Stored,
            _ => Self::Deflated,
        }
    }
}

/// Runs one input: its kind; unless that is a file, a count of changes of
/// three bytes each (two say where, one says what); the rest.
///
/// # Panics
///
/// A table breaks its promises.
pub fn run(input: &[u8]) {
    let Some((&first_byte, rest)) = input.split_first() else {
        return;
    };
    let pack = match Kind::of(first_byte) {
        Kind::File => return judge(rest),
        Kind::Gzip => gzip,
        Kind::Stored => stored,
        Kind::Deflated => deflated,
    };
    let Some((&count, rest)) = rest.split_first() else {
        return;
    };
    let Some((changes, text)) = rest.split_at_checked(3 * usize::from(count % 16)) else {
        return;
    };
    let mut file = pack(text);
    for change in changes.chunks_exact(3) {
        // From the end, where the directory is.
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % file.len();
        let at = file.len() - 1 - at;
        file[at] = change[2];
    }
    judge(&file);
}

fn judge(file: &[u8]) {
    match TableOptions::default().unpack("m.zip", Cursor::new(file.to_vec())) {
        Ok(table) => crate::table::judge(&table),
        Err(error) => crate::table::judge_error(&error, "m.zip"),
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn stored(text: &[u8]) -> Vec<u8> {
    zip(text, CompressionMethod::Stored)
}

fn deflated(text: &[u8]) -> Vec<u8> {
    zip(text, CompressionMethod::Deflated)
}

fn zip(text: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in [("a/README.md", &b"x"[..]), ("a/metadata.csv", text)] {
        archive.start_file(name, options).expect("a new name");
        archive.write_all(content).expect("memory takes all");
    }
    archive.finish().expect("memory takes all").into_inner()
}
