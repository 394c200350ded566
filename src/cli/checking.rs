//! `check` and `init`.

use std::path::Path;

use super::Ended;
use super::exit::Exit;
use super::output::{Output, action, problem_json};
use crate::app::{self, learn};
use crate::domain::number::{Forms, agree};
use crate::manifest::shipped_manifests;
use crate::message::{Problem, Problems};
use crate::scales;

/// Files that `init` writes; the comments in them are the manual.
const STARTER: &[(&str, &str)] = &[
    ("msoko.toml", include_str!("../../config/msoko.toml")),
    ("sources.toml", include_str!("../../config/sources.toml")),
    ("recipients.toml", include_str!("../../config/recipients.toml")),
];

const FAULT: Forms<'_> = Forms::new("ошибка", "ошибки", "ошибок", "ошибки");

/// Checks every file and, unless `offline`, reaches sources and the mail server.
pub(super) async fn check(out: &mut Output, path: &Path, offline: bool) -> Ended {
    let knowledge = match learn(path) {
        Ok(knowledge) => knowledge,
        Err(problems) => return Ok(report(out, &problems, Exit::Config)),
    };
    out.problems(&knowledge.warnings);
    let sources = knowledge.config.sources.len();
    let enabled = knowledge.config.sources.iter().filter(|source| source.enabled).count();
    let summary = format!(
        "Настройка в порядке: источников {sources} (включено {enabled}), соединителей {}, дорожных карт {}, адресатов {}.",
        knowledge.connectors.len(),
        knowledge.roadmaps.len(),
        knowledge.config.recipients.len(),
    );
    if !offline {
        let problems = app::reach(&knowledge).await;
        if !problems.is_empty() {
            return Ok(report(out, &problems, Exit::Unavailable));
        }
    }
    out.line(summary);
    out.list(&[]);
    Ok(Exit::Fine)
}

fn report(out: &mut Output, problems: &Problems, exit: Exit) -> Exit {
    for problem in problems {
        out.line(problem.ru_line());
        if let Some(action) = action(problem) {
            out.line(action);
        }
    }
    out.line(format!(
        "Всего {}.",
        agree(i64::try_from(problems.len()).unwrap_or(i64::MAX), FAULT)
    ));
    let values: Vec<_> = problems.iter().map(problem_json).collect();
    out.list(&values);
    exit
}

/// What the executable reads by itself, to copy from.
fn samples(dir: &Path) -> std::io::Result<()> {
    for (name, text) in shipped_manifests() {
        let path = dir.join(name.replacen("connectors/", "connectors-shipped/", 1));
        std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
        std::fs::write(path, text)?;
    }
    std::fs::write(dir.join("scales-shipped.toml"), scales::SHIPPED)
}

/// Writes a commented starter configuration; an existing file is never touched.
pub(super) fn init(out: &mut Output, dir: &Path) -> Ended {
    let unwritable = |error: std::io::Error| Problem::new("MSK-FIL-02").arg("path", dir.display()).because(error);
    for (name, _) in STARTER {
        if dir.join(name).exists() {
            return Err(Problem::new("MSK-RUN-24").arg("path", dir.join(name).display()).into());
        }
    }
    for folder in ["", "roadmaps", "connectors", "credentials"] {
        std::fs::create_dir_all(dir.join(folder)).map_err(unwritable)?;
    }
    for (name, text) in STARTER {
        std::fs::write(dir.join(name), text).map_err(unwritable)?;
    }
    samples(dir).map_err(unwritable)?;
    let main = dir.join("msoko.toml");
    out.line(format!("Настройка создана: {}", main.display()));
    out.line("Исправьте в ней название управления и адреса, затем проверьте:");
    out.line(format!("  msoko --config {} check --offline", main.display()));
    out.object(&serde_json::json!({ "config": main.display().to_string() }));
    Ok(Exit::Fine)
}
