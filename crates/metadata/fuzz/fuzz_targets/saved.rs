#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rxrx_metadata_fuzz::saved::run(input));
