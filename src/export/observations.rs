//! Results: one line for each number, with its origin.

use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::hiding::Hidden;
use super::origin::{FILE, HIDDEN, Origin};
use super::words::BREAKDOWNS;
use super::{Cell, Column, Kind, Row, Table, Units, column, joined};
use crate::domain::observation::Amount;
use crate::domain::stored::TracedObservation;

/// The table of results.
pub const OBSERVATIONS: Table = Table {
    name: "observations",
    title: "Результаты",
    columns: &joined::<32>(&[
        &UNIT,
        &[
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
        ],
        &[HIDDEN],
        &FILE,
    ]),
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
    fn origin(&self) -> Origin<'_> {
        let stored = &self.traced.stored;
        Origin {
            file: &stored.file,
            place: self.hidden.is_none().then(|| stored.place.as_str()),
            snapshot: &stored.snapshot,
            received: stored.received,
            trail: &self.traced.trail,
            zone: self.zone,
        }
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
        let stored = &self.traced.stored;
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
        cells.extend(self.origin().cells());
        cells
    }

    fn json(&self) -> Value {
        let stored = &self.traced.stored;
        let key = &stored.key;
        let breakdown: Map<String, Value> = key
            .breakdown
            .iter()
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect();
        let origin = self.origin();
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
            "origin": origin.json(),
            "replaced": origin.replaced(),
        })
    }
}

/// A whole number stays whole, a decimal one keeps its digits.
pub(super) fn number(amount: Amount) -> Value {
    if amount.scale == 0 {
        amount.units.into()
    } else {
        amount.to_f64().into()
    }
}
