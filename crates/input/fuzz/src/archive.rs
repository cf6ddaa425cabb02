//! Every file that can be read from a zip archive, whatever its bytes, has the
//! size and the checksum that the archive states. No read returns more bytes than
//! were asked for.

use rxrx_input::{Archive, Source};

/// Most bytes of a file that one read asks for.
const AT_MOST: usize = 1 << 16;

/// Reads all files of the archive, one by one and at once. Returns the number of
/// files that could be read to their end.
pub fn run(input: &[u8]) -> usize {
    let (archive, listing) = match Archive::in_memory("input.zip", input.to_vec()) {
        Ok(opened) => opened,
        Err(error) => {
            assert!(error.to_string().contains("input.zip"));
            return 0;
        }
    };
    let images = listing.images.iter().map(|image| &*image.path);
    let tables = listing.metadata_candidates.iter().map(String::as_str);
    let paths: Vec<&str> = images.chain(tables).collect();
    let mut files: Vec<_> = paths.iter().map(|path| (*path, Vec::new())).collect();
    let stamps = archive.read_all(&mut files, AT_MOST);
    assert_eq!(stamps.len(), paths.len());
    let mut whole = 0;
    for ((path, bytes), stamp) in files.iter().zip(stamps) {
        assert!(bytes.len() <= AT_MOST);
        let mut alone = Vec::new();
        let again = archive.read(path, AT_MOST, &mut alone);
        let Ok(stamp) = stamp else {
            assert!(again.is_err());
            continue;
        };
        assert_eq!(again.ok(), Some(stamp));
        assert_eq!(archive.stamp(path).ok(), Some(stamp));
        assert!(alone == *bytes);
        if stamp.bytes <= AT_MOST as u64 {
            assert_eq!(bytes.len() as u64, stamp.bytes);
            let mut crc = libdeflater::Crc::new();
            crc.update(bytes);
            assert_eq!(Some(u64::from(crc.sum())), stamp.version);
            whole += 1;
        }
        let mut head = Vec::new();
        // The beginning of a file may be good although its end is not.
        archive
            .read(path, 33, &mut head)
            .expect("a part of what was read");
        assert!(bytes.starts_with(&head) && (head.len() == 33 || head.len() == bytes.len()));
    }
    whole
}
