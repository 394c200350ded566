//! The migrations for `PostgreSQL`, applied once to a private server when one can be started.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use msoko::warehouse::migrate::{SCHEMA, postgres};
use sqlx::{Connection, PgConnection};

/// A server in a temporary folder, reached by a socket there; stopped when dropped.
struct Server {
    programs: PathBuf,
    dir: tempfile::TempDir,
}

impl Server {
    /// Starts a server, or says why there is none.
    fn start() -> Result<Self, String> {
        let programs = programs().ok_or("no PostgreSQL server is installed")?;
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let server = Self { programs, dir };
        // The server refuses to run as root: the folder then belongs to somebody unprivileged.
        if is_root() {
            run(Command::new("chown").arg("nobody").arg(server.dir.path()))?;
        }
        let data = server.data();
        run(server
            .program("initdb")
            .args([
                "--no-sync",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--username=msoko",
                "-D",
            ])
            .arg(&data))?;
        let socket = format!("-c listen_addresses= -c fsync=off -k {}", server.dir.path().display());
        run(server
            .program("pg_ctl")
            .args(["-w", "-t", "30", "-o", &socket, "-D"])
            .arg(&data)
            .arg("start"))?;
        Ok(server)
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut runuser = Command::new("runuser");
            runuser.args(["-u", "nobody", "--"]).arg(path);
            runuser
        } else {
            Command::new(path)
        };
        command.current_dir(self.dir.path());
        command
    }

    fn url(&self) -> String {
        format!("postgres://msoko@localhost/postgres?host={}", self.dir.path().display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.data();
        let _ = run(self
            .program("pg_ctl")
            .args(["-m", "immediate", "-D"])
            .arg(data)
            .arg("stop"));
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    // To null: a server that is started keeps the pipes of its starter open.
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(error) => Err(format!("{command:?} cannot be started: {error}")),
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|of| of.uid() == 0)
}

/// The newest server of Debian's layout, or the one of `/usr/bin`.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok();
    let newest = versions.and_then(|versions| {
        versions
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .max()
            .map(|version| Path::new("/usr/lib/postgresql").join(version.to_string()).join("bin"))
    });
    newest
        .into_iter()
        .chain([PathBuf::from("/usr/bin")])
        .find(|dir| dir.join("initdb").exists())
}

#[tokio::test]
async fn the_migrations_for_postgresql_apply_and_give_the_tables_of_sqlite() {
    let server = match Server::start() {
        Ok(server) => server,
        Err(reason) => {
            #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
            {
                eprintln!("LEFT OUT: the migrations for PostgreSQL were not applied: {reason}");
            }
            return;
        }
    };
    let mut connection = PgConnection::connect(&server.url()).await.expect("connected");
    for turn in ["first", "again"] {
        postgres().run_direct(None, &mut connection, false).await.expect(turn);
    }
    let applied: i64 = sqlx::query_scalar("select max(version) from _sqlx_migrations")
        .fetch_one(&mut connection)
        .await
        .expect("read");
    assert_eq!(applied, SCHEMA);

    let columns: Vec<(String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text from information_schema.columns \
         where table_schema = 'public' and table_name not like '\\_%'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("read");
    let sqlite = sqlite_columns().await;
    assert!(!sqlite.is_empty());
    let mut columns = columns;
    columns.sort();
    assert_eq!(columns, sqlite);
    connection.close().await.expect("closed");
}

async fn sqlite_columns() -> Vec<(String, String)> {
    let district = crate::district::District::new().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(district.warehouse.path());
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("opened");
    let mut columns: Vec<(String, String)> = sqlx::query_as(
        "select t.name, c.name from sqlite_schema t join pragma_table_info(t.name) c \
         where t.type in ('table', 'view') and t.name not like '\\_%' escape '\\'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("read");
    columns.sort();
    columns
}
