//! A few images decoded fully by a plan, so that hours are not spent on images of a kind
//! that cannot be used.

use rxrx_decoder::{Decoder, Limits, PlaneShape, Unsupported};
use rxrx_storage::Unreachable;

use crate::error::PlanInputError;
use crate::headers::{Coloured, spread};
use crate::read_error::ReadError;
use crate::source::Source;

/// Images that are decoded.
const IMAGES: usize = 8;

/// Decodes a few of the images at `paths`, whose planes are to have `shape`.
///
/// # Errors
/// There are as many as are decoded, and all fail for one cause; or all are coloured,
/// however few they are. `coloured` are the headers that say so.
pub(crate) fn probe(
    source: &dyn Source,
    paths: &[String],
    shape: PlaneShape,
    coloured: Option<Coloured>,
) -> Result<Result<(), PlanInputError>, Unreachable> {
    let mut decoder = Decoder::new(Limits::default());
    let mut plane = vec![0; shape.byte_len()];
    let mut bytes = Vec::new();
    let mut failed: Option<(&'static str, bool, String)> = None;
    let mut count = 0;
    for path in spread(paths, IMAGES) {
        match source.read(path, source.largest_file(shape.byte_len()), &mut bytes) {
            Ok(_) => {}
            Err(ReadError::Unreachable(error)) => return Err(error),
            // It is counted when it is converted.
            Err(ReadError::Unusable { .. }) => return Ok(Ok(())),
        }
        let Err(error) = decoder.decode(&bytes, shape, &mut plane) else {
            return Ok(Ok(()));
        };
        let is_coloured = matches!(
            error.reason(),
            rxrx_decoder::DecodeError::Unsupported(
                Unsupported::Colour { .. } | Unsupported::PaletteColour { .. }
            )
        );
        count += 1;
        match &failed {
            Some((kind, ..)) if *kind != error.kind() => return Ok(Ok(())),
            Some(_) => {}
            None => failed = Some((error.kind(), is_coloured, format!("{path}: {error}"))),
        }
    }
    Ok(match failed {
        Some((_, true, example)) => Err(PlanInputError::Coloured {
            colour: coloured.map_or("colour", |coloured| coloured.colour),
            images: coloured.map_or(count, |coloured| coloured.images),
            example,
        }),
        Some((_, false, example)) if count == IMAGES => Err(PlanInputError::AllAlike {
            images: count,
            example,
        }),
        _ => Ok(()),
    })
}
