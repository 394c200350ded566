//! Conclusions → addressed recommendations (rules G-01…G-05) and the draft of decisions.
//!
//! Without a conclusion there is no recommendation; each has an indicator and a date.

use super::conclusions::Found;
use super::tables::Build;
use crate::domain::document::{Block, Cell, Column, Row};
use crate::domain::number::date_short;
use crate::domain::text::after_colon;

/// A recommendation (рекомендация).
struct Advice {
    code: &'static str,
    addressee: String,
    basis: Vec<usize>,
    action: String,
    expected: String,
    term: chrono::NaiveDate,
    responsible: &'static str,
    proof: &'static str,
}

const HEAD: &str = "руководитель ОО";

pub(super) fn write(build: &mut Build<'_>, found: &[Found]) {
    let advice = recommend(build, found);
    table(build, &advice);
    decisions(build, &advice);
}

fn recommend(build: &Build<'_>, found: &[Found]) -> Vec<Advice> {
    let terms = build.input.terms;
    let mut advice = Vec::new();
    let gather = |rules: &[&str]| -> (Vec<usize>, Vec<String>) {
        let (mut basis, mut units) = (Vec::new(), Vec::new());
        for (number, found) in (1..).zip(found) {
            if !rules.contains(&found.rule) || found.units.is_empty() {
                continue;
            }
            basis.push(number);
            for unit in &found.units {
                if !units.contains(unit) {
                    units.push(unit.clone());
                }
            }
        }
        units.sort_by_key(|unit| super::gather::natural(unit));
        (basis, units)
    };
    advice.extend(tasks(build, found));
    let (basis, units) = gather(&["C-VPR-2", "C-VPR-3"]);
    if !units.is_empty() {
        advice.push(Advice {
            code: "G-03",
            addressee: format!("Руководители ОО: {}", units.join(", ")),
            basis,
            action: "Утвердить план помощи обучающимся (без персональных данных в отчётности): консультации, индивидуальная работа, контроль посещаемости".to_owned(),
            expected: "Доля отметок «2» в следующей процедуре — на уровне муниципалитета".to_owned(),
            term: terms.two_weeks,
            responsible: HEAD,
            proof: "план, утверждённый приказом ОО",
        });
    }
    let (basis, units) = gather(&["C-VPR-5"]);
    if !units.is_empty() {
        advice.push(Advice {
            code: "G-04",
            addressee: format!("Руководители ОО: {}", units.join(", ")),
            basis: basis.clone(),
            action: "Провести семинар по критериям оценивания и перекрёстную проверку работ".to_owned(),
            expected: "Рост доли подтвердивших отметку по журналу в следующей процедуре".to_owned(),
            term: terms.next_procedure,
            responsible: HEAD,
            proof: "протокол семинара, справка о перекрёстной проверке",
        });
        advice.push(Advice {
            code: "G-04",
            addressee: "Управление образования".to_owned(),
            basis,
            action: format!(
                "Направить независимого наблюдателя на следующую процедуру: {}",
                units.join(", ")
            ),
            expected: "Доля подтвердивших отметку по журналу".to_owned(),
            term: terms.next_procedure,
            responsible: "управление образования",
            proof: "приказ о направлении наблюдателей",
        });
    }
    let (basis, units) = gather(&["C-VPR-1"]);
    if !units.is_empty() {
        advice.push(Advice {
            code: "G-05",
            addressee: format!("Руководители ОО: {}", units.join(", ")),
            basis,
            action: "Представить объяснение причин и передать недостающие данные".to_owned(),
            expected: format!(
                "Охват не ниже {}",
                crate::domain::number::percent(build.input.rules.coverage)
            ),
            term: terms.five_days,
            responsible: HEAD,
            proof: "письмо ОО, дополненный протокол",
        });
    }
    advice
}

/// G-01 for tasks not done in several organisations, G-02 for the rest.
fn tasks(build: &Build<'_>, found: &[Found]) -> Vec<Advice> {
    let terms = build.input.terms;
    let many = build.input.rules.skill_units;
    let (mut wide, mut wide_basis) = (Vec::new(), Vec::new());
    let (mut narrow, mut narrow_basis, mut narrow_units) = (Vec::new(), Vec::new(), Vec::new());
    for (number, found) in (1..).zip(found) {
        for (task, units) in &found.deficits {
            if units.len() >= many {
                wide.push(task.clone());
                wide_basis.push(number);
            } else if !units.is_empty() {
                narrow.push(task.clone());
                narrow_basis.push(number);
                narrow_units.extend(units.iter().cloned());
            }
        }
    }
    let mut advice = Vec::new();
    if !wide.is_empty() {
        wide_basis.dedup();
        let (addressee, responsible) = if build.input.office.has_methodists {
            (
                "Методическая служба, районные методические объединения",
                "методическая служба",
            )
        } else {
            (
                "Управление образования, районные методические объединения",
                "управление образования",
            )
        };
        advice.push(Advice {
            code: "G-01",
            addressee: addressee.to_owned(),
            basis: wide_basis,
            action: format!(
                "Провести серию практикумов и собрать банк заданий на умения, которые проверялись здесь: {}",
                wide.join("; ")
            ),
            expected: "Выполнение этих заданий на муниципальной работе — не ниже порога «достаточно»".to_owned(),
            term: terms.next_quarter,
            responsible,
            proof: "план практикумов, итоги муниципальной работы",
        });
    }
    if !narrow.is_empty() {
        narrow_basis.dedup();
        narrow_units.sort_by_key(|unit| super::gather::natural(unit));
        narrow_units.dedup();
        advice.push(Advice {
            code: "G-02",
            addressee: format!(
                "Заместители руководителя по учебной работе: {}",
                narrow_units.join(", ")
            ),
            basis: narrow_basis,
            action: format!(
                "Скорректировать рабочие программы, включить в график внутреннего контроля: {}",
                narrow.join("; ")
            ),
            expected: "Выполнение этих заданий на внутренней работе — не ниже порога «достаточно»".to_owned(),
            term: terms.month,
            responsible: "заместитель руководителя ОО",
            proof: "изменения в рабочей программе, справка внутреннего контроля",
        });
    }
    advice
}

fn table(build: &mut Build<'_>, advice: &[Advice]) {
    build.heading("Адресные рекомендации");
    if advice.is_empty() {
        build.paragraph("Выводов, требующих адресных рекомендаций, нет.");
        return;
    }
    let rows = (1..)
        .zip(advice)
        .map(|(number, advice): (u32, _)| {
            let basis: Vec<String> = advice.basis.iter().map(usize::to_string).collect();
            let word = if basis.len() > 1 { "выводы" } else { "вывод" };
            let basis = format!("{word} {} ({})", basis.join(", "), advice.code);
            Row {
                cells: vec![
                    Cell::text(number.to_string()),
                    Cell::text(advice.addressee.clone()),
                    Cell::text(basis),
                    Cell::text(advice.action.clone()),
                    Cell::text(advice.expected.clone()),
                    Cell::text(date_short(advice.term)),
                    Cell::text(advice.responsible),
                    Cell::text(advice.proof),
                ],
                strong: false,
            }
        })
        .collect();
    let columns = vec![
        Column::text("№", 3),
        Column::text("Адресат", 20),
        Column::text("Основание (вывод №)", 16),
        Column::text("Что сделать", 28),
        Column::text("Ожидаемый результат и показатель", 22),
        Column::text("Срок", 10),
        Column::text("Ответственный", 14),
        Column::text("Форма подтверждения", 16),
    ];
    build.table("Рекомендации", "Адресные рекомендации", columns, rows, Vec::new());
}

fn decisions(build: &mut Build<'_>, advice: &[Advice]) {
    build.heading("Предложения в проект управленческих решений");
    let mut items = vec![
        "Утвердить настоящую справку и адресные рекомендации.".to_owned(),
        "Руководителям ОО: провести анализ результатов своей организации и принять документально оформленные решения."
            .to_owned(),
    ];
    if let Some(last) = advice.iter().map(|advice| advice.term).max() {
        items.push(format!(
            "Исполнителям: выполнить адресные рекомендации в указанные в них сроки, не позднее {}, и представить подтверждения.",
            crate::domain::number::date_long(last)
        ));
    }
    items.push(
        "Результаты ВПР не использовать для оценки деятельности педагогов и рейтингования организаций.".to_owned(),
    );
    items.push(format!(
        "Контроль исполнения: {}.",
        after_colon(&build.input.office.head_post)
    ));
    build.blocks.push(Block::List(items));
}
