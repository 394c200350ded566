//! A connector's own fixtures: the file beside it, the lines expected of it, what came out.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;

use super::preview::{preview_end, preview_lines};
use super::read::{Reading, read};
use super::site::read_page;
use crate::decode::Input;
use crate::domain::observation::Batch;
use crate::domain::scale::Scales;
use crate::domain::subjects::Subjects;
use crate::domain::unit::UnitRef;
use crate::manifest::{self, Connector, Decode};
use crate::message::{Problem, Problems};
use crate::privacy::detect::Exempt;
use crate::sites::Section;
use crate::strict_toml::Document;

/// Largest page of a fixture; real ones have some hundred kilobytes.
const MAX_PAGE: u64 = 16 * 1024 * 1024;

/// What became of one fixture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Id of the connector.
    pub connector: String,
    /// File name of the fixture.
    pub fixture: String,
    /// The first difference; nothing when all lines are as expected.
    pub fault: Option<String>,
}

/// Compares every fixture of a connector's folder with its expected lines.
///
/// # Errors
/// When the manifest or a fixture cannot be read.
pub fn run(folder: &Path, subjects: &Subjects, scales: &Scales, today: NaiveDate) -> Result<Vec<Outcome>, Problems> {
    let connector = manifest::load(folder)?;
    let mut outcomes = Vec::new();
    for fixture in fixtures(folder) {
        let found = lines(&connector, &fixture, subjects, scales, today)?;
        let expected = std::fs::read_to_string(fixture.with_extension("expected.jsonl")).unwrap_or_default();
        let fault = (found != expected).then(|| difference(&found, &expected));
        outcomes.push(Outcome {
            connector: connector.id.clone(),
            fixture: file_name(&fixture),
            fault,
        });
    }
    Ok(outcomes)
}

/// Fixtures of a folder in alphabetical order.
#[must_use]
pub fn fixtures(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder.join("fixtures")) else {
        return Vec::new();
    };
    let beside = [".expected.jsonl", ".options.toml", ".headers", ".md"];
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| !beside.iter().any(|ending| file_name(path).ends_with(ending)))
        .collect();
    found.sort();
    found
}

/// The lines of `connector preview --format jsonl` for one fixture.
///
/// # Errors
/// When the fixture or what stands beside it cannot be read.
pub fn lines(
    connector: &Connector,
    fixture: &Path,
    subjects: &Subjects,
    scales: &Scales,
    today: NaiveDate,
) -> Result<String, Problems> {
    let name = file_name(fixture);
    let unreadable =
        |error: std::io::Error| vec![Problem::new("MSK-FIL-01").arg("path", fixture.display()).because(error)];
    let mut text = String::new();
    let mut add = |batch: &Batch| {
        for line in preview_lines(&name, batch) {
            text.push_str(&serde_json::to_string(&line).unwrap_or_default());
            text.push('\n');
        }
    };
    let summary = if matches!(connector.decode, Decode::Site(_)) {
        let section = section_of(&name);
        let headers = std::fs::read_to_string(fixture.with_extension("headers")).ok();
        let mut body = Vec::new();
        let page = std::fs::File::open(fixture).map_err(unreadable)?;
        page.take(MAX_PAGE).read_to_end(&mut body).map_err(unreadable)?;
        let url = format!("https://school.example/sveden/{}", section.as_str());
        let (batch, summary) = read_page(section, &body, headers.as_deref(), &url, &Arc::new(UnitRef::default()));
        add(&batch);
        summary
    } else {
        let options = options(fixture)?;
        let reading = Reading {
            connector,
            subjects,
            scales,
            options: &options,
            register: None,
            exempt: &Arc::new(Exempt::default()),
            today,
            batch: 1,
        };
        let file = std::fs::File::open(fixture).map_err(unreadable)?;
        let mut pages =
            |_: Input, _: &manifest::Site, _: &mut super::read::TakeBatch<'_>| Err(Problem::new("MSK-RUN-13"));
        read(Input::file(name.clone(), file), &reading, &mut pages, &mut |batch| {
            add(&batch);
            Ok(())
        })
        .map_err(|problem| vec![problem])?
    };
    for line in preview_end(&summary) {
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    Ok(text)
}

fn options(fixture: &Path) -> Result<BTreeMap<String, String>, Problems> {
    let path = fixture.with_extension("options.toml");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(BTreeMap::new());
    };
    let document = Document::parse(&path.display().to_string(), &text)?;
    let root = document.root();
    let keys = root.free_keys();
    Ok(keys
        .into_iter()
        .filter_map(|key| Some((key.clone(), root.string(&key)?)))
        .collect())
}

/// The section of a page fixture stands before the first dash of its name.
fn section_of(name: &str) -> Section {
    let head = name.split(['-', '.']).next().unwrap_or(name);
    Section::parse(head).unwrap_or(Section::Common)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn difference(found: &str, expected: &str) -> String {
    let pair = found
        .lines()
        .zip(expected.lines())
        .enumerate()
        .find(|(_, (one, other))| one != other);
    match pair {
        Some((number, (one, other))) => format!("строка {}: получено {one}, ожидалось {other}", number + 1),
        None => format!(
            "получено строк {}, ожидалось {}",
            found.lines().count(),
            expected.lines().count()
        ),
    }
}
