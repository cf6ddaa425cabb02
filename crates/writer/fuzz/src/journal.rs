//! An entry is a record that is written as it was read, or it is refused.

use rxrx_writer::UnitRecord;

/// Takes `input` for an entry, and for the first line of one whose checksum is
/// right, which no fuzzer would guess.
pub fn run(input: &[u8]) {
    check(input);
    let mut entry = input.to_vec();
    entry.extend_from_slice(format!("\n{:08x}\n", crc32c::crc32c(input)).as_bytes());
    check(&entry);
}

fn check(entry: &[u8]) {
    let Ok(record) = UnitRecord::from_entry(entry) else {
        return;
    };
    let written = record.to_entry().expect("a record can be written");
    let read = UnitRecord::from_entry(&written).expect("what is written is whole");
    assert_eq!(read, record);
    for torn in [1, written.len() / 2, written.len() - 1] {
        assert!(UnitRecord::from_entry(&written[..torn]).is_err());
    }
}
