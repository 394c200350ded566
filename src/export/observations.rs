//! Results: one line for each number, with its origin.

use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::hiding::Hidden;
use super::words::BREAKDOWNS;
use super::{Cell, Column, Kind, Row, Table, Units, column};
use crate::domain::observation::Amount;
use crate::domain::stored::{TracedObservation, Trail};

/// The table of results.
pub const OBSERVATIONS: Table = Table {
    name: "observations",
    title: "Результаты",
    columns: &[
        UNIT[0],
        UNIT[1],
        UNIT[2],
        UNIT[3],
        UNIT[4],
        UNIT[5],
        column("procedure", "Процедура", Kind::Text, 12, "процедура; коды ниже"),
        column(
            "round",
            "Проведение",
            Kind::Text,
            22,
            "процедура / учебный год / сезон или этап",
        ),
        column("subject", "Предмет", Kind::Text, 12, "код предмета; коды ниже"),
        column("grade", "Класс", Kind::Number, 7, "класс, за который написана работа"),
        column(
            "measure",
            "Показатель",
            Kind::Text,
            18,
            "что посчитано; коды и единицы ниже",
        ),
        column(
            "breakdown",
            "Разрез",
            Kind::Text,
            20,
            "дополнительные ключи вида mark=2;journal=3, по алфавиту",
        ),
        column(BREAKDOWNS[0].0, BREAKDOWNS[0].1, Kind::Text, 9, BREAKDOWNS[0].2),
        column(BREAKDOWNS[1].0, BREAKDOWNS[1].1, Kind::Text, 9, BREAKDOWNS[1].2),
        column(BREAKDOWNS[2].0, BREAKDOWNS[2].1, Kind::Text, 9, BREAKDOWNS[2].2),
        column(BREAKDOWNS[3].0, BREAKDOWNS[3].1, Kind::Text, 9, BREAKDOWNS[3].2),
        column(BREAKDOWNS[4].0, BREAKDOWNS[4].1, Kind::Text, 9, BREAKDOWNS[4].2),
        column(BREAKDOWNS[5].0, BREAKDOWNS[5].1, Kind::Text, 9, BREAKDOWNS[5].2),
        column(BREAKDOWNS[6].0, BREAKDOWNS[6].1, Kind::Text, 9, BREAKDOWNS[6].2),
        column(
            "value",
            "Значение",
            Kind::Number,
            11,
            "само число; единица зависит от показателя; пусто, если скрыто",
        ),
        column(
            "n",
            "Из скольких",
            Kind::Number,
            11,
            "участников, стоящих за числом, если источник их называет",
        ),
        HIDDEN,
        FILE[0],
        FILE[1],
        FILE[2],
        FILE[3],
        FILE[4],
        FILE[5],
        FILE[6],
        FILE[7],
        FILE[8],
        FILE[9],
    ],
};

/// Columns about the organisation.
pub(super) const UNIT: [Column; 6] = [
    column("unit", "Код организации", Kind::Text, 14, "код в реестре, не меняется"),
    column(
        "unit_title",
        "Организация",
        Kind::Text,
        34,
        "краткое наименование по реестру",
    ),
    column("unit_kind", "Вид организации", Kind::Text, 14, "вид; коды ниже"),
    column("ogrn", "ОГРН", Kind::Text, 16, "текст из 13 цифр"),
    column("inn", "ИНН", Kind::Text, 13, "текст из 10 цифр"),
    column("login", "Логин ФИС ОКО", Kind::Text, 13, "шесть цифр логина, текст"),
];

pub(super) const HIDDEN: Column = column(
    "hidden",
    "Почему скрыто",
    Kind::Text,
    30,
    "почему число не показано этому получателю; пусто, если показано",
);

/// Columns about the origin.
pub(super) const FILE: [Column; 10] = [
    column("file", "Файл", Kind::Text, 34, "файл или страница, откуда взято число"),
    column(
        "place",
        "Место",
        Kind::Text,
        24,
        "ячейка, строка или строки файла; пусто у скрытых чисел",
    ),
    column("snapshot", "Снимок", Kind::Text, 16, "хеш снимка в хранилище"),
    column("source", "Источник", Kind::Text, 16, "имя источника в sources.toml"),
    column("connector", "Соединитель", Kind::Text, 16, "чем прочитан файл"),
    column("run", "Загрузка", Kind::Number, 9, "номер загрузки"),
    column(
        "received",
        "Получено",
        Kind::Moment,
        19,
        "когда получен файл, по времени муниципалитета",
    ),
    column("loaded", "Загружено", Kind::Moment, 19, "когда число вошло в хранилище"),
    column(
        "replaced_by",
        "Заменено загрузкой",
        Kind::Number,
        11,
        "номер загрузки, заменившей это число (с ключом --history)",
    ),
    column(
        "replaced_at",
        "Заменено",
        Kind::Moment,
        19,
        "когда число заменено; у действующих пусто",
    ),
];

/// One result as it leaves the warehouse.
#[derive(Debug)]
pub struct ObservationRow<'r> {
    /// The result.
    pub traced: &'r TracedObservation,
    /// Why its number does not leave.
    pub hidden: Option<Hidden>,
    /// The number of people behind it may leave.
    pub tells_people: bool,
    /// Names of organisations.
    pub units: &'r Units<'r>,
    /// Zone in which moments are told.
    pub zone: Tz,
}

impl ObservationRow<'_> {
    /// Rows of a folded file and rows of a sheet tell how many pupils stand behind a number.
    fn place(&self) -> Option<&str> {
        self.hidden.is_none().then(|| self.traced.stored.place.as_str())
    }

    fn n(&self) -> Option<i64> {
        self.traced
            .stored
            .n
            .filter(|_| self.hidden.is_none() && self.tells_people)
    }
}

impl Row for ObservationRow<'_> {
    fn cells(&self) -> Vec<Cell<'_>> {
        let (stored, trail) = (&self.traced.stored, &self.traced.trail);
        let key = &stored.key;
        let mut cells = Vec::with_capacity(OBSERVATIONS.columns.len());
        cells.extend(self.units.cells(&key.unit));
        cells.push(Cell::text(key.procedure.as_str()));
        cells.push(Cell::text(&*key.round));
        cells.push(Cell::maybe(key.subject.as_deref()));
        cells.push(Cell::whole(key.grade.map(i64::from)));
        cells.push(Cell::text(key.measure.as_str()));
        cells.push(if key.breakdown.is_empty() {
            Cell::Empty
        } else {
            Cell::text(key.breakdown.to_string())
        });
        cells.extend(BREAKDOWNS.iter().map(|(name, ..)| Cell::maybe(key.breakdown.get(name))));
        cells.push(match self.hidden {
            None => Cell::Number(stored.value),
            Some(_) => Cell::Empty,
        });
        cells.push(Cell::whole(self.n()));
        cells.push(Cell::maybe(self.hidden.map(|hidden| hidden.to_string())));
        cells.push(Cell::text(&*stored.file));
        cells.push(Cell::maybe(self.place()));
        cells.push(Cell::text(&*stored.snapshot));
        cells.extend(trail_cells(trail, Cell::Moment(stored.received), self.zone));
        cells
    }

    fn json(&self) -> Value {
        let (stored, trail) = (&self.traced.stored, &self.traced.trail);
        let key = &stored.key;
        let breakdown: Map<String, Value> = key
            .breakdown
            .iter()
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect();
        let mut origin = json!({
            "file": &*stored.file,
            "place": self.place(),
            "snapshot": &*stored.snapshot,
            "received": stored.received.to_rfc3339(),
        });
        trail_json(&mut origin, trail, self.zone);
        json!({
            "kind": "observation",
            "unit": self.units.json(&key.unit),
            "procedure": key.procedure.as_str(),
            "round": &*key.round,
            "measure": key.measure.as_str(),
            "subject": key.subject.as_deref(),
            "grade": key.grade,
            "breakdown": (!breakdown.is_empty()).then_some(breakdown),
            "value": self.hidden.is_none().then(|| number(stored.value)),
            "n": self.n(),
            "hidden": self.hidden.map(|hidden| hidden.to_string()),
            "origin": origin,
            "replaced": replaced_json(trail, self.zone),
        })
    }
}

/// Source, connector, run, times, replacement: the last seven columns of either table.
pub(super) fn trail_cells<'r>(trail: &'r Trail, received: Cell<'r>, zone: Tz) -> [Cell<'r>; 7] {
    let moment = |at: chrono::DateTime<chrono::Utc>| Cell::Moment(at.with_timezone(&zone).fixed_offset());
    [
        Cell::text(&*trail.source),
        Cell::text(&*trail.connector),
        Cell::whole(Some(trail.run)),
        received,
        moment(trail.loaded),
        Cell::whole(trail.replaced.map(|(run, _)| run)),
        trail.replaced.map_or(Cell::Empty, |(_, at)| moment(at)),
    ]
}

pub(super) fn trail_json(origin: &mut Value, trail: &Trail, zone: Tz) {
    origin["source"] = (&*trail.source).into();
    origin["connector"] = (&*trail.connector).into();
    origin["run"] = trail.run.into();
    origin["loaded"] = local(trail.loaded, zone).into();
}

pub(super) fn replaced_json(trail: &Trail, zone: Tz) -> Option<Value> {
    let (run, at) = trail.replaced?;
    Some(json!({ "run": run, "at": local(at, zone) }))
}

pub(super) fn local(at: chrono::DateTime<chrono::Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).to_rfc3339()
}

/// A whole number stays whole, a decimal one keeps its digits.
pub(super) fn number(amount: Amount) -> Value {
    if amount.scale == 0 {
        amount.units.into()
    } else {
        amount.to_f64().into()
    }
}
