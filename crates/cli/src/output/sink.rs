//! Where encoded rows go.

use std::io::{self, Write as _};
use std::path::PathBuf;

use tempfile::NamedTempFile;

use crate::failure::{Error, Result};

/// Where a result goes.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    /// Standard output.
    Stdout,
    /// A file, replaced when the result is complete.
    File(PathBuf),
}

/// An open destination.
pub(super) enum Sink {
    Stdout(io::Stdout),
    File { file: NamedTempFile, path: PathBuf },
}

impl Sink {
    pub(super) fn open(destination: &Destination) -> Result<Self> {
        let path = match destination {
            Destination::Stdout => return Ok(Self::Stdout(io::stdout())),
            Destination::File(path) => path.clone(),
        };
        match beside(&path) {
            Ok(file) => Ok(Self::File { file, path }),
            // The name of the temporary file, which the library puts into its message, is no help.
            Err(error) => Err(Error::Write { path, source: plain(&error) }.into()),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Stdout(stdout) => {
                let mut stdout = stdout.lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|source| Error::Stdout(source).into())
            }
            Self::File { file, path } => {
                file.write_all(bytes).map_err(|source| Error::Write { path: path.clone(), source }.into())
            }
        }
    }

    /// Puts a file in its place. Without this call it vanishes.
    pub(super) fn commit(self) -> Result<()> {
        let Self::File { file, path } = self else { return Ok(()) };
        match file.persist(&path) {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::Write { path, source: error.error }.into()),
        }
    }
}

/// The error without the name of the temporary file.
fn plain(error: &io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::NotFound => io::Error::new(io::ErrorKind::NotFound, "the folder does not exist"),
        io::ErrorKind::NotADirectory => io::Error::new(io::ErrorKind::NotADirectory, "its folder is a file"),
        kind => kind.into(),
    }
}

/// A temporary file in the folder of `path`, so that moving it there is one step on one file system.
fn beside(path: &std::path::Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".oktant-");
    #[cfg(unix)]
    {
        // What any newly created file gets; the user's umask takes away from it.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder.unwrap_or_else(|| std::path::Path::new(".")))
}
