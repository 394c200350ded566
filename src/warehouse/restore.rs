//! Putting an embedded database back from a copy; a server has its own tools, and is told how to call them.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::{Connection, SqliteConnection};

use super::audit::{Action, Entry};
use super::sql::Session;
use super::store::{Access, Address, Warehouse, refused};
use super::verify::Depth;
use super::{lock, migrate, postgres, sqlite};
use crate::message::Problem;

/// What the engine keeps beside a database: it takes whatever lies there for the database's own.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];

impl Warehouse {
    /// Puts a copy in the place of the database an address names; gives where the old one lies now. The copy is checked
    /// before it takes the place, and at every moment one whole database has the name. What the copy held of loads
    /// under way is taken back, an older schema is brought up to date.
    ///
    /// # Errors
    /// `MSK-DB-05` while somebody holds the database, `MSK-KEEP-12` when there is one and `replace` is not said,
    /// `MSK-KEEP-13` for a damaged copy, `MSK-DB-04` for one of a newer program, `MSK-KEEP-14` for a server, `MSK-FIL-01`
    /// and `-02` when a file cannot be read or written.
    pub async fn restore(
        address: impl Into<Address<'_>>,
        copy: &Path,
        replace: bool,
        holder: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<PathBuf>, Problem> {
        let address = address.into();
        let Some(path) = address.url.strip_prefix("sqlite:").and_then(sqlite::path_of) else {
            let options = postgres::options(address, holder, true)?;
            return Err(Problem::new("MSK-KEEP-14")
                .arg("name", postgres::name_of(&options))
                .arg("command", postgres::restoring(&options, copy)));
        };
        let hash = hash_of(copy)?;
        let held = lock::take(&path, holder)?;
        if path.exists() && !replace {
            return Err(Problem::new("MSK-KEEP-12").arg("path", path.display()));
        }
        let ready = beside(&path, ".restoring");
        // What a kill left of another copy would be taken for the log of this one.
        remove(&ready)?;
        remove_all(&ready, &LOGS)?;
        remove_marks(&ready)?;
        take_over(copy, &ready).await?;
        check(copy, &ready, &hash, holder, now).await?;
        let kept = if path.exists() {
            Some(keep(&path, now).await?)
        } else {
            None
        };
        remove_all(&path, &LOGS)?;
        std::fs::rename(&ready, &path).map_err(|error| unwritable(&path, &error))?;
        sync_folder(&path)?;
        drop(held);
        Ok(kept)
    }
}

/// Copies the copy page by page, which reads all of it.
async fn take_over(copy: &Path, ready: &Path) -> Result<(), Problem> {
    let unopened = |error: sqlx::Error| Problem::new("MSK-DB-03").arg("path", copy.display()).because(error);
    let mut connection = SqliteConnection::connect_with(&sqlite::options(copy).read_only(true))
        .await
        .map_err(unopened)?;
    let found = migrate::applied(&mut Session::Sqlite(&mut connection), &copy.display().to_string()).await?;
    if found == 0 {
        return Err(damaged(copy, "нет ни одной таблицы этой программы"));
    }
    match sqlite::copy_to(&mut connection, ready).await {
        Err(problem) if problem.code() == "MSK-DB-08" => Err(damaged(copy, problem.detail().unwrap_or_default())),
        other => other,
    }?;
    connection.close().await.map_err(unopened)
}

/// Looks for damage in the copy under its new name and records in it where it came from; one of an earlier schema is
/// brought up to date on the way.
async fn check(copy: &Path, ready: &Path, hash: &str, holder: &str, now: DateTime<Utc>) -> Result<(), Problem> {
    let url = format!("sqlite:{}", ready.display());
    // Opened as by a service that starts: loads that were under way are taken back.
    let warehouse = Warehouse::open(&url, Access::Hold, holder, now).await?;
    let checked = async {
        if let Some(first) = warehouse.verify(Depth::Structure).await?.findings.first() {
            return Err(damaged(copy, first.ru()));
        }
        let counts = serde_json::json!({ "copy": hash });
        let entry = Entry::new(Action::Restored, copy.display().to_string(), counts);
        warehouse.note(entry, now).await
    };
    let checked = checked.await;
    warehouse.close().await?;
    // Succeeds when every connection is gone, and leaves one file.
    let what = "check a copy";
    let mut alone = SqliteConnection::connect_with(&sqlite::options(ready))
        .await
        .map_err(|error| refused(what, &error))?;
    sqlx::query("pragma journal_mode = delete")
        .execute(&mut alone)
        .await
        .map_err(|error| refused(what, &error))?;
    alone.close().await.map_err(|error| refused(what, &error))?;
    remove_marks(ready)?;
    checked
}

/// Gives the old database a second name, with what its log still holds.
async fn keep(path: &Path, now: DateTime<Utc>) -> Result<PathBuf, Problem> {
    // A database that is damaged may refuse; then its log is kept beside it.
    if let Ok(mut old) = SqliteConnection::connect_with(&sqlite::options(path)).await {
        let _refused = sqlx::query("pragma wal_checkpoint(truncate)").execute(&mut old).await;
        let _refused = old.close().await;
    }
    let kept = beside(path, &format!(".before-restore-{}", now.format("%Y%m%dT%H%M%SZ")));
    let link = |ending: &str| {
        let (from, to) = (beside(path, ending), beside(&kept, ending));
        match std::fs::hard_link(&from, &to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritable(&to, &error)),
            _ => Ok(()),
        }
    };
    link("")?;
    link("-wal")?;
    sync_folder(path)?;
    Ok(kept)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), Problem> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritable(path, &error)),
        _ => Ok(()),
    }
}

fn remove_all(path: &Path, endings: &[&str]) -> Result<(), Problem> {
    endings.iter().try_for_each(|ending| remove(&beside(path, ending)))
}

/// Removes the lock of a copy that was opened, and its state before an upgrade.
fn remove_marks(ready: &Path) -> Result<(), Problem> {
    remove_all(ready, &[".lock", &format!(".before-{:04}", migrate::SCHEMA)])
}

fn sync_folder(path: &Path) -> Result<(), Problem> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(|error| unwritable(path, &error))
}

fn hash_of(copy: &Path) -> Result<String, Problem> {
    let unreadable = |error: std::io::Error| Problem::new("MSK-FIL-01").arg("path", copy.display()).because(error);
    let mut hash = blake3::Hasher::new();
    let file = std::fs::File::open(copy).map_err(unreadable)?;
    hash.update_reader(file).map_err(unreadable)?;
    Ok(hash.finalize().to_hex().to_string())
}

fn damaged(copy: &Path, what: impl std::fmt::Display) -> Problem {
    Problem::new("MSK-KEEP-13")
        .arg("path", copy.display())
        .arg("what", what)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new("MSK-FIL-02").arg("path", path.display()).because(error)
}
