//! The report on the invented district, read as its readers read it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::district::District;
use super::{Input, Rendered, WorkKey, render};
use crate::domain::document::{CellAddress, Content, Document};
use crate::domain::observation::Amount;
use crate::domain::unit::{Register, Unit, UnitId};
use crate::domain::vocabulary::{Measure, UnitKind};
use crate::paper;
use crate::privacy::suppress::Audience;

fn rendered(change: impl FnOnce(&mut District, &mut Audience)) -> Rendered {
    let mut district = District::invented();
    let mut audience = Audience::Office;
    change(&mut district, &mut audience);
    let input = Input {
        audience,
        ..district.input()
    };
    render(&input).expect("a report")
}

fn office() -> Document {
    rendered(|_, _| ()).document
}

fn text(document: &Document) -> String {
    format!("{document:?}")
}

/// Other marks of a school in a work of a year.
fn marks(district: &mut District, (unit, subject, year): (&str, &str, &str), marks: [i64; 4]) {
    for one in &mut district.observations {
        let key = &one.key;
        if key.unit.0 != unit || key.subject.as_deref() != Some(subject) || !key.round.contains(year) {
            continue;
        }
        let value = match (key.measure, key.breakdown.get("mark")) {
            (Measure::Participants, _) => marks.iter().sum(),
            (Measure::MarkCount, Some(mark)) => marks[mark.parse::<usize>().expect("a mark") - 2],
            _ => continue,
        };
        Arc::make_mut(one).value = Amount::whole(value);
    }
}

fn cell<'d>(document: &'d Document, table: &str, column: usize, row: &[&str]) -> &'d Content {
    let table = document
        .tables()
        .find(|found| found.sheet.ends_with(table))
        .expect("the table");
    let found = table
        .rows
        .iter()
        .find(|line| {
            row.iter()
                .all(|word| line.cells.iter().any(|cell| cell.printed() == *word))
        })
        .expect("the row");
    &found.cells[column].content
}

#[test]
fn the_head_reads_these_conclusions() {
    let conclusions: Vec<String> = office()
        .conclusions()
        .map(|found| format!("{}. [{}] {}", found.number, found.rule, found.text))
        .collect();
    insta::assert_snapshot!(conclusions.join("\n"));
}

#[test]
fn every_conclusion_stands_on_cells_that_exist_and_every_number_on_files() {
    let document = office();
    for conclusion in document.conclusions() {
        assert!(!conclusion.cells.is_empty(), "{}", conclusion.rule);
        for address in &conclusion.cells {
            let cell = document.cell(address).expect("the cell is in the document");
            assert!(cell.is_number(), "{address}: {}", cell.printed());
        }
    }
    let results = ["Статистика отметок", "Итоги", "Журнал", "Динамика"];
    for table in document
        .tables()
        .filter(|table| results.iter().any(|name| table.sheet.ends_with(name)))
    {
        for cell in table
            .rows
            .iter()
            .flat_map(|row| &row.cells)
            .filter(|cell| cell.is_number())
        {
            let organisations = matches!(cell.content, Content::Count(10));
            assert!(
                !cell.sources.is_empty() || organisations,
                "{}: {}",
                table.sheet,
                cell.printed()
            );
        }
    }
}

#[test]
fn a_printed_number_leads_back_to_its_cell_in_the_file() {
    let document = office();
    let address = CellAddress::parse("Таблица 4", "D24").expect("an address");
    let cell = document.cell(&address).expect("a cell");
    assert_eq!(
        (cell.printed().as_str(), cell.made_of().as_deref()),
        ("27,8", Some("5 из 18"))
    );
    let twos = cell
        .sources
        .iter()
        .find(|source| source.key.breakdown.get("mark") == Some("2"))
        .expect("the count of «2»");
    assert_eq!(twos.value.units, 5);
    assert_eq!(twos.key.measure, Measure::MarkCount);
    assert!(twos.file.starts_with("Протокол ВПР russian") && twos.place.as_str().starts_with("Протокол!T"));
}

#[test]
fn the_share_of_a_score_stands_on_the_count_beside_it_and_not_on_the_whole_table() {
    let document = office();
    let scores = document
        .tables()
        .find(|table| table.sheet.contains("Баллы"))
        .expect("the table of scores");
    for row in &scores.rows {
        let [.., count, share] = row.cells.as_slice() else {
            panic!("a count and a share");
        };
        assert_eq!(count.sources, share.sources);
    }
}

#[test]
fn organisations_are_sorted_by_name_and_nobody_is_ranked() {
    let document = office();
    let results = document
        .tables()
        .find(|table| table.sheet.ends_with("Итоги"))
        .expect("the table");
    let names: Vec<String> = results.rows.iter().map(|row| row.cells[1].printed()).collect();
    let position = |name: &str| names.iter().position(|found| found.starts_with(name));
    assert!(position("МБОУ «Верхнегорская СОШ № 2»") < position("МБОУ «Верхнегорская СОШ № 10»"));
    let all = text(&document).to_lowercase();
    for word in ["лучш", "худш", "слабая", "занял", "необъективных"] {
        assert!(!all.contains(word), "{word}");
    }
}

#[test]
fn a_tiny_school_is_hidden_from_the_office_together_with_its_neighbours() {
    let found = rendered(|_, _| ());
    let tiny = ["Русский язык, 4\u{a0}класс", "МКОУ «Луговская ООШ»"];
    let hidden = |content: &Content| matches!(content, Content::Hidden(_));
    for column in 3..8 {
        assert!(hidden(cell(&found.document, "Статистика отметок", column, &tiny)));
    }
    assert!(
        found
            .hidden
            .iter()
            .filter(|(work, _)| work.subject == "russian")
            .count()
            >= 2
    );
    let nine = ["Математика, 5\u{a0}класс", "МКОУ «Айская ООШ»"];
    assert_eq!(
        cell(&found.document, "Статистика отметок", 5, &nine),
        &Content::Count(5)
    );
    assert_eq!(cell(&found.document, "Итоги", 3, &nine), &Content::TooFew);
}

#[test]
fn values_that_would_give_a_hidden_cell_away_are_not_in_the_list_of_origins() {
    let document = office();
    let luga = UnitId("s7".to_owned());
    let of_tiny = |key: &crate::domain::stored::ObservationKey| {
        key.unit == luga && key.subject.as_deref() == Some("russian") && &*key.round == "vpr/2025-26/spring"
    };
    let named: Vec<_> = document
        .tables()
        .flat_map(|table| &table.rows)
        .flat_map(|row| &row.cells)
        .flat_map(|cell| &cell.sources)
        .filter(|source| of_tiny(&source.key))
        .collect();
    assert!(!named.is_empty(), "the sums are made of it");
    assert!(named.iter().all(|source| document.withheld.contains(&source.key)));
}

#[test]
fn five_to_nine_pupils_give_counts_per_mark_and_no_points_even_where_nobody_is_hidden() {
    let mut keys = Vec::new();
    let found = rendered(|district, _| keys.extend(district.observations.iter().map(|one| one.key.clone())));
    let in_maths = |work: &WorkKey| work.subject == "maths";
    assert!(!found.hidden.iter().any(|(work, _)| in_maths(work)));
    let named = |measure: Measure| {
        let of_five = |key: &&crate::domain::stored::ObservationKey| {
            key.unit.0 == "s7"
                && key.subject.as_deref() == Some("maths")
                && key.measure == measure
                && &*key.round == "vpr/2025-26/spring"
        };
        let all: Vec<_> = keys.iter().filter(of_five).collect();
        assert!(!all.is_empty(), "{measure:?}");
        all.iter().filter(|key| !found.document.withheld.contains(*key)).count()
    };
    assert_eq!(named(Measure::MarkCount), 4);
    assert_eq!(named(Measure::TaskPoints), 0);
    assert_eq!(named(Measure::JournalCount), 0);
}

#[test]
fn a_school_sees_itself_whole_and_no_other() {
    let own = UnitId("s7".to_owned());
    let document = rendered(|_, audience| *audience = Audience::School(own)).document;
    let tiny = ["Русский язык, 4\u{a0}класс", "МКОУ «Луговская ООШ»"];
    assert_eq!(cell(&document, "Статистика отметок", 5, &tiny), &Content::Count(2));
    let rows = document
        .tables()
        .filter(|table| table.sheet.ends_with("Итоги"))
        .flat_map(|table| &table.rows);
    assert!(
        rows.map(|row| row.cells[1].printed())
            .all(|name| !name.contains("Берёзовская"))
    );
}

#[test]
fn what_one_version_hid_the_next_keeps_hidden() {
    let shown = WorkKey {
        subject: "maths".to_owned(),
        grade: 5,
    };
    let key = (shown, UnitId("s8".to_owned()));
    let before = BTreeSet::from([key.clone()]);
    let found = rendered(|district, _| district.hidden_before = before);
    assert!(found.hidden.contains(&key));
    assert!(found.hidden.iter().filter(|(work, _)| *work == key.0).count() >= 2);
}

#[test]
fn a_missing_scale_leaves_the_marks_open_and_says_why() {
    let document = rendered(|district, _| {
        district
            .observations
            .retain(|one| one.key.measure != Measure::MarkCount || one.key.subject.as_deref() != Some("maths"));
    })
    .document;
    let municipality = ["Математика, 5\u{a0}класс", "Муниципалитет"];
    assert_eq!(cell(&document, "Итоги", 3, &municipality), &Content::NotAvailable);
    assert!(text(&document).contains("Нет шкалы перевода баллов, отметки — н/д: Математика"));
}

#[test]
fn a_task_of_unknown_level_is_judged_only_where_every_level_says_the_same() {
    let document = rendered(|district, _| {
        for plan in district.plans.values_mut() {
            plan.tasks.clear();
        }
    })
    .document;
    let status = |label: &str| {
        let Content::Text(status) = cell(&document, "Задания Русский язык, 4 класс", 7, &[label])
        else {
            panic!("a text");
        };
        status.as_str()
    };
    assert_eq!(status("1К1"), "достаточно");
    assert_eq!(status("5"), "уровень не указан");
    assert!(document.conclusions().all(|found| found.rule != "C-VPR-4"));
    assert!(text(&document).contains("(план работы не загружен): Математика, 5\\u{a0}класс; Русский язык"));
}

#[test]
fn a_school_far_below_the_municipality_is_not_called_level_with_it() {
    let document = rendered(|district, _| marks(district, ("s2", "maths", "2025-26"), [0, 22, 18, 15])).document;
    let quiet = document
        .conclusions()
        .find(|found| found.rule == "S-ALLOK")
        .expect("nobody is above");
    assert_eq!(
        quiet.text,
        "Ни в одной из сравниваемых организаций доля отметок «2» не превышает заметно значение муниципалитета: Математика, 5\u{a0}класс."
    );
}

#[test]
fn a_school_hidden_last_year_is_not_compared_with_it_and_protects_its_neighbour() {
    let last_year = |district: &mut District, keep: &[&str], of_tiny: [i64; 4]| {
        district.observations.retain(|one| {
            let unit = one.key.unit.0.as_str();
            !one.key.round.contains("2024-25") || one.key.subject.as_deref() != Some("russian") || keep.contains(&unit)
        });
        marks(district, ("s7", "russian", "2024-25"), of_tiny);
    };
    let compared = |document: &Document| document.conclusions().any(|found| found.text.contains("(3 из 47)"));
    let shown = rendered(|district, _| last_year(district, &["s2", "s3", "s4", "s7"], [0, 3, 2, 0])).document;
    assert!(compared(&shown));
    let hidden = rendered(|district, _| last_year(district, &["s4", "s7"], [0, 1, 2, 0])).document;
    assert!(!compared(&hidden));
    let alone = rendered(|district, _| last_year(district, &["s7"], [0, 2, 2, 0])).document;
    for indicator in ["Участники, чел.", "Качество обученности, %"] {
        let row = ["Русский язык, 4\u{a0}класс", indicator];
        let before = cell(&alone, "Динамика", 3, &row);
        assert_eq!(before, &Content::Hidden("×".to_owned()), "{indicator}");
    }
}

#[test]
fn a_missing_school_makes_the_report_preliminary() {
    let document = rendered(|district, _| {
        district
            .observations
            .retain(|one| !["s1", "s2"].contains(&one.key.unit.0.as_str()));
    })
    .document;
    assert!(document.requisites.title.ends_with("(предварительно)"));
    let reason = document.requisites.preliminary.as_deref().expect("a reason");
    assert!(reason.contains("8 из 10"), "{reason}");
    let first = document.conclusions().next().expect("a conclusion");
    assert!(first.rule == "C-VPR-1" && first.text.contains("Нет данных: МБОУ «Верхнегорская СОШ № 1»"));
}

#[test]
fn a_branch_without_results_of_its_own_is_not_missing() {
    let branch = |district: &mut District| {
        let mut units = district.register.units().to_vec();
        let parent = UnitId("s1".to_owned());
        units.push(Unit {
            id: UnitId("b1".to_owned()),
            kind: UnitKind::General,
            title: "Филиал Берёзовской школы".to_owned(),
            short_title: "Филиал".to_owned(),
            parent: Some(parent),
            branch: true,
            email: None,
            aliases: Vec::new(),
        });
        district.register = Register::new(units);
    };
    let document = rendered(|district, _| branch(district)).document;
    assert!(document.requisites.freshness.contains("Охват: 10 из 10 ОО"));
    assert!(document.conclusions().all(|found| !found.text.contains("Нет данных")));
}

#[test]
fn a_source_that_kept_silent_too_long_makes_the_report_preliminary() {
    let document = rendered(|district, _| district.sources[1].stale = true).document;
    assert_eq!(
        document.requisites.preliminary.as_deref(),
        Some("Предварительно: источники старше допустимого срока: Протокол ВПР maths vpr 2025-26 spring.xlsx.")
    );
}

#[test]
fn years_that_are_not_there_keep_their_column() {
    let document = rendered(|district, _| {
        district.observations.retain(|one| one.key.round.contains("2025-26"));
    })
    .document;
    let row = ["Русский язык, 4\u{a0}класс", "Успеваемость, %"];
    assert_eq!(cell(&document, "Динамика", 2, &row), &Content::NotAvailable);
    assert!(text(&document).contains("За 2024/25 учебный год результатов нет, сравнение не проводится"));
    assert!(
        document
            .conclusions()
            .all(|found| found.rule != "C-VPR-3" && found.rule != "C-VPR-8")
    );
}

#[test]
fn a_wrong_round_and_an_empty_one_are_two_different_refusals() {
    let district = District::invented();
    let refused = |round: &str| {
        let input = Input {
            round,
            ..district.input()
        };
        render(&input).expect_err("no report").code()
    };
    assert_eq!(refused("vpr/2025/spring"), "MSK-DOC-01");
    assert_eq!(refused("vpr/2019-20/spring"), "MSK-DOC-02");
}

#[test]
fn no_recommendation_comes_without_a_conclusion_and_each_has_a_date() {
    let document = office();
    let table = document
        .tables()
        .find(|table| table.sheet.ends_with("Рекомендации"))
        .expect("recommendations");
    for row in &table.rows {
        let basis = row.cells[2].printed();
        let word = if basis.contains(", ") {
            "выводы "
        } else {
            "вывод "
        };
        assert!(basis.starts_with(word), "{basis}");
        assert!(row.cells[5].printed().ends_with(".2026"), "{}", row.cells[5].printed());
    }
    let codes: Vec<String> = table.rows.iter().map(|row| row.cells[2].printed()).collect();
    assert!(codes.iter().any(|code| code.ends_with("(G-03)")));
    assert!(codes.iter().any(|code| code.ends_with("(G-01)")));
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let document = office();
    assert!(paper::docx(&document) == paper::docx(&document), "DOCX");
    assert!(paper::xlsx(&document) == paper::xlsx(&document), "XLSX");
}
