//! Tables of the second half: scores, tasks, three years, markers; and the numbered conclusions.

use super::cells::{Lens, change, count, share};
use super::conclusions::{Found, Marker};
use super::gather::{Figures, Share, TaskLabel};
use super::tables::{Build, column, row_number};
use crate::domain::document::{Block, Cell, CellAddress, Column, Conclusion, Row};
use crate::domain::number::Ratio;
use crate::domain::school_year::SchoolYear;
use crate::indicators::{Counted, Marks, Value, achievement, average, quality};

/// Fewer participants in the district: no distribution of scores.
const SCORES_FROM: i64 = 20;
/// Fewer: the distribution is printed with a reservation.
const SCORES_SURE: i64 = 50;
/// Stands for the status of a task that only its level could decide.
const UNKNOWN_LEVEL: &str = "уровень не указан";

impl<'b> Build<'b> {
    pub(super) fn scores(&mut self) {
        self.heading("Распределение первичных баллов");
        let mut written = false;
        for position in 0..self.works.len() {
            written |= self.scores_of(position);
        }
        if !written {
            self.paragraph("Распределение не приводится: первичные баллы не получены или участников менее 20.");
        }
    }

    fn scores_of(&mut self, position: usize) -> bool {
        let work = &self.works[position];
        let scores = &work.municipality.scores;
        let total = Counted::sum(scores.values());
        if total.value < SCORES_FROM || work.total_hidden {
            return false;
        }
        let scale = self.input.plans.get(&work.key).and_then(|plan| plan.scale);
        let highest = scores.keys().copied().max().unwrap_or(0);
        let rows: Vec<Row> = (0..=highest)
            .map(|score| {
                let nobody = Counted::bare(0);
                let counted = scores.get(&score).unwrap_or(&nobody);
                let border = scale.and_then(|scale| scale.iter().position(|bound| *bound == score));
                Row {
                    cells: vec![
                        Cell::text(score.to_string()),
                        Cell::text(mark_of(score, scale)),
                        count(Some(counted)),
                        share_of(counted, &total),
                    ],
                    strong: border.is_some(),
                }
            })
            .collect();
        let columns = vec![
            Column::number("Первичный балл", 20),
            Column::number("Отметка по шкале", 20),
            Column::number("Кол-во участников", 20),
            Column::number("Доля, %", 20),
        ];
        let mut more = Vec::new();
        if scale.is_some() {
            more.push("полужирным выделены границы отметок");
        } else {
            more.push("шкала перевода не получена (нет шкалы), границы отметок не показаны");
        }
        if total.value < SCORES_SURE {
            more.push("участников менее 50, форма распределения ориентировочная");
        }
        let notes = self.notes(&rows, &more);
        let caption = format!("Распределение первичных баллов: {}", self.work_title(position));
        let sheet = format!("Баллы {}", self.work_title(position));
        self.table(&sheet, &caption, columns, rows, notes);
        true
    }

    pub(super) fn tasks(&mut self) {
        self.heading("Выполнение заданий");
        let mut written = false;
        for position in 0..self.works.len() {
            written |= self.tasks_of(position);
        }
        if !written {
            self.paragraph("Результаты по заданиям не получены.");
        }
    }

    fn tasks_of(&mut self, position: usize) -> bool {
        let work = &self.works[position];
        let figures = &work.municipality;
        let few = figures
            .participants()
            .is_none_or(|took| took.value < self.input.rules.limits.shares);
        if figures.tasks.is_empty() || work.total_hidden || few {
            return false;
        }
        let mut rows = Vec::new();
        let mut places = Vec::new();
        for (label, task) in &figures.tasks {
            let plan = self.task_plan(position, label);
            let foreign = |figures: Option<&Figures>| share(figures.and_then(|figures| figures.completion(label)));
            let value = figures.completion(label);
            let status = value.as_ref().map_or("н/д", |value| {
                self.status(value.ratio(), plan).map_or(UNKNOWN_LEVEL, Status::words)
            });
            rows.push(Row {
                cells: vec![
                    Cell::text(label.1.clone()),
                    Cell::text(plan.map_or("н/д", |plan| plan.skill.as_str())),
                    Cell::text(plan.map_or("н/д", |plan| if plan.is_basic { "Б" } else { "П" })),
                    count(task.max.as_ref()),
                    foreign(work.country.as_ref()),
                    foreign(work.region.as_ref()),
                    share(value),
                    Cell::text(status),
                ],
                strong: false,
            });
            places.push((label.clone(), row_number(&rows)));
        }
        let columns = vec![
            Column::text("№ зада\u{ad}ния", 9),
            Column::text("Проверяемое умение", 38),
            Column::text("Уро\u{ad}вень", 8),
            Column::number("Макс. балл", 8),
            Column::number("РФ, %", 8),
            Column::number("Субъект РФ, %", 10),
            Column::number("Муници\u{ad}палитет, %", 11),
            Column::text("Статус", 16),
        ];
        let mut more = vec!["статус — по порогам раздела 3"];
        if figures
            .tasks
            .keys()
            .any(|label| self.task_plan(position, label).is_none())
        {
            more.push("задание без сведений об уровне оценено только там, где пороги всех уровней дают один статус");
        }
        let notes = self.notes(&rows, &more);
        let caption = format!("Выполнение заданий: {}", self.work_title(position));
        let sheet = format!("Задания {}", self.work_title(position));
        let number = self.table(&sheet, &caption, columns, rows, notes);
        for (label, row) in places {
            let address = CellAddress {
                table: number,
                row,
                column: column::TASK,
            };
            self.tasks_at.insert((position, label), address);
        }
        true
    }

    pub(super) fn task_plan(&self, position: usize, label: &TaskLabel) -> Option<&'b super::TaskPlan> {
        self.input.plans.get(&self.works[position].key)?.tasks.get(&label.1)
    }

    /// Status of a task by the bounds of its level; without a known level only what the bounds of all levels agree on.
    pub(super) fn status(&self, completion: Ratio, plan: Option<&super::TaskPlan>) -> Option<Status> {
        let by = |(enough, lacking)| {
            if completion.compare(enough).is_ge() {
                Status::Enough
            } else if completion.compare(lacking).is_lt() {
                Status::Lacking
            } else {
                Status::Watch
            }
        };
        let (basic, advanced) = (by(self.input.rules.basic), by(self.input.rules.advanced));
        match plan {
            Some(plan) => Some(if plan.is_basic { basic } else { advanced }),
            None => (basic == advanced).then_some(basic),
        }
    }

    pub(super) fn dynamics(&mut self) {
        self.heading("Динамика за три года");
        let mut rows = Vec::new();
        let mut places = Vec::new();
        for position in 0..self.works.len() {
            self.dynamics_of(position, &mut rows, &mut places);
        }
        let [now, before, earlier] = self.period.years.map(SchoolYear::for_people);
        let columns = vec![
            Column::text("Предмет, класс", 22),
            Column::text("Показатель", 24),
            Column::number(&earlier, 10),
            Column::number(&before, 10),
            Column::number(&now, 10),
            Column::text("Сопоста\u{ad}вимость", 13),
            Column::number(&format!("Изменение к {before}"), 12),
        ];
        let notes = self.notes(
            &rows,
            &["условно — другой контингент участников, содержание работ и шкалы могли измениться; изменение долей — в процентных пунктах, из неокруглённых значений"],
        );
        let number = self.table(
            "Динамика",
            "Показатели муниципалитета за три года",
            columns,
            rows,
            notes,
        );
        for (position, row) in places {
            let address = CellAddress {
                table: number,
                row,
                column: column::CHANGE,
            };
            self.dynamics_at.insert(position, address);
        }
    }

    fn dynamics_of(&self, position: usize, rows: &mut Vec<Row>, places: &mut Vec<(usize, u32)>) {
        let work = &self.works[position];
        let years = Lens::years(work, self.input.rules.limits.shares);
        let comparable = match years[1].marks() {
            Some(_) => "условно",
            None if years[1].has_marks() => "нет",
            None => "нет данных",
        };
        let line = |title: &str, cells: [Cell; 3], change: Cell| Row {
            cells: [
                vec![Cell::text(self.work_title(position)), Cell::text(title)],
                cells.into(),
                vec![Cell::text(comparable), change],
            ]
            .concat(),
            strong: false,
        };
        let people = [2, 1, 0].map(|year: usize| years[year].participants());
        rows.push(line("Участники, чел.", people, Cell::text("")));
        let twos = |marks: &Marks| marks.share(2);
        let indicators: [Indicator<'_>; 4] = [
            ("Доля отметок «2», %", &twos, false),
            ("Успеваемость, %", &achievement, false),
            ("Качество обученности, %", &quality, false),
            ("Средняя отметка", &average, true),
        ];
        for (title, value, is_mean) in indicators {
            let of = |figures: &Figures| value(figures.marks.as_ref()?);
            let cells = [2, 1, 0].map(|year: usize| {
                if is_mean {
                    years[year].mean(of)
                } else {
                    years[year].share(|figures| of(figures).map(Share::from))
                }
            });
            let told = |year: usize| years[year].marks().and_then(value);
            let change = match (told(0), told(1)) {
                (Some(now), Some(before)) => change(&now, &before, is_mean),
                (None, _) => Cell::bare(cells[2].content.clone()),
                (_, None) => Cell::bare(cells[1].content.clone()),
            };
            rows.push(line(title, cells, change));
            if title.starts_with("Доля") {
                places.push((position, row_number(rows)));
            }
        }
    }

    pub(super) fn markers(&mut self, markers: &[Marker]) {
        self.heading("Маркеры для дополнительного анализа");
        self.paragraph(
            "Маркер не является выводом о необъективности: он указывает, где нужен дополнительный анализ на уровне организации.",
        );
        if markers.is_empty() {
            self.paragraph("Маркеров не выявлено.");
            return;
        }
        let rows: Vec<Row> = markers
            .iter()
            .map(|marker| Row {
                cells: vec![
                    Cell::text(self.group(marker.work, marker.who)),
                    Cell::text(self.work_title(marker.work)),
                    Cell::text(marker.title),
                    share(Some(marker.value.clone())),
                    share(Some(marker.reference.clone())),
                ],
                strong: false,
            })
            .collect();
        let columns = vec![
            Column::text("ОО", 28),
            Column::text("Предмет, класс", 22),
            Column::text("Маркер", 30),
            Column::number("Значение, %", 11),
            Column::number("Ориентир, %", 11),
        ];
        let notes = self.notes(&rows, &[]);
        self.table("Маркеры", "Маркеры для дополнительного анализа", columns, rows, notes);
    }

    pub(super) fn conclusions(&mut self, found: &[Found]) {
        self.heading("Выводы");
        for (number, found) in (1..).zip(found) {
            self.blocks.push(Block::Conclusion(Conclusion {
                number,
                rule: found.rule,
                text: found.text.clone(),
                cells: found.cells.clone(),
            }));
        }
    }
}

/// Share of a score. Its origin is that of the count alone: the whole is the sum of the column beside it.
fn share_of(counted: &Counted, total: &Counted) -> Cell {
    let own = Value::of(counted, &Counted::bare(total.value));
    share(own)
}

/// Title, function and whether it is a mean.
type Indicator<'f> = (&'static str, &'f dyn Fn(&Marks) -> Option<Value>, bool);

/// Status of a task (статус выполнения).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Enough,
    Watch,
    Lacking,
}

impl Status {
    const fn words(self) -> &'static str {
        match self {
            Self::Enough => "достаточно",
            Self::Watch => "зона внимания",
            Self::Lacking => "недостаточно",
        }
    }
}

fn mark_of(score: u16, scale: Option<[u16; 3]>) -> String {
    scale.map_or_else(
        || "нет шкалы".to_owned(),
        |scale| (2 + scale.iter().filter(|bound| score >= **bound).count()).to_string(),
    )
}
