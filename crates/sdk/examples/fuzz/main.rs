//! Runs each fuzzing target for some seconds on the stable compiler:
//! `cargo run -p oktant-sdk --features full --example fuzz -- SECONDS [TARGET]`.
//!
//! Prints the seed; an input that fails is written to `fuzz-TARGET.bin` in the temporary folder.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use oktant_base::{Entropy, OsEntropy};
use oktant_client::fuzzing::{TARGETS, Target};

mod driver;

/// The target that reads models, beside those of the client, of SCIM, of the functions and of flows.
const MODELS: Target = ("models", oktant_models::fuzzing::answers);

/// The target that reads queries of the sandbox's Salesforce org.
const SOQL: Target = ("soql", oktant_sandbox::fuzzing::soql);

fn main() -> std::io::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(60);
    let wanted = arguments.next();
    let mut out = std::io::stdout();
    let mut seed = [0; 8];
    OsEntropy.fill(&mut seed);
    let seed = u64::from_le_bytes(seed);
    let mut failed = false;
    let targets = TARGETS
        .iter()
        .chain([&MODELS, &SOQL])
        .chain(oktant_scim::fuzzing::TARGETS)
        .chain(oktant_functions::fuzzing::TARGETS)
        .chain(oktant_flow::fuzzing::TARGETS);
    for (name, target) in targets.filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == name)) {
        let mut driver = driver::Driver::new(seed);
        let (started, mut inputs) = (Instant::now(), 0_u64);
        while started.elapsed() < Duration::from_secs(seconds) {
            let input = driver.next();
            inputs += 1;
            if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
                let path = std::env::temp_dir().join(format!("fuzz-{name}.bin"));
                std::fs::write(&path, &input)?;
                writeln!(out, "{name}: failed at input {inputs} of seed {seed}: {}", path.display())?;
                failed = true;
                break;
            }
        }
        writeln!(out, "{name}: {inputs} inputs in {:.0} s, seed {seed}", started.elapsed().as_secs_f64())?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
