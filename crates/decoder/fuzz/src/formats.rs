//! TIFF and JPEG 2000 files and stacks, whatever their bytes: both decoders give the same
//! plane, or the same error, within the limits. A stack of a file and itself has its pixels.
//! Its page, if it has one, is hardly larger. The decoder may read past the end of a damaged
//! strip, so the page of a damaged file may decode to other pixels.

use rxrx_decoder::{Decoder, Limits, ReferenceDecoder, Stack, read_header, tiff_page};

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
    for pages in 1..4 {
        if let Ok(page) = tiff_page(file, pages, pages, &LIMITS) {
            assert!(
                page.len() <= 2 * file.len() + 1024,
                "a page is a part of its file"
            );
        }
    }
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
    if decoded.is_ok() && !file.starts_with(b"\0rxstck") {
        let mut stack = Vec::new();
        let mut files = Stack::begin(&mut stack);
        files.push("one", file);
        files.push("two", file);
        let mut projected = vec![0x5A; shape.byte_len()];
        let decoded = Decoder::new(LIMITS).decode(&stack, shape, &mut projected);
        assert!(
            decoded.is_ok() && plane == projected,
            "another plane: {decoded:?}"
        );
    }
    decoded.is_ok()
}
