//! A replay that dies at any of its points never leaves a number of an older file over that of a newer one.

use std::collections::BTreeMap;
use std::fs;

use msoko::snapshot::path_of;
use msoko::warehouse::observations::ObservationQuery;
use serde_json::Value;

use crate::server::Server;
use crate::silence;
use crate::world::{Ended, World, buried};

const ROUND: &str = "vpr/2024-25/spring";
/// Passed by each file of a replay; the process dies at the first one, the newest.
const POINTS: [&str; 4] = ["run-begun", "chunk-staged", "before-publish", "after-publish"];

/// A number of a school: login, subject, mark, the value and what another manifest reads in its place.
type Line<'a> = (&'a str, &'a str, u32, u32, u32);

/// Both schools, one of them with a mark that the newer file drops, and a login nobody knows.
const OLDER: &[Line<'_>] = &[
    ("edu990001", "russian", 3, 1, 11),
    ("edu990001", "russian", 4, 5, 11),
    ("edu990001", "russian", 5, 1, 11),
    ("edu990002", "russian", 2, 1, 11),
    ("edu990009", "math", 2, 1, 11),
];
/// Corrects a mark of the first school and repeats another.
const NEWER: &[Line<'_>] = &[("edu990001", "russian", 3, 2, 12), ("edu990001", "russian", 4, 5, 12)];

const BEFORE: [(&str, i64); 3] = [
    ("vg-1 russian mark=3", 2),
    ("vg-1 russian mark=4", 5),
    ("vg-2 russian mark=2", 1),
];

fn feed(lines: &[Line<'_>]) -> String {
    let row = |(login, subject, mark, value, corrected): &Line<'_>| {
        format!(
            "<observation login=\"{login}\" procedure=\"vpr\" year=\"2024-25\" season=\"spring\" subject=\"{subject}\" \
             grade=\"5\" measure=\"mark_count\" mark=\"{mark}\" value=\"{value}\" corrected=\"{corrected}\"/>\n"
        )
    };
    let rows: String = lines.iter().map(row).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rsoko version=\"1\">\n{rows}</rsoko>\n")
}

/// The connector of the feeds; `value` says where the number stands. A file is all of a round of its schools.
fn put_manifest(world: &World, value: &str) {
    let shipped = fs::read_to_string("connectors/rsoko-feed/manifest.toml").expect("a manifest");
    let changed = shipped.replace("at = \"@value\"", &format!("at = \"@{value}\""));
    let folder = world.path("config/connectors/rsoko-feed");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("manifest.toml"), changed).expect("a manifest");
}

/// Numbers that hold: unit, subject, mark → value.
async fn held(world: &World) -> BTreeMap<String, i64> {
    let query = ObservationQuery {
        rounds: vec![ROUND.to_owned()],
        ..ObservationQuery::default()
    };
    let warehouse = world.read().await;
    let found = warehouse.observations(&query, chrono_tz::Europe::Moscow).await;
    let line = |row: msoko::domain::stored::StoredObservation| {
        let subject = row.key.subject.unwrap_or_default();
        (
            format!("{} {subject} {}", row.key.unit.0, row.key.breakdown),
            row.value.units,
        )
    };
    found.expect("read").into_iter().map(line).collect()
}

fn numbers(of: &[(&str, i64)]) -> BTreeMap<String, i64> {
    of.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect()
}

fn counts(replayed: &Value) -> Vec<i64> {
    let count = |key| replayed[0][key].as_i64().expect("a count");
    ["snapshots", "new", "changed", "closed", "left", "quarantined"]
        .map(count)
        .to_vec()
}

/// A district that has pulled both files; its readers see `before`.
async fn pulled(database: Option<&str>) -> World {
    let world = World::new(
        2,
        "[[source]]\nid = \"rsoko\"\nconnector = \"rsoko-feed\"\nfolder = \"../inbox\"\ninclude = [\"*.xml\"]\n\
         settle = \"0s\"\nschedule = \"15 3 * * *\"\n",
        database,
    );
    put_manifest(&world, "value");
    for (file, lines) in [("week1.xml", OLDER), ("week2.xml", NEWER)] {
        fs::write(world.path("inbox").join(file), feed(lines)).expect("a feed");
        assert!(buried(world.pulling()).success(), "{file}");
    }
    assert_eq!(held(&world).await, numbers(&BEFORE));
    world
}

/// The administrator mends the manifest and names the login.
fn mend(world: &World) {
    put_manifest(world, "corrected");
    let known = world
        .msoko(&["units", "alias", "add", "vg-2", "fis_oko", "edu990009"])
        .status();
    assert!(known.expect("the executable").success());
}

async fn dies_at_every_point(database: Option<&str>) {
    let world = pulled(database).await;
    let before = numbers(&BEFORE);
    assert_eq!(counts(&world.replay()), [2, 0, 0, 0, 2, 1], "nothing was changed");
    assert_eq!(held(&world).await, before);

    mend(&world);
    let newer_is_read = numbers(&[
        ("vg-1 russian mark=3", 12),
        ("vg-1 russian mark=4", 12),
        ("vg-2 russian mark=2", 1),
    ]);
    for point in POINTS {
        assert_eq!(world.replay_until(point), Ended::ByAbort, "{point}");
        if let Some(url) = database {
            silence(url).await;
        }
        let expected = if point == "after-publish" {
            &newer_is_read
        } else {
            &before
        };
        assert_eq!(held(&world).await, *expected, "{point}");
    }
    // A mark corrected, and the number of the school that nobody knew; of the first school only the closed one differs
    // from what is known by now.
    assert_eq!(counts(&world.replay()), [2, 1, 1, 0, 3, 0]);
    let after = numbers(&[
        ("vg-1 russian mark=3", 12),
        ("vg-1 russian mark=4", 12),
        ("vg-2 math mark=2", 11),
        ("vg-2 russian mark=2", 11),
    ]);
    assert_eq!(held(&world).await, after);
    assert_eq!(counts(&world.replay()), [2, 0, 0, 0, 3, 0], "nothing was changed");
    assert_eq!(held(&world).await, after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_dies_leaves_the_numbers_of_the_newest_file() {
    dies_at_every_point(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_dies_leaves_the_numbers_of_the_newest_file_on_a_server_too() {
    if let Some(server) = Server::start(false) {
        dies_at_every_point(Some(&server.url())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_damaged_snapshot_older_files_add_what_was_unknown_and_say_so() {
    let world = pulled(None).await;
    mend(&world);
    let snapshots = world.read().await.last_snapshots("rsoko").await.expect("listed");
    let newest = &snapshots[0];
    assert_eq!(newest.file, "week2.xml");
    let path = path_of(&world.path("state/snapshots"), &newest.hash);
    let whole = world.path("whole.zst");
    fs::copy(&path, &whole).expect("a snapshot");
    let file = fs::File::options().write(true).open(&path).expect("a snapshot");
    let size = file.metadata().expect("a size").len();
    file.set_len(size / 2).expect("half of it");

    let said = world.replay_in_part();
    assert!(said.contains("week2.xml") && said.contains("MSK-SNP-"), "{said}");
    assert!(
        said.contains("MSK-RUN-37") && said.contains("прежними остались числа (4)"),
        "{said}"
    );
    let mut expected = numbers(&BEFORE);
    expected.insert("vg-2 math mark=2".to_owned(), 11);
    assert_eq!(held(&world).await, expected);

    fs::copy(&whole, &path).expect("the whole of it");
    assert_eq!(counts(&world.replay()), [2, 0, 3, 0, 3, 0]);
}
