#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    rxrx_input_fuzz::containers::tar(input);
});
