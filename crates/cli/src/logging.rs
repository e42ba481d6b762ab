//! Log lines on standard error, for `-v`, `-vv` and `OKTANT_LOG`.

use tracing_subscriber::EnvFilter;

use crate::terminal;

/// Names the filter directives; it goes before `-v`.
const VARIABLE: &str = "OKTANT_LOG";

/// Starts logging. `verbosity` counts the `-v` given: none shows warnings only.
pub(crate) fn start(verbosity: u8) {
    let level = match verbosity {
        0 => "warn",
        1 => {
            "warn,oktant=info,oktant_client=info,oktant_sql=info,oktant_sandbox=info,oktant_scim=info,oktant_server=info,oktant_warehouse=info"
        }
        2 => {
            "info,oktant=debug,oktant_client=debug,oktant_sql=debug,oktant_sandbox=debug,oktant_scim=debug,oktant_server=debug,oktant_warehouse=debug"
        }
        _ => "debug,oktant_client=trace,oktant_sql=trace,oktant_sandbox=trace",
    };
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(terminal::stderr_has_colour())
        .with_writer(std::io::stderr)
        .init();
}
