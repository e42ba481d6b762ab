//! Guards objects against use after a fork.

use oktant_base::codes;

use crate::failure::Failure;

/// The process that opened a connection. Its sockets and worker threads exist in no other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    /// This process.
    pub(crate) fn current() -> Self {
        Self(std::process::id())
    }

    /// Refuses use in a child of the process that opened the connection.
    pub(crate) fn expect_same(self) -> Result<(), Failure> {
        if self.0 == std::process::id() {
            return Ok(());
        }
        Err(Failure::new(codes::OKT3012, "the connection was opened by another process"))
    }
}
