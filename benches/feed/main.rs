//! The idle daemon, then the whole line beside its bare limit: an RSOKO feed and tables as text and as a workbook into
//! `SQLite` and, where a server is installed, into `PostgreSQL`; a table of participants folded; questions.
//!
//! `cargo bench --bench feed -- 200` makes a feed of 200 MB, a table of 20 MB and a workbook of a tenth of its rows. Each
//! is loaded with the executable (new, the same bytes, a thousandth of the numbers changed; the feed also with one byte
//! changed), beside a bare parse by the same parser and multi-row upsert (or `COPY` and one upsert) of the same rows.
//! Each is a process of its own, whose highest resident size is read from the system. Nothing is asserted but the
//! counts: machines differ.
//!
//! Words choose parts: `idle`, `participants`, `sqlite`, `postgres`, `xml`, `csv`, `xlsx`; several sizes may be given.
//! `questions` is a part of its own: ten million observations and what is asked of them, see [`questions`].

#![expect(clippy::print_stdout, reason = "the figures are the purpose")]

mod bare;
mod idle;
mod made;
mod questions;
#[path = "../../tests/warehouse/server.rs"]
mod server;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use made::Form;
use msoko::decode::Input;
use msoko::flow::read::{BATCH, Reading, read};
use msoko::manifest;
use msoko::privacy::detect::Exempt;

/// A bare load names itself to its own process by this word.
const BARE: &str = "bare";
/// Participants in the table; some 60 MB of windows-1251.
const PARTICIPANTS: usize = 1_000_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if let [word, feed, database] = words.as_slice()
        && word == BARE
    {
        return bare::load(Path::new(feed), database);
    }
    let named = |part: &str| words.iter().any(|word| word == part);
    let mut sizes: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        sizes.push(200);
    }
    let engines = ["sqlite", "postgres"].map(named);
    let forms = Form::ALL.map(|form| named(form.name()));
    let none_of = |parts: &[bool]| !parts.contains(&true);
    let whole = none_of(&engines) && none_of(&forms) && none_of(&["idle", "participants", "questions"].map(named));
    if whole || named("idle") {
        idle();
    }
    if named("questions") {
        questions::ask(engines, none_of(&engines));
    } else if whole || !none_of(&engines) || !none_of(&forms) {
        for (form, wanted) in Form::ALL.into_iter().zip(forms) {
            if wanted || none_of(&forms) {
                loads(form, &sizes, engines);
            }
        }
    }
    if whole || named("participants") {
        participants();
    }
}

fn loads(form: Form, sizes: &[u64], [sqlite, postgres]: [bool; 2]) {
    for megabytes in sizes {
        // Five numbers stand in a row of a table, one in a row of a feed.
        let bytes = match form {
            Form::Xml => megabytes * 1_000_000,
            Form::Csv | Form::Xlsx => megabytes * 100_000,
        };
        if sqlite || !postgres {
            load(form, bytes, None);
        }
        if (postgres || !sqlite)
            && let Some(server) = server::Server::start(true)
        {
            load(form, bytes, Some(&server.url()));
        }
    }
}

fn idle() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    idle::watch(&made::office(dir.path()));
}

fn load(form: Form, bytes: u64, server: Option<&str>) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    let file = dir.join(format!("table.{}", form.name()));
    let rows = made::write(form, &file, bytes, false);
    let megabytes = std::fs::metadata(&file).expect("made").len() as f64 / 1e6;
    let config = made::office(dir);
    if let Some(url) = server {
        made::keep_in(&config, url);
    }
    let office = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msoko"));
        command
            .arg("--config")
            .arg(&config)
            .args(["--format", "json"])
            .args(words);
        command
    };
    let register = dir.join("register.csv").display().to_string();
    measured(office(&["db", "migrate"]));
    measured(office(&["units", "import", &register]));
    let mut limit = Command::new(std::env::current_exe().expect("this bench"));
    let own = dir.join("bare.db").display().to_string();
    limit.arg(BARE).arg(&file).arg(server.unwrap_or(&own));
    let (database, bare) = match server {
        None => ("SQLite", "bare parse and upsert"),
        Some(_) => ("PostgreSQL", "bare parse, COPY and upsert"),
    };
    println!(
        "\n{rows} numbers, {megabytes:.0} MB of {}, {database}     seconds  numbers/s    of bare   peak resident    written",
        form.name()
    );
    let limit = measured(limit);
    line(bare, rows, &limit, &limit, rows);
    let path = file.display().to_string();
    for turn in ["first load", "the same bytes", "one byte changed", "0.1 % changed"] {
        match turn {
            "one byte changed" if form != Form::Xml => continue,
            "one byte changed" => made::change_one_byte(&file),
            "0.1 % changed" => assert_eq!(made::write(form, &file, bytes, true), rows),
            _ => {}
        }
        let ours = measured(office(&["pull", form.name(), "--file", &path]));
        let said: serde_json::Value = serde_json::from_str(&ours.said).expect("JSON");
        let count = |key: &str| said[0][key].as_u64().expect("a count");
        let counts = ["new", "changed", "unchanged"].map(count);
        line(turn, rows, &ours, &limit, counts[0] + counts[1]);
        let changed = rows.div_ceil(5).saturating_sub(100).div_ceil(200);
        let expected = match turn {
            "first load" => [rows, 0, 0],
            "the same bytes" => [0, 0, 0],
            "one byte changed" => [0, 0, rows],
            _ => [0, changed, rows - changed],
        };
        assert_eq!(counts, expected, "{turn}");
    }
}

fn line(what: &str, rows: u64, ours: &Measured, limit: &Measured, written: u64) {
    println!(
        "{what:<30} {:>8.2} {:>9.0} {:>8.0} %   {:>9} KiB  {written:>9}",
        ours.time.as_secs_f64(),
        rows as f64 / ours.time.as_secs_f64(),
        limit.time.as_secs_f64() / ours.time.as_secs_f64() * 100.0,
        ours.peak,
    );
}

/// A process that has ended.
struct Measured {
    time: Duration,
    /// Highest resident size, KiB.
    peak: u64,
    said: String,
}

fn measured(mut command: Command) -> Measured {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().expect("started");
    let mut peak = 0;
    loop {
        peak = peak.max(size(child.id(), "VmHWM:"));
        if let Some(status) = child.try_wait().expect("waited for") {
            let time = started.elapsed();
            let said = std::io::read_to_string(child.stdout.take().expect("piped")).expect("text");
            assert!(status.success(), "{command:?}: {status}, {said}");
            return Measured { time, peak, said };
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A size of a process in KiB, where the system tells it.
fn size(process: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let size = line.and_then(|size| size.trim().strip_suffix(" kB")?.trim().parse().ok());
    size.unwrap_or(0)
}

/// Folding a table of participants beside a reader that only splits the bytes, and one that decodes all of them.
fn participants() {
    let bytes = made::participants(PARTICIPANTS);
    let size = bytes.len() as f64 / 1e6;
    println!(
        "\n{PARTICIPANTS} participants, {size:.0} MB of windows-1251    MB/s   of raw   of counted   of transcoding"
    );
    // The best of three: the machine is shared.
    let best = |work: &dyn Fn() -> u64| {
        let run = || {
            let started = Instant::now();
            assert!(work() >= PARTICIPANTS as u64);
            started.elapsed().as_secs_f64()
        };
        (0..3).map(|_| run()).fold(f64::INFINITY, f64::min)
    };
    let raw = best(&|| bare::split(&bytes));
    let counted = best(&|| bare::count(&bytes));
    let transcoding = best(&|| bare::transcode(&bytes));
    let ours = best(&|| fold(&bytes));
    for (what, time) in [
        ("raw bytes", raw),
        ("raw bytes, counted by organisation", counted),
        ("transcoding", transcoding),
        ("folded", ours),
    ] {
        println!(
            "{what:<42} {:>6.0} {:>6.0} % {:>9.0} % {:>11.0} %",
            size / time,
            raw / time * 100.0,
            counted / time * 100.0,
            transcoding / time * 100.0
        );
    }
}

fn fold(bytes: &Arc<[u8]>) -> u64 {
    let shipped = manifest::shipped();
    let connector = shipped.iter().find(|known| known.id == "gia-participants");
    let (scales, _) = msoko::scales::parse("scales.toml", msoko::scales::SHIPPED);
    let reading = Reading {
        connector: connector.expect("is shipped"),
        subjects: &manifest::shipped_subjects(),
        scales: &scales,
        options: &std::collections::BTreeMap::new(),
        register: None,
        exempt: &Arc::new(Exempt::default()),
        today: chrono::NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date"),
        batch: BATCH,
    };
    let input = Input::memory("gia_2025.csv", Arc::clone(bytes));
    let summary = read(input, &reading, &mut |_, _, _| Ok(()), &mut |_| Ok(())).expect("read");
    assert_eq!((summary.refused, summary.quarantined), (None, 0));
    summary.rows_read
}
