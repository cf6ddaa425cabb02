//! Builds images from a description. Any filtered bytes are a valid image, so the
//! fuzzer writes filtered bytes, and all of them have an influence on the pixels.

use std::cell::RefCell;

use libdeflater::{CompressionLvl, Compressor};

/// The description of a file.
#[derive(Clone, Debug)]
pub struct Picture {
    pub width: u8,
    pub height: u8,
    pub bits: u8,
    pub colour_type: u8,
    pub interlaced: bool,
    /// Number of `IDAT` chunks for the zlib stream.
    pub pieces: u8,
    /// Changes of the rows, the stream, the chunks or the file.
    pub damage: Vec<Damage>,
    /// Filter bytes and filtered rows. Repeated from the start if too short.
    pub filtered: Vec<u8>,
}

/// One change: its `kind`, a position `at`, a value `by`.
#[derive(Clone, Copy, Debug)]
pub struct Damage {
    pub kind: u8,
    pub at: u16,
    pub by: u8,
}

type Chunk = ([u8; 4], Vec<u8>);

impl Picture {
    /// The input from which [`build_png`] builds this file.
    pub fn description(&self) -> Vec<u8> {
        let mut description = vec![
            self.width,
            self.height,
            self.bits,
            self.colour_type,
            self.interlaced.into(),
            self.pieces,
            self.damage.len() as u8,
        ];
        for Damage { kind, at, by } in &self.damage {
            description.push(*kind);
            description.extend(at.to_be_bytes());
            description.push(*by);
        }
        description.extend(&self.filtered);
        description
    }

    fn parse(description: &[u8]) -> Option<Self> {
        const DEPTHS: [u8; 8] = [8, 16, 8, 16, 8, 1, 2, 4];
        const COLOURS: [u8; 8] = [0, 2, 3, 4, 6, 0, 0, 0];
        let (head, rest) = description.split_first_chunk::<7>()?;
        let &[
            width,
            height,
            bits,
            colour_type,
            interlaced,
            pieces,
            damages,
        ] = head;
        let damages = usize::from(damages % 4).min(rest.len() / 4);
        let (damage, filtered) = rest.split_at(4 * damages);
        // Legal values are used, as in seeds; others are mapped to legal ones.
        let depth = |bits: u8| match bits {
            1 | 2 | 4 | 8 | 16 => bits,
            _ => DEPTHS[usize::from(bits % 8)],
        };
        let colour = |colour: u8| match colour {
            0 | 2 | 3 | 4 | 6 => colour,
            _ => COLOURS[usize::from(colour % 8)],
        };
        Some(Self {
            // Enough for several blocks and several waves of the fast path.
            width: width.clamp(1, 96),
            height: height.clamp(1, 80),
            bits: depth(bits),
            colour_type: colour(colour_type),
            interlaced: interlaced & 1 == 1,
            pieces: pieces % 8 + 1,
            damage: damage
                .as_chunks()
                .0
                .iter()
                .map(|&[kind, a0, a1, by]| Damage {
                    kind,
                    at: u16::from_be_bytes([a0, a1]),
                    by,
                })
                .collect(),
            filtered: filtered.to_vec(),
        })
    }

    fn bytes_per_row(&self, columns: usize) -> usize {
        let samples = match self.colour_type {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        (columns * samples * usize::from(self.bits)).div_ceil(8)
    }

    /// Columns and rows of each interlace pass, from the pattern in the specification.
    fn passes(&self) -> Vec<(usize, usize)> {
        const PASSES: [&[u8; 8]; 8] = [
            b"16462646",
            b"77777777",
            b"56565656",
            b"77777777",
            b"36463646",
            b"77777777",
            b"56565656",
            b"77777777",
        ];
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        if !self.interlaced {
            return vec![(width, height)];
        }
        (b'1'..=b'7')
            .map(|pass| {
                let inside = |x: usize, y: usize| PASSES[y % 8][x % 8] == pass;
                let columns = |y: usize| (0..width).filter(|x| inside(*x, y)).count();
                let rows = (0..height).filter(|y| columns(*y) > 0).count();
                let widest = (0..height).map(columns).max().unwrap_or(0);
                (widest, rows)
            })
            .collect()
    }

    /// Filter bytes, all of them legal, and rows.
    fn rows(&self) -> Vec<u8> {
        let mut source = self.filtered.iter().copied().cycle();
        let mut next = || source.next().unwrap_or(4);
        let mut rows = Vec::new();
        for (columns, count) in self.passes() {
            for _ in 0..count {
                rows.push(next() % 5);
                rows.extend((0..self.bytes_per_row(columns)).map(|_| next()));
            }
        }
        rows
    }

    fn header(&self) -> Vec<u8> {
        let mut header = vec![0, 0, 0, self.width, 0, 0, 0, self.height];
        header.extend([self.bits, self.colour_type, 0, 0, self.interlaced.into()]);
        header
    }
}

/// Builds the file that a description describes.
pub fn build_png(description: &[u8]) -> Vec<u8> {
    let Some(picture) = Picture::parse(description) else {
        return Vec::new();
    };
    let mut rows = picture.rows();
    for damage in &picture.damage {
        damage.rows(&mut rows);
    }
    let mut stream = zlib(&rows);
    for damage in &picture.damage {
        damage.stream(&mut stream);
    }
    let mut chunks: Vec<Chunk> = vec![(*b"IHDR", picture.header())];
    if picture.colour_type == 3 {
        let entries = 1_usize << picture.bits.min(8);
        chunks.push((*b"PLTE", (0..entries).flat_map(|i| [i as u8; 3]).collect()));
    }
    let piece = stream.len().div_ceil(picture.pieces.into()).max(1);
    chunks.extend(stream.chunks(piece).map(|part| (*b"IDAT", part.to_vec())));
    chunks.push((*b"IEND", Vec::new()));
    for damage in &picture.damage {
        damage.chunks(&mut chunks);
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in &chunks {
        push_chunk(&mut png, name, data);
    }
    for damage in &picture.damage {
        damage.file(&mut png);
    }
    png
}

impl Damage {
    fn position(&self, length: usize) -> usize {
        usize::from(self.at) % length.max(1)
    }

    fn rows(self, rows: &mut Vec<u8>) {
        match self.kind {
            1 => {
                let at = self.position(rows.len());
                // A filter byte or a pixel.
                if let Some(byte) = rows.get_mut(at) {
                    *byte = self.by;
                }
            }
            2 => rows.truncate(rows.len() - self.position(rows.len())),
            3 => rows.extend(vec![self.by; self.position(600)]),
            _ => {}
        }
    }

    fn stream(self, stream: &mut Vec<u8>) {
        match self.kind {
            4 => {
                let at = self.position(stream.len());
                if let Some(byte) = stream.get_mut(at) {
                    *byte ^= self.by;
                }
            }
            5 => stream.truncate(self.position(stream.len())),
            6 => stream.extend(vec![self.by; self.position(16)]),
            7 => {
                let at = self.position(stream.len());
                stream.insert(at, self.by);
            }
            _ => {}
        }
    }

    fn chunks(self, chunks: &mut Vec<Chunk>) {
        const NAMES: [&[u8; 4]; 12] = [
            b"tRNS", b"PLTE", b"gAMA", b"sBIT", b"bKGD", b"tEXt", b"acTL", b"fcTL", b"fdAT",
            b"eXIf", b"iCCP", b"ABCD",
        ];
        let at = self.position(chunks.len());
        if chunks.is_empty() {
            return;
        }
        match self.kind {
            8 => chunks[at].1.push(self.by),
            9 => drop(chunks[at].1.pop()),
            10 => {
                let chunk = chunks[at].clone();
                chunks.push(chunk);
            }
            11 => {
                let other = usize::from(self.by) % chunks.len();
                chunks.swap(at, other);
            }
            12 => drop(chunks.remove(at)),
            13 => {
                let name = *NAMES[usize::from(self.by) % NAMES.len()];
                let data = vec![self.by; usize::from(self.at >> 8) % 16];
                chunks.insert(1.min(chunks.len()), (name, data));
            }
            14 => {
                let (name, data) = &mut chunks[at];
                match data.len() {
                    0 => name[usize::from(self.by) % 4] ^= 0x20,
                    length => data[usize::from(self.at >> 4) % length] ^= self.by,
                }
            }
            _ => {}
        }
    }

    fn file(self, png: &mut Vec<u8>) {
        match self.kind {
            15 => {
                let at = self.position(png.len());
                if let Some(byte) = png.get_mut(at) {
                    *byte ^= self.by;
                }
            }
            16 => png.truncate(self.position(png.len())),
            17 => png.extend(vec![self.by; self.position(40)]),
            _ => {}
        }
    }
}

/// Writes length, name, data and CRC.
pub(crate) fn push_chunk(png: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let covered = png.len();
    png.extend(name);
    png.extend(data);
    let crc = libdeflater::crc32(&png[covered..]);
    png.extend(crc.to_be_bytes());
}

pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    thread_local! {
        static COMPRESSOR: RefCell<Compressor> =
            RefCell::new(Compressor::new(CompressionLvl::fastest()));
    }
    COMPRESSOR.with_borrow_mut(|compressor| {
        let mut stream = vec![0; compressor.zlib_compress_bound(bytes.len())];
        let length = compressor.zlib_compress(bytes, &mut stream).unwrap_or(0);
        stream.truncate(length);
        stream
    })
}
