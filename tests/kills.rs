//! The process dies at every boundary of the line and at moments nobody chose: nothing is lost, nothing doubled.
#![cfg(feature = "failpoints")]

#[path = "kills/again.rs"]
mod again;
#[path = "warehouse/server.rs"]
mod server;
#[path = "kills/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use msoko::failpoint::NAMES;
use msoko::loopback::{Response, Server, Site};
use msoko::warehouse::observations::ObservationQuery;
use sqlx::Connection;
use world::{Ended, STEP, Step, World, buried, files, perform};

/// Which step passes which point. A pull that refuses a file writes a letter too.
const POINTS: &[(&str, Step)] = &[
    ("snapshot-written", Step::Pull),
    ("snapshot-renamed", Step::Pull),
    ("snapshot-recorded", Step::Pull),
    ("run-begun", Step::Pull),
    ("chunk-staged", Step::Pull),
    ("before-publish", Step::Pull),
    ("after-publish", Step::Pull),
    ("pull-recorded", Step::Pull),
    ("sums-refreshed", Step::Pull),
    ("letters-unmarked", Step::Pull),
    ("letters-enqueued", Step::Pull),
    ("letters-unmarked", Step::Letters),
    ("letters-enqueued", Step::Letters),
    ("attempt-recorded", Step::Deliver(0)),
    ("letter-accepted", Step::Deliver(0)),
    ("outcome-recorded", Step::Deliver(0)),
];

/// Passed by a long body only.
const SPILLED: &str = "body-spilled";

/// Deaths in a row at one point: where a step gets further each time, each of its first passes is a death.
const DEATHS: u32 = 3;

/// Longer than the lease of a letter.
const MINUTES: u32 = 20;

const LINE: [Step; 3] = [Step::Pull, Step::Letters, Step::Deliver(1)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_at_any_named_point_loses_nothing_and_doubles_nothing() {
    let tried: BTreeSet<&str> = POINTS.iter().map(|(name, _)| *name).chain([SPILLED]).collect();
    assert_eq!(
        tried,
        NAMES.iter().copied().collect(),
        "every point is passed by a step"
    );
    let feed = feed_server(0).await;
    let mut stages = vec![district(&feed.url("/export.xml"))];
    for step in LINE {
        let next = stages.last().expect("a stage").copy();
        assert_eq!(next.step(step, None), Ended::ByItself);
        stages.push(next);
    }
    let undisturbed = stages.pop().expect("the end").dump().await;
    assert_whole(&undisturbed);
    for (name, step) in POINTS {
        let stage = LINE
            .iter()
            .position(|other| same(*other, *step))
            .expect("a step of the line");
        let world = stages[stage].copy();
        let deaths = (1..=DEATHS)
            .take_while(|death| world.step(at(*step, *death), Some(name)) == Ended::ByAbort)
            .count();
        assert!(deaths > 0, "{step:?} does not pass {name}");
        for step in &LINE[stage..] {
            assert_eq!(world.step(at(*step, DEATHS + 1), None), Ended::ByItself);
        }
        let disturbed = world.dump().await;
        assert!(
            disturbed == undisturbed,
            "{name} in {step:?}:\n{}",
            differences(&undisturbed, &disturbed)
        );
        let attempts = world.attempts().await;
        assert!(
            attempts as usize <= 1 + deaths,
            "{name}: {attempts} attempts for {deaths} deaths"
        );
    }
    feed.stop().await;
}

/// Not a test of its own: what the test above starts as a process. Without the variable there is nothing to perform.
#[tokio::test]
#[ignore = "the process that the tests of this file start and kill; does nothing by itself"]
async fn a_step_of_the_flow_in_a_process_of_its_own() {
    if let Some(step) = std::env::var_os(STEP) {
        perform(step.to_str().expect("an ASCII path")).await;
    }
}

fn same(one: Step, other: Step) -> bool {
    std::mem::discriminant(&one) == std::mem::discriminant(&other)
}

fn at(step: Step, attempt: u32) -> Step {
    match step {
        Step::Deliver(_) => Step::Deliver(attempt * MINUTES),
        other => other,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_while_a_long_body_comes_leaves_nothing_of_it_behind() {
    let feed = feed_server(9 * 1024).await;
    let world = district(&feed.url("/export.xml"));
    let undisturbed = world.copy();
    assert_eq!(undisturbed.step(Step::Pull, None), Ended::ByItself);
    assert_eq!(world.step(Step::Pull, Some(SPILLED)), Ended::ByAbort);
    assert_eq!(files(&world.path("state/incoming")).len(), 1, "the body was on its way");
    assert_eq!(world.step(Step::Pull, None), Ended::ByItself);
    let (expected, found) = (undisturbed.dump().await, world.dump().await);
    assert!(expected == found, "{}", differences(&expected, &found));
    assert!(!found.contains("incoming "), "{found}");
    feed.stop().await;
}

/// Serves the fixture, longer by so many KiB of comments.
async fn feed_server(longer: usize) -> Server {
    let body = fs::read_to_string("connectors/rsoko-feed/fixtures/district.xml").expect("a fixture");
    let comment = format!("<!--{}-->", "x".repeat(1024));
    let body = body.replace("</rsoko>", &format!("{}</rsoko>", comment.repeat(longer)));
    let answer = Response::page("application/xml", body).header("ETag", "\"1\"");
    Server::start(Site::new().route("/export.xml", answer))
        .await
        .expect("a server")
}

/// A feed over HTTP and an inbox with three workbooks, one of which has a renamed column.
fn district(feed: &str) -> World {
    let world = World::new(
        3,
        &format!(
            "[[source]]\nid = \"vpr\"\nconnector = [\"vpr-protocol\", \"vpr-marks\"]\nfolder = \"../inbox\"\n\
             include = [\"*.xlsx\"]\nsettle = \"0s\"\nschedule = \"*/10 * * * *\"\n\
             [[source]]\nid = \"rsoko\"\nconnector = \"rsoko-feed\"\naddress = \"{feed}\"\npace = \"0s\"\n\
             allow_private = [\"127.0.0.1\"]\nschedule = \"15 3 * * *\"\n"
        ),
        None,
    );
    for file in [
        "vpr-protocol/fixtures/vpr2022_protocol_ma5.xlsx",
        "vpr-protocol/fixtures/vpr2022_protocol_ma6-renamed-column.xlsx",
        "vpr-protocol/fixtures/География.xlsx",
    ] {
        let (_, name) = file.rsplit_once('/').expect("a folder");
        fs::copy(format!("connectors/{file}"), world.path("inbox").join(name)).expect("a fixture");
    }
    world
}

/// The comparison would be easy to pass if the undisturbed run did nothing.
fn assert_whole(dump: &str) {
    let of = |prefix: &str| -> Vec<&str> { dump.lines().filter(|line| line.starts_with(prefix)).collect() };
    let (letters, marks, mails) = (of("letter "), of("mark "), of("mail "));
    assert!(of("number ").len() > 90, "numbers of all three files");
    assert!(of("sum ").len() > 90, "sums of three territories");
    assert_eq!(of("stale sums "), ["stale sums false"]);
    assert_eq!(of("quarantine ").len(), 4);
    assert_eq!([of("snapshot "), of("kept ")].map(|lines| lines.len()), [3, 3]);
    assert_eq!(of("validators ").len(), 1, "the feed's");
    assert_eq!(of("letter source/vpr/").len(), 1, "about the renamed column");
    assert_eq!(letters.len(), 3, "{letters:#?}");
    assert!(letters.iter().all(|line| line.ends_with(" sent")), "{letters:#?}");
    assert_eq!(of("sent ").len(), letters.len(), "each in the audit log");
    assert!(marks.len() > letters.len(), "{marks:#?}");
    assert_eq!(mails.len(), 2 * letters.len(), "an .eml and an .html each: {mails:#?}");
}

fn differences(expected: &str, found: &str) -> String {
    let (expected, found): (BTreeSet<_>, BTreeSet<_>) = (expected.lines().collect(), found.lines().collect());
    let lost = expected.difference(&found).map(|line| format!("lost  {line}\n"));
    let more = found.difference(&expected).map(|line| format!("found {line}\n"));
    lost.chain(more).collect()
}

/// Kills of the long load, unless `MSOKO_KILLS` says how many.
const KILLS: u64 = 30;
const SCHOOLS: u32 = 10;
const YEARS: std::ops::Range<u32> = 2014..2024;
const SUBJECTS: [&str; 10] = [
    "russian",
    "math",
    "physics",
    "chemistry",
    "biology",
    "history",
    "geography",
    "english",
    "french",
    "literature",
];
const GRADES: std::ops::RangeInclusive<u32> = 4..=7;
const MEASURES: [&str; 10] = [
    "measure=\"participants\"",
    "measure=\"mean\"",
    "measure=\"mark_count\" mark=\"2\"",
    "measure=\"mark_count\" mark=\"3\"",
    "measure=\"mark_count\" mark=\"4\"",
    "measure=\"mark_count\" mark=\"5\"",
    "measure=\"share\" mark=\"2\"",
    "measure=\"share\" mark=\"3\"",
    "measure=\"share\" mark=\"4\"",
    "measure=\"share\" mark=\"5\"",
];

/// Measures of a delivery of this value: every second one lacks the last, so that its numbers vanish and come back.
fn measures(value: u32) -> &'static [&'static str] {
    &MEASURES[..MEASURES.len() - value as usize % 2]
}

/// Numbers of a year in a delivery of this value.
fn of_a_year(value: i64) -> usize {
    SCHOOLS as usize * SUBJECTS.len() * 4 * measures(u32::try_from(value).expect("a value")).len()
}

/// 40 000 numbers or a tenth less, five chunks of a load, each of the same value.
fn feed(value: u32) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rsoko version=\"1\">\n".to_owned();
    for year in YEARS {
        for subject in SUBJECTS {
            for grade in GRADES {
                for measure in measures(value) {
                    for school in 1..=SCHOOLS {
                        writeln!(
                            xml,
                            "<observation login=\"edu99{school:04}\" procedure=\"vpr\" year=\"{year}-{:02}\" \
                             season=\"spring\" subject=\"{subject}\" grade=\"{grade}\" {measure} value=\"{value}\"/>",
                            (year + 1) % 100
                        )
                        .expect("a string");
                    }
                }
            }
        }
    }
    xml.push_str("</rsoko>\n");
    xml
}

fn put(world: &World, value: u32) {
    fs::write(world.path("inbox/feed.xml"), feed(value)).expect("a feed");
}

/// xorshift: the same thirty moments in every run.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// The one value that readers of a year see.
async fn value_of(world: &World, year: u32) -> Option<i64> {
    let query = ObservationQuery {
        rounds: vec![format!("vpr/{year}-{:02}/spring", (year + 1) % 100)],
        ..ObservationQuery::default()
    };
    let warehouse = world.read().await;
    let seen = warehouse
        .observations(&query, chrono_tz::Europe::Moscow)
        .await
        .expect("read");
    let values: BTreeSet<i64> = seen.iter().map(|row| row.value.units).collect();
    assert!(values.len() < 2, "two deliveries at once: {values:?}");
    let value = values.into_iter().next();
    let expected = value.map_or(0, of_a_year);
    assert!(seen.len() == expected, "{} of {expected} numbers", seen.len());
    value
}

/// Kills a pull after a while; gives its time when it was faster.
async fn cut_off(mut pull: Child, moment: Duration) -> Option<Duration> {
    let started = Instant::now();
    while started.elapsed() < moment {
        if let Some(status) = pull.try_wait().expect("a child") {
            assert!(status.success(), "a pull ended with {status}");
            return Some(started.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    pull.kill().expect("a process to kill");
    buried(pull);
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_of_a_long_load_shows_readers_the_delivery_before_or_after_it() {
    kill_at_any_moment(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_does_no_harm_on_a_server_either() {
    let Some(server) = server::Server::start(false) else {
        return;
    };
    kill_at_any_moment(Some(&server.url())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_called_so_and_the_next_pull_needs_no_hand() {
    let world = delivered(None);
    put(&world, 2);
    let mut full = 0;
    for kibibytes in [200, 1000, 2000, 4000, 8000, 16_000] {
        let (said, code) = world.pull_cramped(kibibytes);
        full += u32::from(said.contains("MSK-DB-07"));
        assert!(
            !said.contains("MSK-DB-08") && !said.contains("MSK-BUG"),
            "{kibibytes}: {code:?} {said}"
        );
        let seen = value_of(&world, 2014).await;
        assert_eq!(seen, Some(if code == Some(0) { 2 } else { 1 }), "{kibibytes}: {said}");
        if code == Some(0) {
            break;
        }
    }
    assert!(full > 0, "no pull met the end of the disk");
    assert!(buried(world.pulling()).success());
    for year in YEARS {
        assert_eq!(value_of(&world, year).await, Some(2));
    }
}

/// A number that the environment names, such as the seed of a long run.
fn asked(name: &str, usual: u64) -> u64 {
    std::env::var_os(name).map_or(usual, |text| text.to_str().expect("digits").parse().expect("a number"))
}

/// The killed process has been silent for so long that the others know it is dead.
async fn silence(url: &str) {
    let mut connection = sqlx::PgConnection::connect(url).await.expect("connected");
    sqlx::query("delete from node")
        .execute(&mut connection)
        .await
        .expect("silenced");
}

/// A district whose first delivery is loaded.
fn delivered(database: Option<&str>) -> World {
    let world = World::new(
        SCHOOLS,
        "[[source]]\nid = \"rsoko\"\nconnector = \"rsoko-feed\"\nfolder = \"../inbox\"\ninclude = [\"*.xml\"]\n\
         settle = \"0s\"\nschedule = \"15 3 * * *\"\n",
        database,
    );
    put(&world, 1);
    assert!(buried(world.pulling()).success());
    world
}

async fn kill_at_any_moment(database: Option<&str>) {
    let (world, undisturbed) = (delivered(database), delivered(None));
    let (mut before, mut value) = (1, 2);
    put(&world, value);
    put(&undisturbed, value);
    let started = Instant::now();
    assert!(buried(undisturbed.pulling()).success());
    let mut whole = started.elapsed();
    let kills = asked("MSOKO_KILLS", KILLS);
    let (mut seed, mut killed) = (asked("MSOKO_SEED", 20_260_216), 0);
    for (kill, year) in (0..kills).zip(YEARS.cycle()) {
        let moment = whole.mul_f64((next(&mut seed) % 1000) as f64 / 1000.0);
        match cut_off(world.pulling(), moment).await {
            // The machine is less busy than it was: later moments have to be inside a load, too.
            Some(ended) => whole = ended,
            None => killed += 1,
        }
        if let Some(url) = database {
            silence(url).await;
        }
        let seen = value_of(&world, year).await.expect("a delivery");
        assert!(
            seen == before || seen == i64::from(value),
            "kill {kill} after {moment:?}: readers see {seen}, not {before} or {value}"
        );
        if seen == i64::from(value) {
            (before, value) = (seen, value + 1);
            put(&world, value);
        }
    }
    assert!(killed > kills / 2, "{killed} of {kills} kills met a load");
    // One more for both: here deliveries in between may have been published or withdrawn, there they never came.
    for world in [&world, &undisturbed] {
        put(world, value + 1);
        assert!(buried(world.pulling()).success());
    }
    // What was kept stays kept; everything else is the same.
    let (expected, found) = (undisturbed.dump().await, world.dump().await);
    let other = differences(&expected, &found)
        .lines()
        .filter(|line| !line.starts_with("found kept "))
        .count();
    assert!(other == 0, "{}", differences(&expected, &found));
}
