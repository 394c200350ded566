//! Letters of an invented office, for tests.

use chrono::NaiveDate;

use super::digest::{Change, Digest};
use super::proof::Proof;
use super::reminder::{Reminder, Stage};
use super::report::{Chart, Column, ReportLetter, Table};
use super::source::{SourceFailing, SourceName, SourceRecovered};
use super::{Frame, Left, Office, Term};
use crate::domain::letter::{Attachment, Letter, Mailbox};
use crate::domain::roadmap::Deadline;
use crate::domain::unit::UnitId;
use crate::domain::vocabulary::DeadlineState;
use crate::message::Problem;

/// A letter as its reader sees it first.
pub(super) fn shown(letter: &Letter) -> String {
    format!("Тема: {}\n\n{}", letter.subject, letter.text)
}

pub(super) fn office() -> Office {
    Office {
        title: "Управление образования Верхнегорского района".to_owned(),
        contact: Mailbox {
            name: "Отдел оценки качества образования".to_owned(),
            address: "ocenka@edu.example".to_owned(),
        },
        phone: "(99999) 2-10-10".to_owned(),
        zone: "МСК (UTC+3)".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

fn frame<'a>(office: &'a Office, key: &str) -> Frame<'a> {
    Frame {
        key: key.to_owned(),
        to: Mailbox {
            name: "Специалист отдела оценки".to_owned(),
            address: "specialist@edu.example".to_owned(),
        },
        office,
        written_at: "2026-02-16T08:00:00+03:00".parse().expect("a moment"),
        attachments: Vec::new(),
    }
}

fn calendar(name: &str) -> Attachment {
    Attachment {
        name: name.to_owned(),
        media_type: "text/calendar; charset=utf-8; method=PUBLISH".to_owned(),
        content_id: None,
        bytes: b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:msoko\r\nEND:VCALENDAR\r\n".to_vec(),
    }
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn term(number: &str, day: &str, left: Left, activity: &str, indicator: &str, assignee: &str) -> Term {
    Term {
        deadline: Deadline {
            id: format!("1/{number}@{day}"),
            roadmap: 1,
            number: number.to_owned(),
            direction: "Качество подготовки обучающихся".to_owned(),
            activity: activity.to_owned(),
            indicator: indicator.to_owned(),
            term: "до 01 марта ежегодно".to_owned(),
            unit: None,
            date: Some(date(day)),
            window_start: None,
            last_working_day: Some(date(day)),
            provisional: false,
            state: DeadlineState::Soon,
            assignee: assignee.to_owned(),
            evidence: None,
        },
        unit_title: None,
        left,
    }
}

fn effect() -> Term {
    let mut term = term(
        "20",
        "2026-03-01",
        Left::WorkingDays(8),
        "Проведение анализа эффективности принятых мер по повышению качества подготовки обучающихся",
        "Аналитическая справка",
        "управление образования",
    );
    term.deadline.last_working_day = Some(date("2026-02-27"));
    term
}

pub(super) fn digest(office: &Office) -> Digest<'_> {
    let mut of_a_school = term(
        "5.1",
        "2026-02-13",
        Left::Overdue(1),
        "Подготовка адресных рекомендаций по результатам ВПР",
        "Адресные рекомендации, размещённые на сайте",
        "руководители ОО",
    );
    of_a_school.unit_title = Some("МКОУ «Верхнегорская СОШ № 2»".to_owned());
    of_a_school.deadline.unit = Some(UnitId("school-2".to_owned()));
    let mut unclear = term(
        "13",
        "2026-03-01",
        Left::Unclear,
        "Участие в национальных исследованиях качества образования",
        "Отчёт",
        "управление образования",
    );
    unclear.deadline.date = None;
    unclear.deadline.term = "по результатам участия".to_owned();
    let mut planned = term(
        "4",
        "2026-02-20",
        Left::WorkingDays(4),
        "Проведение муниципальных проверочных работ по математике в 8 классах",
        "Протоколы проверочных работ",
        "методическая служба",
    );
    planned.deadline.provisional = true;
    Digest {
        frame: Frame {
            attachments: vec![calendar("сроки.ics")],
            ..frame(office, "digest/2026-02-16/specialist")
        },
        overdue: vec![
            term(
                "2",
                "2026-02-09",
                Left::Overdue(5),
                "Утверждение плана-графика оценочных процедур",
                "Приказ управления образования",
                "управление образования",
            ),
            of_a_school,
        ],
        today: vec![term(
            "7",
            "2026-02-16",
            Left::WorkingDays(0),
            "Сверка списков участников ГИА-9",
            "Акт сверки",
            "муниципальный координатор ГИА",
        )],
        next: vec![
            planned,
            term(
                "9",
                "2026-02-25",
                Left::WorkingDays(6),
                "Сбор сведений об обеспеченности учебниками",
                "Сводная таблица",
                "руководители ОО",
            ),
        ],
        next_until: date("2026-02-26"),
        later: vec![term(
            "6",
            "2026-02-27",
            Left::WorkingDays(8),
            "Подготовка адресных рекомендаций по итогам муниципальных проверочных работ",
            "Адресные рекомендации",
            "методическая служба",
        )],
        unclear: vec![unclear],
        changed: vec![Change {
            what: "Приложение 1, пункт 15: опрос родителей".to_owned(),
            was: "срок 12 февраля".to_owned(),
            now: "выполнено, справка от 11.02.2026 № 14".to_owned(),
        }],
        quiet: 31,
    }
}

pub(super) fn reminder(office: &Office) -> Reminder<'_> {
    Reminder {
        frame: Frame {
            attachments: vec![calendar("срок-2026-03-01.ics")],
            ..frame(office, "reminder/1-20/2026-03-01/t-10")
        },
        term: effect(),
        to_do: "проверьте черновик справки, дополните раздел 5 и пришлите подписанный вариант".to_owned(),
        stage: Stage::Ahead(10),
    }
}

pub(super) fn overdue_reminder(office: &Office) -> Reminder<'_> {
    let base = reminder(office);
    let mut term = base.term.clone();
    term.left = Left::Overdue(1);
    Reminder {
        frame: Frame {
            written_at: "2026-03-02T08:00:00+03:00".parse().expect("a moment"),
            key: "reminder/1-20/2026-03-01/t+1".to_owned(),
            ..base.frame.clone()
        },
        term,
        stage: Stage::After(1),
        ..base
    }
}

fn source() -> SourceName {
    SourceName {
        id: "vpr".to_owned(),
        title: "Протоколы ВПР".to_owned(),
    }
}

pub(super) fn source_failing(office: &Office) -> SourceFailing<'_> {
    SourceFailing {
        frame: frame(office, "source/vpr/2026-02-14/failing"),
        thread: "source/vpr/2026-02-14".to_owned(),
        source: source(),
        since: "2026-02-14T06:00:00+03:00".parse().expect("a moment"),
        last_success: Some("2026-02-13T06:00:00+03:00".parse().expect("a moment")),
        failures: 3,
        problem: Problem::new("MSK-DEC-03")
            .arg("sheet", "Протокол")
            .arg("column", "Логин ОО")
            .arg("found", "Логин, Класс, Предмет")
            .at("vpr-2026.xlsx, лист «Протокол»"),
        more: Vec::new(),
        accepted: 0,
        next_try: None,
        still_works: vec![
            "Остальные 11 источников загружены сегодня в 06:00.".to_owned(),
            "Сроки и напоминания не зависят от этого источника.".to_owned(),
            "В отчётах остаются данные ВПР на 13.02.2026 с пометкой.".to_owned(),
        ],
    }
}

pub(super) fn source_recovered(office: &Office) -> SourceRecovered<'_> {
    SourceRecovered {
        frame: frame(office, "source/vpr/2026-02-14/recovered"),
        thread: "source/vpr/2026-02-14".to_owned(),
        source: source(),
        since: "2026-02-14T06:00:00+03:00".parse().expect("a moment"),
        at: "2026-02-16T07:45:00+03:00".parse().expect("a moment"),
        in_part: false,
        brought: Some("загружено 1 240 показателей, в карантине 0 строк".to_owned()),
    }
}

pub(super) fn report(office: &Office) -> ReportLetter<'_> {
    let row = |cells: [&str; 5]| cells.map(str::to_owned).to_vec();
    let column = |title: &str, numeric| Column {
        title: title.to_owned(),
        numeric,
    };
    let file = |name: &str, media_type: &str| Attachment {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        content_id: None,
        bytes: vec![b'x'; 40_000],
    };
    ReportLetter {
        frame: Frame {
            attachments: vec![
                file(
                    "01-справка-ВПР-2025-26.docx",
                    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                ),
                file(
                    "03-таблицы-ВПР-2025-26.xlsx",
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                ),
            ],
            ..frame(office, "report/R-VPR/2025-26/3/specialist")
        },
        number: "R-VPR/2025-26/3".to_owned(),
        title: "Справка по итогам ВПР, 2025/26 учебный год".to_owned(),
        preliminary: false,
        as_of: "Данные на 16.02.2026 06:10 МСК. Охват: 10 из 10 ОО. Версия правил 3".to_owned(),
        summary: vec![
            "В ВПР участвовали 412 обучающихся 10 школ, охват 94,5\u{a0}%".to_owned(),
            "Успеваемость по математике в 5 классах — 91,2\u{a0}% (104 из 114); к 2024/25 учебному году рост на \
             6,3\u{a0}п.п."
                .to_owned(),
            "Заметно ниже муниципалитета задание 8 по математике: 34,1\u{a0}%".to_owned(),
            "Нет данных: МКОУ «Заречная ООШ», русский язык; вывод по ним не делается".to_owned(),
        ],
        table: Some(Table {
            caption: "Таблица 1 — Итоги ВПР по математике, 5 класс".to_owned(),
            columns: vec![
                column("Организация", false),
                column("Участники", true),
                column("Успеваемость, %", true),
                column("Качество, %", true),
                column("Средняя отметка", true),
            ],
            rows: vec![
                row(["МКОУ «Верхнегорская СОШ № 1»", "57", "94,7", "45,6", "3,56"]),
                row(["МКОУ «Верхнегорская СОШ № 2»", "41", "87,8", "39,0", "3,41"]),
                row(["МКОУ «Заречная ООШ»", "менее 5", "—", "—", "—"]),
                row(["Муниципалитет", "114", "91,2", "42,1", "3,48"]),
            ],
            notes: vec!["Источник: протоколы ВПР, ФИС ОКО, получено 13.02.2026".to_owned()],
        }),
        chart: Some(Chart {
            png: b"\x89PNG\r\n\x1a\n".to_vec(),
            conclusion: "Успеваемость по математике выросла с 84,9\u{a0}% до 91,2\u{a0}%, качество — с 38,0\u{a0}% до \
                         42,1\u{a0}%"
                .to_owned(),
            caption: "Рисунок 1 — Успеваемость и качество по математике, 5 класс, за три года".to_owned(),
        }),
    }
}

pub(super) fn proof(office: &Office) -> Proof<'_> {
    Proof {
        frame: frame(office, "test/2026-02-16T08:00"),
        way: "почтовый сервер mail.edu.example, порт 587, STARTTLS".to_owned(),
    }
}
