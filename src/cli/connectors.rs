//! `connector list · show · preview · test`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::json;

use super::args::{Connector as Args, Format, Preview};
use super::exit::Exit;
use super::output::{Output, remark};
use super::{Ended, Fault, all_but_last, knowledge};
use crate::app::{read, read_bytes};
use crate::clock::Clock;
use crate::decode::Input;
use crate::domain::fact::{Fact, FactValue};
use crate::domain::observation::{Batch, Observation};
use crate::domain::scale::Scales;
use crate::domain::unit::UnitRef;
use crate::flow::context::unknown_connector;
use crate::flow::preview::{preview_end, preview_lines};
use crate::flow::proof;
use crate::flow::read::ReadSummary;
use crate::flow::read::{Reading, TakeBatch, read as read_rows};
use crate::flow::site::read_page;
use crate::manifest::{self, Connector, Decode, Personal, shipped_subjects};
use crate::message::Problem;
use crate::privacy::detect::Exempt;
use crate::scales;
use crate::sites::Section;

pub(super) fn run(out: &mut Output, path: &Path, named: bool, verb: Args) -> Ended {
    let known = Known::read(path, named)?;
    match verb {
        Args::List => {
            list(out, &known.connectors);
            Ok(Exit::Fine)
        }
        Args::Show { id } => {
            show(out, find(&known.connectors, &id)?);
            Ok(Exit::Fine)
        }
        Args::Preview(args) => preview(out, &known, &args),
        Args::Test { target } => test(out, &known, target.as_deref()),
    }
}

/// What the verbs know: the administrator's own connectors and scales when there is a configuration, else the shipped
/// ones.
struct Known {
    connectors: Vec<Connector>,
    scales: Scales,
    /// School years that begin later have not begun.
    today: NaiveDate,
    /// Folders of connectors, the administrator's own in front.
    folders: Vec<PathBuf>,
}

impl Known {
    fn read(path: &Path, named: bool) -> Result<Self, Fault> {
        let shipped = PathBuf::from("connectors");
        if named || path.exists() {
            let knowledge = knowledge(path)?;
            return Ok(Self {
                connectors: knowledge.connectors,
                scales: knowledge.scales,
                today: Clock::system(knowledge.config.authority.zone).today(),
                folders: vec![knowledge.config.paths.connectors, shipped],
            });
        }
        Ok(Self {
            connectors: manifest::shipped(),
            scales: scales::parse("config/scales.toml", scales::SHIPPED).0,
            today: Clock::system(chrono_tz::Europe::Moscow).today(),
            folders: vec![shipped],
        })
    }
}

fn find<'c>(connectors: &'c [Connector], id: &str) -> Result<&'c Connector, Problem> {
    let found = connectors.iter().find(|connector| connector.id == id);
    found.ok_or_else(|| unknown_connector(id, connectors))
}

fn kind(connector: &Connector) -> &'static str {
    match connector.decode {
        Decode::Xlsx(_) => "xlsx",
        Decode::Csv(_) => "csv",
        Decode::Xml(_) => "xml",
        Decode::Json => "json",
        Decode::Site(_) => "сайт",
    }
}

fn personal(connector: &Connector) -> &'static str {
    match connector.personal {
        Personal::None => "none",
        Personal::Folded => "folded",
    }
}

fn list(out: &mut Output, connectors: &[Connector]) {
    let mut rows = vec![
        ["соединитель", "вид", "обучающиеся", "название"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut values = Vec::new();
    for connector in connectors {
        let pupils = if connector.personal == Personal::Folded {
            "сворачиваются"
        } else {
            "нет"
        };
        rows.push(vec![
            connector.id.clone(),
            kind(connector).to_owned(),
            pupils.to_owned(),
            connector.title.clone(),
        ]);
        values.push(json!({
            "id": connector.id,
            "title": connector.title,
            "personal": personal(connector),
            "enabled": connector.enabled,
            "procedures": connector.procedures.iter().map(|procedure| procedure.as_str()).collect::<Vec<_>>(),
        }));
    }
    out.table(&rows);
    out.list(&values);
}

fn show(out: &mut Output, connector: &Connector) {
    out.line(format!("{} — {}", connector.id, connector.title));
    if let Some(note) = &connector.note {
        out.line(note);
    }
    let mut rows = vec![["столбец", "где", "класс", "обязателен"].map(str::to_owned).to_vec()];
    for column in &connector.columns {
        let class = format!("{:?}", column.class).to_lowercase();
        let needed = if column.required { "да" } else { "нет" };
        rows.push(vec![
            column.name.clone(),
            column.at.join(" | "),
            class,
            needed.to_owned(),
        ]);
    }
    if connector.columns.is_empty() {
        out.line("Читает страницы сайта: столбцов нет.");
    } else {
        out.table(&rows);
    }
    let columns: Vec<_> = connector
        .columns
        .iter()
        .map(|column| json!({ "name": column.name, "at": column.at, "required": column.required }))
        .collect();
    out.object(
        &json!({ "id": connector.id, "title": connector.title, "personal": personal(connector), "columns": columns }),
    );
}

fn preview(out: &mut Output, known: &Known, args: &Preview) -> Ended {
    let connector = find(&known.connectors, &args.id)?;
    let mut options = BTreeMap::new();
    for pair in &args.context {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Problem::new("MSK-USE-01").arg("value", pair).into());
        };
        options.insert(name.to_owned(), value.to_owned());
    }
    let refused = if matches!(connector.decode, Decode::Site(_)) {
        preview_page(out, args)?
    } else {
        let reading = Reading {
            connector,
            subjects: &shipped_subjects(),
            scales: &known.scales,
            options: &options,
            register: None,
            exempt: &Arc::new(Exempt::default()),
            today: known.today,
            batch: 1,
        };
        let file = std::fs::File::open(&args.file).map_err(|error| {
            Problem::new("MSK-FIL-01")
                .arg("path", args.file.display())
                .because(error)
        })?;
        let name = file_name(&args.file);
        preview_rows(out, &reading, Input::file(name.clone(), file), &name)?.is_some()
    };
    out.end_array();
    Ok(if refused { Exit::Refused } else { Exit::Fine })
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Prints the lines of a file; gives its refusal.
pub(super) fn preview_rows(
    out: &mut Output,
    reading: &Reading<'_>,
    input: Input,
    shown: &str,
) -> Result<Option<Problem>, Problem> {
    let mut pages = |_: Input, _: &manifest::Site, _: &mut TakeBatch<'_>| Err(Problem::new("MSK-RUN-13"));
    let summary = read_rows(input, reading, &mut pages, &mut |batch| {
        print_batch(out, shown, &batch);
        Ok(())
    })?;
    finish(out, &summary);
    Ok(summary.refused)
}

/// Prints that a file is refused.
pub(super) fn preview_refusal(out: &mut Output, problem: Problem) {
    let summary = ReadSummary {
        refused: Some(problem),
        ..ReadSummary::default()
    };
    finish(out, &summary);
}

fn preview_page(out: &mut Output, args: &Preview) -> Result<bool, Problem> {
    let name = file_name(&args.file);
    let guessed = Section::ALL
        .iter()
        .find(|section| name.to_lowercase().contains(&section.as_str().to_lowercase()));
    let known = || {
        let names: Vec<&str> = Section::ALL.iter().map(|section| section.as_str()).collect();
        names.join(", ")
    };
    let section = match &args.section {
        Some(section) => Section::parse(section).ok_or_else(|| {
            Problem::new("MSK-USE-08")
                .arg("value", section)
                .arg("what", "--section")
                .arg("expected", format!("; допустимы: {}", known()))
        })?,
        None => *guessed.ok_or_else(|| Problem::new("MSK-USE-02").arg("known", known()))?,
    };
    let headers = args.headers.as_deref().map(read).transpose()?;
    let body = read_bytes(&args.file)?;
    let url = args
        .url
        .clone()
        .unwrap_or_else(|| format!("https://site.example/sveden/{}", section.as_str()));
    let unit = Arc::new(UnitRef::default());
    let (batch, summary) = read_page(section, &body, headers.as_deref(), &url, &unit);
    print_batch(out, &name, &batch);
    finish(out, &summary);
    Ok(summary.refused.is_some())
}

fn print_batch(out: &mut Output, file: &str, batch: &Batch) {
    if out.format() == Format::Text {
        for observation in &batch.observations {
            out.line(observation_text(observation));
        }
        for fact in &batch.facts {
            out.line(fact_text(fact));
        }
        for row in &batch.quarantined {
            out.line(format!("в карантин  {}", row.problem.ru_line()));
        }
        return;
    }
    for line in preview_lines(file, batch) {
        out.element(&serde_json::to_string(&line).unwrap_or_default());
    }
}

fn observation_text(observation: &Observation) -> String {
    let unit = &observation.unit;
    let who = [&unit.name, &unit.login, &unit.code, &unit.ogrn]
        .into_iter()
        .flatten()
        .next();
    let mut text = format!("{}  {}", who.map_or("—", String::as_str), observation.round);
    for part in [
        observation.subject.as_deref().map(str::to_owned),
        observation.grade.map(|grade| grade.to_string()),
    ] {
        text.push_str(&part.map_or_else(String::new, |part| format!("  {part}")));
    }
    text.push_str(&format!("  {}", observation.measure.as_str()));
    if !observation.breakdown.is_empty() {
        text.push_str(&format!(" [{}]", observation.breakdown));
    }
    format!("{text} = {}  ({})", observation.value, observation.place)
}

fn fact_text(fact: &Fact) -> String {
    let value = fact.value.as_ref().map_or_else(
        || fact.state.map_or("—", |state| state.as_str()).to_owned(),
        |value| match value {
            FactValue::Bool(yes) => if *yes { "да" } else { "нет" }.to_owned(),
            FactValue::Number(number) => number.to_string(),
            FactValue::Text(text) => text.clone(),
            FactValue::Date(date) => date.to_string(),
            FactValue::List(values) => format!("{} знач.", values.len()),
        },
    );
    format!("{} = {value}  ({})", fact.code, fact.place)
}

fn finish(out: &mut Output, summary: &ReadSummary) {
    if out.format() != Format::Text {
        for line in preview_end(summary) {
            out.element(&serde_json::to_string(&line).unwrap_or_default());
        }
        return;
    }
    for warning in &summary.warnings {
        remark(&warning.ru_line());
    }
    if let Some(problem) = &summary.refused {
        out.line(format!("ОТКЛОНЕН ФАЙЛ  {}", problem.ru_line()));
    }
    out.line(format!(
        "Прочитано строк {}: чисел {}, фактов {}, в карантин {}. Ничего не записано.",
        summary.rows_read, summary.observations, summary.facts, summary.quarantined
    ));
}

/// Reads every fixture of a connector's folder and compares with what is expected.
fn test(out: &mut Output, known: &Known, target: Option<&str>) -> Ended {
    let subjects = shipped_subjects();
    let mut failures = 0;
    let mut values = Vec::new();
    for folder in folders(known, target)? {
        let outcomes = proof::run(&folder, &subjects, &known.scales, known.today).map_err(all_but_last)?;
        for outcome in outcomes {
            let word = if outcome.fault.is_none() { "ok" } else { "НЕ ТАК" };
            out.line(format!("{word}  {}  {}", outcome.connector, outcome.fixture));
            if let Some(fault) = &outcome.fault {
                failures += 1;
                out.line(format!("      {fault}"));
            }
            values.push(json!({ "connector": outcome.connector, "fixture": outcome.fixture, "fault": outcome.fault }));
        }
    }
    out.list(&values);
    Ok(if failures == 0 { Exit::Fine } else { Exit::Partly })
}

/// Folders to test: a path, or the folders of that name (or of every connector) where fixtures can lie.
fn folders(known: &Known, target: Option<&str>) -> Result<Vec<PathBuf>, Problem> {
    if let Some(target) = target
        && Path::new(target).join("manifest.toml").is_file()
    {
        return Ok(vec![PathBuf::from(target)]);
    }
    let ids: Vec<&str> = match target {
        Some(id) => vec![find(&known.connectors, id)?.id.as_str()],
        None => known.connectors.iter().map(|connector| connector.id.as_str()).collect(),
    };
    let found: Vec<PathBuf> = ids
        .iter()
        .filter_map(|id| {
            let mut places = known.folders.iter().map(|folder| folder.join(id));
            places.find(|folder| folder.join("fixtures").is_dir())
        })
        .collect();
    if found.is_empty() {
        return Err(Problem::new("MSK-USE-03").arg("target", target.unwrap_or("connectors")));
    }
    Ok(found)
}
