//! The drop folder: files that people put somewhere, taken when they have settled and left where they are.
//!
//! Takes: a folder, patterns and what the last look saw. Gives: the files that have stood still long enough, and for
//! each a handle that notices when the file changes in the middle of reading. Never: copies, moves, renames or removes
//! a file, follows a link out of the folder.
//!
//! ```
//! use std::time::Duration;
//! use msoko::fetch::folder::{FolderOptions, look_twice};
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
//! # runtime.block_on(async {
//! let folder = tempfile::tempdir().expect("a folder");
//! std::fs::write(folder.path().join("Протокол.XLSX"), b"PK").expect("a file");
//! let options = FolderOptions { settle: Duration::ZERO, ..FolderOptions::new(folder.path(), &["*.xlsx"]) };
//! let seen = look_twice(&options).await.expect("a readable folder");
//! assert_eq!(seen.settled[0].name, "Протокол.XLSX");
//! # });
//! ```

use std::collections::BTreeMap;
use std::fs::{DirEntry, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::message::{Problem, Problems};

use super::body::size;

/// Files looked at in one folder; a drop folder with more has become an archive.
const MAX_FILES: usize = 10_000;

/// Which files of which folder; folders within are left alone.
#[derive(Debug, Clone)]
pub struct FolderOptions {
    /// The folder.
    pub root: PathBuf,
    /// Patterns of names to take, `*` and `?`, whatever the case of the letters; empty takes all.
    pub include: Vec<String>,
    /// Patterns of names to leave.
    pub exclude: Vec<String>,
    /// How long size and time of change must have stood still.
    pub settle: Duration,
    /// A larger file is refused.
    pub max_bytes: u64,
}

impl FolderOptions {
    /// 30 s of stillness, files up to 64 MiB.
    #[must_use]
    pub fn new(root: &Path, include: &[&str]) -> Self {
        Self {
            root: root.to_owned(),
            include: include.iter().map(|pattern| (*pattern).to_owned()).collect(),
            exclude: Vec::new(),
            settle: Duration::from_secs(30),
            max_bytes: 64 << 20,
        }
    }

    /// Checks the patterns, for `check`.
    ///
    /// # Errors
    /// `MSK-FET-46` for each pattern that is blank or speaks of folders.
    pub fn check(&self) -> Result<(), Problems> {
        let patterns = self.include.iter().chain(&self.exclude);
        let wrong: Problems = patterns
            .filter(|pattern| pattern.trim().is_empty() || pattern.contains(['/', '\\']))
            .map(|pattern| Problem::new("MSK-FET-46").arg("pattern", pattern))
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn wants(&self, name: &str) -> bool {
        let matches = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
        (self.include.is_empty() || matches(&self.include)) && !matches(&self.exclude)
    }
}

/// One file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it lies, links resolved.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Time of the last change.
    pub modified: SystemTime,
}

impl Found {
    /// Opens the file if it still is what the look saw.
    ///
    /// # Errors
    /// `MSK-FIL-01` when it cannot be opened, `MSK-FET-45` when it has changed.
    pub fn open(&self) -> Result<File, Problem> {
        let file = File::open(&self.path).map_err(|error| {
            Problem::new("MSK-FIL-01")
                .arg("path", self.path.display())
                .because(error)
        })?;
        self.unchanged(&file)?;
        Ok(file)
    }

    /// Checks after reading that the file stood still meanwhile: both under the handle and under its name, since
    /// office programs save by replacing the file.
    ///
    /// # Errors
    /// `MSK-FET-45` when it changed; what was read must not be used.
    pub fn unchanged(&self, file: &File) -> Result<(), Problem> {
        let same = |metadata: std::io::Result<Metadata>| {
            metadata.is_ok_and(|now| {
                now.is_file() && now.len() == self.size && now.modified().is_ok_and(|at| at == self.modified)
            })
        };
        if same(file.metadata()) && same(std::fs::metadata(&self.path)) {
            return Ok(());
        }
        Err(Problem::new("MSK-FET-45").arg("path", self.path.display()))
    }
}

/// What earlier looks saw.
#[derive(Debug, Default)]
struct Sightings(BTreeMap<PathBuf, (u64, SystemTime, Instant)>);

/// The result of one look.
#[derive(Debug, Default)]
pub struct Look {
    /// Files to be read, the oldest first: what stands in several of them holds as the newest says.
    pub settled: Vec<Found>,
    /// Files that may still be being written.
    pub waiting: Vec<Found>,
    /// Files that are not read, and why.
    pub problems: Problems,
}

/// Looks into the folder once. A file counts as settled when it was the same `settle` ago; at the first look that is
/// so only when `settle` is zero.
fn look(options: &FolderOptions, sightings: &mut Sightings, now: Instant) -> Result<Look, Problem> {
    let mut look = Look::default();
    let mut found = inspect_all(options, &mut look.problems)?;
    found.sort_by(|one, other| (one.modified, &one.name).cmp(&(other.modified, &other.name)));
    let earlier = std::mem::take(&mut sightings.0);
    for file in found {
        let since = match earlier.get(&file.path) {
            Some((size, modified, since)) if (*size, *modified) == (file.size, file.modified) => *since,
            _ => now,
        };
        sightings.0.insert(file.path.clone(), (file.size, file.modified, since));
        if now.saturating_duration_since(since) >= options.settle {
            look.settled.push(file);
        } else {
            look.waiting.push(file);
        }
    }
    Ok(look)
}

/// Looks twice, `settle` apart: for a single pass that has no earlier look.
///
/// # Errors
/// `MSK-FET-40` when the folder cannot be read.
pub async fn look_twice(options: &FolderOptions) -> Result<Look, Problem> {
    let mut sightings = Sightings::default();
    let first = look(options, &mut sightings, Instant::now())?;
    if first.waiting.is_empty() {
        return Ok(first);
    }
    tokio::time::sleep(options.settle).await;
    look(options, &mut sightings, Instant::now())
}

fn inspect_all(options: &FolderOptions, problems: &mut Problems) -> Result<Vec<Found>, Problem> {
    let root = std::fs::canonicalize(&options.root).map_err(|error| unreadable(&options.root, &error))?;
    let mut all = Vec::new();
    for (position, entry) in std::fs::read_dir(&root)
        .map_err(|error| unreadable(&root, &error))?
        .enumerate()
    {
        if position == MAX_FILES {
            let problem = Problem::new("MSK-FET-44").arg("path", options.root.display());
            problems.push(problem.arg("limit", MAX_FILES));
            break;
        }
        let entry = entry.map_err(|error| unreadable(&root, &error))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        match inspect(options, &root, &entry) {
            Ok(found) => all.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(all)
}

/// Hidden files and the lock files `~$…` of office programs.
fn is_passed_over(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.as_encoded_bytes();
    name.starts_with(b".") || name.starts_with(b"~$")
}

fn inspect(options: &FolderOptions, root: &Path, entry: &DirEntry) -> Result<Option<Found>, Problem> {
    if is_passed_over(entry) {
        return Ok(None);
    }
    let raw = entry.file_name();
    let shown = raw.to_string_lossy();
    let bad_name = || {
        let plain: String = shown.chars().filter(|letter| !is_trick(*letter)).collect();
        Problem::new("MSK-FET-42").arg("name", format!("«{plain}»"))
    };
    let name = raw.to_str().ok_or_else(bad_name)?;
    if !options.wants(name) {
        return Ok(None);
    }
    if name.chars().any(is_trick) {
        return Err(bad_name());
    }
    let path = entry.path();
    let about = |code| Problem::new(code).arg("path", path.display());
    let resolved = std::fs::canonicalize(&path).map_err(|error| about("MSK-FIL-01").because(error))?;
    if !resolved.starts_with(root) {
        return Err(about("MSK-FET-41"));
    }
    let metadata = std::fs::metadata(&resolved).map_err(|error| about("MSK-FIL-01").because(error))?;
    // Pipes and sockets would hold the reader for ever; a file of no bytes is one that somebody is about to write.
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(None);
    }
    if metadata.len() > options.max_bytes {
        return Err(about("MSK-FET-43")
            .arg("size", size(metadata.len()))
            .arg("cap", size(options.max_bytes)));
    }
    let modified = metadata
        .modified()
        .map_err(|error| about("MSK-FIL-01").because(error))?;
    Ok(Some(Found {
        name: name.to_owned(),
        path: resolved,
        size: metadata.len(),
        modified,
    }))
}

/// Letters that make a name look like another one on a screen or in a journal.
fn is_trick(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\\' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn unreadable(folder: &Path, error: &std::io::Error) -> Problem {
    Problem::new("MSK-FET-40").arg("path", folder.display()).because(error)
}

/// Matches a name against a pattern of `*` and `?`, in time proportional to their product at worst.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                // The last star takes one letter more.
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn names(files: &[Found]) -> Vec<&str> {
        files.iter().map(|file| file.name.as_str()).collect()
    }

    fn options(root: &Path) -> FolderOptions {
        FolderOptions {
            settle: Duration::ZERO,
            max_bytes: 100,
            exclude: vec!["*копия*".to_owned()],
            ..FolderOptions::new(root, &["*.xlsx", "Список ?.csv"])
        }
    }

    #[test]
    fn patterns_take_names_whatever_the_case_and_lock_files_are_left() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in [
            "ВПР.XLSX",
            "~$ВПР.xlsx",
            ".скрыт.xlsx",
            "ВПР копия.xlsx",
            "список 1.CSV",
            "список 12.csv",
            "a.doc",
        ] {
            fs::write(folder.path().join(name), b"x").expect("a file");
        }
        fs::write(folder.path().join("пусто.xlsx"), b"").expect("a file");
        fs::write(folder.path().join("велик.xlsx"), [0; 101]).expect("a file");
        fs::create_dir(folder.path().join("папка.xlsx")).expect("a folder");
        let look = look(&options(folder.path()), &mut Sightings::default(), Instant::now()).expect("a look");
        assert_eq!(names(&look.settled), ["ВПР.XLSX", "список 1.CSV"]);
        let codes: Vec<_> = look.problems.iter().map(Problem::code).collect();
        assert_eq!(codes, ["MSK-FET-43"]);
        assert!(
            look.problems[0].ru().ends_with("(101 B) больше 100 B"),
            "{}",
            look.problems[0].ru()
        );
    }

    #[test]
    fn a_file_is_taken_only_after_it_has_stood_still() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.xlsx");
        fs::write(&path, b"x").expect("a file");
        let options = FolderOptions {
            settle: Duration::from_secs(30),
            ..options(folder.path())
        };
        let (mut sightings, start) = (Sightings::default(), Instant::now());
        let mut settled = |seconds| {
            let look = look(&options, &mut sightings, start + Duration::from_secs(seconds)).expect("a look");
            assert_eq!(look.settled.len() + look.waiting.len(), 1);
            look.settled.len()
        };
        assert_eq!(settled(0), 0);
        assert_eq!(settled(29), 0);
        fs::write(&path, b"xy").expect("a file");
        assert_eq!(settled(31), 0, "it grew");
        assert_eq!(settled(60), 0);
        assert_eq!(settled(61), 1);
    }

    #[tokio::test]
    async fn a_single_pass_looks_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.xlsx"), b"x").expect("a file");
        let options = FolderOptions {
            settle: Duration::from_millis(5),
            ..options(folder.path())
        };
        assert_eq!(look_twice(&options).await.expect("a look").settled.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_outside_and_names_with_tricks_are_refused() {
        use std::os::unix::ffi::OsStrExt;
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("secret.xlsx"), b"x").expect("a file");
        let folder = tempfile::tempdir().expect("a folder");
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).expect("a link");
        link(&outside.path().join("secret.xlsx"), "a.xlsx");
        link(outside.path(), "whole");
        fs::write(folder.path().join("b\u{202e}xslx.xlsx"), b"x").expect("a file");
        fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xcf\xf0.xlsx")), b"x").expect("a file");
        let look = look(&options(folder.path()), &mut Sightings::default(), Instant::now()).expect("a look");
        assert!(look.settled.is_empty(), "{:?}", look.settled);
        let mut codes: Vec<_> = look.problems.iter().map(Problem::code).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["MSK-FET-41", "MSK-FET-42", "MSK-FET-42"]);
    }

    #[test]
    fn folders_within_are_left_alone_and_a_missing_folder_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("2026")).expect("a folder");
        fs::write(folder.path().join("2026/a.xlsx"), b"x").expect("a file");
        let mut options = options(folder.path());
        let see = |options: &FolderOptions| look(options, &mut Sightings::default(), Instant::now());
        assert!(see(&options).expect("a look").settled.is_empty());
        options.root = folder.path().join("нет");
        assert_eq!(see(&options).expect_err("no folder").code(), "MSK-FET-40");
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_not_believed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.xlsx");
        fs::write(&path, b"x").expect("a file");
        let look = look(&options(folder.path()), &mut Sightings::default(), Instant::now()).expect("a look");
        let found = &look.settled[0];
        let file = found.open().expect("a file");
        assert!(found.unchanged(&file).is_ok());
        let other = folder.path().join("b.tmp");
        fs::write(&other, b"longer").expect("a file");
        fs::rename(&other, &path).expect("replaced");
        assert_eq!(found.unchanged(&file).expect_err("changed").code(), "MSK-FET-45");
        assert_eq!(found.open().expect_err("changed").code(), "MSK-FET-45");
    }

    #[test]
    fn a_pattern_that_speaks_of_folders_is_refused() {
        let options = FolderOptions::new(Path::new("."), &["*.xlsx", "a/*", " "]);
        assert_eq!(options.check().expect_err("two patterns").len(), 2);
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_any_part_of_it_between_stars(name in "[а-яa-z.]{1,12}", from in 0usize..12, length in 0usize..12) {
            let letters: Vec<char> = name.chars().collect();
            let part: String = letters.iter().skip(from).take(length).collect();
            let pattern = format!("*{part}*");
            prop_assert!(matches(&name, &name));
            prop_assert!(matches(&pattern, &name));
            let longer = format!("{name}?");
            prop_assert!(!matches(&longer, &name));
        }
    }
}
