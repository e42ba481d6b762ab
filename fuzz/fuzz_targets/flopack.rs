#![no_main]

// What is imported is exported, or refused with a reason; never half.
libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(imported) = oktant_flow::flopack::import(text)
        && let Ok(pack) = oktant_flow::flopack::export(&imported.project)
    {
        assert!(oktant_flow::flopack::import(&pack.to_string()).is_ok());
    }
});
