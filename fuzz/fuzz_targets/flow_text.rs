#![no_main]

// What is read is written in a form that is read as the same flow.
libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(written) = oktant_flow::text::format(text) {
        assert_eq!(oktant_flow::text::format(&written).as_ref(), Ok(&written));
    }
});
