#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    rxrx_decoder_fuzz::formats::run(input);
});
