//! An invented office with its files in a temporary folder, and the executable that serves it.

use std::fs::File;
use std::io::Read;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use chrono::{Datelike, NaiveDate, Timelike};
use chrono_tz::Tz;
use msoko::clock::Clock;
use msoko::roadmap::{SHIPPED, carry, file_name, from_toml, to_toml};
use serde_json::Value;
use tempfile::TempDir;

/// A feed; without a register some of its rows are refused.
pub(crate) const FEED: &str = include_str!("../../connectors/rsoko-feed/fixtures/district.xml");

/// Files of an invented office are smaller.
const MAX_KEPT: u64 = 64 << 20;

/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(150);

/// A variable of the real supervisor or of a shell must not reach the executable.
const FOREIGN: &[&str] = &[
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "STATE_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "JOURNAL_STREAM",
    "MSOKO_FAILPOINT",
];

/// A drop folder that takes files at once.
pub(crate) fn folder_source(id: &str) -> String {
    format!(
        "[[source]]\nid = \"{id}\"\nconnector = \"rsoko-feed\"\nfolder = \"{id}\"\ninclude = [\"*.xml\"]\n\
         settle = \"0s\"\nschedule = \"0 3 * * *\"\n"
    )
}

/// Asks again and again until there is an answer.
pub(crate) fn wait<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "waited {limit:?} for {what}");
        std::thread::sleep(LOOK);
    }
}

/// How a verb ended and what it said.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Files of an invented office.
pub(crate) struct Office {
    folder: TempDir,
    zone: Tz,
}

impl Office {
    /// An office without sources, recipients and roadmaps, that writes letters from midnight on.
    pub(crate) fn new() -> Self {
        // A test must not run over midnight; the two are ten hours apart.
        let zones = [Tz::Europe__Kaliningrad, Tz::Asia__Kamchatka];
        let zone = zones.into_iter().find(|zone| Clock::system(*zone).local().hour() < 23);
        let office = Self {
            folder: tempfile::tempdir().expect("a folder"),
            zone: zone.expect("it is not 23 hours in both"),
        };
        office.mail("transport = \"file\"\n");
        office.put("calendar.txt", "");
        office.put("recipients.toml", "");
        office.sources(&[]);
        office
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }

    pub(crate) fn main(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("msoko.toml")).expect("UTF-8")
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name)).expect("it was there");
    }

    /// Puts a file into a drop folder.
    pub(crate) fn drop(&self, source: &str, name: &str, text: &str) {
        self.put(&format!("{source}/{name}"), text);
    }

    pub(crate) fn sources(&self, sources: &[String]) {
        self.put("sources.toml", &sources.join("\n"));
    }

    /// The main file with the way letters leave.
    pub(crate) fn mail(&self, transport: &str) {
        let text = format!(
            "[authority]\nname = \"Управление образования Учебного района\"\nmunicipality = \"Учебный район\"\n\
             region = \"Учебный край\"\nplace = \"с. Учебное\"\nzone = \"{}\"\ncontact_name = \"Отдел оценки\"\n\
             contact_address = \"monitoring@uo.example\"\n\n\
             [paths]\ncalendars = [\"calendar.txt\"]\n\n\
             [jobs]\nletters_at = \"00:00\"\n\n\
             [mail]\nfrom_name = \"МСОКО\"\nfrom_address = \"msoko@uo.example\"\n{transport}",
            self.zone
        );
        self.put("msoko.toml", &text);
    }

    pub(crate) fn recipients(&self) {
        let text = "[[recipient]]\nname = \"Отдел оценки\"\naddress = \"monitoring@uo.example\"\n\
                    letters = [\"digest\", \"reminder\"]\n";
        self.put("recipients.toml", text);
    }

    fn today(&self) -> NaiveDate {
        Clock::system(self.zone).today()
    }

    /// Says of today that it is a working day (`work`) or a day off (`holiday`), whatever the federal calendar says.
    pub(crate) fn calendar(&self, kind: &str) {
        self.put("calendar.txt", &format!("{} {kind} проверка\n", self.today()));
    }

    /// The shipped roadmaps carried into the years around today, and one with a deadline that is today.
    pub(crate) fn roadmaps(&self) {
        let today = self.today();
        for (file, text) in SHIPPED {
            let shipped = from_toml(file, text).expect("a shipped roadmap");
            let carried = carry(&shipped, today.year() - 2021);
            self.put(&format!("roadmaps/{}", file_name(&carried)), &to_toml(&carried));
        }
        let own = format!(
            "number = 8\ndirection = \"Заявки\"\nperiod = {{ from = {0}-01-01, to = {0}-12-31 }}\n\n[[activity]]\n\
             number = \"1\"\nlevel = \"activity\"\nactivity = \"Свести заявки школ\"\nterm = \"до {1}\"\n\
             indicator = \"Сводная заявка\"\nassignee = \"Отдел оценки\"\n",
            today.year(),
            today.format("%d.%m.%Y"),
        );
        self.put("roadmaps/8.toml", &own);
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The bytes of every file of the state folder, as text.
    pub(crate) fn kept(&self) -> String {
        let (mut bytes, mut folders) = (Vec::new(), vec![self.state()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let file = File::open(path).expect("readable");
                    file.take(MAX_KEPT).read_to_end(&mut bytes).expect("read");
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.state().join("control.sock")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msoko"));
        command.arg("--config").arg(self.folder.path().join("msoko.toml"));
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
    }

    /// Runs a verb to its end.
    pub(crate) fn msoko(&self, arguments: &[&str]) -> Ran {
        let output = self.command().args(arguments).output().expect("the executable runs");
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// What a verb says as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.msoko(&[&["--format", "json"], arguments].concat());
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.err);
        serde_json::from_str(&ran.out).expect("JSON")
    }

    pub(crate) fn status(&self) -> Value {
        self.json(&["status"])
    }

    fn source(&self, id: &str) -> Value {
        let status = self.status();
        let sources = status["sources"].as_array().expect("a list");
        sources
            .iter()
            .find(|source| source["id"] == id)
            .cloned()
            .expect("a source that is switched on")
    }

    pub(crate) fn is_pulled(&self, id: &str) -> bool {
        self.source(id).get("last_success").is_some()
    }

    pub(crate) fn waits_for_pull(&self, id: &str, limit: Duration) -> Value {
        wait(&format!("a pull of {id}"), limit, || {
            Some(self.source(id)).filter(|source| source.get("last_success").is_some())
        })
    }

    /// Letters that the file transport delivered, as pages.
    pub(crate) fn letters(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.state().join("outbox")) else {
            return Vec::new();
        };
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "html"))
            .map(|path| std::fs::read_to_string(path).expect("UTF-8"))
            .collect()
    }

    pub(crate) fn waits_for_letters(&self, count: usize, limit: Duration) -> Vec<String> {
        wait("letters", limit, || {
            Some(self.letters()).filter(|letters| letters.len() >= count)
        })
    }

    pub(crate) fn start(&self) -> Service {
        self.start_with(&[])
    }

    pub(crate) fn start_ready(&self) -> Service {
        let mut service = self.start();
        service.hears("READY=1", Duration::from_secs(5));
        service
    }

    pub(crate) fn start_with(&self, variables: &[(&str, &str)]) -> Service {
        let socket = self.folder.path().join("notify.sock");
        if socket.exists() {
            std::fs::remove_file(&socket).expect("the socket of an earlier start");
        }
        let notices = UnixDatagram::bind(&socket).expect("a socket");
        let journal = self.folder.path().join("journal");
        let child = self
            .command()
            .arg("run")
            .env("NOTIFY_SOCKET", &socket)
            .env("WATCHDOG_USEC", "2000000")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(File::create(&journal).expect("a journal"))
            .spawn()
            .expect("the executable runs");
        Service {
            child,
            notices,
            journal,
        }
    }
}

/// The running executable with the ear of its supervisor.
pub(crate) struct Service {
    child: Child,
    notices: UnixDatagram,
    journal: PathBuf,
}

impl Service {
    /// Waits for a notice with a line and gives the whole notice.
    pub(crate) fn hears(&mut self, line: &str, limit: Duration) -> String {
        let end = Instant::now() + limit;
        let mut buffer = [0; 4096];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let left = left.max(Duration::from_millis(1));
            self.notices.set_read_timeout(Some(left)).expect("a limit");
            let heard = self.notices.recv(&mut buffer);
            let Ok(length) = heard else {
                panic!("no {line} within {limit:?}; journal:\n{}", self.journal());
            };
            let notice = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if notice.lines().any(|heard| heard == line) {
                return notice;
            }
        }
    }

    /// Waits for a line of the journal with these words.
    pub(crate) fn writes(&self, words: &str, limit: Duration) {
        wait(words, limit, || self.journal().contains(words).then_some(()));
    }

    pub(crate) fn journal(&self) -> String {
        std::fs::read_to_string(&self.journal).expect("a journal")
    }

    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(status.success(), "{kill}");
    }

    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    pub(crate) fn ends(&mut self, limit: Duration) -> ExitStatus {
        wait("the end of the service", limit, || {
            self.child.try_wait().expect("a child")
        })
    }

    /// Asks for an orderly end and sees it.
    pub(crate) fn stops(mut self) {
        self.signal("TERM");
        let status = self.ends(Duration::from_secs(10));
        assert_eq!(status.code(), Some(0), "{}", self.journal());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Most services of these tests have ended; one of a failed test must not stay.
        let _gone = self.child.kill();
        let _waited = self.child.wait();
    }
}
