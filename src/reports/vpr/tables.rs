//! Tables and figures of R-VPR, numbered as they are written, with the addresses that conclusions lean on.

use std::collections::BTreeMap;

use super::cells::{HIDDEN, Lens, Who};
use super::gather::{Figures, Share, TaskLabel, Work};
use super::{Input, Period};
use crate::domain::document::{BarChart, Block, Cell, CellAddress, Column, Content, Figure, Row, Table};
use crate::domain::number::{Forms, Ratio, agree, date_short, percent, whole};
use crate::indicators::{Journal, Marks, Value, achievement, average, quality};
use crate::privacy::suppress::Shown;

/// Columns that conclusions point at, counted from one.
pub(super) mod column {
    /// «Участие»: coverage.
    pub(in crate::reports::vpr) const COVERAGE: u32 = 7;
    /// «Итоги»: share of «2».
    pub(in crate::reports::vpr) const TWOS: u32 = 4;
    /// «Соответствие журналу»: lowered; raised stands two further.
    pub(in crate::reports::vpr) const LOWERED: u32 = 4;
    /// «Выполнение заданий»: municipality.
    pub(in crate::reports::vpr) const TASK: u32 = 7;
    /// «Динамика»: change.
    pub(in crate::reports::vpr) const CHANGE: u32 = 7;
}

/// Rows of a table by work and group.
pub(super) type Places = BTreeMap<(usize, Who), CellAddress>;

/// The same before the table has its number.
type Placed = Vec<((usize, Who), u32)>;

/// The document while it is written.
pub(super) struct Build<'b> {
    pub input: &'b Input<'b>,
    pub period: &'b Period,
    pub works: &'b [Work<'b>],
    pub blocks: Vec<Block>,
    pub participation_at: Places,
    pub results_at: Places,
    pub journal_at: Places,
    pub tasks_at: BTreeMap<(usize, TaskLabel), CellAddress>,
    pub dynamics_at: BTreeMap<usize, CellAddress>,
    section: u32,
    next_table: u32,
    next_figure: u32,
}

impl<'b> Build<'b> {
    pub(super) fn new(input: &'b Input<'b>, period: &'b Period, works: &'b [Work<'b>]) -> Self {
        Self {
            input,
            period,
            works,
            blocks: Vec::new(),
            participation_at: Places::new(),
            results_at: Places::new(),
            journal_at: Places::new(),
            tasks_at: BTreeMap::new(),
            dynamics_at: BTreeMap::new(),
            section: 0,
            next_table: 0,
            next_figure: 0,
        }
    }

    /// Starts a numbered section.
    pub(super) fn heading(&mut self, title: &str) {
        self.section += 1;
        self.blocks
            .push(Block::Heading(1, format!("{}. {title}", self.section)));
    }

    pub(super) fn paragraph(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Paragraph(text.into()));
    }

    /// Adds a table and gives its number.
    pub(super) fn table(
        &mut self,
        sheet: &str,
        caption: &str,
        columns: Vec<Column>,
        rows: Vec<Row>,
        notes: Vec<String>,
    ) -> u32 {
        /// Excel takes no longer name of a sheet.
        const SHEET: usize = 31;
        self.next_table += 1;
        let sheet = sheet.replace(['[', ']', ':', '*', '?', '/', '\\', '\u{a0}'], " ");
        let name = format!("{} {sheet}", self.next_table);
        self.blocks.push(Block::Table(Table {
            number: self.next_table,
            caption: caption.to_owned(),
            sheet: name.chars().take(SHEET).collect(),
            columns,
            rows,
            notes,
        }));
        self.next_table
    }

    pub(super) fn work_title(&self, work: usize) -> String {
        self.input.work_title(&self.works[work].key)
    }

    /// Name of a group as a table prints it; an asterisk marks a small sample.
    pub(super) fn group(&self, work: usize, who: Who) -> String {
        match who {
            Who::Country => "Российская Федерация".to_owned(),
            Who::Region => "Субъект РФ".to_owned(),
            Who::Municipality => "Муниципалитет".to_owned(),
            Who::School(position) => {
                let school = &self.works[work].schools[position];
                let mark = match school.shown {
                    Shown::SmallSample | Shown::Softened if !school.complementary => "*",
                    _ => "",
                };
                format!("{}{mark}", school.unit.short_title)
            }
        }
    }

    /// Notes under a table of results: origin and meaning of the signs that do stand in it.
    pub(super) fn notes(&self, rows: &[Row], more: &[&str]) -> Vec<String> {
        let mut notes = vec![self.source_line()];
        let cells = || rows.iter().flat_map(|row| &row.cells);
        let mut signs = Vec::new();
        if cells().any(|cell| cell.content == Content::NotAvailable) {
            signs.push("н/д — данные не получены".to_owned());
        }
        if cells().any(|cell| cell.content == Content::TooFew) {
            let least = self.input.rules.limits.shares;
            signs.push(format!(
                "«—» — менее {least} участников, доли и средние не рассчитываются"
            ));
        }
        if cells().any(|cell| cell.content == Content::Hidden(HIDDEN.to_owned())) {
            signs.push(format!(
                "«{HIDDEN}» — скрыто, чтобы не вычислялись результаты организаций с малым числом участников"
            ));
        }
        let starred = |cell: &Cell| matches!(&cell.content, Content::Text(text) if text.ends_with('*'));
        if cells().any(starred) {
            let limits = self.input.rules.limits;
            signs.push(format!(
                "* — малая выборка ({}–{} участников)",
                limits.shares,
                limits.small - 1
            ));
        }
        signs.extend(more.iter().map(|note| (*note).to_owned()));
        if !signs.is_empty() {
            notes.push(format!("Обозначения и пояснения: {}.", signs.join("; ")));
        }
        notes
    }

    fn source_line(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for source in self.input.sources {
            let part = format!(
                "{}, получено {}",
                source.title,
                date_short(source.received.date_naive())
            );
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        /// More files than this are named in appendix 1 only.
        const NAMED: usize = 3;
        if parts.is_empty() {
            return "Источник: хранилище результатов.".to_owned();
        }
        let more = if parts.len() > NAMED {
            " и другие (приложение 1)"
        } else {
            ""
        };
        parts.truncate(NAMED);
        format!("Источник: {}{more}.", parts.join("; "))
    }

    /// Rows of the groups of every work; remembers where each stands.
    fn grouped(&self, cells: impl Fn(&Work<'_>, &Lens<'_>, Who) -> Vec<Cell>) -> (Vec<Row>, Placed) {
        let (mut rows, mut places) = (Vec::new(), Vec::new());
        for (position, work) in self.works.iter().enumerate() {
            for (who, lens) in Lens::groups(work) {
                let mut line = vec![
                    Cell::text(self.work_title(position)),
                    Cell::text(self.group(position, who)),
                ];
                line.extend(cells(work, &lens, who));
                rows.push(Row {
                    cells: line,
                    strong: who == Who::Municipality,
                });
                places.push(((position, who), row_number(&rows)));
            }
        }
        (rows, places)
    }

    pub(super) fn participation(&mut self) {
        self.heading("Участие");
        let mut lines = Vec::new();
        for (position, work) in self.works.iter().enumerate() {
            for (index, school) in work.schools.iter().enumerate() {
                if school.shown != Shown::NotPrinted {
                    let name = super::gather::natural(&school.unit.short_title);
                    lines.push((name, position, Who::School(index)));
                }
            }
        }
        lines.sort();
        lines.extend((0..self.works.len()).map(|position| (Vec::new(), position, Who::Municipality)));
        let (mut rows, mut places) = (Vec::new(), Vec::new());
        for (number, (_, position, who)) in (1i64..).zip(lines) {
            let work = &self.works[position];
            let lens = match who {
                Who::School(index) => Lens::school(&work.schools[index]),
                _ => Lens::municipality(work),
            };
            let is_total = who == Who::Municipality;
            let number = if is_total { String::new() } else { whole(number) };
            rows.push(Row {
                cells: vec![
                    Cell::text(number),
                    Cell::text(self.group(position, who)),
                    Cell::text(work.key.grade.to_string()),
                    Cell::text(self.input.subject_title(&work.key.subject)),
                    lens.people(Figures::expected),
                    lens.participants(),
                    lens.share(|figures| {
                        let expected = figures.expected()?;
                        Value::of(figures.participants()?, &expected).map(Share::from)
                    }),
                    lens.people(|figures| figures.absent.clone()),
                ],
                strong: is_total,
            });
            places.push(((position, who), row_number(&rows)));
        }
        let columns = vec![
            Column::text("№", 4),
            Column::text("ОО", 26),
            Column::number("Класс", 7),
            Column::text("Предмет", 17),
            Column::number("Обучаю\u{ad}щихся в параллели", 12),
            Column::number("Приняли участие", 11),
            Column::number("Охват, %", 9),
            Column::number("Отсутст\u{ad}вовали", 11),
        ];
        let notes = self.notes(
            &rows,
            &["обучающихся в параллели — по сведениям о численности, при их отсутствии — участники и отсутствовавшие по протоколу"],
        );
        let number = self.table(
            "Участие",
            "Участие образовательных организаций в ВПР",
            columns,
            rows,
            notes,
        );
        self.participation_at = placed(number, places);
    }

    pub(super) fn statistics(&mut self) {
        self.heading("Статистика отметок");
        let (rows, _) = self.grouped(|work, lens, who| {
            let organisations = match who {
                Who::School(_) => Cell::text(""),
                Who::Municipality => Cell::bare(Content::Count(i64::try_from(work.schools.len()).unwrap_or(i64::MAX))),
                Who::Country | Who::Region => Cell::bare(Content::NotAvailable),
            };
            let mut cells = vec![organisations, lens.participants()];
            cells.extend((0..4).map(|mark| lens.count(move |figures| Some(&figures.marks.as_ref()?.counts()[mark]))));
            cells
        });
        let mut columns = group_columns();
        columns.extend([
            Column::number("Кол-во ОО", 8),
            Column::number("Кол-во участ\u{ad}ников", 11),
        ]);
        columns.extend((2..=5).map(|mark| Column::number(&format!("«{mark}», чел."), 9)));
        let notes = self.notes(&rows, &[]);
        self.table(
            "Статистика отметок",
            "Статистика по отметкам, человек",
            columns,
            rows,
            notes,
        );
    }

    pub(super) fn results(&mut self) {
        self.heading("Итоги");
        let (rows, places) = self.grouped(|_, lens, _| {
            let mut cells = vec![lens.participants()];
            cells.extend((2..=5).map(|mark| lens.share(move |figures| figures.share(mark))));
            cells.push(lens.mean(|figures| average(figures.marks.as_ref()?)));
            for value in [quality as fn(&Marks) -> Option<Value>, achievement] {
                cells.push(lens.share(move |figures| value(figures.marks.as_ref()?).map(Share::from)));
            }
            cells
        });
        let mut columns = group_columns();
        columns.push(Column::number("Кол-во участ\u{ad}ников", 10));
        columns.extend((2..=5).map(|mark| Column::number(&format!("«{mark}», %"), 8)));
        columns.extend([
            Column::number("Средняя отметка", 10),
            Column::number("Качество обучен\u{ad}ности, %", 12),
            Column::number("Успевае\u{ad}мость, %", 11),
        ]);
        let notes = self.notes(
            &rows,
            &["сумма долей может отличаться от 100 % на 0,1 из-за округления; организации расположены по наименованию"],
        );
        let number = self.table(
            "Итоги",
            "Итоги ВПР: доли отметок и сводные показатели",
            columns,
            rows,
            notes,
        );
        self.results_at = placed(number, places);
        for position in 0..self.works.len() {
            self.marks_figure(position);
        }
    }

    fn marks_figure(&mut self, position: usize) {
        let work = &self.works[position];
        let title = self.work_title(position);
        let mut series = Vec::new();
        let lenses = Lens::years(work, self.input.rules.limits.shares);
        for (year, lens) in self.period.years.iter().zip(&lenses) {
            if let Some(marks) = lens.marks() {
                let share = |mark: u8| marks.share(mark).map(|value| value.ratio());
                series.push((year.for_people(), (2..=5).map(share).collect()));
            }
        }
        series.reverse();
        let Some((last, values)) = series.last() else {
            return;
        };
        let told: Vec<String> = (2..=5)
            .zip(values)
            .filter_map(|(mark, share): (u8, &Option<Ratio>)| Some(format!("«{mark}» — {}", percent((*share)?))))
            .collect();
        let alt = format!(
            "{title}. Доли отметок участников муниципалитета в {last} учебном году: {}.",
            told.join(", ")
        );
        self.next_figure += 1;
        self.blocks.push(Block::Figure(Figure {
            number: self.next_figure,
            caption: format!("{title}: доли отметок по муниципалитету, %"),
            alt: alt.clone(),
            chart: BarChart {
                axis: "доля участников, %".to_owned(),
                categories: (2..=5).map(|mark| format!("«{mark}»")).collect(),
                series,
            },
        }));
        self.paragraph(alt);
    }

    pub(super) fn journal(&mut self) {
        self.heading("Соответствие отметок ВПР отметкам по журналу");
        if self.works.iter().all(|work| work.municipality.journal.is_none()) {
            self.paragraph("Отметки по журналу в полученных данных отсутствуют, сравнение не проводится.");
            return;
        }
        let least = self.input.rules.limits;
        let (rows, places) = self.grouped(|_, lens, who| {
            let total = lens
                .figures
                .and_then(|figures| Some(figures.journal.as_ref()?.total.value));
            let thin = matches!(who, Who::School(_)) && total.is_some_and(|total| total < least.shares);
            let mut cells = vec![lens.count(|figures| Some(&figures.journal.as_ref()?.total))];
            for side in 0..3 {
                cells.push(if thin && !lens.is_hidden() {
                    Cell::bare(Content::TooFew)
                } else {
                    lens.share(move |figures| figures.journal.as_ref()?.shares()[side].clone().map(Share::from))
                });
            }
            cells.push(lens.count(|figures| Some(&figures.journal.as_ref()?.by_two)));
            cells
        });
        let mut columns = group_columns();
        columns.extend([
            Column::number("Кол-во участ\u{ad}ников", 10),
            Column::number("Пони\u{ad}зили, %", 10),
            Column::number("Подтвер\u{ad}дили, %", 11),
            Column::number("Повы\u{ad}сили, %", 10),
            Column::number("Расхож\u{ad}дение ≥ 2, чел.", 11),
        ]);
        let notes = self.notes(
            &rows,
            &["понизили: отметка < отметки по журналу; подтвердили: отметка = отметке по журналу; повысили: отметка > отметки по журналу; участники — те, у кого есть отметка по журналу"],
        );
        let number = self.table(
            "Журнал",
            "Сравнение отметок с отметками по журналу",
            columns,
            rows,
            notes,
        );
        self.journal_at = placed(number, places);
    }
}

fn group_columns() -> Vec<Column> {
    vec![
        Column::text("Предмет, класс", 18),
        Column::text("Группы участников", 28),
    ]
}

/// Number of the last row, the header being row 1.
pub(super) fn row_number(rows: &[Row]) -> u32 {
    u32::try_from(rows.len() + 1).unwrap_or(u32::MAX)
}

fn placed(table: u32, places: Placed) -> Places {
    places
        .into_iter()
        .map(|(key, row)| (key, CellAddress { table, row, column: 1 }))
        .collect()
}

/// Journal of a group, when it has one.
pub(super) fn journal_of<'w>(work: &'w Work<'_>, who: Who) -> Option<&'w Journal> {
    let figures = match who {
        Who::Country => work.country.as_ref()?,
        Who::Region => work.region.as_ref()?,
        Who::Municipality => &work.municipality,
        Who::School(position) => &work.schools[position].figures,
    };
    figures.journal.as_ref()
}

/// `N участников` with a no-break space.
pub(super) fn participants(n: i64) -> String {
    agree(n, Forms::new("участник", "участника", "участников", "участника"))
}
