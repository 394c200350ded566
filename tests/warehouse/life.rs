//! What happens to a warehouse and no reading verb does: loads taken back, numbers that vanish, everything too old.
//!
//! It runs in a process of its own, which tells its statements to whoever explains them.

use std::process::Command;

use msoko::domain::observation::{Batch, Observation, Scope};
use msoko::message::Problem;
use msoko::telemetry;
use msoko::warehouse::Access;
use msoko::warehouse::corrections::Corrected;
use msoko::warehouse::outbox::AttemptOutcome;
use msoko::warehouse::retention::{Class, Limit};

use crate::district::{District, at, batch, fact, number, open, refused_row, school, text};
use crate::tables::letter;

/// The ignored test that is that process.
const TEST: &str = "life::a_life_in_a_process_of_its_own";
/// Tells that test the address of its database.
const DATABASE: &str = "MSOKO_LIFE_DATABASE";

/// The statements of a life in this database, as the program logs them.
pub(crate) fn logged(url: &str) -> String {
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args([TEST, "--exact", "--ignored", "--nocapture"])
        .env(DATABASE, url)
        .output()
        .expect("a process");
    let said = String::from_utf8(output.stderr).expect("text");
    let complaint = || {
        said.lines()
            .filter(|line| !line.starts_with('{'))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(
        output.status.success(),
        "the life ended with {}: {}",
        output.status,
        complaint()
    );
    said
}

/// Not a test of its own: what [`logged`] starts as a process. Without the variable there is nothing to live in.
#[tokio::test]
#[ignore = "the process whose statements the tests of the plans explain; does nothing by itself"]
async fn a_life_in_a_process_of_its_own() {
    let Some(url) = std::env::var_os(DATABASE) else { return };
    let url = url.into_string().expect("an address");
    telemetry::set_up("trace", telemetry::Format::Json, false);
    let district = District {
        dir: tempfile::tempdir().expect("a folder"),
        warehouse: open(&url, Access::Hold).await.expect("opened"),
        url,
        server: None,
    };
    let schools = (0..12).map(|number| school(number, None)).collect();
    district.warehouse.import_units(schools, at(0)).await.expect("imported");
    loads_are_taken_back(&district).await;
    numbers_vanish(&district).await;
    corrections_are_looked_for(&district).await;
    everything_goes(&district).await;
}

/// More than a chunk, so that some of it is in the database: numbers, facts and refused rows.
fn many(value: i64) -> Batch {
    let rows = (0..9000usize).map(|row| number(row % 12, row / 12, value, 9));
    Batch {
        facts: vec![fact(1, "org_email", text(&format!("{value}@school.example")), 90)],
        quarantined: vec![refused_row("C!2")],
        ..batch(rows.collect())
    }
}

async fn loads_are_taken_back(district: &District) {
    let warehouse = &district.warehouse;
    let staged = async |value: i64| {
        let mut run = district.begin("a.xlsx", &value.to_string()).await;
        warehouse.stage(&mut run, many(value)).await.expect("staged");
        run
    };
    let run = staged(1).await;
    warehouse.publish(run, true, at(2)).await.expect("published");
    for code in ["MSK-SNP-05", "MSK-DEC-03"] {
        let run = staged(2).await;
        let problem = Problem::new(code);
        warehouse.abandon(run, &problem, at(3)).await.expect("taken back");
    }
    drop(staged(3).await);
    let run = staged(4).await;
    warehouse.publish(run, true, at(4)).await.expect("published");
    warehouse.take_over(at(5)).await.expect("nothing is left");
}

async fn numbers_vanish(district: &District) {
    for organisation in [true, false] {
        let scope = Scope {
            organisation,
            subject: organisation,
            grade: organisation,
        };
        let file = format!("{organisation}.xlsx");
        let mut closed = 0;
        for marks in [900..906, 900..904] {
            let rows: Vec<Observation> = marks.map(|mark| number(2, mark, 1, 3)).collect();
            let mut run = district.begin_within(Some(scope), &file, &format!("{rows:?}")).await;
            district.warehouse.stage(&mut run, batch(rows)).await.expect("staged");
            let done = district.warehouse.publish(run, true, at(6)).await.expect("published");
            closed = done.observations_closed;
        }
        assert!(closed >= 2, "the second delivery lacks two of the first: {closed}");
    }
}

async fn corrections_are_looked_for(district: &District) {
    let warehouse = &district.warehouse;
    let of_life = Corrected::BySource("vpr".to_owned());
    let one = warehouse.corrections(&of_life, 1).await.expect("read").remove(0);
    let (run, _) = one.old.superseded.expect("replaced");
    for of in [Corrected::Everywhere, Corrected::ByRun(run), Corrected::Of(one.key)] {
        assert!(
            !warehouse.corrections(&of, 10).await.expect("read").is_empty(),
            "{of:?}"
        );
    }
}

/// Years later, class by class, a letter among it.
async fn everything_goes(district: &District) {
    let warehouse = &district.warehouse;
    let letters = vec![letter("life", "a@office.example")];
    warehouse.enqueue(letters, Vec::new(), at(1)).await.expect("queued");
    while let Some(claimed) = warehouse.claim_letter(at(2), at(9)).await.expect("asked") {
        let sent = AttemptOutcome::Sent("250".to_owned());
        let recorded = warehouse.record_attempt(claimed.id, claimed.attempt, sent, at(3));
        recorded.await.expect("recorded");
    }
    let late = at(60 * 24 * 3650);
    let limit = Limit {
        before: late,
        announced: late,
        held: late,
    };
    assert!(!warehouse.leaving(late).await.expect("listed").is_empty());
    warehouse.announce_leaving(late, at(7)).await.expect("noted");
    for class in Class::ALL {
        assert!(
            warehouse.count_old(class, &limit).await.expect("counted") > 0,
            "{class:?}"
        );
        let mut gone = 0;
        loop {
            let some = warehouse.remove_old(class, limit, late).await.expect("removed");
            gone += some;
            if some == 0 {
                break;
            }
        }
        assert!(gone > 0, "{class:?}");
    }
    warehouse.removed_snapshots(at(0)).await.expect("listed");
    warehouse.kept_snapshots("", 10).await.expect("listed");
    warehouse.forget().await.expect("forgotten");
}
