use rxrx_format::keys::OBJECTS;

use super::*;

fn space(bytes: u64, files: u64) -> Space {
    Space { bytes, files }
}

fn free(bytes: u64, files: Option<u64>) -> FreeSpace {
    FreeSpace { bytes, files }
}

#[test]
fn a_run_fits_if_bytes_and_inodes_suffice() {
    for (needed, free, fits) in [
        (space(10, 3), free(10, Some(3)), true),
        (space(11, 3), free(10, Some(3)), false),
        (space(10, 4), free(10, Some(3)), false),
        // Btrfs has no fixed number of inodes.
        (space(10, 4), free(10, None), true),
    ] {
        assert_eq!(needed.fits(free), fits, "{needed:?} {free:?}");
    }
}

#[test]
fn what_lacks_is_what_is_left_without_what_is_free() {
    let needed = space(100, 20);
    assert_eq!(lacking(needed, Some(free(30, Some(15)))), space(70, 5));
    assert_eq!(lacking(needed, Some(free(30, None))), space(70, 0));
    assert_eq!(lacking(needed, None), space(100, 0));
    // The disk was full all the same: the estimate was too low.
    assert_eq!(lacking(needed, Some(free(200, None))), space(100, 0));
}

#[test]
fn a_full_disk_and_a_full_quota_are_found_below_other_errors() {
    for (kind, full) in [
        (io::ErrorKind::StorageFull, true),
        (io::ErrorKind::QuotaExceeded, true),
        (io::ErrorKind::PermissionDenied, false),
    ] {
        let error = rxrx_storage::StoreError::from_io("write", "a", kind.into());
        assert_eq!(is_full(&OutputError::from(error)), full, "{kind}");
    }
}

#[test]
fn the_work_that_is_left_needs_less_than_all() {
    let planned = crate::fixture::planned_input(5);
    let projection = Projection::of(&planned, Codec::default());
    let all = Space::of(&planned, &projection, WorkLeft::all(&planned));
    let units = planned.plan.geometry().shards();
    assert!(units > 1, "{units}");
    let last = WorkLeft::of_units(&planned, 1);
    let last = Space::of(&planned, &projection, last);
    let sealing = Space::of(&planned, &projection, WorkLeft::of_units(&planned, 0));
    assert!(all.bytes > last.bytes && last.bytes > sealing.bytes);
    let shards = (units - 1) as u64 * 9;
    assert_eq!(all.files - last.files, shards);
    assert!(sealing.files > OBJECTS.len() as u64);
}
