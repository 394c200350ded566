use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::domain::observation::Observation;
use crate::domain::participant::Task;
use crate::domain::scale::{Band, Bounds, Minimum, Scale, Scales};
use crate::domain::school_year::SchoolYear;
use crate::domain::unit::UnitId;
use crate::domain::vocabulary::{Measure, Procedure};
use crate::privacy::folded_file::{Meta, read, write};

fn work(procedure: Procedure, round: &str, tasks: &[(&str, u16)]) -> Arc<Work> {
    Arc::new(Work {
        procedure,
        round: round.into(),
        subject: "math".into(),
        grade: Some(5),
        sheet: Some("Протокол".into()),
        tasks: (6..)
            .zip(tasks)
            .map(|(column, (label, max))| Task {
                label: (*label).to_owned(),
                max: Some(*max),
                column,
            })
            .collect(),
        columns: vec![
            ("total", 20, "Итого баллов".to_owned()),
            ("mark", 21, "Отметка".to_owned()),
            ("journal", 22, "Отметка за предыдущий триместр".to_owned()),
            ("test_score", 23, "Тестовый балл".to_owned()),
        ],
    })
}

fn vpr() -> Arc<Work> {
    work(Procedure::Vpr, "vpr/2021-22/spring", &[("1", 1), ("2", 2), ("10", 2)])
}

fn school(login: &str) -> Arc<UnitRef> {
    Arc::new(UnitRef {
        login: Some(login.to_owned()),
        name: Some(format!("Школа {login}")),
        ..UnitRef::default()
    })
}

fn pupil(work: &Arc<Work>, login: &str, row: u32) -> Participant {
    Participant {
        work: Arc::clone(work),
        unit: school(login),
        row,
        code: None,
        uploaded_at: None,
        attendance: Attendance::Took,
        tasks: Vec::new(),
        total: None,
        mark: None,
        journal: None,
        test_score: None,
        sex: None,
        category: None,
    }
}

fn points(points: &[u16]) -> Vec<TaskResult> {
    points.iter().map(|points| TaskResult::Points(*points)).collect()
}

/// Marks of a work of five points: 0–1, 2, 3, 4–5.
fn scales() -> Scales {
    let bands = [(0, 1), (2, 2), (3, 3), (4, 5)].map(|(from, to)| Band { from, to });
    let mut scales = Scales::default();
    scales
        .add(Scale {
            procedure: Procedure::Vpr,
            year: SchoolYear::starting(2021),
            season: None,
            subject: "math".to_owned(),
            grade: Some(5),
            bounds: Bounds::of(bands).expect("a scale"),
            source: "описание".into(),
        })
        .expect("new");
    scales
        .add_minimum(Minimum {
            procedure: Procedure::Gia11,
            from: SchoolYear::starting(2018),
            to: SchoolYear::starting(2025),
            subject: "math".to_owned(),
            score: 27,
            source: "приказ".into(),
        })
        .expect("new");
    scales
}

fn fold(participants: impl IntoIterator<Item = Participant>) -> Folded {
    let mut fold = Fold::new();
    for participant in participants {
        fold.add(participant).expect("within the limits");
    }
    fold.finish()
}

fn bytes(folded: &Folded) -> Vec<u8> {
    let meta = Meta {
        connector: "vpr-protocol".to_owned(),
        original: "ab12".to_owned(),
        file: "protocol.xlsx".to_owned(),
    };
    let mut bytes = Vec::new();
    write(folded, &meta, &mut bytes).expect("memory");
    bytes
}

fn lines(observations: impl Iterator<Item = Observation>) -> Vec<String> {
    observations
        .map(|given| {
            let n = given.n.map_or_else(String::new, |n| format!(" n={n}"));
            let login = given.unit.login.as_deref().unwrap_or("—");
            format!(
                "{login} {}[{}]={}{n} @ {}",
                given.measure.as_str(),
                given.breakdown,
                given.value,
                given.place
            )
        })
        .collect()
}

/// Five rows of one school, counted by hand: an absent pupil, an X, a «не пройд.», a wrong total.
fn by_hand() -> Vec<Participant> {
    let work = vpr();
    let rows = [
        Participant {
            tasks: points(&[1, 2, 2]),
            total: Some(5),
            journal: Some(4),
            sex: Some("f"),
            ..pupil(&work, "edu990001", 2)
        },
        Participant {
            tasks: vec![TaskResult::Points(1), TaskResult::Skipped, TaskResult::Points(1)],
            total: Some(1),
            journal: Some(3),
            sex: Some("m"),
            ..pupil(&work, "edu990001", 3)
        },
        Participant {
            tasks: vec![TaskResult::Points(0), TaskResult::Points(1), TaskResult::NotTaught],
            total: Some(1),
            journal: None,
            sex: Some("m"),
            ..pupil(&work, "edu990001", 4)
        },
        Participant {
            attendance: Attendance::Absent,
            tasks: vec![TaskResult::Blank; 3],
            ..pupil(&work, "edu990001", 5)
        },
        Participant {
            attendance: Attendance::Excluded,
            category: Some("ОВЗ".into()),
            ..pupil(&work, "edu990001", 7)
        },
    ];
    rows.into()
}

#[test]
fn five_rows_counted_by_hand_give_these_observations() {
    let folded = fold(by_hand());
    assert_eq!(folded.rows(), 5);
    let scales = scales();
    insta::assert_snapshot!(lines(folded.observations(&scales)).join("\n"));
}

#[test]
fn totals_that_differ_and_missing_scales_are_told_once_per_organisation_and_work() {
    let folded = fold(by_hand());
    let told = |scales: &Scales| -> Vec<String> { folded.problems(scales).iter().map(Problem::ru_line).collect() };
    assert_eq!(
        told(&scales()),
        [
            "MSK-PRV-13: Протокол!T2:T7 (строк: 5): Школа edu990001, предмет math, класс 5: «Итого» не равно сумме заданий, \
             строк: 1 (сумма в файле 7, пересчитано 8); взято пересчитанное"
        ]
    );
    assert_eq!(
        told(&Scales::default())[1],
        "MSK-PRV-15: нет шкалы: vpr/2021-22/spring, предмет math, класс 5; баллы загружены, отметки появятся вместе со шкалой"
    );
    let without = Scales::default();
    assert!(
        folded
            .observations(&without)
            .all(|given| given.measure != Measure::MarkCount),
        "no marks without a scale"
    );
}

#[test]
fn the_newest_upload_of_a_code_counts_and_the_repeat_is_reported() {
    let work = vpr();
    let upload = |row, hour, first| Participant {
        code: Some("50001".to_owned()),
        uploaded_at: NaiveDate::from_ymd_opt(2022, 3, 17).and_then(|day| day.and_hms_opt(hour, 0, 0)),
        tasks: points(&[first, 0, 0]),
        ..pupil(&work, "edu990001", row)
    };
    let other = Participant {
        code: Some("50001".to_owned()),
        tasks: points(&[1, 2, 2]),
        ..pupil(&work, "edu990002", 9)
    };
    for rows in [
        vec![upload(2, 9, 0), upload(3, 12, 1), other.clone()],
        vec![upload(2, 12, 1), other, upload(3, 9, 0)],
    ] {
        let folded = fold(rows);
        let [first, second] = folded.groups() else {
            panic!("two schools")
        };
        assert_eq!((first.participants, first.repeated, first.score_sum()), (1, 1, 1));
        assert_eq!(
            (second.participants, second.repeated),
            (1, 0),
            "codes repeat between schools"
        );
        let scales = scales();
        let told = folded.problems(&scales);
        assert_eq!(told.iter().map(Problem::code).collect::<Vec<_>>(), ["MSK-PRV-14"]);
        assert!(!String::from_utf8(bytes(&folded)).expect("text").contains("50001"));
    }
}

#[test]
fn an_exam_is_counted_in_bands_against_the_minimum_of_the_subject() {
    let work = work(Procedure::Gia11, "gia11/2024-25/main", &[]);
    let scores = [26, 27, 60, 61, 80, 81, 100];
    let folded = fold((2..).zip(scores).map(|(row, score)| Participant {
        test_score: Some(score),
        total: Some(score / 5),
        ..pupil(&work, "edu990001", row)
    }));
    let scales = scales();
    let value = |measure, band: &str| {
        folded
            .observations(&scales)
            .find(|given| given.measure == measure && given.breakdown.get("band").unwrap_or("") == band)
            .map(|given| (given.value.units, given.n))
    };
    for (band, count) in [("0-min", 1), ("min-60", 2), ("61-80", 2), ("81-100", 2), ("100", 1)] {
        assert_eq!(value(Measure::BandCount, band), Some((count, Some(7))), "{band}");
    }
    assert_eq!(value(Measure::BelowMinimum, ""), Some((1, Some(7))));
    assert_eq!(value(Measure::TestScoreSum, ""), Some((435, Some(7))));
    assert_eq!(value(Measure::MarkCount, ""), None, "test scores are no marks");
    assert!(folded.problems(&scales).is_empty());
    let codes: Vec<_> = folded.problems(&Scales::default()).iter().map(Problem::code).collect();
    assert_eq!(codes, ["MSK-PRV-16"]);
}

#[test]
fn marks_of_the_file_go_before_the_scale_and_exams_by_mark_count_the_failed() {
    let work = work(Procedure::Gia9, "gia9/2024-25/main", &[]);
    let folded = fold(
        [(2, 30), (2, 4), (5, 31)]
            .into_iter()
            .zip(2..)
            .map(|((mark, total), row)| Participant {
                mark: Some(mark),
                total: Some(total),
                ..pupil(&work, "edu990001", row)
            }),
    );
    let scales = scales();
    let failed = folded
        .observations(&scales)
        .find(|given| given.measure == Measure::BelowMinimum);
    assert_eq!(
        failed.map(|given| (given.value.units, given.place.to_string())),
        Some((2, "Протокол!U2:U4".to_owned()))
    );
}

#[test]
fn two_spellings_of_one_unit_become_one_after_recognition() {
    let work = vpr();
    let named = |name: &str, row| Participant {
        unit: Arc::new(UnitRef {
            name: Some(name.to_owned()),
            ..UnitRef::default()
        }),
        tasks: points(&[1, 1, 1]),
        ..pupil(&work, "", row)
    };
    let mut folded = fold([
        named("Верхняя СОШ", 2),
        named("СОШ с. Верхнее", 3),
        named("Верхняя  СОШ ", 4),
    ]);
    assert_eq!(folded.groups().len(), 2, "blanks do not make another school");
    folded.recognise(|_| Some(UnitId("a".to_owned())));
    let [group] = folded.groups() else { panic!("one school") };
    assert_eq!((group.participants, group.score_sum()), (3, 9));
    let scales = scales();
    let sum = folded
        .observations(&scales)
        .find(|given| given.measure == Measure::ScoreSum)
        .expect("a sum");
    assert_eq!(sum.place.as_str(), "Протокол!F2:H4");
}

#[test]
fn a_damaged_or_cut_snapshot_is_refused_and_a_whole_one_reads_back() {
    let folded = fold(by_hand());
    let whole = bytes(&folded);
    let (meta, back) = read(whole.as_slice()).expect("reads back");
    assert_eq!((back, meta.file.as_str()), (folded, "protocol.xlsx"));
    insta::assert_snapshot!(String::from_utf8_lossy(&whole));
    for cut in 0..whole.len() {
        let problem = read(&whole[..cut]).expect_err("cut short");
        assert_eq!(problem.code(), "MSK-PRV-17");
    }
    let newer = String::from_utf8_lossy(&whole).replacen("\"version\":1", "\"version\":2", 1);
    assert_eq!(read(newer.as_bytes()).expect_err("newer").code(), "MSK-PRV-18");
    let fewer = String::from_utf8_lossy(&whole).replacen("\"absent\":1", "\"absent\":2", 1);
    assert_eq!(read(fewer.as_bytes()).expect_err("changed").code(), "MSK-PRV-17");
}

#[test]
fn a_file_with_more_organisations_than_a_country_region_has_is_refused() {
    let work = vpr();
    let mut fold = Fold::new();
    let refused = (0..u32::MAX).find_map(|row| {
        let mut row = pupil(&work, &format!("edu{row:06}"), row);
        row.tasks = points(&[1]);
        fold.add(row).err()
    });
    assert_eq!(refused.map(|problem| problem.code()), Some("MSK-PRV-12"));
    assert_eq!(fold.groups.len(), MAX_GROUPS);
}

#[test]
fn a_column_of_free_text_makes_no_categories() {
    let work = vpr();
    let folded = fold((0..60).map(|row| Participant {
        tasks: points(&[1, 1, 1]),
        category: Some(format!("текст {row}").into()),
        ..pupil(&work, "edu990001", row)
    }));
    let text = String::from_utf8(bytes(&folded)).expect("text");
    assert!(text.contains("прочие") && !text.contains("текст"), "{text}");
}

fn any_row() -> impl Strategy<Value = Participant> {
    let result = prop_oneof![
        4 => (0u16..3).prop_map(TaskResult::Points),
        1 => Just(TaskResult::Skipped),
        1 => Just(TaskResult::NotTaught),
        1 => Just(TaskResult::Blank),
    ];
    let attendance = prop_oneof![
        6 => Just(Attendance::Took),
        1 => Just(Attendance::Absent),
        1 => Just(Attendance::Excluded),
    ];
    (
        (0u8..4, prop::option::of(0u8..20), prop::option::of(0u32..3), attendance),
        (prop::collection::vec(result, 3), prop::option::of(0u16..6)),
        (
            prop::option::of(2u8..6),
            prop::option::of(2u8..6),
            prop::option::of(prop_oneof![Just("m"), Just("f")]),
        ),
    )
        .prop_map(
            |((school, code, hour, attendance), (tasks, total), (mark, journal, sex))| Participant {
                code: code.map(|code| code.to_string()),
                uploaded_at: hour.and_then(|hour| NaiveDate::from_ymd_opt(2022, 3, 17)?.and_hms_opt(hour, 0, 0)),
                attendance,
                tasks,
                total,
                mark,
                journal,
                sex,
                ..pupil(&vpr(), &format!("edu99000{school}"), 0)
            },
        )
}

proptest! {
    #[test]
    fn the_order_of_the_rows_does_not_change_a_byte(
        (rows, shuffled) in prop::collection::vec(any_row(), 0..60).prop_map(|mut rows| {
            for (number, row) in (2u32..).zip(&mut rows) {
                row.row = number;
            }
            rows
        }).prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    ) {
        prop_assert_eq!(bytes(&fold(rows)), bytes(&fold(shuffled)));
    }

    #[test]
    fn the_sums_of_the_observations_agree(rows in prop::collection::vec(any_row(), 1..60)) {
        let numbered = rows.into_iter().zip(2u32..).map(|(row, number)| Participant { row: number, ..row });
        let folded = fold(numbered);
        let scales = scales();
        for group in folded.groups() {
            let own: Vec<Observation> =
                folded.observations(&scales).filter(|given| given.unit == group.unit).collect();
            let sum = |measure| own.iter().filter(|given| given.measure == measure).map(|given| given.value.units).sum::<i64>();
            let n = |measure| own.iter().find(|given| given.measure == measure).and_then(|given| given.n).unwrap_or(0);
            prop_assert_eq!(sum(Measure::MarkCount), n(Measure::MarkCount));
            prop_assert_eq!(sum(Measure::JournalCount), n(Measure::JournalCount));
            prop_assert_eq!(sum(Measure::ScoreCount), n(Measure::ScoreSum));
            prop_assert!(sum(Measure::ScoreCount) <= sum(Measure::Participants));
            let weighted: i64 = own
                .iter()
                .filter(|given| given.measure == Measure::ScoreCount)
                .map(|given| given.value.units * given.breakdown.get("primary").and_then(|text| text.parse::<i64>().ok()).unwrap_or(-1))
                .sum();
            prop_assert_eq!(weighted, sum(Measure::ScoreSum));
            for task in ["1", "2", "10"] {
                let of_task = |measure| own.iter().find(|given| given.measure == measure && given.breakdown.get("task") == Some(task)).map(|given| given.value.units);
                if let (Some(counted), Some(not_taught)) = (of_task(Measure::TaskAnswered), of_task(Measure::TaskNotTaught)) {
                    prop_assert_eq!(counted + not_taught, sum(Measure::Participants));
                }
            }
        }
        let written = bytes(&folded);
        prop_assert_eq!(read(written.as_slice()).map(|(_, back)| back), Ok(folded));
    }
}
