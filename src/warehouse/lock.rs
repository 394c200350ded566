//! One daemon or load per database file; the second leaves quickly with the first one's name.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::message::Problem;

/// Longest name of a holder that is shown.
const HOLDER: u64 = 200;

/// The lock, released when dropped and by the system when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    /// Held open for the lock's sake only.
    _file: File,
}

/// Takes the lock beside the database and writes the holder's name into it.
///
/// # Errors
/// `MSK-DB-05` with the holder's name when somebody has it, `MSK-DB-03` when the folder cannot be written.
pub(super) fn take(database: &Path, holder: &str) -> Result<Lock, Problem> {
    let path = path_of(database);
    let wrong = |error: std::io::Error| Problem::new("MSK-DB-03").arg("path", path.display()).because(error);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(wrong)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Problem::new("MSK-DB-05")
                .arg("path", database.display())
                .arg("holder", holder_of(&mut file)));
        }
        Err(TryLockError::Error(error)) => return Err(wrong(error)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(wrong)?;
    write!(file, "{holder} (pid {})", std::process::id())
        .and_then(|()| file.flush())
        .map_err(wrong)?;
    Ok(Lock { _file: file })
}

/// True when somebody holds the database.
pub(super) fn is_held(database: &Path) -> bool {
    let file = OpenOptions::new().read(true).open(path_of(database));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn holder_of(file: &mut File) -> String {
    let mut name = String::new();
    match file.take(HOLDER).read_to_string(&mut name) {
        Ok(length) if length > 0 => name.lines().next().unwrap_or_default().to_owned(),
        _ => "?".to_owned(),
    }
}

fn path_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_copy_learns_who_holds_the_database() {
        let dir = tempfile::tempdir().expect("folder");
        let database = dir.path().join("msoko.db");
        let first = take(&database, "msoko run").expect("free");
        let problem = take(&database, "msoko pull").expect_err("held");
        assert_eq!(problem.code(), "MSK-DB-05");
        assert!(problem.get("holder").expect("holder").starts_with("msoko run (pid "));
        assert!(is_held(&database));
        drop(first);
        assert!(!is_held(&database));
        take(&database, "msoko pull").expect("free again");
    }
}
