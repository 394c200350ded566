//! Facts of official sites: one line for each, with its page.

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::hiding::Hidden;
use super::observations::{UNIT, number};
use super::origin::{FILE, HIDDEN, Origin, local};
use super::{Cell, Kind, Row, Table, Units, column, joined};
use crate::domain::fact::FactValue;
use crate::domain::stored::TracedFact;

/// The table of facts.
pub const FACTS: Table = Table {
    name: "facts",
    title: "Сведения сайтов",
    columns: &joined::<28>(&[
        &UNIT,
        &[
            column("code", "Сведение", Kind::Text, 30, "код сведения; коды и единицы ниже"),
            column(
                "value",
                "Значение",
                Kind::Mixed,
                34,
                "само значение; вид — в столбце value_type; пусто, если скрыто или его нет",
            ),
            column(
                "value_type",
                "Вид значения",
                Kind::Text,
                9,
                "как читать значение; коды ниже",
            ),
            column("state", "Состояние", Kind::Text, 16, "что сообщает сайт; коды ниже"),
            column(
                "unit_of_measure",
                "Единица",
                Kind::Text,
                12,
                "единица измерения; коды ниже",
            ),
            column(
                "as_of",
                "На дату",
                Kind::Text,
                12,
                "день или год, который называет страница",
            ),
            column("url", "Адрес", Kind::Text, 40, "адрес страницы"),
            column(
                "confidence",
                "Уверенность",
                Kind::Number,
                11,
                "от 0 до 100: 95 — разметка, 70–75 — подписи, 55 — текст",
            ),
            column(
                "source_kind",
                "Способ чтения",
                Kind::Text,
                12,
                "microdata — разметка страницы, fallback — подписи и заголовки",
            ),
        ],
        &[HIDDEN],
        &FILE,
        &[
            column(
                "first_seen",
                "Впервые прочитано",
                Kind::Moment,
                19,
                "когда страница впервые сообщила это",
            ),
            column(
                "last_seen",
                "Подтверждено",
                Kind::Moment,
                19,
                "когда страница сообщала это в последний раз",
            ),
        ],
    ]),
};

/// One fact as it leaves the warehouse.
#[derive(Debug)]
pub struct FactRow<'r> {
    /// The fact.
    pub traced: &'r TracedFact,
    /// Why its value does not leave.
    pub hidden: Option<Hidden>,
    /// Names of organisations.
    pub units: &'r Units<'r>,
    /// Zone in which moments are told.
    pub zone: Tz,
}

impl FactRow<'_> {
    fn value(&self) -> Option<&FactValue> {
        self.traced.stored.value.as_ref().filter(|_| self.hidden.is_none())
    }

    fn origin(&self) -> Origin<'_> {
        let (fact, traced) = (&self.traced.stored, self.traced);
        Origin {
            file: &traced.file,
            place: self.hidden.is_none().then(|| fact.place.as_str()),
            snapshot: &fact.snapshot,
            received: local(traced.received, self.zone),
            trail: &traced.trail,
            zone: self.zone,
        }
    }
}

impl Row for FactRow<'_> {
    fn cells(&self) -> Vec<Cell<'_>> {
        let (fact, traced) = (&self.traced.stored, self.traced);
        let mut cells = Vec::with_capacity(FACTS.columns.len());
        cells.extend(self.units.cells(&fact.unit));
        cells.push(Cell::text(fact.code.as_str()));
        cells.push(self.value().map_or(Cell::Empty, value_cell));
        cells.push(Cell::maybe(self.value().map(value_type)));
        cells.push(Cell::maybe(fact.state.map(|state| state.as_str())));
        cells.push(Cell::maybe(fact.unit_of_measure.as_deref()));
        cells.push(Cell::maybe(fact.as_of.as_deref()));
        cells.push(Cell::maybe(fact.url.as_deref()));
        cells.push(Cell::whole(Some(i64::from(fact.confidence))));
        cells.push(Cell::text(&*traced.source_kind));
        cells.push(Cell::maybe(self.hidden.map(|hidden| hidden.to_string())));
        cells.extend(self.origin().cells());
        cells.extend([fact.first_seen, fact.last_seen].map(|at| Cell::Moment(local(at, self.zone))));
        cells
    }

    fn json(&self) -> Value {
        let (fact, traced) = (&self.traced.stored, self.traced);
        let origin = self.origin();
        json!({
            "kind": "fact",
            "unit": self.units.json(&fact.unit),
            "code": fact.code,
            "value": self.value().map(value_json),
            "value_type": self.value().map(value_type),
            "state": fact.state.map(|state| state.as_str()),
            "unit_of_measure": fact.unit_of_measure,
            "as_of": fact.as_of,
            "url": fact.url,
            "confidence": fact.confidence,
            "source_kind": &*traced.source_kind,
            "hidden": self.hidden.map(|hidden| hidden.to_string()),
            "origin": origin.json(),
            "first_seen": local(fact.first_seen, self.zone).to_rfc3339(),
            "last_seen": local(fact.last_seen, self.zone).to_rfc3339(),
            "replaced": origin.replaced(),
        })
    }
}

fn value_cell(value: &FactValue) -> Cell<'_> {
    match value {
        FactValue::Number(amount) => Cell::Number(*amount),
        FactValue::Text(text) => Cell::text(text.as_str()),
        FactValue::Date(date) => Cell::text(date.to_string()),
        FactValue::Bool(value) => Cell::text(value.to_string()),
        FactValue::List(_) => Cell::text(value_json(value).to_string()),
    }
}

const fn value_type(value: &FactValue) -> &'static str {
    match value {
        FactValue::Bool(_) => "bool",
        FactValue::Number(_) => "number",
        FactValue::Text(_) => "text",
        FactValue::Date(_) => "date",
        FactValue::List(_) => "list",
    }
}

fn value_json(value: &FactValue) -> Value {
    match value {
        FactValue::Bool(value) => (*value).into(),
        FactValue::Number(amount) => number(*amount),
        FactValue::Text(text) => text.as_str().into(),
        FactValue::Date(date) => date.to_string().into(),
        FactValue::List(items) => items.iter().map(value_json).collect(),
    }
}
