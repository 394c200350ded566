//! A file that is whole or not there: written beside its place, renamed at the end.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::message::Problem;

/// The problem of a file that could not be written.
pub(super) fn unwritten(path: &Path, error: impl std::fmt::Display) -> Problem {
    Problem::new("MSK-FIL-02").arg("path", path.display()).because(error)
}

/// A file under its temporary name, with the hash of what went through. Dropped without [`Sealed::place`], it is
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

/// A file that is whole, with its hash, and not yet in its place.
#[derive(Debug)]
pub(super) struct Sealed {
    file: PartFile,
    hash: String,
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
        let file = own(&path, &partial)?;
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

    /// Ends the file: all of it is on the disk, under its temporary name.
    ///
    /// # Errors
    /// `MSK-FIL-02` when the disk refuses.
    pub(super) fn seal(mut self) -> Result<Sealed, Problem> {
        self.out.flush().map_err(|error| unwritten(&self.path, error))?;
        self.out
            .get_ref()
            .sync_all()
            .map_err(|error| unwritten(&self.path, error))?;
        let hash = self.hash.finalize().to_hex().to_string();
        Ok(Sealed { file: self, hash })
    }
}

impl Sealed {
    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }

    pub(super) const fn size(&self) -> u64 {
        self.file.size
    }

    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// Puts the whole file in its place.
    ///
    /// # Errors
    /// `MSK-FIL-04` when a file of this name has appeared meanwhile, `MSK-FIL-02` when the disk refuses.
    pub(super) fn place(mut self, replaces: bool) -> Result<(), Problem> {
        let PartFile { path, partial, .. } = &self.file;
        let failed = |error| unwritten(path, error);
        if replaces {
            std::fs::rename(partial, path).map_err(failed)?;
        } else {
            // A link, so that a file made meanwhile is not replaced.
            std::fs::hard_link(partial, path).map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => exists(path),
                _ => failed(error),
            })?;
            std::fs::remove_file(partial).map_err(failed)?;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let kept = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
        let kept = kept.map_err(failed);
        self.file.is_placed = true;
        kept
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

/// An empty file of the temporary name, locked, that has no other name: what a kill left may be a second name of a
/// finished file, and another export may have put it in its place before it was locked here.
fn own(path: &Path, partial: &Path) -> Result<File, Problem> {
    const ATTEMPTS: u8 = 8;
    let failed = |error| unwritten(path, error);
    let busy = || Problem::new("MSK-FIL-05").arg("path", path.display());
    for _ in 0..ATTEMPTS {
        if partial.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            std::fs::remove_file(partial).map_err(failed)?;
        }
        // Not cut short before it is ours.
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(partial)
            .map_err(failed)?;
        file.try_lock().map_err(|_| busy())?;
        let locked = file.metadata().map_err(failed)?;
        let is_named = partial
            .symlink_metadata()
            .is_ok_and(|named| (named.dev(), named.ino()) == (locked.dev(), locked.ino()));
        if is_named && locked.nlink() == 1 {
            file.set_len(0).map_err(failed)?;
            return Ok(file);
        }
        if is_named {
            std::fs::remove_file(partial).map_err(failed)?;
        }
    }
    Err(busy())
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
        let sealed = file.seal().expect("sealed");
        assert!(!path.exists());
        assert_eq!(
            (sealed.size(), sealed.hash()),
            (5, blake3::hash(b"whole").to_hex().as_str())
        );
        sealed.place(false).expect("placed");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "whole");
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
        let refused = file.seal().and_then(|sealed| sealed.place(false));
        assert_eq!(refused.expect_err("there").code(), "MSK-FIL-04");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "mine");
    }

    #[test]
    fn a_part_that_is_another_name_of_a_file_leaves_that_file_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, partial) = (folder.path().join("a.csv"), folder.path().join("a.csv.part"));
        let other = folder.path().join("other.csv");
        for link in [
            |old: &Path, new: &Path| std::fs::hard_link(old, new),
            |old: &Path, new: &Path| std::os::unix::fs::symlink(old, new),
        ] {
            std::fs::write(&other, "whole").expect("written");
            link(&other, &partial).expect("a link");
            let mut file = PartFile::create(path.clone(), true).expect("begun");
            file.write_all(b"new").expect("written");
            file.seal().and_then(|sealed| sealed.place(true)).expect("placed");
            assert_eq!(std::fs::read_to_string(&other).expect("read"), "whole");
            assert_eq!(std::fs::read_to_string(&path).expect("read"), "new");
        }
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &partial).expect("a link");
        drop(PartFile::create(path, true).expect("begun"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 2);
    }
}
