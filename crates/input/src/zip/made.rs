//! Archives made byte by byte for tests, so that any field can be wrong.

/// An entry and the fields of its two headers.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// The name in the central directory, and in the local header.
    pub(crate) name: Vec<u8>,
    pub(crate) local_name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) unpacked: u32,
    /// Packed size in the headers.
    pub(crate) packed: u32,
    /// Extra field of the local header.
    pub(crate) local_extra: Vec<u8>,
    /// The data, and the bytes behind them.
    pub(crate) data: Vec<u8>,
    pub(crate) after: Vec<u8>,
    /// Offset of the local header in the central directory; `None` for the right one.
    pub(crate) offset: Option<u32>,
    /// Unix mode.
    pub(crate) mode: u16,
}

impl Made {
    /// A correct entry, stored.
    pub(crate) fn stored(name: &str, bytes: &[u8]) -> Self {
        let mut crc = libdeflater::Crc::new();
        crc.update(bytes);
        Self {
            name: name.into(),
            local_name: name.into(),
            flags: 0,
            method: 0,
            crc: crc.sum(),
            unpacked: bytes.len() as u32,
            packed: bytes.len() as u32,
            local_extra: Vec::new(),
            data: bytes.to_vec(),
            after: Vec::new(),
            offset: None,
            mode: 0o100_644,
        }
    }

    /// A correct entry, deflated.
    pub(crate) fn deflated(name: &str, bytes: &[u8]) -> Self {
        let level = libdeflater::CompressionLvl::default();
        let mut compressor = libdeflater::Compressor::new(level);
        let mut data = vec![0; compressor.deflate_compress_bound(bytes.len())];
        let length = compressor.deflate_compress(bytes, &mut data).unwrap();
        data.truncate(length);
        Self {
            method: 8,
            packed: length as u32,
            data,
            ..Self::stored(name, bytes)
        }
    }

    /// Moves sizes and checksum behind the data, into a data descriptor.
    pub(crate) fn described(self) -> Self {
        let after = [0x0807_4b50, self.crc, self.packed, self.unpacked];
        Self {
            flags: self.flags | 8,
            after: after.into_iter().flat_map(u32::to_le_bytes).collect(),
            ..self
        }
    }
}

/// Makes an archive of `entries`.
pub(crate) fn archive(entries: &[Made]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = entry.offset.unwrap_or(bytes.len() as u32);
        let (size, sums) = (|bytes: &[u8]| bytes.len() as u16, entry.flags & 8 == 0);
        let sums = [entry.crc, entry.packed, entry.unpacked].map(|sum| if sums { sum } else { 0 });
        shorts(
            &mut bytes,
            &[0x4b50, 0x0403, 20, entry.flags, entry.method, 0, 0x21],
        );
        longs(&mut bytes, &sums);
        shorts(
            &mut bytes,
            &[size(&entry.local_name), size(&entry.local_extra)],
        );
        for part in [
            &entry.local_name,
            &entry.local_extra,
            &entry.data,
            &entry.after,
        ] {
            bytes.extend_from_slice(part);
        }
        let made_by_unix = 3 << 8 | 20;
        shorts(&mut directory, &[0x4b50, 0x0201, made_by_unix, 20]);
        shorts(&mut directory, &[entry.flags, entry.method, 0, 0x21]);
        longs(&mut directory, &[entry.crc, entry.packed, entry.unpacked]);
        shorts(&mut directory, &[size(&entry.name), 0, 0, 0, 0]);
        longs(&mut directory, &[u32::from(entry.mode) << 16, offset]);
        directory.extend_from_slice(&entry.name);
    }
    let start = bytes.len() as u32;
    bytes.extend_from_slice(&directory);
    let count = entries.len() as u16;
    shorts(&mut bytes, &[0x4b50, 0x0605, 0, 0, count, count]);
    longs(&mut bytes, &[directory.len() as u32, start]);
    shorts(&mut bytes, &[0]);
    bytes
}

fn shorts(bytes: &mut Vec<u8>, values: &[u16]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn longs(bytes: &mut Vec<u8>, values: &[u32]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
