#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oktant_sandbox::fuzzing::soql(bytes));
