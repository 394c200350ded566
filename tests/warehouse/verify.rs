//! Damage is found and named; what is whole is not accused.

use msoko::domain::observation::Batch;
use msoko::message::Problem;
use msoko::warehouse::audit::{Action, Entry};
use msoko::warehouse::verify::{Depth, Verdict};
use serde_json::json;

use crate::district::{District, at, batch, fact, number, on_both, text};

on_both! {
    a_whole_warehouse_is_not_accused_whatever_has_happened_to_it,
    every_value_that_changed_is_found_and_its_load_named,
    every_audit_record_that_changed_is_found_and_named,
    references_keys_and_leftovers_that_are_wrong_are_named,
    a_load_of_an_earlier_version_is_told_apart,
}

/// Numbers that look like chance and are the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

async fn verdict(district: &District, depth: Depth) -> Verdict {
    district.warehouse.verify(depth).await.expect("looked")
}

fn lines(verdict: &Verdict) -> Vec<String> {
    verdict.findings.iter().map(Problem::ru_line).collect()
}

/// Four files with corrections among them, a site whose pages contradict each other.
async fn filled(district: &District) {
    for (file, shift) in [("a.xlsx", 0), ("b.xlsx", 30), ("a.xlsx", 1), ("c.xlsx", 60)] {
        let mut rows: Vec<_> = (0..300usize)
            .map(|row| {
                number(
                    row % 12,
                    shift + row / 12,
                    i64::try_from(row + shift).expect("small"),
                    9,
                )
            })
            .collect();
        // A value that stands twice, and one that contradicts.
        rows.push(number(0, shift, i64::try_from(shift).expect("small"), 9));
        rows.push(number(1, shift, 999, 10));
        district.load(file, rows).await;
    }
    for turn in ["one", "two"] {
        let mut run = district.begin("school-1", turn).await;
        for (page, confidence) in [("common", 60), ("contacts", 90)] {
            let rows = Batch {
                rows_read: 1,
                facts: vec![fact(
                    1,
                    "org_email",
                    text(&format!("{turn}@{page}.example")),
                    confidence,
                )],
                ..Batch::default()
            };
            district.warehouse.stage(&mut run, rows).await.expect("staged");
            let many = (0..9000usize)
                .map(|row| number(row % 12, 100 + row / 12, 1, 9))
                .collect();
            district.warehouse.stage(&mut run, batch(many)).await.expect("staged");
        }
        district.warehouse.publish(run, true, at(3)).await.expect("published");
    }
}

async fn a_whole_warehouse_is_not_accused_whatever_has_happened_to_it(district: District) {
    filled(&district).await;
    let mut run = district.begin("d.xlsx", "d").await;
    let rows: Vec<_> = (0..9000usize).map(|row| number(row % 12, row / 12, 5, 9)).collect();
    district
        .warehouse
        .stage(&mut run, batch(rows.clone()))
        .await
        .expect("staged");
    for depth in [Depth::Quick, Depth::Structure, Depth::Full] {
        assert_eq!(
            lines(&verdict(&district, depth).await),
            [""; 0],
            "under load, {depth:?}"
        );
    }
    let problem = Problem::new("MSK-SNP-05");
    district
        .warehouse
        .abandon(run, &problem, at(4))
        .await
        .expect("taken back");
    district.load("d.xlsx", rows).await;
    let mut run = district.begin("e.xlsx", "e").await;
    district
        .warehouse
        .stage(
            &mut run,
            batch((0..9000usize).map(|row| number(row % 12, row / 12, 6, 9)).collect()),
        )
        .await
        .expect("staged");
    drop(run);
    let district = district.kill().await;
    let found = verdict(&district, Depth::Full).await;
    assert_eq!((lines(&found), found.loads, found.without_digest), (Vec::new(), 7, 0));
}

async fn every_value_that_changed_is_found_and_its_load_named(district: District) {
    filled(&district).await;
    let unit = "insert into unit (id, kind, title, short_title, changed_at) \
                values ('nowhere', 'general', '—', '—', '2026-02-02T07:00:00.000Z')";
    assert_eq!(district.raw(unit).await, Ok(1));
    let mut chance = Chance(7);
    let ids: Vec<String> = district
        .column("select cast(id as text) from observation where place like '%9' order by id")
        .await;
    for _ in 0..200 {
        let id = &ids[chance.below(ids.len())];
        let (column, changed) = [
            ("value", "value + 1"),
            ("value", "-value - 1"),
            ("scale", "scale + 1"),
            ("n", "coalesce(n, 0) + 1"),
            ("grade", "grade + 1"),
            ("place", "place || '9'"),
            ("breakdown", "breakdown || 'x'"),
            ("subject", "'ma'"),
            ("measure", "'participants'"),
            ("snapshot", "case when snapshot = 1 then 2 else 1 end"),
            ("unit", "'nowhere'"),
            ("round", "'vpr/2001-02/spring'"),
            ("procedure", "'gia9'"),
        ][chance.below(13)];
        let of = |column: &str| format!("select coalesce(cast({column} as text), '') from observation where id = {id}");
        let (before, run) = (
            district.column(&of(column)).await.remove(0),
            district.column(&of("run")).await.remove(0),
        );
        let set = |to: &str| format!("update observation set {column} = {to} where id = {id}");
        assert_eq!(district.raw(&set(changed)).await, Ok(1), "{column}");
        let found = verdict(&district, Depth::Full).await;
        let named = found.findings.iter().find(|problem| problem.code() == "MSK-KEEP-10");
        assert_eq!(
            named.and_then(|problem| problem.get("run")),
            Some(run.as_str()),
            "{column} of {id}: {found:?}"
        );
        let back = match (column, before.as_str()) {
            ("n", "") => "null".to_owned(),
            ("value" | "scale" | "n" | "grade" | "snapshot", number) => number.to_owned(),
            (_, text) => format!("'{text}'"),
        };
        assert_eq!(district.raw(&set(&back)).await, Ok(1));
    }
    // A number that is hidden behind a load which did not replace it.
    let hide = "update observation set superseded_by = (select max(id) from run where state = 'published') where id = ";
    let open = "select cast(max(id) as text) from observation where superseded_by is null";
    let id = district.column(open).await.remove(0);
    assert_eq!(district.raw(&format!("{hide}{id}")).await, Ok(1));
    let found = verdict(&district, Depth::Structure).await;
    assert_eq!(found.findings[0].code(), "MSK-KEEP-17", "{found:?}");
    let back = format!("update observation set superseded_by = null where id = {id}");
    assert_eq!(district.raw(&back).await, Ok(1));
    district
        .raw("update fact set value = '\"x\"' where superseded_by is null")
        .await
        .expect("changed");
    let found = lines(&verdict(&district, Depth::Full).await);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("источника «vpr» («school-1», снимок "), "{found:?}");
    assert_eq!(
        lines(&verdict(&district, Depth::Structure).await),
        [""; 0],
        "rows are not added up here"
    );
}

async fn every_audit_record_that_changed_is_found_and_named(district: District) {
    for minute in 1..40 {
        let entry = Entry {
            recipient: (minute % 2 == 0).then(|| "a@office.example".to_owned()),
            ..Entry::new(Action::BackupMade, format!("{minute}.db"), json!({ "bytes": minute }))
        };
        district.warehouse.note(entry, at(minute)).await.expect("noted");
    }
    assert_eq!(lines(&verdict(&district, Depth::Structure).await), [""; 0]);
    district.without_laws().await;
    let mut chance = Chance(11);
    for _ in 0..200 {
        let seq = chance.below(40) + 1;
        let columns = [
            "at",
            "actor",
            "action",
            "object",
            "counts",
            "previous",
            "hash",
            "recipient",
        ];
        let column = columns[chance.below(columns.len())];
        let of = format!("select coalesce({column}, '') from audit where seq = {seq}");
        let before = district.column(&of).await.remove(0);
        let changed = if before.is_empty() {
            "x".to_owned()
        } else {
            let mut bytes = before.clone().into_bytes();
            let at = chance.below(bytes.len());
            bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
            String::from_utf8(bytes).expect("ASCII")
        };
        let set = |to: &str| format!("update audit set {column} = {to} where seq = {seq}");
        assert_eq!(district.raw(&set(&format!("'{changed}'"))).await, Ok(1));
        let found = lines(&verdict(&district, Depth::Structure).await);
        let named = format!("MSK-KEEP-06: запись {seq} журнала учёта");
        assert!(
            found.iter().any(|line| line.starts_with(&named)),
            "{column} of {seq}: {found:?}"
        );
        let back = if column == "recipient" && before.is_empty() {
            "null".to_owned()
        } else {
            format!("'{before}'")
        };
        assert_eq!(district.raw(&set(&back)).await, Ok(1));
    }
    assert_eq!(
        lines(&verdict(&district, Depth::Structure).await),
        [""; 0],
        "all is as it was"
    );
    let kept: String = district.column("select hash from audit where seq = 40").await.remove(0);
    for (deed, told) in [
        ("delete from audit where seq = 40", "MSK-KEEP-08"),
        ("delete from audit where seq = 7", "MSK-KEEP-07"),
        ("delete from audit where seq = 1", "MSK-KEEP-07"),
    ] {
        district.raw(deed).await.expect("removed");
        let found = lines(&verdict(&district, Depth::Structure).await);
        assert!(found.iter().any(|line| line.starts_with(told)), "{deed}: {found:?}");
    }
    // Another node saw the head that is gone.
    let saw = format!(
        "insert into audit_chain (chain, head_seq, head_hash) values ('other', 1, 'h'), ('third', 1, 'h'); \
         insert into audit (chain, seq, at, actor, action, object, counts, previous, hash) select 'other', 1, '', '', \
         'heads_seen', 'chains', '{{\"' || chain || '\":[40,\"{kept}\"]}}', '', 'h' from audit_chain where chain not in ('other', 'third')"
    );
    for statement in saw.split("; ") {
        district.raw(statement).await.expect("written");
    }
    let found = lines(&verdict(&district, Depth::Structure).await);
    assert!(
        found
            .iter()
            .any(|line| line.starts_with("MSK-KEEP-09: запись 1 журнала учёта «other»")),
        "{found:?}"
    );
}

async fn references_keys_and_leftovers_that_are_wrong_are_named(district: District) {
    filled(&district).await;
    district.without_laws().await;
    // The first number of the second file: nothing has replaced it.
    let id = district
        .column("select cast(min(id) as text) from observation where run = 2")
        .await
        .remove(0);
    let row = format!("MSK-KEEP-03: строка {id} таблицы «observation»: столбец");
    for (set, undo, told) in [
        (
            "superseded_by = 999",
            "superseded_by = null",
            format!("{row} superseded_by указывает на 999, а в таблице «run»"),
        ),
        (
            "unit = 'gone'",
            "unit = 'school-0'",
            format!("{row} unit указывает на gone, а в таблице «unit»"),
        ),
    ] {
        let change = |set: &str| format!("update observation set {set} where id = {id}");
        assert_eq!(district.raw(&change(set)).await, Ok(1));
        let found = lines(&verdict(&district, Depth::Structure).await);
        assert!(found.iter().any(|line| line.starts_with(&told)), "{set}: {found:?}");
        assert_eq!(district.raw(&change(undo)).await, Ok(1));
    }
    district
        .raw("update run set state = 'refused' where id = 2")
        .await
        .expect("changed");
    let found = lines(&verdict(&district, Depth::Structure).await);
    let told =
        format!("MSK-KEEP-05: строка {id} таблицы «observation»: столбец run указывает на загрузку 2, а она отменена");
    assert_eq!(found.first(), Some(&told));
    district
        .raw("update run set state = 'published' where id = 2")
        .await
        .expect("changed back");
    assert_eq!(lines(&verdict(&district, Depth::Full).await), [""; 0]);

    district.raw("drop index observation_key").await.expect("dropped");
    let twice = format!(
        "insert into observation (unit, procedure, round, measure, subject, grade, breakdown, value, place, snapshot, run) \
         select unit, procedure, round, measure, subject, grade, breakdown, value, 'copy', snapshot, run \
         from observation where id = {id}"
    );
    district.raw(&twice).await.expect("doubled");
    let found = lines(&verdict(&district, Depth::Structure).await);
    assert_eq!(found.len(), 1, "{found:?}");
    let told = "MSK-KEEP-04: у показателя «school-0 · vpr/2024-25/spring · mark_count";
    assert!(found[0].starts_with(told), "{found:?}");
    district
        .raw("delete from observation where place = 'copy'")
        .await
        .expect("removed");

    // A load that nobody works on any more.
    let run = district.begin("x.xlsx", "x").await;
    let url = district.url.clone();
    district
        .raw("delete from observation where id > 20000")
        .await
        .expect("removed");
    let (number, warehouse) = (run.id(), district.warehouse.clone());
    assert_eq!(
        lines(&verdict(&district, Depth::Quick).await),
        [""; 0],
        "its node lives"
    );
    drop((run, warehouse));
    let District {
        dir, warehouse, server, ..
    } = district;
    warehouse.close().await.expect("left");
    let reader = crate::district::open(&url, msoko::warehouse::Access::Read)
        .await
        .expect("opened");
    let found = reader.verify(Depth::Quick).await.expect("looked");
    let told =
        format!("MSK-KEEP-02: загрузка {number} источника «vpr», начатая 2026-02-02T07:01:00.000Z, не опубликована");
    assert!(lines(&found)[0].starts_with(&told), "{found:?}");
    drop((dir, server));
}

async fn a_load_of_an_earlier_version_is_told_apart(district: District) {
    filled(&district).await;
    district
        .raw("update run set digest = null where id <= 2")
        .await
        .expect("forgotten");
    let found = verdict(&district, Depth::Full).await;
    assert_eq!((lines(&found), found.loads, found.without_digest), (Vec::new(), 4, 2));
}
