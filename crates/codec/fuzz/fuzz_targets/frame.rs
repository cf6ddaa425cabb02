#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rxrx_codec_fuzz::run(input));
