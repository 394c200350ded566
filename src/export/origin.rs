//! Where a value came from, and why it is not told: columns and keys that both tables have.

use chrono::{DateTime, FixedOffset, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Cell, Column, Kind, column};
use crate::domain::stored::Trail;

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

/// Where a value came from.
pub(super) struct Origin<'r> {
    pub(super) file: &'r str,
    /// Rows of a folded file and rows of a sheet tell how many pupils stand behind a number: absent when it is hidden.
    pub(super) place: Option<&'r str>,
    pub(super) snapshot: &'r str,
    pub(super) received: DateTime<FixedOffset>,
    pub(super) trail: &'r Trail,
    /// Zone in which moments are told.
    pub(super) zone: Tz,
}

impl<'r> Origin<'r> {
    /// The columns [`FILE`].
    pub(super) fn cells(&self) -> [Cell<'r>; FILE.len()] {
        let moment = |at| Cell::Moment(local(at, self.zone));
        let replaced = self.trail.replaced;
        [
            Cell::text(self.file),
            Cell::maybe(self.place),
            Cell::text(self.snapshot),
            Cell::text(&*self.trail.source),
            Cell::text(&*self.trail.connector),
            Cell::whole(Some(self.trail.run)),
            Cell::Moment(self.received),
            moment(self.trail.loaded),
            Cell::whole(replaced.map(|(run, _)| run)),
            replaced.map_or(Cell::Empty, |(_, at)| moment(at)),
        ]
    }

    /// The key `origin`.
    pub(super) fn json(&self) -> Value {
        json!({
            "file": self.file,
            "place": self.place,
            "snapshot": self.snapshot,
            "received": self.received.to_rfc3339(),
            "source": &*self.trail.source,
            "connector": &*self.trail.connector,
            "run": self.trail.run,
            "loaded": local(self.trail.loaded, self.zone).to_rfc3339(),
        })
    }

    /// The key `replaced`.
    pub(super) fn replaced(&self) -> Option<Value> {
        let (run, at) = self.trail.replaced?;
        Some(json!({ "run": run, "at": local(at, self.zone).to_rfc3339() }))
    }
}

/// A moment in the zone of the municipality.
pub(super) fn local(at: DateTime<Utc>, zone: Tz) -> DateTime<FixedOffset> {
    at.with_timezone(&zone).fixed_offset()
}
