//! `roadmap` and `deadlines`.

use std::path::Path;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::args::{Deadlines, Roadmap as Args};
use super::exit::Exit;
use super::output::{Output, problem_json};
use super::{Ended, all_but_last, knowledge, open};
use crate::app::{read, read_bytes};
use crate::calendar::Calendar;
use crate::deadlines::terms::{Frame, Known, due, parse};
use crate::domain::number::date_short;
use crate::domain::roadmap::{Deadline, Level, Period, Roadmap};
use crate::domain::vocabulary::DeadlineState;
use crate::flow::remind::board;
use crate::message::{Problem, Problems};
use crate::roadmap::{self, file_name, to_toml};
use crate::warehouse::Access;

pub(super) fn roadmap(out: &mut Output, path: &Path, verb: Args) -> Ended {
    match verb {
        Args::Import { file, out: folder } => import(out, &file, folder.as_deref()),
        Args::List => {
            let knowledge = knowledge(path)?;
            let mut table = vec![["номер", "направление", "период", "строк"].map(str::to_owned).to_vec()];
            let mut values = Vec::new();
            for roadmap in &knowledge.roadmaps {
                let period = roadmap.period.map_or_else(
                    || "не указан".to_owned(),
                    |period| format!("{} – {}", date_short(period.from), date_short(period.to)),
                );
                let rows = roadmap.activities.len();
                table.push(vec![
                    roadmap.number.to_string(),
                    roadmap.direction.clone(),
                    period,
                    rows.to_string(),
                ]);
                values.push(json!({
                    "roadmap": roadmap.number,
                    "direction": roadmap.direction,
                    "from": roadmap.period.map(|period| period.from),
                    "to": roadmap.period.map(|period| period.to),
                    "rows": rows,
                }));
            }
            if knowledge.roadmaps.is_empty() {
                out.line("Действующих дорожных карт нет: загрузите документ командой msoko roadmap import.");
            } else {
                out.table(&table);
            }
            out.list(&values);
            Ok(Exit::Fine)
        }
        Args::Due {
            phrase,
            from,
            to,
            context,
        } => phrase_due(out, &phrase, from, to, context.as_deref()),
    }
}

fn import(out: &mut Output, file: &Path, folder: Option<&Path>) -> Ended {
    let bytes = read_bytes(file)?;
    let name = file
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let (roadmaps, problems) = roadmap::import(&name, &bytes);
    if roadmaps.is_empty() {
        super::output::complain(&all_but_last(problems));
        return Ok(Exit::Refused);
    }
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)
            .map_err(|error| Problem::new("MSK-FIL-02").arg("path", folder.display()).because(error))?;
        for roadmap in &roadmaps {
            let target = folder.join(file_name(roadmap));
            std::fs::write(&target, to_toml(roadmap))
                .map_err(|error| Problem::new("MSK-FIL-02").arg("path", target.display()).because(error))?;
            out.line(format!("записано {}", target.display()));
        }
    }
    let rows: Vec<Value> = roadmaps.iter().flat_map(rows_json).collect();
    for roadmap in &roadmaps {
        out.line(format!(
            "Дорожная карта {}: «{}», строк {}",
            roadmap.number,
            roadmap.direction,
            roadmap.activities.len()
        ));
        for activity in &roadmap.activities {
            for problem in &activity.problems {
                out.line(format!("  {}/{}: {problem}", roadmap.number, activity.number));
            }
        }
    }
    out.problems(&problems);
    out.line(format!("Всего строк: {}.", rows.len()));
    out.list(&rows);
    Ok(Exit::Fine)
}

/// The printed shape of `roadmap import` (DESIGN 8).
fn rows_json(roadmap: &Roadmap) -> Vec<Value> {
    roadmap
        .activities
        .iter()
        .map(|activity| {
            json!({
                "roadmap": roadmap.number,
                "direction": roadmap.direction,
                "number": activity.number,
                "level": match activity.level { Level::Activity => "activity", Level::Heading => "heading" },
                "activity": activity.activity,
                "term": activity.term,
                "indicator": activity.indicator,
                "assignee": activity.assignee,
                "problems": activity.problems,
            })
        })
        .collect()
}

fn phrase_due(out: &mut Output, phrase: &str, from: NaiveDate, to: NaiveDate, context: Option<&Path>) -> Ended {
    let known = match context {
        Some(path) => Known::from_toml(&path.display().to_string(), &read(path)?).map_err(all_but_last)?,
        None => Known::default(),
    };
    let calendar = Calendar::federal();
    let frame = Frame {
        period: Period { from, to },
        approved: None,
        calendar: &calendar,
        known: &known,
        subject: "",
    };
    let found = due(&parse(phrase), &frame);
    let kind = found.kind.as_str();
    out.line(format!("«{phrase}»: {kind}, {}", found.applies.as_str()));
    for date in &found.dates {
        let note = if date.provisional {
            ", предварительно"
        } else {
            ""
        };
        let window = date
            .window_start
            .map_or_else(String::new, |start| format!(", с {}", date_short(start)));
        out.line(format!(
            "  {}{window}; последний рабочий день {}{note}",
            date_short(date.date),
            date_short(date.last_working_day)
        ));
    }
    out.problems(&found.problems);
    let deadlines: Vec<Value> = found
        .dates
        .iter()
        .map(|date| {
            let mut value = json!({
                "date": date.date,
                "provisional": date.provisional,
                "last_working_day": date.last_working_day,
            });
            if let Some(start) = date.window_start {
                value["window_start"] = json!(start);
            }
            value
        })
        .collect();
    out.object(&json!({
        "phrase": phrase,
        "kind": kind,
        "applies": found.applies.as_str(),
        "deadlines": deadlines,
        "problems": found.problems.iter().map(problem_json).collect::<Vec<_>>(),
    }));
    Ok(Exit::Fine)
}

pub(super) async fn deadlines(out: &mut Output, path: &Path, verb: Deadlines) -> Ended {
    match verb {
        Deadlines::List => {
            let context = open(path, Access::Read, "deadlines list").await?;
            let board = board(&context).await?;
            print(out, &board.deadlines.iter().collect::<Vec<_>>(), &board.problems);
        }
        Deadlines::Next { count } => {
            let context = open(path, Access::Read, "deadlines next").await?;
            let board = board(&context).await?;
            let open = |deadline: &&Deadline| {
                matches!(
                    deadline.state,
                    DeadlineState::Upcoming | DeadlineState::Soon | DeadlineState::Overdue
                )
            };
            print(
                out,
                &board.deadlines.iter().filter(open).take(count).collect::<Vec<_>>(),
                &Vec::new(),
            );
        }
        Deadlines::Done { id, evidence } => {
            if evidence.trim().is_empty() {
                return Err(Problem::new("MSK-USE-07").arg("what", "документ в --evidence").into());
            }
            let context = open(path, Access::Write, "deadlines done").await?;
            let board = board(&context).await?;
            if !board.deadlines.iter().any(|deadline| deadline.id == id) {
                return Err(Problem::new("MSK-RUN-21").arg("id", id).into());
            }
            context
                .warehouse
                .close_deadline(&id, &evidence, "администратор", context.clock.now())
                .await?;
            out.line(format!("{id}: выполнено, {evidence}"));
            out.object(&json!({ "id": id, "state": "done", "evidence": evidence }));
        }
    }
    Ok(Exit::Fine)
}

fn print(out: &mut Output, deadlines: &[&Deadline], problems: &Problems) {
    let mut table = vec![["срок", "дата", "состояние", "мероприятие"].map(str::to_owned).to_vec()];
    for deadline in deadlines {
        let date = deadline.date.map_or_else(|| "уточнить".to_owned(), date_short);
        let activity: String = deadline.activity.chars().take(90).collect();
        table.push(vec![
            deadline.id.clone(),
            date,
            state_ru(deadline.state).to_owned(),
            activity,
        ]);
    }
    if deadlines.is_empty() {
        out.line("Сроков нет.");
    } else {
        out.table(&table);
    }
    out.problems(problems);
    out.list(
        &deadlines
            .iter()
            .map(|deadline| deadline_json(deadline))
            .collect::<Vec<_>>(),
    );
}

/// State of a deadline for people.
pub(super) const fn state_ru(state: DeadlineState) -> &'static str {
    match state {
        DeadlineState::Upcoming => "предстоит",
        DeadlineState::Soon => "скоро",
        DeadlineState::Overdue => "просрочен",
        DeadlineState::Done => "выполнен",
        DeadlineState::NeedsDate => "уточнить",
        DeadlineState::NotApplicable => "не касается",
    }
}

/// The printed shape of `deadlines list` (DESIGN 8).
fn deadline_json(deadline: &Deadline) -> Value {
    let mut value = json!({
        "id": deadline.id,
        "roadmap": deadline.roadmap,
        "number": deadline.number,
        "activity": deadline.activity,
        "state": deadline.state.as_str(),
        "assignee": deadline.assignee,
    });
    if let Some(date) = deadline.date {
        value["date"] = json!(date);
    }
    if let Some(unit) = &deadline.unit {
        value["unit"] = json!(unit.0);
    }
    if let Some(evidence) = &deadline.evidence {
        value["evidence"] = json!(evidence);
    }
    value
}
