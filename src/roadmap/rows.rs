//! Paragraphs and tables become roadmaps: titles find their tables, cells find their columns, torn rows are joined.

use chrono::NaiveDate;

use super::document::{Block, Cell, Line, one_line};
use super::row::{Draft, Role, is_number, settle};
use super::title::{Title, years};
use crate::domain::roadmap::{Period, Roadmap};
use crate::message::{Problem, Problems};

/// More rows than any office plans; a table of this size is something else.
const MAX_ROWS: usize = 5_000;

/// Reads the blocks of a document.
pub(super) fn read(blocks: &[Block]) -> (Vec<Roadmap>, Problems) {
    let mut reader = Reader::default();
    for block in blocks {
        match block {
            Block::Paragraph(paragraph) => {
                reader.title.note(paragraph);
                reader.years = reader.years.or_else(|| years(paragraph));
            }
            Block::Table(lines) => reader.table(lines),
        }
    }
    reader.finish()
}

#[derive(Debug, Default)]
struct Sheet {
    title: Title,
    columns: Vec<Option<Role>>,
    header_cells: usize,
    header_term: Option<String>,
    rows: Vec<Draft>,
}

#[derive(Debug, Default)]
struct Reader {
    title: Title,
    years: Option<(i32, i32)>,
    sheets: Vec<Sheet>,
    problems: Problems,
}

impl Reader {
    fn table(&mut self, lines: &[Line]) {
        let mut fresh = true;
        for line in lines {
            if let Some(columns) = header(line) {
                // A header of several merged rows names its columns again and again.
                let repeated = self.sheets.last().is_some_and(|sheet| sheet.rows.is_empty() && !fresh);
                if !repeated {
                    self.open(line, columns);
                }
                fresh = false;
                continue;
            }
            if fresh {
                self.adopt();
                fresh = false;
            }
            let Some(sheet) = self.sheets.last_mut() else { continue };
            if sheet.rows.len() < MAX_ROWS {
                sheet.line(line);
            } else if sheet.rows.len() == MAX_ROWS {
                self.problems.push(
                    Problem::new("MSK-RDM-03")
                        .arg("what", "число строк карты")
                        .arg("bound", MAX_ROWS),
                );
                return;
            }
        }
    }

    fn open(&mut self, line: &Line, columns: Vec<Option<Role>>) {
        let header_term = line
            .iter()
            .find(|cell| Role::of(&cell.text()) == Some(Role::Term))
            .and_then(|cell| leftover(&cell.text()));
        self.sheets.push(Sheet {
            title: std::mem::take(&mut self.title),
            columns,
            header_cells: line.len(),
            header_term,
            rows: Vec::new(),
        });
    }

    /// A table without a header goes on with the roadmap before it; a title between them belongs to that roadmap when
    /// it has none, and starts a new one when the numbers differ.
    fn adopt(&mut self) {
        let title = std::mem::take(&mut self.title);
        let Some(last) = self.sheets.last_mut() else { return };
        if title.is_empty() {
            return;
        }
        if last.title.is_empty() {
            last.title = title;
        } else if title.number.is_some() && title.number != last.title.number {
            let (columns, header_cells) = (last.columns.clone(), last.header_cells);
            self.sheets.push(Sheet {
                title,
                columns,
                header_cells,
                ..Sheet::default()
            });
        }
    }

    fn finish(self) -> (Vec<Roadmap>, Problems) {
        let mut problems = self.problems;
        let mut roadmaps: Vec<Roadmap> = Vec::new();
        for sheet in self.sheets.into_iter().filter(|sheet| !sheet.rows.is_empty()) {
            let after = roadmaps.last().map_or(1, |last: &Roadmap| last.number + 1);
            let number = sheet
                .title
                .number
                .filter(|number| roadmaps.iter().all(|known| known.number != *number));
            if number.is_none() || sheet.title.direction.is_empty() {
                problems.push(Problem::new("MSK-RDM-05").arg("number", number.unwrap_or(after)));
            }
            roadmaps.push(Roadmap {
                number: number.unwrap_or(after),
                direction: sheet.title.direction,
                period: self.years.and_then(whole_years),
                approved: None,
                activities: settle(sheet.rows, sheet.header_term.as_deref()),
            });
        }
        if roadmaps.is_empty() {
            problems.push(Problem::new("MSK-RDM-04"));
        } else if self.years.is_none() {
            problems.push(Problem::new("MSK-RDM-06"));
        }
        (roadmaps, problems)
    }
}

fn whole_years((from, to): (i32, i32)) -> Option<Period> {
    Some(Period {
        from: NaiveDate::from_ymd_opt(from, 1, 1)?,
        to: NaiveDate::from_ymd_opt(to, 12, 31)?,
    })
}

/// The roles of the columns, when the line is a header: it names activity, term and one more.
fn header(line: &Line) -> Option<Vec<Option<Role>>> {
    let mut columns = Vec::new();
    for cell in line {
        columns.resize(cell.column.max(columns.len()), None);
        let role = Role::of(&cell.text()).filter(|role| !columns.contains(&Some(*role)));
        columns.push(role);
    }
    let has = |role| columns.contains(&Some(role));
    let named = columns.iter().flatten().count();
    let continued = line.iter().any(|cell| cell.merged);
    let is_header = has(Role::Activity) && (has(Role::Term) || continued) && named >= 3;
    let numbered = line.first().is_some_and(|cell| is_number(&cell.text()));
    (is_header && !numbered).then_some(columns)
}

/// What a header cell says beside its own words: «Список исполнения (месяц.год) сентябрь 2020 г.».
fn leftover(text: &str) -> Option<String> {
    let after = text.rsplit_once(')').map_or("", |(_, after)| after);
    let after = one_line(after);
    after.chars().any(|letter| letter.is_ascii_digit()).then_some(after)
}

impl Sheet {
    fn line(&mut self, line: &Line) {
        let mut draft = Draft::default();
        for (position, cell) in line.iter().enumerate() {
            let by_grid = line.len() != self.header_cells;
            let role = if by_grid {
                self.columns.get(cell.column).copied().flatten()
            } else {
                self.columns.iter().copied().flatten().nth(position)
            };
            self.place(&mut draft, role, cell);
        }
        if draft.is_blank() || self.rows.is_empty() && draft.number.is_empty() && draft.activity.is_empty() {
            return;
        }
        match self.rows.last_mut() {
            Some(last) if draft.continues() => last.join(draft),
            _ => self.rows.push(draft),
        }
    }

    fn place(&self, draft: &mut Draft, role: Option<Role>, cell: &Cell) {
        let Some(role) = role else {
            draft.stray(&cell.text());
            return;
        };
        if cell.merged && role != Role::Number && role != Role::Activity {
            if let Some(above) = self.rows.last() {
                let text = above.get(role).to_owned();
                draft.set(role, text);
            }
            return;
        }
        draft.take(role, cell);
    }
}
