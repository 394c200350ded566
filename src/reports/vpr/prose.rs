//! Sections in words: purpose, passport, method and limits at the front; sources and organisations at the end.

use super::Coverage;
use super::tables::Build;
use crate::domain::document::{Block, Cell, Column, Row};
use crate::domain::number::{Forms, agree, date_short, percent, points, whole};
use crate::indicators::Counted;

pub(super) fn opening(build: &mut Build<'_>, coverage: &Coverage<'_>) {
    purpose(build);
    passport(build, coverage);
    method(build, coverage);
}

fn purpose(build: &mut Build<'_>) {
    build.heading("Основание и цель");
    build.paragraph(format!(
        "Справка подготовлена по итогам всероссийских проверочных работ (далее — ВПР), проведённых {} в образовательных организациях (далее — ОО). Основание: дорожная карта муниципальной системы оценки качества образования по направлению «Качество подготовки обучающихся», пункты 10–11.",
        build.period.when
    ));
    build.paragraph("Цель — адресная помощь образовательным организациям и планирование методической работы. Результаты ВПР не предназначены для оценки деятельности педагогов и ОО и для составления рейтингов; организации в таблицах расположены по наименованию.");
}

fn passport(build: &mut Build<'_>, coverage: &Coverage<'_>) {
    build.heading("Паспорт процедуры");
    let works: Vec<String> = (0..build.works.len())
        .map(|position| build.work_title(position))
        .collect();
    let year = build.period.years[0].for_people();
    let mut rows = vec![
        row("Процедура", Cell::text("Всероссийские проверочные работы")),
        row(
            "Период",
            Cell::text(format!("{}, {year} учебный год", build.period.season)),
        ),
        row("Предметы и классы", Cell::text(works.join("; "))),
        row(
            "Общеобразовательных организаций в реестре",
            Cell::text(whole(i64::try_from(coverage.expected).unwrap_or(i64::MAX))),
        ),
        row(
            "Организаций с результатами",
            Cell::text(whole(i64::try_from(coverage.present()).unwrap_or(i64::MAX))),
        ),
    ];
    let took: Option<Vec<&Counted>> = build
        .works
        .iter()
        .map(|work| work.municipality.participants().filter(|_| !work.total_hidden))
        .collect();
    if let Some(took) = took {
        let participations = super::cells::count(Some(&Counted::sum(took)));
        rows.push(row("Участий (сумма по предметам)", participations));
    }
    let files = i64::try_from(build.input.sources.len()).unwrap_or(i64::MAX);
    let noun = Forms::new("файл", "файла", "файлов", "файла");
    rows.push(row(
        "Источники",
        Cell::text(format!("{}, приложение 1", agree(files, noun))),
    ));
    let columns = vec![Column::text("Показатель", 35), Column::text("Значение", 65)];
    build.table("Паспорт", "Паспорт процедуры", columns, rows, Vec::new());
}

fn row(title: &str, value: Cell) -> Row {
    Row {
        cells: vec![Cell::text(title), value],
        strong: false,
    }
}

fn method(build: &mut Build<'_>, coverage: &Coverage<'_>) {
    build.heading("Методика и ограничения");
    let rules = build.input.rules;
    let limits = rules.limits;
    build.paragraph("Успеваемость — доля участников с отметками «3», «4», «5»; качество обученности — доля участников с отметками «4» и «5»; выполнение задания — сумма баллов, делённая на произведение числа участников и наибольшего балла. Доли считаются из чисел, разности — из неокруглённых долей.");
    build.blocks.push(Block::List(vec![
        format!(
            "Отличие организации от муниципалитета заметно, если оно не меньше {} и 95 %-интервал Уилсона доли организации не накрывает значение муниципалитета (значение муниципалитета включает и саму ОО).",
            points(rules.comparison.notable)
        ),
        format!(
            "Изменение за год заметно, если оно не меньше {} и 95 %-интервал Ньюкомба для разности не содержит нуля.",
            points(rules.comparison.notable)
        ),
        format!(
            "Задания базового уровня: достаточно — от {}, недостаточно — менее {}; повышенного и высокого: от {} и менее {}; между порогами — зона внимания.",
            percent(rules.basic.0),
            percent(rules.basic.1),
            percent(rules.advanced.0),
            percent(rules.advanced.1)
        ),
        format!(
            "Малые числа: менее {} участников — показатели не приводятся; {}–{} — только количества, без долей и выводов; {}–{} — малая выборка.",
            limits.counts,
            limits.counts,
            limits.shares - 1,
            limits.shares,
            limits.small - 1
        ),
    ]));
    let limits = limitations(build, coverage);
    if !limits.is_empty() {
        build.paragraph("Ограничения:");
        build.blocks.push(Block::List(limits));
    }
}

/// What is missing and why a column still stands there.
fn limitations(build: &Build<'_>, coverage: &Coverage<'_>) -> Vec<String> {
    let mut limits = Vec::new();
    let works = build.works;
    let titles = |which: &dyn Fn(usize) -> bool| -> String {
        let titles: Vec<String> = (0..works.len())
            .filter(|position| which(*position))
            .map(|position| build.work_title(position))
            .collect();
        titles.join("; ")
    };
    if !coverage.missing.is_empty() {
        let missing: Vec<&str> = coverage.missing.iter().map(|unit| unit.short_title.as_str()).collect();
        limits.push(format!("Результаты не получены: {}.", missing.join(", ")));
    }
    let mut say = |text: &str, works: String| {
        if !works.is_empty() {
            limits.push(format!("{text}: {works}."));
        }
    };
    say(
        "Сравнение с Российской Федерацией — н/д, сводные данные не загружены",
        titles(&|position| works[position].country.is_none()),
    );
    say(
        "Сравнение с субъектом РФ — н/д, сводные данные не загружены",
        titles(&|position| works[position].region.is_none()),
    );
    for (index, year) in (1..).zip(&build.period.years[1..]) {
        say(
            &format!(
                "За {} учебный год результатов нет, сравнение не проводится",
                year.for_people()
            ),
            titles(&|position| works[position].before[index - 1].is_none()),
        );
    }
    say(
        "Нет шкалы перевода баллов, отметки — н/д",
        titles(&|position| works[position].municipality.marks.is_none()),
    );
    for (position, work) in works.iter().enumerate() {
        let without: Vec<&str> = work
            .schools
            .iter()
            .filter(|school| school.figures.marks.is_none() && !school.is_hidden())
            .map(|school| school.unit.short_title.as_str())
            .collect();
        if work.municipality.marks.is_some() && !without.is_empty() {
            say(
                &format!(
                    "{}: отметок нет, в долях муниципалитета не учтены",
                    build.work_title(position)
                ),
                without.join(", "),
            );
        }
    }
    say(
        "Умения и уровни заданий не указаны (план работы не загружен)",
        titles(&|position| {
            let plan = build.input.plans.get(&works[position].key);
            plan.is_none_or(|plan| plan.tasks.is_empty())
        }),
    );
    limits
}

pub(super) fn closing(build: &mut Build<'_>) {
    build.blocks.push(Block::Signature);
    build
        .blocks
        .push(Block::Heading(1, "Приложение 1. Источники данных".to_owned()));
    if build.input.sources.is_empty() {
        build.paragraph("Сведения о файлах не переданы.");
    } else {
        sources(build);
    }
    build
        .blocks
        .push(Block::Heading(1, "Приложение 2. Наименования организаций".to_owned()));
    organisations(build);
}

fn sources(build: &mut Build<'_>) {
    let rows = (1..)
        .zip(build.input.sources)
        .map(|(number, source): (u32, _)| Row {
            cells: vec![
                Cell::text(number.to_string()),
                Cell::text(source.title.clone()),
                Cell::text(source.file.clone()),
                Cell::text(date_short(source.received.date_naive())),
                Cell::text(source.period.clone()),
                Cell::text(whole(i64::try_from(source.accepted).unwrap_or(i64::MAX))),
                Cell::text(whole(i64::try_from(source.refused).unwrap_or(i64::MAX))),
                Cell::text(source.hash.chars().take(16).collect::<String>()),
            ],
            strong: false,
        })
        .collect();
    let columns = vec![
        Column::text("№", 4),
        Column::text("Источник", 20),
        Column::text("Форма, файл", 24),
        Column::text("Получено", 12),
        Column::text("Период", 12),
        Column::number("Строк принято", 10),
        Column::number("Строк откло\u{ad}нено", 11),
        Column::text("Контрольная сумма", 18),
    ];
    let notes = vec!["Контрольная сумма — первые 16 знаков.".to_owned()];
    build.table("Файлы", "Источники данных", columns, rows, notes);
}

fn organisations(build: &mut Build<'_>) {
    let rows: Vec<Row> = build
        .input
        .schools()
        .into_iter()
        .map(|unit| Row {
            cells: vec![Cell::text(unit.short_title.clone()), Cell::text(unit.title.clone())],
            strong: false,
        })
        .collect();
    let columns = vec![
        Column::text("Краткое наименование", 35),
        Column::text("Полное наименование", 65),
    ];
    build.table(
        "Организации",
        "Наименования образовательных организаций",
        columns,
        rows,
        Vec::new(),
    );
}
