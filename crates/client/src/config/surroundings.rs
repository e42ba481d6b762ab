//! What loading a configuration takes from the machine.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads files. The machine's own file system, or a map in tests.
pub trait Files: Send + Sync + fmt::Debug {
    /// At most `limit` bytes from the start of a file.
    ///
    /// # Errors
    ///
    /// Kind `NotFound` where there is no such file, which is no mistake for files that may be absent.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;
}

/// The machine's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Files in memory.
impl Files for BTreeMap<PathBuf, Vec<u8>> {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let bytes = self.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(bytes[..bytes.len().min(limit as usize)].to_vec())
    }
}

/// What loading a configuration takes from the machine it runs on.
#[derive(Clone)]
pub struct Surroundings {
    /// Environment variables.
    pub variables: Arc<BTreeMap<String, String>>,
    /// The user's home folder, if there is one.
    pub home: Option<PathBuf>,
    /// The folder that holds the project's file and that relative paths start from.
    pub directory: PathBuf,
    /// The file system.
    pub files: Arc<dyn Files>,
}

impl fmt::Debug for Surroundings {
    /// Without variables and files, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { home, directory, .. } = self;
        f.debug_struct("Surroundings").field("home", home).field("directory", directory).finish_non_exhaustive()
    }
}

impl Surroundings {
    /// The machine's own, as they are now.
    pub fn system() -> Self {
        Self {
            variables: crate::edges::variables(),
            home: etcetera::home_dir().ok(),
            directory: std::env::current_dir().unwrap_or_default(),
            files: Arc::new(SystemFiles),
        }
    }

    /// Neither variables nor files: what the program passes is all there is.
    pub fn none() -> Self {
        Self {
            variables: Arc::default(),
            home: None,
            directory: PathBuf::new(),
            files: Arc::new(BTreeMap::<PathBuf, Vec<u8>>::new()),
        }
    }
}
