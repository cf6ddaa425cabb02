//! TIFF and JPEG 2000 files, whatever their bytes: both decoders give the same plane, or
//! the same error, within the limits.

use rxrx_decoder::{Decoder, Limits, ReferenceDecoder, read_header};

const LIMITS: Limits = Limits {
    max_width: 1 << 10,
    max_height: 1 << 10,
    max_bytes: 1 << 22,
};

/// Decodes a file with both decoders. Returns whether it is an image.
///
/// # Panics
///
/// The results differ.
pub fn run(file: &[u8]) -> bool {
    let Ok(header) = read_header(file, &LIMITS) else {
        return false;
    };
    let shape = header.shape;
    let mut plane = vec![0xA5; shape.byte_len()];
    let mut reference = vec![0x5A; shape.byte_len()];
    let decoded = Decoder::new(LIMITS).decode(file, shape, &mut plane);
    let again = ReferenceDecoder::new(LIMITS).decode(file, shape, &mut reference);
    assert_eq!(decoded.is_ok(), again.is_ok());
    assert!(
        decoded.is_err() || plane == reference,
        "two planes of one file"
    );
    decoded.is_ok()
}
