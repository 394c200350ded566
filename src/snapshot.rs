//! Content-addressed, compressed copies of what was fetched.
//!
//! Takes: bytes as a stream. Gives: a file named by the hash of its content, and the bytes back, checked.
//! Never: SQL, looking inside the bytes, growing memory with the file.
//!
//! A snapshot is written under a temporary name, synced, renamed and its folder synced before anybody records it.
//! A file without a row is harmless: keeping the same bytes again ends at the same name.
//!
//! ```
//! use std::io::Read;
//! let dir = tempfile::tempdir().expect("a temporary folder");
//! let kept = msoko::snapshot::keep(dir.path(), "Логин;Балл".as_bytes()).expect("kept");
//! let mut text = String::new();
//! msoko::snapshot::open(dir.path(), &kept.hash, 1 << 20).expect("opened").read_to_string(&mut text).expect("read");
//! assert_eq!(text, "Логин;Балл");
//! ```

use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::failpoint;
use crate::message::Problem;

/// Piece in which bytes are copied and hashed.
const PIECE: usize = 64 * 1024;
/// Level 3 packs exports about tenfold and keeps up with the disk.
const LEVEL: i32 = 3;
/// Largest back-reference a reader accepts, 8 MiB: level 3 needs 2, and a forged file must not claim gigabytes.
const WINDOW_LOG: u32 = 23;
/// Name of a file that is being written starts with this; [`sweep`] removes what a killed process left of them.
pub const TEMPORARY: &str = ".part-";

/// What was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// BLAKE3 of the bytes before compression, 64 hexadecimal digits.
    pub hash: String,
    /// Bytes before compression.
    pub size: u64,
    /// The compressed file.
    pub path: PathBuf,
}

/// Where the snapshot of a hash lies.
#[must_use]
pub fn path_of(dir: &Path, hash: &str) -> PathBuf {
    let (folder, name) = hash.split_at_checked(2).unwrap_or(("", hash));
    dir.join(folder).join(format!("{name}.zst"))
}

/// Copies a stream into the store.
///
/// # Errors
/// `MSK-SNP-01` when the store cannot be written, `MSK-SNP-05` when the stream itself breaks; nothing is left then
/// but a temporary file that [`sweep`] removes.
pub fn keep(dir: &Path, reader: impl Read) -> Result<Kept, Problem> {
    write(dir, reader)?.name()
}

/// Bytes that are written and have no name in the store yet: they go with this value unless they are given one.
#[derive(Debug)]
pub struct Unnamed {
    dir: PathBuf,
    temporary: Temporary,
    kept: Kept,
}

#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may be renamed or never made; what cannot be removed now is swept at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

impl Unnamed {
    /// What is kept once it has its name.
    #[must_use]
    pub const fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Gives the bytes their name.
    ///
    /// # Errors
    /// `MSK-SNP-01` when the store cannot be written.
    pub fn name(self) -> Result<Kept, Problem> {
        let Self { dir, temporary, kept } = self;
        let folder = kept.path.parent().unwrap_or(&dir);
        let wrong = |error: io::Error| unwritable(&kept.path, &error);
        fs::create_dir_all(folder).map_err(wrong)?;
        // Over an older copy of the same content on purpose: a damaged one is mended by the next delivery.
        fs::rename(&temporary.0, &kept.path).map_err(wrong)?;
        for folder in [folder, &dir] {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)?;
        }
        failpoint::hit("snapshot-renamed");
        Ok(kept)
    }
}

/// Copies a stream into the store under a temporary name.
///
/// # Errors
/// As [`keep`].
pub fn write(dir: &Path, mut reader: impl Read) -> Result<Unnamed, Problem> {
    fs::create_dir_all(dir).map_err(|error| unwritable(dir, &error))?;
    let temporary = Temporary(dir.join(temporary_name()));
    let wrong = |error: io::Error| unwritable(&temporary.0, &error);
    let file = File::create_new(&temporary.0).map_err(wrong)?;
    let mut packer = zstd::Encoder::new(BufWriter::with_capacity(PIECE, file), LEVEL).map_err(wrong)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE];
    let mut size = 0u64;
    loop {
        let length = match reader.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Problem::new("MSK-SNP-05").because(error)),
        };
        hasher.update(&piece[..length]);
        packer.write_all(&piece[..length]).map_err(wrong)?;
        size += length as u64;
    }
    let file = packer
        .finish()
        .map_err(wrong)?
        .into_inner()
        .map_err(|error| wrong(error.into_error()))?;
    file.sync_all().map_err(wrong)?;
    failpoint::hit("snapshot-written");

    let hash = hasher.finalize().to_hex().to_string();
    let path = path_of(dir, &hash);
    Ok(Unnamed {
        dir: dir.to_owned(),
        temporary,
        kept: Kept { hash, size, path },
    })
}

/// Processes of two machines that share a folder may have the same number.
fn temporary_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{TEMPORARY}{}-{number}-{:016x}", std::process::id(), chance())
}

fn chance() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Name of the file that carries the mark of a store.
pub const MARK: &str = ".store";

/// Marks a folder as the store of one warehouse. The database and the folder then know each other: a node that sees
/// another folder under the same path finds another mark or none. The same mark again changes nothing.
///
/// # Errors
/// `MSK-SNP-07` when the folder has another mark, `MSK-SNP-01` when it cannot be written.
pub fn put_mark(dir: &Path, mark: &str) -> Result<(), Problem> {
    let path = dir.join(MARK);
    let wrong = |error: io::Error| unwritable(&path, &error);
    fs::create_dir_all(dir).map_err(wrong)?;
    match mark_of(dir)? {
        Some(found) if found == mark => return Ok(()),
        Some(found) => {
            return Err(Problem::new("MSK-SNP-07")
                .arg("path", dir.display())
                .arg("found", found));
        }
        None => {}
    }
    // Renamed into its place: a half-written mark would be another one.
    let temporary = dir.join(temporary_name());
    let mut file = File::create(&temporary).map_err(wrong)?;
    writeln!(file, "{mark}")
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, &path))
        .and_then(|()| File::open(dir)?.sync_all())
        .map_err(wrong)?;
    Ok(())
}

/// Compares the mark of a folder with the one its warehouse knows.
///
/// # Errors
/// `MSK-SNP-06` when it has another or none, `MSK-SNP-01` when it cannot be read.
pub fn expect_mark(dir: &Path, expected: &str) -> Result<(), Problem> {
    match mark_of(dir)? {
        Some(found) if found == expected => Ok(()),
        found => Err(Problem::new("MSK-SNP-06")
            .arg("path", dir.display())
            .arg("found", found.as_deref().unwrap_or("—"))
            .arg("expected", expected)),
    }
}

/// The mark of a folder; a file that a power cut left empty is none.
fn mark_of(dir: &Path) -> Result<Option<String>, Problem> {
    let path = dir.join(MARK);
    let mut text = Vec::new();
    match File::open(&path).and_then(|file| file.take(MARK_BYTES).read_to_end(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unwritable(&path, &error)),
    }
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    Ok((!text.is_empty()).then_some(text))
}

/// Longest mark that is read.
const MARK_BYTES: u64 = 100;

/// Removes what a killed process left half-written and nobody has touched for so long; without a time, at a start,
/// everything half-written: nobody else keeps snapshots here then.
///
/// # Errors
/// `MSK-SNP-01` when the folder cannot be listed or a leftover cannot be removed.
pub fn sweep(dir: &Path, untouched: Duration) -> Result<u32, Problem> {
    let wrong = |error: io::Error| unwritable(dir, &error);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(wrong(error)),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(wrong)?;
        if !entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            continue;
        }
        let removal = age(&entry).and_then(|age| {
            let old = age >= untouched;
            if old {
                fs::remove_file(entry.path())?;
            }
            Ok(u32::from(old))
        });
        removed += match removal {
            // Another node was faster, or has just given it its name.
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            removal => removal.map_err(wrong)?,
        };
    }
    Ok(removed)
}

/// Removes the snapshot of a hash, if there is one that was written before a moment: a younger file may be that of a
/// delivery whose row is still to come.
///
/// # Errors
/// `MSK-SNP-01` when it cannot be removed.
pub fn remove(dir: &Path, hash: &str, before: SystemTime) -> Result<(), Problem> {
    let path = path_of(dir, hash);
    let written = match fs::metadata(&path).and_then(|data| data.modified()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|error| unwritable(&path, &error))?,
    };
    if written < before {
        fs::remove_file(&path).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(())
}

/// How long nobody has touched a file; a clock of another machine may be ahead.
fn age(entry: &fs::DirEntry) -> io::Result<Duration> {
    let touched = entry.metadata()?.modified()?;
    Ok(touched.elapsed().unwrap_or_default())
}

/// Opens the snapshot of a hash; `limit` caps the bytes it may inflate to.
///
/// The reader checks the hash when it meets the end: damage arrives as an [`io::Error`] that carries the
/// [`Problem`] (see [`problem_of`]), so read to the end before trusting what was read.
///
/// # Errors
/// `MSK-SNP-02` when there is no such file or it cannot be opened.
pub fn open(dir: &Path, hash: &str, limit: u64) -> Result<SnapshotReader, Problem> {
    let path = path_of(dir, hash);
    let wrong = |error: io::Error| Problem::new("MSK-SNP-02").arg("path", path.display()).because(error);
    let file = File::open(&path).map_err(wrong)?;
    let mut unpacker = zstd::Decoder::with_buffer(BufReader::with_capacity(PIECE, file)).map_err(wrong)?;
    unpacker.window_log_max(WINDOW_LOG).map_err(wrong)?;
    Ok(SnapshotReader {
        unpacker,
        hasher: blake3::Hasher::new(),
        expected: hash.to_owned(),
        path,
        left: limit,
        limit,
        ended: false,
    })
}

/// Reads a snapshot to its end and compares its hash.
///
/// # Errors
/// `MSK-SNP-02`, `MSK-SNP-03` or `MSK-SNP-04`, each naming the file.
pub fn verify(dir: &Path, hash: &str, limit: u64) -> Result<u64, Problem> {
    let mut reader = open(dir, hash, limit)?;
    let path = reader.path.clone();
    io::copy(&mut reader, &mut io::sink()).map_err(|error| problem_of(&error, &path))
}

/// The problem inside an error of a [`SnapshotReader`]; any other error reads as `MSK-SNP-02`.
#[must_use]
pub fn problem_of(error: &io::Error, path: &Path) -> Problem {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Problem>())
        .cloned()
        .unwrap_or_else(|| Problem::new("MSK-SNP-02").arg("path", path.display()).because(error))
}

/// The bytes of a snapshot, inflated and counted.
pub struct SnapshotReader {
    unpacker: zstd::Decoder<'static, BufReader<File>>,
    hasher: blake3::Hasher,
    expected: String,
    path: PathBuf,
    left: u64,
    limit: u64,
    ended: bool,
}

impl Read for SnapshotReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.ended {
            return Ok(0);
        }
        let length = match self.unpacker.read(buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(io::Error::other(self.damaged("—").because(error))),
        };
        if length == 0 {
            self.ended = true;
            let found = self.hasher.finalize().to_hex();
            if found.as_str() != self.expected {
                return Err(io::Error::other(self.damaged(found.as_str())));
            }
            return Ok(0);
        }
        self.left = self.left.checked_sub(length as u64).ok_or_else(|| {
            io::Error::other(
                Problem::new("MSK-SNP-04")
                    .arg("path", self.path.display())
                    .arg("limit", self.limit),
            )
        })?;
        self.hasher.update(&buffer[..length]);
        Ok(length)
    }
}

impl SnapshotReader {
    fn damaged(&self, found: &str) -> Problem {
        Problem::new("MSK-SNP-03")
            .arg("path", self.path.display())
            .arg("found", found)
            .arg("expected", &self.expected)
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    Problem::new("MSK-SNP-01").arg("path", path.display()).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_back(dir: &Path, hash: &str, limit: u64) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        let mut reader = open(dir, hash, limit)?;
        reader
            .read_to_end(&mut bytes)
            .map_err(|error| problem_of(&error, &path_of(dir, hash)))?;
        Ok(bytes)
    }

    #[test]
    fn the_same_bytes_are_kept_once_and_adopted_without_a_row() {
        let dir = tempfile::tempdir().expect("folder");
        let first = keep(dir.path(), &b"one"[..]).expect("kept");
        let again = keep(dir.path(), &b"one"[..]).expect("kept");
        assert_eq!(first, again);
        assert_eq!(first.size, 3);
        let files = fs::read_dir(first.path.parent().expect("folder"))
            .expect("listed")
            .count();
        assert_eq!(files, 1);
    }

    #[test]
    fn a_source_that_breaks_off_leaves_nothing_behind() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("link dropped"))
            }
        }
        let dir = tempfile::tempdir().expect("folder");
        let problem = keep(dir.path(), Broken).expect_err("broken");
        assert_eq!(problem.code(), "MSK-SNP-05");
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 0);
    }

    #[test]
    fn bytes_that_get_no_name_do_not_stay() {
        let dir = tempfile::tempdir().expect("folder");
        let unnamed = write(dir.path(), &b"one"[..]).expect("written");
        assert!(!unnamed.kept().path.exists(), "no name yet");
        drop(unnamed);
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 0);
    }

    #[test]
    fn leftovers_of_a_killed_process_are_swept() {
        let dir = tempfile::tempdir().expect("folder");
        fs::write(dir.path().join(".part-1-0"), b"half").expect("written");
        keep(dir.path(), &b"whole"[..]).expect("kept");
        let a_day = Duration::from_secs(24 * 3600);
        assert_eq!(sweep(dir.path(), a_day), Ok(0), "somebody may be writing it");
        assert_eq!(sweep(dir.path(), Duration::ZERO), Ok(1));
        assert_eq!(sweep(&dir.path().join("absent"), Duration::ZERO), Ok(0));
    }

    #[test]
    fn a_folder_that_is_not_the_marked_one_is_noticed() {
        let (own, other) = (
            tempfile::tempdir().expect("folder"),
            tempfile::tempdir().expect("folder"),
        );
        fs::write(own.path().join(MARK), "\n").expect("a power cut");
        put_mark(own.path(), "first").expect("marked");
        assert_eq!(expect_mark(own.path(), "first"), Ok(()));
        put_mark(own.path(), "first").expect("a start that was cut off begins again");
        let again = put_mark(own.path(), "second").expect_err("marked already");
        assert_eq!((again.code(), again.get("found")), ("MSK-SNP-07", Some("first")));
        let absent = expect_mark(other.path(), "first").expect_err("no mark");
        assert_eq!((absent.code(), absent.get("found")), ("MSK-SNP-06", Some("—")));
        put_mark(other.path(), "second").expect("marked");
        let foreign = expect_mark(own.path(), "second").expect_err("another mark");
        assert_eq!((foreign.code(), foreign.get("found")), ("MSK-SNP-06", Some("first")));
    }

    #[test]
    fn more_than_the_limit_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("folder");
        let kept = keep(dir.path(), &[7u8; 1000][..]).expect("kept");
        assert_eq!(read_back(dir.path(), &kept.hash, 1000).expect("read").len(), 1000);
        let problem = read_back(dir.path(), &kept.hash, 999).expect_err("too big");
        assert_eq!(problem.code(), "MSK-SNP-04");
        assert!(problem.ru().contains("больше 999 байт"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_flipped_byte_is_noticed_and_named(bytes in proptest::collection::vec(any::<u8>(), 1..4000), at in any::<prop::sample::Index>()) {
            let dir = tempfile::tempdir().expect("folder");
            let kept = keep(dir.path(), &bytes[..]).expect("kept");
            prop_assert_eq!(&read_back(dir.path(), &kept.hash, 1 << 20).expect("read"), &bytes);
            let mut packed = Vec::new();
            File::open(&kept.path).expect("opened").read_to_end(&mut packed).expect("read");
            let at = at.index(packed.len());
            packed[at] ^= 0x20;
            fs::write(&kept.path, &packed).expect("written");
            match verify(dir.path(), &kept.hash, 1 << 20) {
                // A bit of the header that the format reserves may change nothing: then the bytes are right.
                Ok(size) => prop_assert_eq!(size, bytes.len() as u64),
                Err(problem) => prop_assert!(problem.get("path").expect("path").contains(&kept.hash[2..])),
            }
        }
    }
}
