//! warehouse → what the reader may see → files.

use std::path::PathBuf;

use serde_json::json;

use super::context::Context;
use crate::domain::stored::TracedFact;
use crate::domain::unit::{Register, UnitId};
use crate::export::facts::FactRow;
use crate::export::hiding::{FactScreen, Hidden, RoundScreen, TELLING, Verdict};
use crate::export::observations::ObservationRow;
use crate::export::{Book, Dictionary, FACTS, Form, OBSERVATIONS, Table, Units, Written};
use crate::message::{Problem, Problems};
use crate::privacy::suppress::{Audience, Limits};
use crate::reports::Rules;
use crate::warehouse::View;
use crate::warehouse::audit::{Action, Entry};
use crate::warehouse::export::RoundQuery;

/// What is wanted (заказ выгрузки).
#[derive(Debug, Clone)]
pub struct Order {
    /// Tables.
    pub tables: Vec<Table>,
    /// Where the files go.
    pub folder: PathBuf,
    /// How they are written.
    pub form: Form,
    /// Who will read them.
    pub audience: Audience,
    /// Only these rounds; all when empty.
    pub rounds: Vec<String>,
    /// Only these organisations or territories; all when empty.
    pub units: Vec<UnitId>,
    /// Revisions as well.
    pub with_history: bool,
    /// Files of the same name may be replaced.
    pub replaces: bool,
}

/// What left the warehouse (итог выгрузки).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The files.
    pub files: Vec<Written>,
    /// Lines without their value.
    pub hidden: u64,
    /// Lines that are not in the files: statistics of folds, and lines whose being there would tell.
    pub left_out: u64,
}

/// An export under way.
struct Line<'e> {
    context: &'e Context,
    order: &'e Order,
    register: &'e Register,
    units: &'e Units<'e>,
    limits: Limits,
    view: View,
    book: Book,
    hidden: u64,
    left_out: u64,
}

/// Writes the tables. What is read is the warehouse of one moment; a page of rows is in memory at a time, and of one
/// round how many people stand behind each work of each organisation.
///
/// # Errors
/// `MSK-RUN-25` and `MSK-USE-10` for an organisation or round that is not there, `MSK-FIL-02`, `-04` and `-05` for the
/// files; otherwise what the warehouse refuses. A file is in its place only after the record of the export.
pub async fn export(context: &Context, order: &Order) -> Result<Exported, Problem> {
    let view = context.warehouse.view().await?;
    let register = context.warehouse.register().await?;
    known_units(order, &register)?;
    let dictionary = Dictionary::new(&context.subjects);
    let mut line = Line {
        context,
        order,
        register: &register,
        units: &Units::new(&register),
        limits: Rules::shipped().map_err(first)?.limits,
        view,
        book: Book::create(&order.folder, order.form, order.replaces, &order.tables, dictionary)?,
        hidden: 0,
        left_out: 0,
    };
    for table in &order.tables {
        match table.name {
            name if name == OBSERVATIONS.name => line.observations().await?,
            _ => line.facts().await?,
        }
    }
    line.end().await
}

impl Line<'_> {
    async fn observations(&mut self) -> Result<(), Problem> {
        let known = self.view.rounds(self.order.with_history).await?;
        for round in wanted(&known, &self.order.rounds)? {
            let screen = self.screen(&round).await?;
            let query = RoundQuery {
                round,
                units: self.order.units.clone(),
                measures: Vec::new(),
                with_history: self.order.with_history,
            };
            let zone = self.context.zone();
            let mut rows = self.view.observations(query, zone);
            while let Some(traced) = rows.next(&mut self.view).await? {
                let hidden = match screen.verdict(&traced) {
                    Verdict::Shown => None,
                    Verdict::Hidden(why) => Some(why),
                    Verdict::LeftOut => {
                        self.left_out += 1;
                        continue;
                    }
                };
                self.count(hidden);
                let row = ObservationRow {
                    traced: &traced,
                    hidden,
                    tells_people: screen.tells_people(&traced),
                    units: self.units,
                    zone,
                };
                self.book.row(&OBSERVATIONS, &row)?;
            }
        }
        Ok(())
    }

    /// How many people stand behind each line of a round, all organisations and all revisions among them, whatever
    /// was asked for.
    async fn screen(&mut self, round: &str) -> Result<RoundScreen, Problem> {
        let query = RoundQuery {
            round: round.to_owned(),
            units: Vec::new(),
            measures: TELLING.to_vec(),
            with_history: true,
        };
        let mut screen = RoundScreen::new(self.order.audience.clone(), self.limits);
        let mut rows = self.view.observations(query, self.context.zone());
        while let Some(traced) = rows.next(&mut self.view).await? {
            screen.see(&traced);
        }
        screen.settle(self.register);
        Ok(screen)
    }

    async fn facts(&mut self) -> Result<(), Problem> {
        let mut rows = self.view.facts(self.order.units.clone(), true);
        let mut of_unit: Vec<TracedFact> = Vec::new();
        while let Some(traced) = rows.next(&mut self.view).await? {
            if of_unit
                .last()
                .is_some_and(|last| last.stored.unit != traced.stored.unit)
            {
                self.facts_of_unit(&std::mem::take(&mut of_unit))?;
            }
            of_unit.push(traced);
        }
        self.facts_of_unit(&of_unit)
    }

    fn facts_of_unit(&mut self, facts: &[TracedFact]) -> Result<(), Problem> {
        let screen = FactScreen::new(&self.order.audience, self.limits, facts);
        let wanted = |traced: &&TracedFact| self.order.with_history || traced.trail.replaced.is_none();
        for traced in facts.iter().filter(wanted) {
            let hidden = screen.verdict(&traced.stored);
            self.count(hidden);
            let row = FactRow {
                traced,
                hidden,
                units: self.units,
                zone: self.context.zone(),
            };
            self.book.row(&FACTS, &row)?;
        }
        Ok(())
    }

    fn count(&mut self, hidden: Option<Hidden>) {
        self.hidden += u64::from(hidden.is_some());
    }

    async fn end(self) -> Result<Exported, Problem> {
        self.view.close().await?;
        let book = self.book.seal()?;
        let exported = Exported {
            files: book.files().to_vec(),
            hidden: self.hidden,
            left_out: self.left_out,
        };
        let (warehouse, now) = (&self.context.warehouse, self.context.clock.now());
        warehouse.note(record(self.order, &exported), now).await?;
        book.place()?;
        for file in &exported.files {
            tracing::info!(
                file.path = %file.path.display(), file.hash = file.hash, size_bytes = file.size, rows = file.rows,
                "exported"
            );
        }
        Ok(exported)
    }
}

/// What the audit log keeps of an export (data protection, rules 9 and 13).
fn record(order: &Order, exported: &Exported) -> Entry {
    let files = exported.files.iter().map(|file| {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        json!({ "file": name, "rows": file.rows, "hash": file.hash })
    });
    let counts = json!({
        "files": files.collect::<Vec<_>>(),
        "rounds": order.rounds,
        "units": order.units.iter().map(|unit| &unit.0).collect::<Vec<_>>(),
        "history": order.with_history,
        "hidden": exported.hidden,
        "left_out": exported.left_out,
    });
    Entry {
        recipient: Some(format!("{:?}", order.audience).to_lowercase()),
        ..Entry::new(Action::Exported, order.folder.display().to_string(), counts)
    }
}

fn known_units(order: &Order, register: &Register) -> Result<(), Problem> {
    match order.units.iter().find(|unit| register.get(unit).is_none()) {
        Some(unknown) => Err(Problem::new("MSK-RUN-25").arg("id", &unknown.0)),
        None => Ok(()),
    }
}

/// The rounds asked for, or all.
fn wanted(known: &[String], asked: &[String]) -> Result<Vec<String>, Problem> {
    let absent = asked.iter().find(|round| !known.contains(round));
    match absent {
        Some(absent) => Err(Problem::new("MSK-USE-10").arg("round", absent).arg(
            "known",
            if known.is_empty() {
                "нет".to_owned()
            } else {
                known.join(", ")
            },
        )),
        None if asked.is_empty() => Ok(known.to_vec()),
        None => Ok(known.iter().filter(|round| asked.contains(round)).cloned().collect()),
    }
}

/// The problem that speaks for the others where one is told.
pub(super) fn first(problems: Problems) -> Problem {
    problems
        .into_iter()
        .next()
        .unwrap_or_else(|| Problem::new("MSK-BUG-01").arg("what", "no problem"))
}
