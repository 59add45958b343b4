//! Files that survive a power failure.
//!
//! A file is durable once its content, its directory entry, and the directory entries of all new parent folders are
//! on disk. Each of these needs a separate `fsync`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A directory whose files and folders are durable.
pub(crate) struct DurableDirectory {
    root: PathBuf,
    /// Folders below the root whose directory entries this process has synced. The entry of a folder that another
    /// process created may not be on disk yet.
    synced: Mutex<HashSet<PathBuf>>,
}

impl DurableDirectory {
    /// The directory at `root`, which is created if it does not exist.
    ///
    /// # Errors
    /// The directory cannot be created or synced.
    pub(crate) fn create(root: &Path) -> io::Result<Self> {
        create_with_parents(root)?;
        Ok(Self { root: root.to_owned(), synced: Mutex::default() })
    }

    /// Writes a new file at the path `name` below the root. The file is renamed to this name only when it is
    /// complete, so readers never see a partial file, and a failed write leaves no file behind.
    ///
    /// # Errors
    /// The file or a folder cannot be written.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let path = self.root.join(name);
        let (Some(folder), Some(file_name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::other("a file needs a folder and a name"));
        };
        self.create_folder(folder)?;
        let hidden = folder.join(format!(".{}", file_name.to_string_lossy()));
        let written = write_and_rename(&hidden, &path, content);
        if written.is_err() {
            // Report only the first error; the hidden file may not exist.
            let _ = fs::remove_file(&hidden);
        }
        written?;
        sync_directory(folder)
    }

    /// Creates a folder below the root. Concurrent callers wait until its directory entries are on disk.
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if !folder.is_dir() {
            // New, or deleted since it was synced.
            synced.retain(|known| known.is_dir());
        }
        let mut missing: Vec<&Path> =
            folder.ancestors().take_while(|folder| *folder != self.root && !synced.contains(*folder)).collect();
        while let Some(folder) = missing.pop() {
            create_directory(folder)?;
            synced.insert(folder.to_owned());
        }
        Ok(())
    }
}

fn create_with_parents(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_with_parents(parent)?;
    }
    create_directory(directory)
}

/// Creates a directory if it does not exist, and syncs its directory entry.
fn create_directory(directory: &Path) -> io::Result<()> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {}
        result => result?,
    }
    sync_directory(directory.parent().unwrap_or(directory))
}

fn write_and_rename(hidden: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(hidden)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(hidden, path)
}

/// Syncs the entries of a directory to disk. An empty path means the current directory.
fn sync_directory(directory: &Path) -> io::Result<()> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        // A directory with the file's name makes the rename fail.
        let path = directory.path().join("a/b/file");
        fs::create_dir_all(&path).unwrap();
        DurableDirectory::create(directory.path()).unwrap().write("a/b/file", b"content").unwrap_err();
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, [path]);
    }

    #[test]
    fn a_deleted_folder_is_created_again() {
        let directory = tempfile::tempdir().unwrap();
        let durable = DurableDirectory::create(&directory.path().join("new/root")).unwrap();
        durable.write("a/b/one", b"1").unwrap();
        fs::remove_dir_all(directory.path().join("new/root/a")).unwrap();
        durable.write("a/b/two", b"2").unwrap();
        assert_eq!(fs::read(directory.path().join("new/root/a/b/two")).unwrap(), b"2");
    }
}
