//! A private `PostgreSQL` server in a temporary folder, when one is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A server in a temporary folder, reached by a socket there; stopped when dropped.
pub(crate) struct Server {
    programs: PathBuf,
    dir: tempfile::TempDir,
    options: String,
}

impl Server {
    /// Starts a server; none, and a word about it, when none is installed. One that is installed has to start.
    /// `durable` is for figures: each commit reaches the disk.
    pub(crate) fn start(durable: bool) -> Option<Self> {
        let Some(programs) = programs() else {
            #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
            {
                eprintln!("LEFT OUT: PostgreSQL is not installed");
            }
            return None;
        };
        Some(Self::start_with(programs, durable).expect("an installed PostgreSQL starts"))
    }

    fn start_with(programs: PathBuf, durable: bool) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let fsync = if durable { "on" } else { "off" };
        let options = format!("-c listen_addresses= -c fsync={fsync} -k {}", dir.path().display());
        let server = Self { programs, dir, options };
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
        server.begin()?;
        Ok(server)
    }

    /// Starts a server that was stopped.
    pub(crate) fn begin(&self) -> Result<(), String> {
        self.control(&["-o", &self.options, "start"])
    }

    /// Starts, stops or restarts the server and waits until that is done.
    pub(crate) fn control(&self, words: &[&str]) -> Result<(), String> {
        let data = self.data();
        run(self
            .program("pg_ctl")
            .args(["-w", "-t", "30", "-D"])
            .arg(data)
            .args(words))
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

    pub(crate) fn url(&self) -> String {
        format!("postgres://msoko@localhost/postgres?host={}", self.dir.path().display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.control(&["-m", "immediate", "stop"]);
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
pub(crate) fn programs() -> Option<PathBuf> {
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
