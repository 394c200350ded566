//! A backup really restores, and nothing takes the place of a database unasked.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use msoko::message::Problem;
use msoko::warehouse::verify::Depth;
use msoko::warehouse::{Access, Warehouse};
use sqlx::Connection;

use crate::district::{District, Engine, at, batch, number, open};

/// Every row of every table but those that a start writes to.
async fn dump(path: &Path) -> BTreeMap<String, Vec<String>> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("opened");
    let tables: Vec<(String, String)> = sqlx::query_as(
        "select t.name, (select group_concat('coalesce(quote(' || c.name || '), '''')', ' || ''|'' || ') \
         from pragma_table_info(t.name) c) from sqlite_schema t where t.type = 'table' and t.name not like '\\_%' escape '\\' \
         and t.name not in ('run', 'audit', 'audit_chain')",
    )
    .fetch_all(&mut connection)
    .await
    .expect("listed");
    let mut dump = BTreeMap::new();
    for (table, columns) in tables {
        let query = sqlx::AssertSqlSafe(format!("select {columns} from {table} order by 1"));
        let rows = sqlx::query_scalar(query)
            .fetch_all(&mut connection)
            .await
            .expect("read");
        dump.insert(table, rows);
    }
    dump
}

async fn restore(url: &str, copy: &Path, replace: bool) -> Result<Option<std::path::PathBuf>, Problem> {
    Warehouse::restore(url, copy, replace, "msoko test", at(90)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_under_load_restores_into_an_empty_place_equal_to_the_original() {
    let district = District::new().await;
    for (file, value) in [("a.xlsx", 7), ("b.xlsx", 8), ("a.xlsx", 9)] {
        let rows = (0..9000usize).map(|row| number(row % 12, row / 12, value, 9)).collect();
        district.load(file, rows).await;
    }
    let letters = vec![crate::tables::letter("k1", "a@office.example")];
    district
        .warehouse
        .enqueue(letters, Vec::new(), at(3))
        .await
        .expect("queued");
    // A load is under way while the copy is made, and goes on after it.
    let mut run = district.begin("c.xlsx", "c").await;
    let (warehouse, copy) = (district.warehouse.clone(), district.dir.path().join("copy.db"));
    let (begun, mut seen) = tokio::sync::mpsc::channel(64);
    let loading = tokio::spawn(async move {
        for piece in 0..20usize {
            let rows = (0..9000usize)
                .map(|row| number(row % 12, 1000 + piece * 750 + row / 12, 1, 9))
                .collect();
            warehouse.stage(&mut run, batch(rows)).await.expect("staged");
            begun.send(()).await.expect("heard");
        }
        run
    });
    seen.recv().await.expect("the first piece");
    district.warehouse.backup(&copy).await.expect("copied");
    assert!(!loading.is_finished(), "the load goes on");
    let run = loading.await.expect("no panic");
    district
        .warehouse
        .abandon(run, &Problem::new("MSK-SNP-05"), at(4))
        .await
        .expect("taken back");
    let original = dump(Path::new(district.warehouse.name())).await;
    assert_eq!(original["observation"].len(), 27_000);

    let place = district.dir.path().join("new");
    std::fs::create_dir(&place).expect("made");
    let restored = place.join("msoko.db");
    let url = format!("sqlite:{}", restored.display());
    assert_eq!(restore(&url, &copy, false).await, Ok(None));
    assert_eq!(dump(&restored).await, original);
    let warehouse = open(&url, Access::Hold).await.expect("opened");
    let verdict = warehouse.verify(Depth::Full).await.expect("looked");
    assert_eq!(
        (verdict.findings, verdict.loads, verdict.without_digest),
        (Vec::new(), 3, 0)
    );
    let told = warehouse.audit((at(89), at(91)), 0, 10).await.expect("read");
    assert_eq!((told.len(), told[0].action.as_str()), (1, "restored"));
    let names: Vec<_> = std::fs::read_dir(&place)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .filter(|name| name.contains("restoring"))
        .collect();
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test]
async fn what_a_kill_left_of_another_copy_is_not_mixed_into_this_one() {
    let district = District::new().await;
    district.load("a.xlsx", vec![number(1, 2, 7, 1)]).await;
    let copy = district.dir.path().join("copy.db");
    district.warehouse.backup(&copy).await.expect("copied");
    let original = dump(&copy).await;
    district.load("a.xlsx", vec![number(1, 2, 8, 1)]).await;
    let place = district.dir.path().join("new");
    std::fs::create_dir(&place).expect("made");
    let restored = place.join("msoko.db");
    for ending in ["", "-wal", "-shm"] {
        let (from, to) = (district.warehouse.name(), restored.display());
        std::fs::copy(format!("{from}{ending}"), format!("{to}.restoring{ending}")).expect("left behind");
    }
    let url = format!("sqlite:{}", restored.display());
    assert_eq!(restore(&url, &copy, false).await, Ok(None));
    #[expect(clippy::disallowed_methods, reason = "a file of the test's own, some kilobytes")]
    let header = std::fs::read(&restored).expect("read")[18..20].to_vec();
    assert_eq!(header, [1, 1], "whole and in one file when it gets the name");
    let mut names: Vec<_> = std::fs::read_dir(&place)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    assert_eq!(names, ["msoko.db", "msoko.db.lock"]);
    assert_eq!(dump(&restored).await, original);
    let warehouse = open(&url, Access::Read).await.expect("opened");
    let told = warehouse.audit((at(89), at(91)), 0, 10).await.expect("read");
    assert_eq!((told.len(), told[0].action.as_str()), (1, "restored"));
    assert!(told[0].counts.contains("copy"), "{}", told[0].counts);
}

#[tokio::test]
async fn a_restore_takes_no_place_that_is_held_or_not_given_up_and_keeps_what_it_replaces() {
    let district = District::new().await;
    district.load("a.xlsx", vec![number(1, 2, 7, 1)]).await;
    let copy = district.dir.path().join("copy.db");
    district.warehouse.backup(&copy).await.expect("copied");
    district.load("a.xlsx", vec![number(1, 2, 8, 1)]).await;
    let after = district.values().await;
    let refused = async |url: &str, copy: &Path, replace| restore(url, copy, replace).await.expect_err("refused");
    assert_eq!(refused(&district.url, &copy, true).await.code(), "MSK-DB-05");
    let District {
        dir, warehouse, url, ..
    } = district;
    warehouse.close().await.expect("closed");
    assert_eq!(refused(&url, &copy, false).await.code(), "MSK-KEEP-12");
    let absent = dir.path().join("absent.db");
    assert_eq!(refused(&url, &absent, true).await.code(), "MSK-FIL-01");

    // Whatever byte of a copy is wrong: what is refused leaves the database alone, what is let in is whole.
    #[expect(clippy::disallowed_methods, reason = "a file of the test's own, some kilobytes")]
    let whole = std::fs::read(&copy).expect("read");
    let bad = dir.path().join("bad.db");
    let empty = dir.path().join("empty.db");
    std::fs::write(&empty, b"").expect("written");
    assert_eq!(refused(&url, &empty, true).await.code(), "MSK-KEEP-13");
    std::fs::write(&bad, &whole[..whole.len() / 2]).expect("written");
    let cut = refused(&url, &bad, true).await;
    assert!(matches!(cut.code(), "MSK-KEEP-13" | "MSK-DB-03" | "MSK-DB-08"), "{cut}");
    std::fs::write(&bad, "not a database, but long enough to look like one".repeat(40)).expect("written");
    assert_eq!(refused(&url, &bad, true).await.code(), "MSK-DB-03");
    let warehouse = open(&url, Access::Hold).await.expect("opened");
    let untouched = District {
        dir,
        warehouse,
        url,
        server: None,
    };
    assert_eq!(untouched.values().await, after);
    let District {
        dir, warehouse, url, ..
    } = untouched;
    warehouse.close().await.expect("closed");

    let kept = restore(&url, &copy, true)
        .await
        .expect("restored")
        .expect("the old one");
    assert!(
        kept.display()
            .to_string()
            .contains("msoko.db.before-restore-20260202T083000Z"),
        "{kept:?}"
    );
    let restored = District {
        warehouse: open(&url, Access::Hold).await.expect("opened"),
        dir,
        url,
        server: None,
    };
    assert_eq!(restored.history(1, 2).await, [7]);
    let old = format!("sqlite:{}", kept.display());
    let old = open(&old, Access::Read).await.expect("opened");
    let entries = old.audit((at(-9), at(9000)), 0, 100).await.expect("read");
    assert_eq!(
        entries.iter().filter(|entry| entry.action == "load_published").count(),
        2
    );
}

#[tokio::test]
async fn a_server_is_copied_and_put_back_by_the_commands_that_are_named() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    district
        .load(
            "a.xlsx",
            (0..3000usize).map(|row| number(row % 12, row / 12, 7, 9)).collect(),
        )
        .await;
    let (before, copy) = (district.values().await, district.dir.path().join("copy of the base"));
    let copying = district.warehouse.backup(&copy).await.expect_err("its own tool");
    assert_eq!(copying.code(), "MSK-DB-22");
    let programs = crate::server::programs().expect("a server was started");
    let perform = |problem: &Problem| {
        let done = Command::new("sh")
            .args(["-c", problem.get("command").expect("a command")])
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .output()
            .expect("a shell");
        assert!(
            done.status.success(),
            "{problem}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    perform(&copying);
    district
        .load(
            "a.xlsx",
            (0..3000usize).map(|row| number(row % 12, row / 12, 8, 9)).collect(),
        )
        .await;
    assert_ne!(district.values().await, before);
    let District {
        dir,
        warehouse,
        url,
        server,
    } = district;
    warehouse.close().await.expect("left");
    let with_password = msoko::warehouse::Address {
        password: Some("S3cret"),
        ..msoko::warehouse::Address::from(&url)
    };
    let putting = Warehouse::restore(with_password, &copy, true, "msoko test", at(9)).await;
    let putting = putting.expect_err("its own tool");
    assert_eq!(putting.code(), "MSK-KEEP-14");
    assert!(!format!("{putting:?}").contains("S3cret"));
    perform(&putting);
    let district = District {
        warehouse: open(&url, Access::Hold).await.expect("opened"),
        dir,
        url,
        server,
    };
    assert_eq!(district.values().await, before);
    let verdict = district.warehouse.verify(Depth::Full).await.expect("looked");
    assert_eq!((verdict.findings, verdict.loads), (Vec::new(), 1));
}
