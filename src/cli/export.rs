//! `db export`.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{Export, FileForm, Program, Reader, What};
use super::exit::Exit;
use super::output::Output;
use super::{Ended, open};
use crate::domain::number::{Forms, agree};
use crate::domain::unit::UnitId;
use crate::export::{FACTS, Form, OBSERVATIONS, Table};
use crate::flow::export::{Exported, Order, export};
use crate::message::Problem;
use crate::privacy::suppress::Audience;
use crate::warehouse::Access;

pub(super) async fn run(out: &mut Output, path: &Path, args: Export) -> Ended {
    let (audience, reader) = match args.audience {
        Reader::Office => (Audience::Office, "office"),
        Reader::Region => (Audience::Other, "region"),
        Reader::Public => (Audience::Public, "public"),
    };
    let order = Order {
        tables: tables(&args.what),
        folder: args.out,
        form: form(args.form, args.program)?,
        audience,
        rounds: args.rounds,
        units: args.units.into_iter().map(UnitId).collect(),
        with_history: args.history,
        replaces: args.force,
    };
    let context = open(path, Access::Write, "db export").await?;
    let exported = export(&context, &order).await?;
    tell(out, &exported);
    out.object(&to_json(&exported, reader));
    Ok(Exit::Fine)
}

fn tables(what: &[What]) -> Vec<Table> {
    let asked = |one: What| what.is_empty() || what.contains(&one);
    [(What::Observations, OBSERVATIONS), (What::Facts, FACTS)]
        .into_iter()
        .filter(|(one, _)| asked(*one))
        .map(|(_, table)| table)
        .collect()
}

fn form(form: FileForm, program: Option<Program>) -> Result<Form, Problem> {
    match (form, program) {
        (FileForm::Csv, None) => Ok(Form::Csv),
        (FileForm::Csv, Some(Program::Excel)) => Ok(Form::SpreadsheetCsv),
        (FileForm::Jsonl, None) => Ok(Form::Jsonl),
        // A workbook is right for Excel as it is.
        (FileForm::Xlsx, _) => Ok(Form::Xlsx),
        (FileForm::Jsonl, Some(Program::Excel)) => {
            Err(Problem::new("MSK-USE-09").arg("what", "--for excel не указывают вместе с --as jsonl"))
        }
    }
}

fn tell(out: &mut Output, exported: &Exported) {
    let rows = Forms::new("строка", "строки", "строк", "строки");
    for file in &exported.files {
        let what = match file.table {
            Some(_) => agree(i64::try_from(file.rows).unwrap_or(i64::MAX), rows),
            None => "словарь столбцов".to_owned(),
        };
        out.line(format!("{}: {what}", file.path.display()));
    }
    if exported.hidden > 0 {
        out.line(format!(
            "Скрыто малых и вычислимых значений: {} (причина — в столбце hidden, «Почему скрыто»)",
            exported.hidden
        ));
    }
    if exported.left_out > 0 {
        out.line(format!(
            "Не выгружено строк: {} (внутренняя статистика свёрнутых файлов и разрезы скрытых строк)",
            exported.left_out
        ));
    }
}

fn to_json(exported: &Exported, audience: &str) -> Value {
    let files: Vec<Value> = exported
        .files
        .iter()
        .map(|file| {
            json!({
                "file": file.path.display().to_string(),
                "table": file.table,
                "rows": file.rows,
                "size_bytes": file.size,
                "hash": file.hash,
            })
        })
        .collect();
    json!({ "audience": audience, "files": files, "hidden": exported.hidden, "left_out": exported.left_out })
}
