//! A manifest laid over the header of one table.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::value::shorten;
use crate::domain::subjects::{Subjects, fold_text};
use crate::domain::vocabulary::Measure;
use crate::manifest::{Connector, Decode};
use crate::message::{Problem, Problems};
use crate::table::{Column, Row, Table};

/// Where each declared column and each column of the header rules stands in the row.
#[derive(Debug)]
pub(super) struct Binding {
    /// Index of the cell per declared column; none for dropped and absent ones.
    pub(super) columns: Vec<Option<usize>>,
    /// Cells of a declared column that a record may carry under several names, in the order of the manifest.
    pub(super) synonyms: Vec<(usize, Vec<usize>)>,
    /// Header texts by cell index, for places.
    pub(super) headers: Vec<String>,
    /// Task columns of a pupil-level table.
    pub(super) tasks: Vec<TaskColumn>,
    /// Columns whose header names subject and measure.
    pub(super) metrics: Vec<MetricColumn>,
}

#[derive(Debug)]
pub(super) struct TaskColumn {
    pub(super) cell: usize,
    pub(super) label: String,
    pub(super) max: Option<u16>,
}

#[derive(Debug)]
pub(super) struct MetricColumn {
    pub(super) cell: usize,
    /// Slug of the subject in the header; nothing when the header has none.
    pub(super) subject: Option<Arc<str>>,
    /// Index into the metrics of the manifest.
    pub(super) metric: usize,
    pub(super) measure: Measure,
}

/// # Errors
/// `MSK-DEC-03` for a missing column, `MSK-NRM-13` when two columns answer to one name. The second value warns of
/// undeclared columns and of unknown subjects.
pub(super) fn bind(connector: &Connector, table: &Table, subjects: &Subjects) -> Result<(Binding, Problems), Problem> {
    let records = matches!(connector.decode, Decode::Xml(_) | Decode::Json);
    let folded: Vec<[String; 2]> = table.columns.iter().map(names).collect();
    let mut used = BTreeSet::new();
    let mut columns = Vec::new();
    let mut synonyms = Vec::new();
    for (slot, rule) in connector.columns.iter().enumerate() {
        let found: Vec<usize> = if records {
            let field = |at: &String| table.columns.iter().position(|column| column.path[0] == *at);
            rule.at.iter().filter_map(field).collect()
        } else {
            let answers = |index: &usize| rule.at.iter().any(|at| folded[*index].contains(&fold_text(at)));
            (0..table.columns.len()).filter(answers).collect()
        };
        used.extend(found.iter().copied());
        if rule.is_dropped() {
            columns.push(None);
            continue;
        }
        match found.as_slice() {
            [] if rule.required => return Err(missing(&rule.at[0], table)),
            [] => columns.push(None),
            [only] => columns.push(Some(cell_index(&table.columns[*only]))),
            [first, ..] if records => {
                let cells: Vec<usize> = found.iter().map(|index| cell_index(&table.columns[*index])).collect();
                columns.push(Some(cell_index(&table.columns[*first])));
                synonyms.push((slot, cells));
            }
            [first, second, ..] => {
                let problem = Problem::new("MSK-NRM-13").arg("column", &rule.name);
                return Err(problem
                    .arg("first", shown(&table.columns[*first]))
                    .arg("second", shown(&table.columns[*second])));
            }
        }
    }
    let ByHeader {
        tasks,
        metrics,
        mut warnings,
    } = by_header(connector, table, subjects, &mut used);
    let wants_tasks = connector.participant.as_ref().is_some_and(|rule| rule.tasks.is_some());
    if wants_tasks && tasks.is_empty() {
        return Err(missing("столбцы заданий", table));
    }
    if connector.unpivot.is_some() && metrics.is_empty() {
        return Err(missing("столбцы показателей", table));
    }
    warnings.extend(undeclared(connector, table, &used));
    let mut headers = vec![String::new(); table.columns.iter().map(cell_index).max().map_or(0, |last| last + 1)];
    for column in &table.columns {
        headers[cell_index(column)] = shown(column);
    }
    let binding = Binding {
        columns,
        synonyms,
        headers,
        tasks,
        metrics,
    };
    Ok((binding, warnings))
}

impl Binding {
    /// Of the names under which a record may carry a field, the first that holds something in this row is read.
    pub(super) fn choose(&mut self, row: &Row) {
        for (slot, cells) in &self.synonyms {
            let holds = |cell: &&usize| row.cells.get(**cell).is_some_and(|cell| !cell.is_blank());
            self.columns[*slot] = cells.iter().find(holds).or(cells.first()).copied();
        }
    }
}

fn cell_index(column: &Column) -> usize {
    usize::try_from(column.position).unwrap_or(usize::MAX).saturating_sub(1)
}

/// A column answers to its lowest header and to its whole path.
fn names(column: &Column) -> [String; 2] {
    let last = column.path.last().map(String::as_str).unwrap_or_default();
    [fold_text(last), fold_text(&shown(column))]
}

fn shown(column: &Column) -> String {
    column.path.join(" / ")
}

fn missing(what: &str, table: &Table) -> Problem {
    let found: Vec<String> = table.columns.iter().take(30).map(shown).collect();
    let problem = match &table.sheet {
        Some(sheet) => Problem::new("MSK-DEC-03").arg("sheet", sheet),
        None => Problem::new("MSK-DEC-19"),
    };
    problem.arg("column", what).arg("found", found.join(", "))
}

/// What the header rules found.
#[derive(Default)]
struct ByHeader {
    tasks: Vec<TaskColumn>,
    metrics: Vec<MetricColumn>,
    warnings: Problems,
}

fn by_header(connector: &Connector, table: &Table, subjects: &Subjects, used: &mut BTreeSet<usize>) -> ByHeader {
    let mut by_header = ByHeader::default();
    for (index, column) in table.columns.iter().enumerate() {
        if used.contains(&index) {
            continue;
        }
        let path = shown(column);
        let pattern = connector.participant.as_ref().and_then(|rule| rule.tasks.as_ref());
        if let Some(found) = pattern.and_then(|pattern| pattern.captures(&path)) {
            used.insert(index);
            by_header.tasks.push(TaskColumn {
                cell: cell_index(column),
                label: found["task"].to_owned(),
                max: found.name("max").and_then(|max| max.as_str().parse().ok()),
            });
            continue;
        }
        let Some(unpivot) = &connector.unpivot else { continue };
        let Some(found) = unpivot.header.captures(&path) else {
            continue;
        };
        let metric = unpivot
            .metrics
            .iter()
            .position(|metric| metric.pattern.is_match(&found["metric"]));
        let Some(metric) = metric else { continue };
        used.insert(index);
        let written = found.name("subject").map_or("", |subject| subject.as_str().trim());
        let subject = subjects.find(written);
        if subject.is_none() && !written.is_empty() {
            let problem = Problem::new("MSK-NRM-03").arg("found", shorten(written));
            by_header.warnings.push(problem.at(path));
            continue;
        }
        by_header.metrics.push(MetricColumn {
            cell: cell_index(column),
            subject,
            metric,
            measure: unpivot.metrics[metric].measure,
        });
    }
    by_header
}

fn undeclared(connector: &Connector, table: &Table, used: &BTreeSet<usize>) -> Problems {
    let columns = (0..table.columns.len()).filter(|index| !used.contains(index));
    let names: Vec<String> = columns.map(|index| shown(&table.columns[index])).collect();
    if names.is_empty() || !connector.contract.warn_new_columns {
        return Vec::new();
    }
    let place = table.sheet.clone();
    let warning = warn_undeclared(&names);
    vec![place.map_or(warning.clone(), |sheet| warning.at(sheet))]
}

/// One warning for all undeclared columns of a table.
#[must_use]
pub fn warn_undeclared(names: &[String]) -> Problem {
    let mut listed: Vec<&str> = names.iter().map(String::as_str).take(20).collect();
    if names.len() > listed.len() {
        listed.push("…");
    }
    Problem::new("MSK-NRM-08")
        .arg("count", names.len())
        .arg("columns", listed.join("», «"))
}
