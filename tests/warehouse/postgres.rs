//! What only a server has: the tables of the migrations, nodes that come and go.

use sqlx::{Connection, PgConnection};

use crate::district::{District, Engine, at, batch, new_run, number, open};
use crate::server::Server;
use crate::tables::letter;
use msoko::message::Problem;
use msoko::warehouse::outbox::AttemptOutcome;
use msoko::warehouse::sources::PullOutcome;
use msoko::warehouse::{Access, Address, Warehouse};

#[tokio::test]
async fn the_migrations_give_both_databases_the_same_tables() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let mut connection = PgConnection::connect(&district.url).await.expect("connected");
    let mut columns: Vec<(String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text from information_schema.columns \
         where table_schema = 'public' and table_name not like '\\_%'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("read");
    columns.sort();
    let sqlite = sqlite_columns().await;
    assert!(!sqlite.is_empty());
    assert_eq!(columns, sqlite);
    connection.close().await.expect("closed");
}

async fn sqlite_columns() -> Vec<(String, String)> {
    let district = District::new().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(district.warehouse.name());
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

#[tokio::test]
async fn a_load_waits_for_the_end_of_an_earlier_one_of_its_series() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let second = open(&district.url, Access::Hold).await.expect("a second node");
    let rows = || batch((0..9000usize).map(|row| number(row % 12, row / 12, 1, 9)).collect());
    let mut earlier = district.begin("a.xlsx", "a").await;
    district.warehouse.stage(&mut earlier, rows()).await.expect("staged");
    let new = new_run("vpr", "a.xlsx", district.snapshot("a.xlsx", "b").await, None);
    let taking_back = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let problem = Problem::new("MSK-DB-20").arg("source", "vpr");
        district.warehouse.abandon(earlier, &problem, at(2)).await
    };
    let (begun, taken_back) = tokio::join!(second.begin_run(new, at(2)), taking_back);
    taken_back.expect("taken back");
    let mut run = begun.expect("waited");
    second.stage(&mut run, rows()).await.expect("every key is free");
    let done = second.publish(run, false, at(3)).await.expect("published");
    assert_eq!(done.observations_new, 9000);
}

#[tokio::test]
async fn a_node_leaves_the_work_of_the_living_alone_and_takes_over_that_of_the_dead() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let second = open(&district.url, Access::Hold).await.expect("a second node");
    let mut run = district.begin("a.xlsx", "a").await;
    let rows = (0..9000usize).map(|row| number(row % 12, row / 12, 1, 9)).collect();
    district.warehouse.stage(&mut run, batch(rows)).await.expect("staged");
    district
        .warehouse
        .source_started("vpr", None, at(1))
        .await
        .expect("free");

    // Alive: neither its source nor its load is taken.
    let held = second.source_started("vpr", None, at(2)).await.expect_err("held");
    assert_eq!(held.code(), "MSK-DB-23");
    assert!(held.get("node").expect("a name").starts_with("msoko test, "), "{held}");
    second.take_over(at(2)).await.expect("nothing to do");
    let own = district.warehouse.source_records().await.expect("read");
    assert_eq!(own[0].last_started, Some(at(1)));

    // Silent: both are.
    let mut connection = PgConnection::connect(&district.url).await.expect("connected");
    let first = second.other_nodes().await.expect("listed").remove(0);
    sqlx::query("update node set seen_at = '2026-01-01T00:00:00.000Z' where id = $1")
        .bind(first)
        .execute(&mut connection)
        .await
        .expect("silenced");
    assert!(second.other_nodes().await.expect("listed").is_empty());
    second.take_over(at(3)).await.expect("taken over");
    second.source_started("vpr", None, at(3)).await.expect("free again");
    let well = PullOutcome::Well { rows: None };
    district
        .warehouse
        .source_finished("vpr", well, None, at(4))
        .await
        .expect("no news");
    let state = second.source_records().await.expect("read").remove(0);
    assert_eq!((state.last_started, state.last_finished), (Some(at(3)), None));
    let third = open(&district.url, Access::Hold).await.expect("a third node");
    let held = third.source_started("vpr", None, at(4)).await.expect_err("held");
    assert_eq!(
        held.code(),
        "MSK-DB-23",
        "the late end of the first freed what the second has"
    );
    let late = district
        .warehouse
        .publish(run, true, at(4))
        .await
        .expect_err("taken back");
    assert_eq!(late.code(), "MSK-BUG-01");
    assert!(district.values().await.is_empty());
}

#[tokio::test]
async fn a_load_that_another_node_has_begun_to_take_back_is_not_published() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let mut run = district.begin("a.xlsx", "a").await;
    let rows = vec![number(1, 2, 7, 1)];
    district.warehouse.stage(&mut run, batch(rows)).await.expect("staged");
    let mut connection = PgConnection::connect(&district.url).await.expect("connected");
    sqlx::query("update run set node = 'another'")
        .execute(&mut connection)
        .await
        .expect("claimed");
    let late = district.warehouse.publish(run, true, at(2)).await.expect_err("claimed");
    assert_eq!(late.code(), "MSK-BUG-01");
    assert!(district.values().await.is_empty());
}

#[tokio::test]
async fn a_machine_is_known_by_its_name_after_its_process_has_gone() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let node = async |name: &str| {
        let address = Address {
            url: &district.url,
            password: None,
            node: name,
        };
        Warehouse::open(address, Access::Hold, "msoko run", at(1))
            .await
            .expect("a node")
    };
    let lives = async || -> Vec<(String, bool)> {
        let nodes = district.warehouse.named_nodes().await.expect("listed");
        nodes.into_iter().map(|node| (node.name, node.lives)).collect()
    };
    let entry = |name: &str, lives: bool| (name.to_owned(), lives);
    let (first, second, again) = (node("a").await, node("b").await, node("a").await);
    assert_eq!(lives().await, [entry("", true), entry("a", true), entry("b", true)]);
    first.close().await.expect("left");
    second.close().await.expect("left");
    assert_eq!(lives().await, [entry("", true), entry("a", true), entry("b", false)]);

    let mut connection = PgConnection::connect(&district.url).await.expect("connected");
    sqlx::query(
        "update node set seen_at = to_char(now() - interval '2 days', 'YYYY-MM-DD\"T\"00:00:00.000Z') where ended = 1",
    )
    .execute(&mut connection)
    .await
    .expect("two days pass");
    node("c").await.close().await.expect("left");
    let rows: Vec<String> = sqlx::query_scalar("select name from node where name <> '' order by name")
        .fetch_all(&mut connection)
        .await
        .expect("read");
    assert_eq!(
        rows,
        ["a", "b", "c"],
        "the earlier process of `a` is swept, the last of `b` stays"
    );
    again.close().await.expect("left");
}

#[tokio::test]
async fn a_source_that_another_node_pulled_meanwhile_is_not_pulled_again() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let second = open(&district.url, Access::Hold).await.expect("a second node");
    district
        .warehouse
        .source_started("vpr", Some(None), at(1))
        .await
        .expect("due");
    let well = PullOutcome::Well { rows: Some(1) };
    district
        .warehouse
        .source_finished("vpr", well, None, at(2))
        .await
        .expect("ended");
    let late = second
        .source_started("vpr", Some(None), at(3))
        .await
        .expect_err("no longer due");
    assert_eq!(late.code(), "MSK-DB-23");
    second
        .source_started("vpr", Some(Some(at(1))), at(4))
        .await
        .expect("due again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_of_the_server_in_the_middle_of_loads_lose_and_double_nothing() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let mut cut = 0;
    for turn in 0..4 {
        let rows: Vec<_> = (0..30_000usize)
            .map(|row| number(row % 12, row / 12, turn, 9))
            .collect();
        loop {
            let mut run = district.begin("a.xlsx", &format!("{turn} {cut}")).await;
            let warehouse = district.warehouse.clone();
            let pieces = rows.clone();
            let load = tokio::spawn(async move {
                for piece in pieces.chunks(1000) {
                    if let Err(problem) = warehouse.stage(&mut run, batch(piece.to_vec())).await {
                        return Err((run, problem));
                    }
                }
                warehouse
                    .publish(run, true, at(2))
                    .await
                    .map_err(|problem| panic!("{problem}"))
            });
            if cut < turn + 1 {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                let server = district.server.as_ref().expect("a server");
                server.control(&["-m", "immediate", "restart"]).expect("restarted");
            }
            match load.await.expect("no panic") {
                Ok(_) => break,
                Err((run, problem)) => {
                    cut += 1;
                    // Before the load is taken back readers see the delivery before it, whole.
                    let expected = usize::try_from(turn.min(1)).expect("small") * rows.len();
                    assert_eq!(district.values().await.len(), expected, "{problem}");
                    district
                        .warehouse
                        .abandon(run, &problem, at(2))
                        .await
                        .expect("taken back");
                }
            }
        }
        let values = district.values().await;
        assert_eq!(values.len(), rows.len());
        assert!(values.values().all(|value| *value == turn));
    }
    assert!(cut > 0, "no restart met a load");
    assert_eq!(district.history(1, 2).await, [0, 1, 2, 3]);
}

const LETTERS: usize = 150;
const SOURCES: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_at_once_share_letters_and_sources_and_do_nothing_twice() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let letters = (0..LETTERS).map(|number| letter(&format!("k{number:03}"), "a@office.example"));
    district
        .warehouse
        .enqueue(letters.collect(), Vec::new(), at(1))
        .await
        .expect("queued");
    let mut nodes = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let url = district.url.clone();
        nodes.spawn(async move {
            let node = open(&url, Access::Hold).await.expect("a node");
            let (mut letters, mut sources) = (Vec::new(), Vec::new());
            for source in 0..SOURCES {
                let source = format!("source-{source:02}");
                match node.source_started(&source, Some(None), at(2)).await {
                    Ok(()) => {
                        let well = PullOutcome::Well { rows: None };
                        node.source_finished(&source, well, None, at(3)).await.expect("ended");
                        sources.push(source);
                    }
                    Err(problem) => assert_eq!(problem.code(), "MSK-DB-23"),
                }
            }
            while let Some(claimed) = node.claim_letter(at(2), at(17)).await.expect("claimed") {
                let sent = AttemptOutcome::Sent("250".to_owned());
                node.record_attempt(claimed.id, claimed.attempt, sent, at(3))
                    .await
                    .expect("noted");
                letters.push(claimed.key);
            }
            node.close().await.expect("left");
            (letters, sources)
        });
    }
    let (mut letters, mut sources) = (Vec::new(), Vec::new());
    while let Some(done) = nodes.join_next().await {
        let (of_node, pulled) = done.expect("no panic");
        letters.extend(of_node);
        sources.extend(pulled);
    }
    for (mut seen, expected) in [(letters, LETTERS), (sources, SOURCES)] {
        assert_eq!(seen.len(), expected);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), expected, "something was done twice");
    }
    assert!(district.warehouse.other_nodes().await.expect("listed").is_empty());
    assert_eq!(
        district.warehouse.outbox_counts().await.expect("counted").sent,
        LETTERS as u64
    );
}

/// Tables without row numbers: what a row names by number is named by what it is.
const ROWS: &[(&str, &[&str])] = &[
    (
        "unit u",
        &[
            "u.id",
            "u.kind",
            "u.title",
            "u.short_title",
            "u.parent",
            "u.branch",
            "u.email",
        ],
    ),
    (
        "alias a",
        &["a.system", "a.value", "a.unit", "a.valid_from", "a.valid_to"],
    ),
    (
        "observation o join snapshot s on s.id = o.snapshot join run r on r.id = o.run",
        &[
            "o.unit",
            "o.procedure",
            "o.round",
            "o.measure",
            "o.subject",
            "o.grade",
            "o.breakdown",
            "o.value",
            "o.scale",
            "o.n",
            "o.place",
            "s.file",
            "s.hash",
            "r.series",
            "r.state",
        ],
    ),
    (
        "observation o join run r on r.id = o.superseded_by",
        &["o.unit", "o.measure", "o.place", "r.series"],
    ),
    (
        "fact f join run r on r.id = f.run",
        &[
            "f.unit",
            "f.code",
            "f.value",
            "f.value_type",
            "f.state",
            "f.unit_of_measure",
            "f.as_of",
            "f.url",
            "f.confidence",
            "f.source_kind",
            "f.place",
            "f.first_seen",
            "f.last_seen",
            "r.source",
        ],
    ),
    (
        "run r",
        &[
            "r.source",
            "r.series",
            "r.state",
            "r.rows_read",
            "r.observations_new",
            "r.observations_changed",
            "r.observations_unchanged",
            "r.observations_closed",
            "r.facts_new",
            "r.facts_changed",
            "r.facts_unchanged",
            "r.duplicates",
            "r.quarantined",
            "r.problem_code",
            "r.problem_args",
            "r.problem_place",
            "r.started_at",
            "r.finished_at",
        ],
    ),
    (
        "snapshot s",
        &[
            "s.hash",
            "s.source",
            "s.connector",
            "s.file",
            "s.address",
            "s.original_hash",
            "s.folded",
            "s.etag",
            "s.last_modified",
            "s.fetched_at",
            "s.removed_at",
            "s.held_at",
        ],
    ),
    (
        "reference r",
        &["r.hash", "r.kind", "r.name", "r.content", "r.first_used_at"],
    ),
    (
        "run_reference u join run r on r.id = u.run join reference t on t.hash = u.reference",
        &["r.source", "r.series", "r.started_at", "t.kind", "t.name"],
    ),
    (
        "territory_sum t",
        &[
            "t.round",
            "t.territory",
            "t.measure",
            "t.subject",
            "t.grade",
            "t.breakdown",
            "t.scale",
            "t.value",
            "t.n",
            "t.units",
        ],
    ),
    ("territory_stale t", &["t.round", "t.territory"]),
    (
        "quarantine q join snapshot s on s.id = q.snapshot",
        &[
            "q.source",
            "q.series",
            "q.place",
            "q.code",
            "q.args",
            "q.column_name",
            "q.rule",
            "q.unit_name",
            "q.cleaned",
            "q.state",
            "q.created_at",
            "q.closed_at",
            "s.hash",
        ],
    ),
    (
        "source_state s",
        &[
            "s.source",
            "s.last_started",
            "s.last_finished",
            "s.last_success",
            "s.failing_since",
            "s.failures",
            "s.next_due",
            "s.rows_read",
            "s.problem_code",
            "s.problem_args",
            "s.problem_place",
            "s.node",
        ],
    ),
    (
        "http_validator h",
        &["h.url", "h.source", "h.etag", "h.last_modified", "h.body_hash"],
    ),
    ("evidence e", &["e.deadline", "e.document", "e.done_by", "e.done_at"]),
    (
        "alert_mark m",
        &["m.cause", "m.stage", "m.recipient", "m.letter", "m.marked_at"],
    ),
    (
        "outbox o",
        &[
            "o.key",
            "o.kind",
            "o.recipient",
            "o.subject",
            "o.state",
            "o.attempt",
            "o.next_at",
            "o.finished_at",
        ],
    ),
    (
        "outbox_attempt a",
        &["a.attempt", "a.started_at", "a.finished_at", "a.outcome"],
    ),
    ("audit a", &["a.actor", "a.action", "a.object", "a.recipient", "a.at"]),
    (
        "report r",
        &[
            "r.id",
            "r.code",
            "r.period",
            "r.number",
            "r.unit",
            "r.fingerprint",
            "r.document",
        ],
    ),
    (
        "report_input i join snapshot s on s.hash = i.snapshot",
        &["i.report", "s.source", "s.file"],
    ),
];

/// What the demonstration has none of: it corrects no number and computes every sum.
const EMPTY: [&str; 2] = [
    "observation o join run r on r.id = o.superseded_by",
    "territory_stale t",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_demonstration_leaves_the_same_rows_in_both_databases() {
    let Some(server) = Server::start(false) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut dumps = Vec::new();
    for (name, url) in [("embedded", None), ("server", Some(server.url()))] {
        let dir = folder.path().join(name);
        let done = msoko::demo::run(&dir, None, url.as_deref(), &mut |_| ()).await;
        assert!(done.is_ok(), "{:?}", done.err());
        if let Some(url) = &url {
            let mut connection = PgConnection::connect(url).await.expect("connected");
            let living: i64 = sqlx::query_scalar("select count(*) from node where ended = 0")
                .fetch_one(&mut connection)
                .await
                .expect("read");
            assert_eq!(living, 0, "the demonstration has left in order");
        }
        let mut rows = Vec::new();
        for (from, columns) in ROWS {
            let texts: Vec<String> = columns
                .iter()
                .map(|column| format!("coalesce(cast({column} as text), '—')"))
                .collect();
            let query = sqlx::AssertSqlSafe(format!("select {} from {from}", texts.join(" || ' | ' || ")));
            let found: Vec<String> = match &url {
                None => {
                    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.join("msoko.db"));
                    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("opened");
                    sqlx::query_scalar(query).fetch_all(&mut connection).await.expect(from)
                }
                Some(url) => {
                    let mut connection = PgConnection::connect(url).await.expect("connected");
                    sqlx::query_scalar(query).fetch_all(&mut connection).await.expect(from)
                }
            };
            assert_eq!(found.is_empty(), EMPTY.contains(from), "{from}");
            let own = dir.display().to_string();
            let found = found.iter().map(|row| steady(&row.replace(&own, "")));
            rows.extend(found.map(|row| format!("{from}: {row}")));
        }
        rows.sort();
        dumps.push(rows);
    }
    let [embedded, server] = dumps.as_slice() else {
        panic!("two dumps")
    };
    assert!(embedded.len() > 10_000, "{}", embedded.len());
    let strange = embedded.iter().zip(server).find(|(one, other)| one != other);
    assert_eq!(strange, None);
    assert_eq!(embedded.len(), server.len());
}

/// Text without what changes from demonstration to demonstration: ports, which the system gives out as it likes, and
/// hashes, since a workbook carries the moment it was made.
fn steady(text: &str) -> String {
    let mut out = String::new();
    for (position, part) in text.split("127.0.0.1:").enumerate() {
        if position > 0 {
            out.push_str("127.0.0.1:");
        }
        let part = part.trim_start_matches(|letter: char| position > 0 && letter.is_ascii_digit());
        for word in part.split_inclusive(|letter: char| !letter.is_ascii_hexdigit()) {
            out.push_str(if word.len() > 16 { "#" } else { word });
        }
    }
    out
}
