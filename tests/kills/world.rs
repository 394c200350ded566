//! A small district in a folder of its own, whose steps run in processes that can be killed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use msoko::app::{database_url, learn};
use msoko::clock::Clock;
use msoko::domain::unit::UnitId;
use msoko::domain::vocabulary::Procedure;
use msoko::flow::context::{Context, Stop};
use msoko::flow::{deliver, remind};
use msoko::roadmap::{SHIPPED, carry, file_name, from_toml, to_toml};
use msoko::warehouse::audit::Action;
use msoko::warehouse::observations::ObservationQuery;
use msoko::warehouse::territories::SumQuery;
use msoko::warehouse::verify::Depth;
use msoko::warehouse::{Access, Warehouse};
use tempfile::TempDir;

/// The ignored test that a step of the flow is when no verb of the executable performs it.
pub(crate) const STEP_TEST: &str = "a_step_of_the_flow_in_a_process_of_its_own";
/// Tells that test which step of which world.
pub(crate) const STEP: &str = "MSOKO_KILLS_STEP";
const FAILPOINT: &str = "MSOKO_FAILPOINT";
const SIGABRT: i32 = 6;

/// Quarantined rows and letters of a world are far fewer.
const ALL: u32 = 10_000;

/// Territories of the register, each within the one before it.
const TERRITORIES: [&str; 3] = ["ru", "ru-99", "vg"];

/// The concept's roadmaps of 2020–2022 are carried by so many years.
const CARRIED: i32 = 4;

/// The recipients of the world: an office, a colleague with two of the roadmaps and the administrator.
const RECIPIENTS: [(&str, &str, &str); 3] = [
    ("office@vg.example", "", "\"digest\", \"reminder\""),
    (
        "deputy@vg.example",
        "roadmaps = [\"1\", \"2\"]\n",
        "\"digest\", \"reminder\"",
    ),
    ("admin@vg.example", "", "\"source\""),
];

/// What a process does with the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// `msoko pull`.
    Pull,
    /// The letters of the day; the daemon writes them, no verb does.
    Letters,
    /// What is due goes out, by a clock so many minutes ahead: the lease of a killed sender has to run out.
    Deliver(u32),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    ByItself,
    ByAbort,
}

/// The folder of a district: configuration, inbox, state.
pub(crate) struct World {
    dir: TempDir,
}

impl World {
    /// A district with a register, and `sources` as its `sources.toml`; its warehouse is a file or stands at an address.
    pub(crate) fn new(schools: u32, sources: &str, database: Option<&str>) -> Self {
        let world = Self {
            dir: tempfile::tempdir().expect("a folder"),
        };
        let config = world.path("config");
        for folder in [&config, &config.join("roadmaps"), &world.path("inbox")] {
            fs::create_dir_all(folder).expect("a folder");
        }
        let put = |name: &str, text: &str| fs::write(config.join(name), text).expect("a file");
        let database = database.map_or_else(String::new, |url| {
            format!("[database]\nurl = \"{url}\"\nsingle_node = true\n")
        });
        let main = "[authority]\nname = \"Управление образования\"\nmunicipality = \"Верхнегорский район\"\n\
             region = \"Учебный край\"\nplace = \"с. Верхнегорское\"\nzone = \"Europe/Moscow\"\n\
             contact_name = \"Отдел оценки качества\"\ncontact_address = \"office@vg.example\"\n\
             [paths]\nstate = \"../state\"\nroadmaps = \"roadmaps\"\n\
             [mail]\nfrom_name = \"МСОКО\"\nfrom_address = \"msoko@vg.example\"\ntransport = \"file\"\n";
        put("msoko.toml", &format!("{main}{database}"));
        put("sources.toml", sources);
        let recipients = RECIPIENTS.map(|(address, roadmaps, letters)| {
            format!(
                "[[recipient]]\nname = \"Получатель\"\npost = \"специалист\"\naddress = \"{address}\"\n{roadmaps}\
                 letters = [{letters}]\n"
            )
        });
        put("recipients.toml", &recipients.concat());
        put("register.csv", &register(schools));
        for (file, text) in SHIPPED {
            let carried = carry(&from_toml(file, text).expect("a shipped roadmap"), CARRIED);
            put(&format!("roadmaps/{}", file_name(&carried)), &to_toml(&carried));
        }
        let register = config.join("register.csv");
        for verb in [
            &["db", "migrate"][..],
            &["units", "import", &register.display().to_string()],
        ] {
            let done = world.msoko(verb).status().expect("the executable");
            assert!(done.success(), "{verb:?} ended with {done}");
        }
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn config(&self) -> PathBuf {
        self.path("config/msoko.toml")
    }

    /// The same district once more, as far as it has come.
    pub(crate) fn copy(&self) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        for path in files(self.dir.path()) {
            let target = dir.path().join(path.strip_prefix(self.dir.path()).expect("inside"));
            fs::create_dir_all(target.parent().expect("a folder above")).expect("a folder");
            fs::copy(path, target).expect("a copy");
        }
        Self { dir }
    }

    pub(crate) fn msoko(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msoko"));
        command.arg("--config").arg(self.config()).args(arguments);
        command
            .env_remove(FAILPOINT)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Performs a step in a process of its own; `point` is where that process dies if it gets there.
    pub(crate) fn step(&self, step: Step, point: Option<&str>) -> Ended {
        let mut command = match step {
            Step::Pull => self.msoko(&["pull"]),
            Step::Letters => self.in_test(&format!("letters {}", self.config().display())),
            Step::Deliver(minutes) => self.in_test(&format!("{minutes} {}", self.config().display())),
        };
        if let Some(point) = point {
            command.env(FAILPOINT, point);
        }
        let output = command.stderr(Stdio::piped()).output().expect("a process");
        let status = output.status;
        let fine = match step {
            // 1: one file of the inbox is refused, as it should be.
            Step::Pull => matches!(status.code(), Some(1)),
            Step::Letters | Step::Deliver(_) => status.success(),
        };
        match status.signal() {
            Some(SIGABRT) if point.is_some() => Ended::ByAbort,
            _ => {
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(fine, "{step:?} at {point:?} ended with {status}: {said}");
                Ended::ByItself
            }
        }
    }

    fn in_test(&self, step: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args([STEP_TEST, "--exact", "--ignored"]).env(STEP, step);
        command
            .env_remove(FAILPOINT)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Begins a pull and leaves it running.
    pub(crate) fn pulling(&self) -> Child {
        self.msoko(&["pull", "--confirm"]).spawn().expect("the executable")
    }

    /// Loads every file again; gives what was counted.
    pub(crate) fn replay(&self) -> serde_json::Value {
        let mut command = self.msoko(&["quarantine", "replay", "--format", "json"]);
        let output = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .expect("the executable");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "a replay ended with {}: {said}", output.status);
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Loads again what can be; gives what was said about the rest.
    pub(crate) fn replay_in_part(&self) -> String {
        let mut command = self.msoko(&["quarantine", "replay"]);
        let output = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .expect("the executable");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        said
    }

    /// Loads every file again in a process that dies at a point if it gets there.
    pub(crate) fn replay_until(&self, point: &str) -> Ended {
        let mut command = self.msoko(&["quarantine", "replay"]);
        let status = command.env(FAILPOINT, point).status().expect("the executable");
        match status.signal() {
            Some(SIGABRT) => Ended::ByAbort,
            _ => Ended::ByItself,
        }
    }

    /// Pulls where no file may grow beyond so many KiB, as on a full disk; gives what was said and the exit code.
    pub(crate) fn pull_cramped(&self, kibibytes: u64) -> (String, Option<i32>) {
        let program = env!("CARGO_BIN_EXE_msoko");
        let call = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$0\" --config \"$1\" pull --confirm");
        let output = Command::new("bash")
            .args(["-c", &call, program])
            .arg(self.config())
            .output()
            .expect("bash");
        let said = [output.stdout, output.stderr].concat();
        (String::from_utf8_lossy(&said).into_owned(), output.status.code())
    }

    /// A reader's view: what verbs show, whatever state the last process left behind.
    pub(crate) async fn read(&self) -> Warehouse {
        let knowledge = learn(&self.config()).expect("a right configuration");
        let now = Clock::system(knowledge.config.authority.zone).now();
        let url = database_url(&knowledge.config);
        Warehouse::open(&url, Access::Read, "test", now)
            .await
            .expect("a database")
    }

    /// Everything that must be the same however often the process died: no moments, no row numbers, no attempts.
    pub(crate) async fn dump(&self) -> String {
        let warehouse = self.read().await;
        let mut lines = BTreeSet::new();
        for row in numbers(&warehouse).await {
            assert!(lines.insert(row), "a number stands twice");
        }
        lines.extend(sums(&warehouse).await);
        lines.extend(deeds(&warehouse).await);
        for row in warehouse.quarantine(None, true, ALL).await.expect("read") {
            let place = row.problem.place().unwrap_or("—");
            let line = format!(
                "quarantine {} {} {place} {} {} {}",
                row.source, row.file, row.problem, row.cleaned, row.state
            );
            assert!(lines.insert(line), "a row was refused twice");
        }
        for letter in warehouse.letters(None, ALL).await.expect("read") {
            let line = format!("letter {} {} {} {}", letter.key, letter.kind, letter.to, letter.state);
            assert!(lines.insert(line), "a letter stands twice");
        }
        for (recipient, _, _) in RECIPIENTS {
            for (mark, _) in warehouse.marks_of("", recipient).await.expect("read") {
                lines.insert(format!("mark {mark:?}"));
            }
        }
        for record in warehouse.source_records().await.expect("read") {
            let code = record.problem.as_ref().map(msoko::message::Problem::code);
            lines.insert(format!("source {} {} {code:?}", record.source, record.quarantined));
            let (started, finished) = (record.last_started, record.last_finished);
            assert!(started <= finished, "{} never ended", record.source);
            for address in warehouse.validators(&record.source).await.expect("read") {
                lines.insert(format!("validators {address:?}"));
            }
            for last in warehouse.last_snapshots(&record.source).await.expect("read") {
                lines.insert(format!("snapshot {} {} {}", last.file, last.hash, last.connector));
            }
        }
        for path in files(&self.path("state/snapshots")) {
            lines.insert(format!("kept {}", path.file_name().expect("a name").display()));
        }
        for path in files(&self.path("state/incoming")) {
            lines.insert(format!("incoming {}", path.file_name().expect("a name").display()));
        }
        for path in files(&self.path("state/outbox")) {
            assert!(lines.insert(self.mail(&path)), "a letter lies twice");
        }
        lines.into_iter().fold(String::new(), |mut text, line| {
            writeln!(text, "{line}").expect("a string");
            text
        })
    }

    /// A file of the outbox: its name without the moment, its bytes where the clock of the test decides them.
    fn mail(&self, path: &Path) -> String {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let (_, name) = name.split_once('.').expect("a name of a letter");
        if name.starts_with("source") {
            return format!("mail {name}");
        }
        let bytes = fs::read_to_string(path).expect("a letter");
        format!("mail {name} {}", blake3::hash(bytes.as_bytes()).to_hex())
    }

    /// The highest number of attempts of a letter.
    pub(crate) async fn attempts(&self) -> u32 {
        let letters = self.read().await.letters(None, ALL).await.expect("read");
        letters.iter().map(|letter| letter.attempt).max().unwrap_or(0)
    }
}

/// Waits for a process that was killed or ended by itself.
pub(crate) fn buried(mut child: Child) -> ExitStatus {
    child.wait().expect("a child")
}

async fn rounds(warehouse: &Warehouse) -> Vec<String> {
    let mut rounds = Vec::new();
    for procedure in Procedure::ALL {
        rounds.extend(warehouse.rounds(*procedure).await.expect("read"));
    }
    rounds
}

async fn numbers(warehouse: &Warehouse) -> Vec<String> {
    let query = ObservationQuery {
        rounds: rounds(warehouse).await,
        ..ObservationQuery::default()
    };
    let zone = chrono_tz::Europe::Moscow;
    let found = warehouse.observations(&query, zone).await.expect("read");
    let line = |row: &msoko::domain::stored::StoredObservation| {
        let value = (row.value.units, row.value.scale, row.n);
        format!(
            "number {} {value:?} {} {} {}",
            row.key, row.file, row.place, row.snapshot
        )
    };
    found.iter().map(line).collect()
}

/// The kept sums of every territory; a pull leaves none to be computed.
async fn sums(warehouse: &Warehouse) -> Vec<String> {
    let stale = warehouse.has_stale_sums().await.expect("read");
    let mut lines = vec![format!("stale sums {stale}")];
    for territory in TERRITORIES {
        let query = SumQuery {
            territory: UnitId(territory.to_owned()),
            children: false,
            rounds: rounds(warehouse).await,
            measures: Vec::new(),
            subjects: Vec::new(),
        };
        let found = warehouse.territory_sums(&query).await.expect("read");
        lines.extend(found.iter().map(|sum| format!("sum {sum:?}")));
    }
    lines
}

/// What the audit log tells of letters. The log and everything else is whole, and each load is told once and each letter.
async fn deeds(warehouse: &Warehouse) -> Vec<String> {
    let verdict = warehouse.verify(Depth::Full).await.expect("looked");
    assert_eq!(verdict.findings, []);
    let end = chrono::DateTime::from_timestamp(4_102_444_800, 0).expect("the year 2100");
    let always = (chrono::DateTime::UNIX_EPOCH, end);
    let records = warehouse.audit(always, 0, ALL).await.expect("read");
    let told = |action: Action| records.iter().filter(move |record| record.action == action.as_str());
    let mut loads = BTreeSet::new();
    for record in told(Action::LoadPublished) {
        let counts: serde_json::Value = serde_json::from_str(&record.counts).expect("counts");
        let run = counts["run"].as_u64().expect("a number");
        assert!(loads.insert(run), "load {run} is told twice");
    }
    assert_eq!(loads.len() as u64, verdict.loads, "a published load is not told");
    let mut lines = BTreeSet::new();
    for record in told(Action::LetterSent) {
        let line = format!("sent {} {:?}", record.object, record.recipient);
        assert!(lines.insert(line), "letter {} is told twice", record.object);
    }
    lines.into_iter().collect()
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// Schools whose logins are those of the shipped fixtures; the first has the check digits of the fixture's feed.
fn register(schools: u32) -> String {
    let mut text = "id;kind;title;short_title;parent;email;ogrn;inn;fis_oko\n\
                    ru;country;Российская Федерация;РФ;;;;;\n\
                    ru-99;region;Учебный край;Учебный край;ru;;;;\n\
                    vg;municipality;Верхнегорский район;Верхнегорский район;ru-99;;;;\n"
        .to_owned();
    for number in 1..=schools {
        let (ogrn, inn) = match number {
            1 => ("1029900000019", ""),
            2 => ("", "9900000024"),
            _ => ("", ""),
        };
        let title = format!("МКОУ «Верхнегорская СОШ № {number}»");
        let line = format!("vg-{number};general;{title};{title};vg;;{ogrn};{inn};edu99{number:04}");
        writeln!(text, "{line}").expect("a string");
    }
    text
}

/// The other side of [`World::step`]: opens the world and performs the step that the variable names.
pub(crate) async fn perform(step: &str) {
    let (verb, config) = step.split_once(' ').expect("a step and a configuration");
    let knowledge = learn(Path::new(config)).expect("a right configuration");
    let zone = knowledge.config.authority.zone;
    let system = Clock::system(zone);
    let now = match verb.parse::<i64>() {
        Ok(minutes) => system.now() + chrono::Duration::minutes(minutes),
        // A Monday inside the period of the roadmaps, the day of the digest.
        Err(_) => "2026-02-16T09:00:00+03:00".parse().expect("a moment"),
    };
    let context: Context = knowledge
        .open(Clock::fixed(now, zone), Access::Hold, "test")
        .await
        .expect("a free database");
    if verb == "letters" {
        remind::write_letters(&context).await.expect("letters");
    } else {
        deliver::deliver_due(&context, &Stop::default())
            .await
            .expect("delivered");
    }
}
