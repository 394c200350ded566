//! Readers with pencil and patience against what is hidden.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::domain::observation::Breakdown;
use crate::domain::place::Place;
use crate::domain::stored::{ObservationKey, StoredObservation, TracedObservation, Trail};
use crate::domain::unit::{Register, Unit, UnitId};
use crate::domain::vocabulary::{Measure, Procedure, UnitKind};
use crate::privacy::suppress::{Audience, Limits};

fn unit(id: &str, kind: UnitKind, parent: Option<&str>) -> Unit {
    Unit {
        id: UnitId(id.to_owned()),
        kind,
        title: id.to_owned(),
        short_title: id.to_owned(),
        parent: parent.map(|parent| UnitId(parent.to_owned())),
        branch: false,
        email: None,
        aliases: Vec::new(),
    }
}

fn row(unit: &str, measure: Measure, breakdown: &str, value: i64) -> TracedObservation {
    let moment = DateTime::UNIX_EPOCH;
    TracedObservation {
        stored: StoredObservation {
            key: ObservationKey {
                unit: UnitId(unit.to_owned()),
                procedure: Procedure::Vpr,
                round: "vpr/2024-25/spring".into(),
                measure,
                subject: Some("math".into()),
                grade: Some(5),
                breakdown: Arc::new(Breakdown::parse(breakdown).expect("a breakdown")),
            },
            value: Amount::whole(value),
            n: None,
            file: "a.xlsx".into(),
            place: Place::path("A1"),
            snapshot: "hash".into(),
            received: moment.fixed_offset(),
        },
        trail: Trail {
            source: "vpr".into(),
            connector: "vpr-protocol".into(),
            run: 1,
            loaded: moment,
            is_folded: false,
            replaced: None,
        },
    }
}

fn screen(audience: Audience, register: &Register, rows: &[TracedObservation]) -> RoundScreen {
    let mut screen = RoundScreen::new(audience, Limits::default());
    rows.iter().for_each(|row| screen.see(row));
    screen.settle(register);
    screen
}

fn village() -> Register {
    Register::new(vec![
        unit("vg", UnitKind::Municipality, None),
        unit("a", UnitKind::General, Some("vg")),
        unit("b", UnitKind::General, Some("vg")),
        unit("c", UnitKind::General, Some("vg")),
    ])
}

#[test]
fn what_was_small_in_any_revision_stays_hidden() {
    let register = village();
    let mut old = row("a", Measure::Participants, "", 4);
    old.trail.replaced = Some((2, DateTime::UNIX_EPOCH));
    let rows = [
        old.clone(),
        row("a", Measure::Participants, "", 30),
        row("b", Measure::Participants, "", 40),
        row("c", Measure::Participants, "", 50),
    ];
    let screen = screen(Audience::Office, &register, &rows);
    assert_eq!(screen.verdict(&old), Verdict::Hidden(Hidden::Below(5)));
    assert_eq!(screen.verdict(&rows[1]), Verdict::Hidden(Hidden::Below(5)));
    assert_eq!(screen.verdict(&rows[2]), Verdict::Hidden(Hidden::Complementary));
    assert_eq!(screen.verdict(&rows[3]), Verdict::Shown);
}

#[test]
fn of_marks_alone_the_smallest_sum_of_any_revision_counts() {
    let register = village();
    let mark = |unit: &str, mark: i64, count: i64, run: i64| {
        let mut row = row(unit, Measure::MarkCount, &format!("mark={mark}"), count);
        row.trail.run = run;
        row
    };
    let replaced = |mut row: TracedObservation, by: i64| {
        row.trail.replaced = Some((by, DateTime::UNIX_EPOCH));
        row
    };
    let rows = [
        replaced(mark("a", 2, 1, 1), 2),
        replaced(mark("a", 5, 2, 1), 2),
        mark("a", 2, 20, 2),
        mark("a", 5, 10, 2),
        replaced(mark("b", 5, 40, 1), 2),
        mark("c", 2, 25, 1),
        replaced(mark("c", 5, 30, 1), 2),
        mark("c", 5, 31, 2),
        mark("d", 5, 60, 1),
    ];
    let screen = screen(Audience::Office, &register, &rows);
    let in_a_list = |row: &TracedObservation| {
        let mut listed = row.clone();
        listed.trail.is_folded = true;
        screen.verdict(&listed)
    };
    assert_eq!(
        in_a_list(&rows[0]),
        Verdict::Hidden(Hidden::Below(5)),
        "three had marks"
    );
    assert_eq!(in_a_list(&rows[2]), Verdict::Hidden(Hidden::Below(5)));
    assert_eq!(
        in_a_list(&rows[4]),
        Verdict::Hidden(Hidden::Complementary),
        "forty are told, and the next smallest"
    );
    assert_eq!(in_a_list(&rows[6]), Verdict::Shown);
    assert_eq!(in_a_list(&rows[8]), Verdict::Shown);
}

#[test]
fn a_total_of_all_grades_solves_neither_a_count_nor_a_sum_of_one() {
    let register = village();
    let of = |unit: &str, grade: Option<u8>, measure, value| {
        let mut row = row(unit, measure, "", value);
        row.stored.key.grade = grade;
        row
    };
    let school = |unit, fifth, sixth| {
        [(Some(5), fifth), (Some(6), sixth), (None, fifth + sixth)]
            .map(|(grade, n)| of(unit, grade, Measure::Participants, n))
    };
    for (fifth, count, sum) in [
        (7, Verdict::Shown, Verdict::Hidden(Hidden::Complementary)),
        (
            3,
            Verdict::Hidden(Hidden::Complementary),
            Verdict::Hidden(Hidden::Complementary),
        ),
    ] {
        let rows = [school("a", fifth, 60), school("b", 30, 40), school("c", 50, 50)].concat();
        let screen = screen(Audience::Office, &register, &rows);
        assert_eq!(screen.verdict(&rows[2]), count);
        assert_eq!(screen.verdict(&of("a", None, Measure::ScoreSum, 9)), sum);
        assert_eq!(screen.verdict(&of("a", Some(6), Measure::ScoreSum, 9)), Verdict::Shown);
        assert_eq!(screen.verdict(&of("c", None, Measure::ScoreSum, 9)), Verdict::Shown);
    }
}

#[test]
fn a_softened_share_is_not_what_the_other_shares_leave() {
    let register = village();
    let share = |unit: &str, mark: i64, value: i64| row(unit, Measure::Share, &format!("mark={mark}"), value);
    let mut rows = vec![
        row("a", Measure::Participants, "", 12),
        row("b", Measure::Participants, "", 50),
        row("c", Measure::Participants, "", 60),
    ];
    rows.extend((2..).zip([8, 42, 25, 25]).map(|(mark, value)| share("a", mark, value)));
    let region = screen(Audience::Other, &register, &rows);
    assert_eq!(region.verdict(&rows[3]), Verdict::Hidden(Hidden::NearNought));
    for other in &rows[4..] {
        assert_eq!(region.verdict(other), Verdict::LeftOut);
    }
    assert_eq!(
        region.verdict(&row("a", Measure::Share, "", 50)),
        Verdict::Shown,
        "a share of its own"
    );
    rows[3] = share("a", 2, 16);
    let even = screen(Audience::Other, &register, &rows);
    assert!(rows[3..].iter().all(|row| even.verdict(row) == Verdict::Shown));
}

#[test]
fn two_means_and_the_total_of_their_territory_do_not_solve_how_many_there_are() {
    let register = village();
    let mut rows = vec![
        row("a", Measure::Participants, "", 12),
        row("b", Measure::Participants, "", 15),
        row("c", Measure::Participants, "", 60),
    ];
    let mean = |unit| row(unit, Measure::Mean, "", 4);
    let apart = screen(Audience::Other, &register, &rows);
    assert_eq!(apart.verdict(&mean("a")), Verdict::Shown);
    rows.push(row("vg", Measure::Participants, "", 87));
    let with_total = screen(Audience::Other, &register, &rows);
    for unit in ["a", "b"] {
        assert_eq!(with_total.verdict(&mean(unit)), Verdict::Hidden(Hidden::Complementary));
    }
    for unit in ["c", "vg"] {
        assert_eq!(with_total.verdict(&mean(unit)), Verdict::Shown);
    }
}

#[test]
fn sums_and_means_need_more_people_than_counts() {
    let register = village();
    let rows = [
        row("a", Measure::Participants, "", 7),
        row("b", Measure::Participants, "", 12),
        row("c", Measure::Participants, "", 50),
    ];
    let office = screen(Audience::Office, &register, &rows);
    let told = |screen: &RoundScreen, unit: &str, measure| screen.verdict(&row(unit, measure, "", 9));
    assert_eq!(told(&office, "a", Measure::Participants), Verdict::Shown);
    for measure in [Measure::ScoreSum, Measure::Mean, Measure::Share] {
        assert_eq!(told(&office, "a", measure), Verdict::Hidden(Hidden::NoShares(10)));
        assert_eq!(told(&office, "b", measure), Verdict::Hidden(Hidden::Complementary));
        assert_eq!(told(&office, "c", measure), Verdict::Shown);
    }
    let mut journal = row("c", Measure::JournalCount, "mark=4;journal=5", 3);
    journal.stored.n = Some(4);
    assert_eq!(
        office.verdict(&journal),
        Verdict::LeftOut,
        "four of the fifty have both marks"
    );
    let region = screen(Audience::Other, &register, &rows[1..]);
    assert_eq!(
        told(&region, "b", Measure::Participants),
        Verdict::Hidden(Hidden::SharesOnly(20))
    );
    assert_eq!(told(&region, "b", Measure::Share), Verdict::Hidden(Hidden::NearNought));
    assert_eq!(region.verdict(&row("b", Measure::Share, "", 50)), Verdict::Shown);
    assert_eq!(
        region.verdict(&row("b", Measure::Share, "", 95)),
        Verdict::Hidden(Hidden::NearWhole)
    );
    let nobody = row("b", Measure::Share, "mark=2", 0);
    assert_eq!(region.verdict(&nobody), Verdict::Hidden(Hidden::NearNought));
    assert!(!region.tells_people(&nobody) && office.tells_people(&nobody));
}

#[test]
fn a_mean_of_nobody_knows_how_many_is_hidden_and_an_index_of_an_organisation_is_not() {
    let register = village();
    let mut mean = row("a", Measure::Mean, "", 4);
    let index = row("a", Measure::Index, "", 4);
    let screen_of = |rows: &[TracedObservation]| screen(Audience::Office, &register, rows);
    assert_eq!(
        screen_of(std::slice::from_ref(&mean)).verdict(&mean),
        Verdict::Hidden(Hidden::Unknown)
    );
    assert_eq!(screen_of(std::slice::from_ref(&index)).verdict(&index), Verdict::Shown);
    mean.stored.n = Some(8);
    assert_eq!(
        screen_of(std::slice::from_ref(&mean)).verdict(&mean),
        Verdict::Hidden(Hidden::NoShares(10))
    );
}

#[test]
fn groups_by_category_are_judged_a_row_stricter() {
    let register = village();
    let rows = [("a", 12), ("b", 60), ("c", 70)].map(|(unit, n)| row(unit, Measure::Participants, "category=x", n));
    let screen = screen(Audience::Office, &register, &rows);
    assert_eq!(screen.verdict(&rows[0]), Verdict::Shown, "counts of ten to nineteen");
    let sum = row("a", Measure::ScoreSum, "category=x", 9);
    assert_eq!(screen.verdict(&sum), Verdict::Hidden(Hidden::NoShares(20)));
    let few = [("a", 7), ("b", 60), ("c", 70)].map(|(unit, n)| row(unit, Measure::Participants, "category=x", n));
    let screen = self::screen(Audience::Office, &register, &few);
    assert_eq!(screen.verdict(&few[0]), Verdict::Hidden(Hidden::Below(10)));
}

#[test]
fn marks_that_a_source_may_list_as_they_occur_go_with_their_line() {
    let register = village();
    let rows = [
        row("a", Measure::Participants, "", 3),
        row("b", Measure::Participants, "", 30),
        row("c", Measure::Participants, "", 40),
    ];
    let screen = screen(Audience::Office, &register, &rows);
    let mut mark = row("a", Measure::MarkCount, "mark=5", 3);
    assert_eq!(screen.verdict(&mark), Verdict::LeftOut);
    mark.trail.is_folded = true;
    assert_eq!(
        screen.verdict(&mark),
        Verdict::Hidden(Hidden::Below(5)),
        "a fold lists all four"
    );
    let mut score = row("c", Measure::ScoreCount, "primary=20", 6);
    assert_eq!(screen.verdict(&score), Verdict::Shown);
    score.trail.is_folded = true;
    assert_eq!(screen.verdict(&score), Verdict::LeftOut, "a cell of the joint table");
}

const SCHOOLS: usize = 5;

/// Two districts of a region, each school with marks 2 to 5, each territory with its totals.
fn region(marks: &[[i64; 4]]) -> (Register, Vec<TracedObservation>) {
    let mut units = vec![
        unit("r", UnitKind::Region, None),
        unit("d0", UnitKind::Municipality, Some("r")),
        unit("d1", UnitKind::Municipality, Some("r")),
    ];
    let mut rows = Vec::new();
    let mut totals: BTreeMap<String, [i64; 4]> = BTreeMap::new();
    for (number, marks) in marks.iter().enumerate() {
        let (school, district) = (format!("s{number}"), format!("d{}", number / SCHOOLS));
        units.push(unit(&school, UnitKind::General, Some(&district)));
        for owner in [school, district, "r".to_owned()] {
            let total = totals.entry(owner).or_default();
            total.iter_mut().zip(marks).for_each(|(sum, count)| *sum += count);
        }
    }
    for (owner, marks) in &totals {
        let participants: i64 = marks.iter().sum();
        rows.push(row(owner, Measure::Participants, "", participants));
        rows.push(row(owner, Measure::ScoreSum, "", participants * 9));
        for (mark, count) in (2..).zip(marks) {
            rows.push(row(owner, Measure::MarkCount, &format!("mark={mark}"), *count));
        }
    }
    (Register::new(units), rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_hidden_number_is_what_a_total_leaves_over(
        marks in prop::collection::vec(prop::array::uniform4(0i64..9), 2 * SCHOOLS),
        reader in 0usize..3,
    ) {
        let audience = [Audience::Office, Audience::Other, Audience::Public][reader].clone();
        let (register, rows) = region(&marks);
        let screen = screen(audience, &register, &rows);
        let is_open = |unit: &str, row: &TracedObservation| {
            let mut own = row.clone();
            own.stored.key.unit = UnitId(unit.to_owned());
            screen.verdict(&own) == Verdict::Shown
        };
        // What is printed of one column: its totals and parts, each solved as far as subtraction goes.
        for column in rows.iter().filter(|row| row.stored.key.unit.0 == "r") {
            let mut known: Vec<String> = register
                .units()
                .iter()
                .map(|unit| unit.id.0.clone())
                .filter(|unit| is_open(unit, column))
                .collect();
            let children = |of: &str| -> Vec<String> {
                let under = register.units().iter().filter(|unit| unit.parent.as_ref().is_some_and(|up| up.0 == of));
                under.map(|unit| unit.id.0.clone()).collect()
            };
            let printed = known.clone();
            loop {
                let before = known.len();
                for total in ["r", "d0", "d1"] {
                    let mut equation = children(total);
                    equation.push(total.to_owned());
                    equation.retain(|unit| !known.contains(unit));
                    if let [solved] = equation.as_slice() {
                        known.push(solved.clone());
                    }
                }
                if known.len() == before {
                    break;
                }
            }
            let schools = known.iter().filter(|unit| unit.starts_with('s') && !printed.contains(unit));
            prop_assert_eq!(schools.collect::<Vec<_>>(), Vec::<&String>::new(), "{:?}", column.stored.key);
        }
    }
}
