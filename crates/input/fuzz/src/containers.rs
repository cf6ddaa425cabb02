//! Every image that can be read from a tar or a Parquet file, whatever its bytes, is the
//! same each time, and has at most the bytes that were asked for.

use rxrx_input::{ShardSource, Source, TarSource};
use rxrx_metadata::Listing;

/// Most bytes of a file that one read asks for.
const AT_MOST: usize = 1 << 16;

/// Reads all images of a tar. Returns the number of those that could be read.
pub fn tar(input: &[u8]) -> usize {
    match TarSource::in_memory("E-1/Plate1.tar", input.to_vec()) {
        Ok((source, listing)) => read(&source, &listing, input),
        Err(error) => {
            assert!(error.to_string().contains("Plate1.tar"));
            0
        }
    }
}

/// Reads all images of a Parquet file. Returns the number of those that could be read.
pub fn shard(input: &[u8]) -> usize {
    match ShardSource::in_memory("input.parquet", input.to_vec()) {
        Ok((source, listing)) => read(&source, &listing, &[]),
        Err(_) => 0,
    }
}

/// Reads all images, one by one and at once. Those that are not packed are a part of
/// `stored`.
fn read(source: &dyn Source, listing: &Listing, stored: &[u8]) -> usize {
    let paths: Vec<&str> = listing.images.iter().map(|image| &*image.path).collect();
    let mut files: Vec<_> = paths.iter().map(|path| (*path, Vec::new())).collect();
    let stamps = source.read_all(&mut files, AT_MOST);
    assert_eq!(stamps.len(), paths.len());
    let mut good = 0;
    for ((path, bytes), stamp) in files.iter().zip(stamps) {
        assert!(bytes.len() <= AT_MOST);
        let mut alone = Vec::new();
        let again = source.read(path, AT_MOST, &mut alone);
        let Ok(stamp) = stamp else {
            assert!(again.is_err());
            continue;
        };
        assert_eq!(again.ok(), Some(stamp));
        assert_eq!(source.stamp(path).ok(), Some(stamp));
        assert!(alone == *bytes);
        assert_eq!(bytes.len() as u64, stamp.bytes.min(AT_MOST as u64));
        let is_part = stored
            .windows(bytes.len().max(1))
            .any(|part| part == &bytes[..]);
        assert!(stored.is_empty() || bytes.is_empty() || is_part);
        good += 1;
    }
    good
}
