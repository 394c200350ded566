//! Three daemons on one database and shared folders: killed in turn they pull every source once per due time and send
//! every letter once.
//!
//! Leases and pauses are those of the service. Where they would be waited for (a killed node is silent for thirty
//! seconds, what it pulled is made up for after five minutes, its letter after fifteen), the test moves the moment in
//! the database into the past; schedules have the grain of a minute, so due times are made the same way.
#![cfg(feature = "failpoints")]

#[path = "nodes/cluster.rs"]
mod cluster;
#[path = "nodes/post.rs"]
mod post;
#[path = "warehouse/server.rs"]
mod server;
#[path = "nodes/storm.rs"]
mod storm;

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use cluster::{Cluster, LONG_AGO, files, said};
use post::{Post, message_id};

const SOON: Duration = Duration::from_secs(30);

const SIGABRT: i32 = 6;

/// Waits until a number of the database is what it should be.
async fn waits(cluster: &mut Cluster, query: &'static str, expected: i64) {
    let end = Instant::now() + SOON;
    loop {
        let found = cluster.count(query).await;
        if found == expected {
            return;
        }
        assert!(Instant::now() < end, "{query}: {found}, not {expected}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_daemons_that_are_killed_in_turn_pull_and_send_everything_once() {
    storm::three_daemons_that_are_killed_in_turn().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_acceptance_and_note_makes_one_copy_that_another_node_sends() {
    let post = Post::start();
    let Some(mut cluster) = Cluster::new(1, "", post.port).await else {
        return;
    };
    let mut first = cluster.start_with("a", &[("MSOKO_FAILPOINT", "letter-accepted")]);
    let pid = first.pid();
    let status = first.ends(SOON).await;
    assert_eq!(status.signal(), Some(SIGABRT), "{status}: {}", cluster.told("a"));
    let orphan = post.taken();
    assert_eq!(orphan.len(), 1, "one letter was accepted, and nobody noted it");

    let id = cluster.id_of("a", pid).await.expect("it had joined");
    cluster.silence(&id).await;
    let second = cluster.start("b");
    let written = "select count(*) from witness where source = 'jobs/letters' and what = 'end'";
    waits(&mut cluster, written, 1).await;
    waits(&mut cluster, "select count(*) from outbox where state = 'queued'", 0).await;
    waits(&mut cluster, "select count(*) from outbox where state = 'sending'", 1).await;
    let letters = cluster.count("select count(*) from outbox").await;
    assert!(letters > 1, "the other node sent the rest");
    let copies = |of: &post::Taken| post.taken().into_iter().filter(|one| one == of).count();
    assert_eq!(copies(&orphan[0]), 1, "its lease has not run out");

    sqlx::query("update outbox set next_at = $1 where state = 'sending'")
        .bind(LONG_AGO)
        .execute(&mut cluster.database)
        .await
        .expect("a quarter of an hour passes");
    waits(
        &mut cluster,
        "select count(*) from outbox where state = 'sent'",
        letters,
    )
    .await;
    second.stops().await;
    assert_eq!(copies(&orphan[0]), 2, "the same Message-ID, the same bytes");
    assert_eq!(post.taken().len() as i64, letters + 1, "every other letter once");
    let attempts = "select count(*) from outbox_attempt where finished_at is null";
    assert_eq!(cluster.count(attempts).await, 1, "the attempt of the killed node");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_folders_of_its_own_is_refused_and_leaves_at_once() {
    let post = Post::start();
    let Some(mut cluster) = Cluster::new(1, "", post.port).await else {
        return;
    };
    assert!(files(&cluster.path("shared/snapshots")).contains(&".store".to_owned()));
    let living = "select count(*) from node where ended = 0";
    assert_eq!(cluster.count(living).await, 0, "verbs have left");

    cluster.configure("b", "snapshots = \"../other\"", "");
    for verb in [&["run"][..], &["pull"], &["check"]] {
        let refused = cluster.verb("b", verb);
        let told = said(&refused);
        let code = if verb == ["check"] { 69 } else { 74 };
        assert_eq!(refused.status.code(), Some(code), "{verb:?}: {told}");
        assert!(
            told.contains("MSK-SNP-06") && told.contains("/other»"),
            "{verb:?}: {told}"
        );
    }
    assert_eq!(cluster.count(living).await, 0, "what is refused has left, too");
    assert_eq!(cluster.verb("c", &["check"]).status.code(), Some(0));
    let unknown = cluster.verb("c", &["pull", "nothing"]);
    assert_eq!(unknown.status.code(), Some(64), "{}", said(&unknown));
    assert_eq!(cluster.count(living).await, 0, "a verb that fails leaves as well");

    let first = cluster.start("a");
    cluster.writes("a", "msoko is ready").await;
    cluster.configure("a", "snapshots = \"../other\"", "");
    let moved = cluster.verb("a", &["reload", "--wait", "10"]);
    assert_eq!(moved.status.code(), Some(78), "{}", said(&moved));
    assert!(said(&moved).contains("«snapshots»"), "{}", said(&moved));
    cluster.configure("d", "", "single_node = true");
    let second = cluster.verb("d", &["run"]);
    assert_eq!(second.status.code(), Some(75), "{}", said(&second));
    assert!(
        said(&second).contains("MSK-DB-25") && said(&second).contains("узел: a"),
        "{}",
        said(&second)
    );
    first.stops().await;
    waits(&mut cluster, living, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_of_one_node_is_pulled_there_only_and_the_node_is_missed() {
    let post = Post::start();
    let folder = |id: &str, node: &str| {
        format!(
            "[[source]]\nid = \"{id}\"\nconnector = \"rsoko-feed\"\nfolder = \"inbox\"\ninclude = [\"*.xml\"]\n\
             settle = \"0s\"\nschedule = \"0 3 1 1 *\"\nnode = \"{node}\"\n"
        )
    };
    let sources = [folder("own", "b"), folder("elsewhere", "d")].concat();
    let Some(mut cluster) = Cluster::new(1, &sources, post.port).await else {
        return;
    };
    cluster.put("b/inbox/feed.xml", &storm::feed(1, 1, &storm::year(&cluster)));
    let by_hand = cluster.verb("a", &["pull", "own"]);
    assert_eq!(by_hand.status.code(), Some(64), "{}", said(&by_hand));
    assert!(said(&by_hand).contains("MSK-RUN-36"), "{}", said(&by_hand));
    let all = cluster.verb("a", &["pull"]);
    assert_eq!(all.status.code(), Some(0), "{}", said(&all));

    let nodes = ["a", "b", "c"].map(|node| cluster.start(node));
    waits(
        &mut cluster,
        "select count(*) from witness where source = 'own' and what = 'end'",
        1,
    )
    .await;
    // Three nodes miss the fourth at once; each administrator has one letter about it.
    let told = "select count(*) from outbox where key like 'notice/node/d/never/%' and state = 'sent'";
    waits(&mut cluster, told, cluster::ADMINISTRATORS).await;
    let seen = cluster.seen().await;
    let of = |source: &str| -> Vec<&str> {
        let lines = seen.iter().filter(|seen| seen.source == source);
        lines.map(|seen| seen.node.as_str()).collect()
    };
    assert!(
        of("own").iter().all(|node| node.starts_with("msoko run, b, ")),
        "{seen:?}"
    );
    assert_eq!(of("elsewhere"), [""; 0]);
    let status = cluster.verb("a", &["--format", "json", "status"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    let states: Vec<_> = (0..2)
        .map(|source| status["sources"][source]["state"].clone())
        .collect();
    assert_eq!(states, ["ok", "stale"], "{status}");
    let letter = post.taken().into_iter().find(|taken| {
        let text = msoko::mail::text_of(&taken.bytes).unwrap_or_default();
        text.contains("MSK-RUN-35") && text.contains("узел «d»") && text.contains("elsewhere")
    });
    let letter = letter.expect("a letter that names the node and its source");
    assert_eq!(letter.message_id, message_id(&letter.bytes));
    for node in nodes {
        node.stops().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_loses_sight_of_the_shared_folder_keeps_nothing_beside_it() {
    let post = Post::start();
    let Some(mut cluster) = Cluster::new(1, OWN, post.port).await else {
        return;
    };
    let ends = "select count(*) from witness where source = 'own' and what = 'end'";
    cluster.put("a/inbox/feed.xml", &storm::feed(1, 1, &storm::year(&cluster)));
    let node = cluster.start("a");
    waits(&mut cluster, ends, 1).await;
    let (mounted, away) = (cluster.path("shared/snapshots"), cluster.path("shared/away"));
    std::fs::rename(&mounted, &away).expect("unmounted");
    cluster.put("a/inbox/feed.xml", &storm::feed(1, 2, &storm::year(&cluster)));
    cluster.make_due("own").await;
    cluster.writes("a", "MSK-SNP-06").await;
    assert_eq!(files(&mounted), [""; 0]);
    assert_eq!(
        cluster.count(ends).await,
        1,
        "the source is left to a node that sees the folder"
    );

    std::fs::rename(&away, &mounted).expect("mounted");
    let tried = cluster.verb("a", &["reload", "--wait", "10"]);
    assert_eq!(tried.status.code(), Some(0), "{}", said(&tried));
    waits(&mut cluster, ends, 2).await;
    node.stops().await;
}

/// A folder of node `a`.
const OWN: &str = "[[source]]\nid = \"own\"\nconnector = \"rsoko-feed\"\nfolder = \"inbox\"\ninclude = [\"*.xml\"]\n\
                   settle = \"0s\"\nschedule = \"0 3 1 1 *\"\nnode = \"a\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_outlives_a_restart_of_its_server() {
    let post = Post::start();
    let Some(mut cluster) = Cluster::new(1, OWN, post.port).await else {
        return;
    };
    cluster.put("a/inbox/feed.xml", &storm::feed(1, 1, &storm::year(&cluster)));
    let ends = "select count(*) from witness where source = 'own' and what = 'end'";
    let mut node = cluster.start("a");
    waits(&mut cluster, ends, 1).await;
    waits(&mut cluster, "select count(*) from territory_stale", 0).await;
    cluster.server.control(&["-m", "fast", "stop"]).expect("stopped");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(node.lives(), "{}", cluster.told("a"));
    cluster.server.begin().expect("started");
    cluster.connect().await;
    cluster.put("a/inbox/feed.xml", &storm::feed(1, 2, &storm::year(&cluster)));
    cluster.make_due("own").await;
    waits(&mut cluster, ends, 2).await;
    let told = cluster
        .told("a")
        .matches("nothing is started until this passes")
        .count();
    assert_eq!(told, 1, "an outage is told once: {}", cluster.told("a"));
    node.stops().await;
}
