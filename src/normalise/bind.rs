//! A manifest laid over the header of one table.

use std::collections::BTreeSet;

use crate::domain::subjects::fold_text;
use crate::domain::vocabulary::Measure;
use crate::manifest::{Connector, Decode};
use crate::message::{Problem, Problems};
use crate::table::{Column, Table};

/// Where each declared column and each column of the header rules stands in the row.
#[derive(Debug)]
pub(super) struct Binding {
    /// Index of the cell per declared column; none for dropped and absent ones.
    pub(super) columns: Vec<Option<usize>>,
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
    /// Subject as the header writes it.
    pub(super) subject: Option<String>,
    /// Index into the metrics of the manifest.
    pub(super) metric: usize,
    pub(super) measure: Measure,
}

/// # Errors
/// `MSK-DEC-03` for a missing column, `MSK-NRM-13` when two columns answer to one name. The second value warns of
/// undeclared columns.
pub(super) fn bind(connector: &Connector, table: &Table) -> Result<(Binding, Problems), Problem> {
    let records = matches!(connector.decode, Decode::Xml(_) | Decode::Json);
    let folded: Vec<[String; 2]> = table.columns.iter().map(names).collect();
    let mut used = BTreeSet::new();
    let mut columns = Vec::new();
    for rule in &connector.columns {
        let answers = |index: usize| {
            if records {
                rule.at.contains(&table.columns[index].path[0])
            } else {
                rule.at.iter().any(|at| folded[index].contains(&fold_text(at)))
            }
        };
        let found: Vec<usize> = (0..table.columns.len()).filter(|index| answers(*index)).collect();
        used.extend(found.iter().copied());
        if rule.is_dropped() {
            columns.push(None);
            continue;
        }
        match found.as_slice() {
            [] if rule.required => return Err(missing(&rule.at[0], table)),
            [] => columns.push(None),
            [only] => columns.push(Some(cell_index(&table.columns[*only]))),
            // A record may carry either of two names; the first that the manifest gives is read.
            [first, ..] if records => columns.push(Some(cell_index(&table.columns[*first]))),
            [first, second, ..] => {
                let problem = Problem::new("MSK-NRM-13").arg("column", &rule.name);
                return Err(problem
                    .arg("first", shown(&table.columns[*first]))
                    .arg("second", shown(&table.columns[*second])));
            }
        }
    }
    let (tasks, metrics) = by_header(connector, table, &mut used);
    let wants_tasks = connector.participant.as_ref().is_some_and(|rule| rule.tasks.is_some());
    if wants_tasks && tasks.is_empty() {
        return Err(missing("столбцы заданий", table));
    }
    if connector.unpivot.is_some() && metrics.is_empty() {
        return Err(missing("столбцы показателей", table));
    }
    let warnings = undeclared(connector, table, &used);
    let mut headers = vec![String::new(); table.columns.iter().map(cell_index).max().map_or(0, |last| last + 1)];
    for column in &table.columns {
        headers[cell_index(column)] = shown(column);
    }
    let binding = Binding {
        columns,
        headers,
        tasks,
        metrics,
    };
    Ok((binding, warnings))
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

fn by_header(connector: &Connector, table: &Table, used: &mut BTreeSet<usize>) -> (Vec<TaskColumn>, Vec<MetricColumn>) {
    let mut tasks = Vec::new();
    let mut metrics = Vec::new();
    for (index, column) in table.columns.iter().enumerate() {
        if used.contains(&index) {
            continue;
        }
        let path = shown(column);
        let pattern = connector.participant.as_ref().and_then(|rule| rule.tasks.as_ref());
        if let Some(found) = pattern.and_then(|pattern| pattern.captures(&path)) {
            used.insert(index);
            tasks.push(TaskColumn {
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
        if let Some(metric) = metric {
            used.insert(index);
            metrics.push(MetricColumn {
                cell: cell_index(column),
                subject: found.name("subject").map(|subject| subject.as_str().trim().to_owned()),
                metric,
                measure: unpivot.metrics[metric].measure,
            });
        }
    }
    (tasks, metrics)
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
