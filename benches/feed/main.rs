//! The idle daemon, then the whole line beside its bare limit: an RSOKO feed into `SQLite` and, where a server is
//! installed, into `PostgreSQL`, and a table of participants folded.
//!
//! `cargo bench --bench feed -- 200` (with `idle`, `sqlite`, `postgres`, `participants`: these parts only) makes a feed of 200 MB and loads it three times with the executable (new, the same
//! bytes, one byte changed), beside a streaming parse and multi-row upsert (or `COPY` and one upsert) of the same rows. Each is a process of its
//! own, whose highest resident size is read from the system. Nothing is asserted but the counts: machines differ.

#![expect(clippy::print_stdout, reason = "the figures are the purpose")]

mod bare;
mod idle;
mod made;
#[path = "../../tests/warehouse/server.rs"]
mod server;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    let megabytes = words.iter().find_map(|word| word.parse().ok()).unwrap_or(200);
    let parts = ["idle", "sqlite", "postgres", "participants"];
    let named = words.iter().any(|word| parts.contains(&word.as_str()));
    let wanted = |part: &str| !named || words.iter().any(|word| word == part);
    if wanted("idle") {
        idle();
    }
    if wanted("sqlite") {
        feed(megabytes, None);
    }
    if wanted("postgres")
        && let Some(server) = server::Server::start(true)
    {
        feed(megabytes, Some(&server.url()));
    }
    if wanted("participants") {
        participants();
    }
}

fn idle() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    idle::watch(&made::office(dir.path()));
}

fn feed(megabytes: u64, server: Option<&str>) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    let file = dir.join("feed.xml");
    let rows = made::feed(&file, megabytes * 1_000_000);
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
    println!("\n{rows} rows, {megabytes} MB of XML, {database}     seconds    rows/s    of bare   peak resident");
    let limit = measured(limit);
    line(bare, rows, &limit, &limit);
    let path = file.display().to_string();
    for turn in ["first load", "the same bytes", "one byte changed"] {
        if turn == "one byte changed" {
            made::change_one_byte(&file);
        }
        let ours = measured(office(&["pull", "rsoko", "--file", &path]));
        line(turn, rows, &ours, &limit);
        let expected = match turn {
            "first load" => format!("\"new\":{rows},"),
            "the same bytes" => "\"new\":0,".to_owned(),
            _ => format!("\"unchanged\":{rows}"),
        };
        let said: String = ours.said.split_whitespace().collect();
        assert!(said.contains(&expected), "{turn}: {said}");
    }
}

fn line(what: &str, rows: u64, ours: &Measured, limit: &Measured) {
    println!(
        "{what:<30} {:>8.2} {:>9.0} {:>8.0} %   {} KiB",
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
        batch: BATCH,
    };
    let input = Input::memory("gia_2025.csv", Arc::clone(bytes));
    let summary = read(input, &reading, &mut |_, _, _| Ok(()), &mut |_| Ok(())).expect("read");
    assert_eq!((summary.refused, summary.quarantined), (None, 0));
    summary.rows_read
}
