#![no_main]

use std::panic;

// Where the parser of Parquet panics, the program takes that for damage. The hook of the fuzzer
// would end the process before; it stays for all other panics.
libfuzzer_sys::fuzz_target!(
    init: {
        let fuzzer = panic::take_hook();
        panic::set_hook(Box::new(move |told| {
            let is_parser = |place: &panic::Location<'_>| place.file().contains("/parquet-");
            if !told.location().is_some_and(is_parser) {
                fuzzer(told);
            }
        }));
    },
    |input: &[u8]| {
        rxrx_input_fuzz::containers::shard(input);
    }
);
