//! A bounded run of the fuzzing targets, the same every time. `make fuzz` runs them for longer.

use oktant_client::fuzzing::TARGETS;

#[path = "../../../sdk/examples/fuzz/driver.rs"]
mod driver;

/// Inputs per target: a few seconds.
const INPUTS: u32 = 400;

#[test]
fn any_input_is_taken() {
    for (index, (name, target)) in TARGETS.iter().enumerate() {
        let mut driver = driver::Driver::new(index as u64);
        for number in 0..INPUTS {
            let input = driver.next();
            let result = std::panic::catch_unwind(|| target(&input));
            assert!(result.is_ok(), "{name}, input {number}: {:?}", String::from_utf8_lossy(&input));
        }
    }
}
