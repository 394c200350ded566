//! A file that is whole or not there: written beside its place, renamed at the end.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::message::Problem;

/// The problem of a file that could not be written.
pub(super) fn unwritten(path: &Path, error: impl std::fmt::Display) -> Problem {
    Problem::new("MSK-FIL-02").arg("path", path.display()).because(error)
}

/// A file under its temporary name, with the hash of what went through. Dropped without [`PartFile::place`], it is
/// removed; one that a kill leaves is overwritten by the next export of the same name.
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
    partial: PathBuf,
    out: BufWriter<File>,
    hash: Box<blake3::Hasher>,
    size: u64,
    is_placed: bool,
}

/// What was placed.
pub(super) struct Placed {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) hash: String,
}

impl PartFile {
    /// Begins a file.
    ///
    /// # Errors
    /// `MSK-FIL-04` when it exists and may not be replaced, `MSK-FIL-05` when another export is writing it,
    /// `MSK-FIL-02` when the folder does not take it.
    pub(super) fn create(path: PathBuf, replaces: bool) -> Result<Self, Problem> {
        if !replaces && path.symlink_metadata().is_ok() {
            return Err(exists(&path));
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".part");
        let partial = PathBuf::from(partial);
        // Not cut short before it is ours.
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&partial)
            .map_err(|error| unwritten(&path, error))?;
        file.try_lock()
            .map_err(|_| Problem::new("MSK-FIL-05").arg("path", path.display()))?;
        file.set_len(0).map_err(|error| unwritten(&path, error))?;
        Ok(Self {
            path,
            partial,
            out: BufWriter::with_capacity(64 << 10, file),
            hash: Box::new(blake3::Hasher::new()),
            size: 0,
            is_placed: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the whole file in its place.
    ///
    /// # Errors
    /// `MSK-FIL-04` when a file of this name has appeared meanwhile, `MSK-FIL-02` when the disk refuses.
    pub(super) fn place(mut self, replaces: bool) -> Result<Placed, Problem> {
        let failed = |error| unwritten(&self.path, error);
        self.out.flush().map_err(failed)?;
        self.out.get_ref().sync_all().map_err(failed)?;
        if replaces {
            std::fs::rename(&self.partial, &self.path).map_err(failed)?;
        } else {
            // A link, so that a file made meanwhile is not replaced.
            std::fs::hard_link(&self.partial, &self.path).map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => exists(&self.path),
                _ => failed(error),
            })?;
            std::fs::remove_file(&self.partial).map_err(failed)?;
        }
        self.is_placed = true;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        Ok(Placed {
            path: std::mem::take(&mut self.path),
            size: self.size,
            hash: self.hash.finalize().to_hex().to_string(),
        })
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.is_placed {
            let _nothing_more_to_do = std::fs::remove_file(&self.partial);
        }
    }
}

fn exists(path: &Path) -> Problem {
    Problem::new("MSK-FIL-04").arg("path", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_not_there_before_it_is_whole_and_never_replaced_unasked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.csv");
        let mut file = PartFile::create(path.clone(), false).expect("new");
        file.write_all(b"whole").expect("written");
        assert!(!path.exists());
        let second = PartFile::create(path.clone(), false).expect_err("being written");
        assert_eq!(second.code(), "MSK-FIL-05");
        let placed = file.place(false).expect("placed");
        assert_eq!(
            (placed.size, std::fs::read_to_string(&path).expect("read").as_str()),
            (5, "whole")
        );
        assert_eq!(placed.hash, blake3::hash(b"whole").to_hex().to_string());
        assert_eq!(
            PartFile::create(path.clone(), false).expect_err("there").code(),
            "MSK-FIL-04"
        );
        drop(PartFile::create(path.clone(), true).expect("may be replaced"));
        assert_eq!(
            std::fs::read_to_string(&path).expect("read"),
            "whole",
            "given up, not replaced"
        );
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1);
    }

    #[test]
    fn a_file_that_appeared_meanwhile_stays_and_what_a_kill_left_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.csv");
        std::fs::write(folder.path().join("a.csv.part"), "a long half of an older export").expect("left");
        let mut file = PartFile::create(path.clone(), false).expect("new");
        file.write_all(b"short").expect("written");
        std::fs::write(&path, "mine").expect("made meanwhile");
        assert_eq!(file.place(false).map(|_| ()).expect_err("there").code(), "MSK-FIL-04");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "mine");
    }
}
