//! Files that are for their owner alone, replaced in one step.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Waits for the sole right to change the file at `path`, against other threads and processes alike; it ends when the
/// returned file is dropped. The file itself is replaced on every change, so the lock is a file beside it.
///
/// # Errors
///
/// What the system says.
pub fn lock(path: &Path) -> io::Result<File> {
    create_parent(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    owner_only(&mut options);
    let file = options.open(path.with_file_name(name))?;
    file.lock()?;
    Ok(file)
}

/// Replaces the file in one step: readers see the old one or the new one, whole.
///
/// # Errors
///
/// What the system says.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let parent = create_parent(path)?;
    // Temporary files are made for their owner alone.
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn create_parent(path: &Path) -> io::Result<&Path> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(parent)?;
    Ok(parent)
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn owner_only(_: &mut OpenOptions) {}

/// Whether anyone but its owner may read the file.
#[cfg(unix)]
pub fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

/// Elsewhere the user's folders are private by default and there are no such bits.
#[cfg(not(unix))]
pub fn is_open_to_others(_: &Path) -> bool {
    false
}
