//! Connector manifests: what a file looks like and what its columns mean.
//!
//! Takes: the text of a `manifest.toml` (shipped inside the executable or from an administrator's folder). Gives: a
//! [`Connector`] that is whole and consistent, or every problem of the file with line, column and the nearest known
//! key. Never: holds an expression language; what needs logic is a named transform or a decoder.
//!
//! ```
//! let connectors = msoko::manifest::shipped();
//! assert!(connectors.iter().any(|connector| connector.id == "rsoko-feed"));
//! ```

mod check;
mod grammar;
mod read;
mod read_parts;
mod shipped;
mod subjects;

use std::io::Read;
use std::path::Path;

pub use check::{Bound, Check, Rule, Severity, Total, TotalOf};
pub use grammar::*;
pub use read::parse;
pub use subjects::{SUBJECTS, read_subjects, shipped_subjects};

use crate::message::{Problem, Problems};
use crate::strict_toml;

/// Largest manifest: the shipped ones stay under 10 KiB.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// The connectors inside the executable, in alphabetical order of their ids.
///
/// # Panics
/// Never in a released executable: a test reads every shipped manifest.
#[must_use]
pub fn shipped() -> Vec<Connector> {
    shipped::MANIFESTS
        .iter()
        .map(|(file, text)| parse(file, text).expect("a test reads every shipped manifest"))
        .collect()
}

/// The manifests inside the executable: `connectors/ID/manifest.toml` and its text.
#[must_use]
pub const fn shipped_manifests() -> &'static [(&'static str, &'static str)] {
    shipped::MANIFESTS
}

/// Reads every `ID/manifest.toml` of a folder.
///
/// # Errors
/// Every problem of every manifest, `MSK-MAN-01` when the id differs from the name of its folder, `MSK-FIL-01` when
/// the folder cannot be read.
pub fn load_dir(folder: &Path) -> Result<Vec<Connector>, Problems> {
    let unreadable =
        |error: std::io::Error| vec![Problem::new("MSK-FIL-01").arg("path", folder.display()).because(error)];
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.join("manifest.toml").is_file() {
            names.push(path);
        }
    }
    names.sort();
    let mut connectors = Vec::new();
    let mut problems = Vec::new();
    for path in names {
        match load(&path) {
            Ok(connector) => connectors.push(connector),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        Ok(connectors)
    } else {
        Err(problems)
    }
}

/// Reads the manifest of one connector folder.
///
/// # Errors
/// As [`load_dir`].
pub fn load(folder: &Path) -> Result<Connector, Problems> {
    let path = folder.join("manifest.toml");
    let file = path.display().to_string();
    let bytes = read_capped(&path).map_err(|problem| vec![problem])?;
    let text = strict_toml::decode(&file, &bytes).map_err(|problem| vec![problem])?;
    let connector = parse(&file, &text)?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    match name {
        Some(name) if name != connector.id => Err(vec![
            Problem::new("MSK-MAN-01")
                .arg("id", &connector.id)
                .arg("folder", name)
                .at(file),
        ]),
        _ => Ok(connector),
    }
}

/// The shipped connectors with those of an administrator's folder put over them by id.
///
/// # Errors
/// As [`load_dir`].
pub fn catalogue(own: Option<&Path>) -> Result<Vec<Connector>, Problems> {
    let mut connectors = shipped();
    for connector in own.map_or_else(|| Ok(Vec::new()), load_dir)? {
        connectors.retain(|known| known.id != connector.id);
        connectors.push(connector);
    }
    connectors.sort_by(|left, right| left.id.cmp(&right.id));
    Ok(connectors)
}

fn read_capped(path: &Path) -> Result<Vec<u8>, Problem> {
    let fault = |error: std::io::Error| Problem::new("MSK-FIL-01").arg("path", path.display()).because(error);
    let file = std::fs::File::open(path).map_err(fault)?;
    let mut bytes = Vec::new();
    file.take(MAX_MANIFEST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(fault)?;
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(Problem::new("MSK-MAN-02").arg("limit", "1 MiB").at(path.display()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_a_manifest_is_found_in_one_run() {
        let text = "manifest = 1\n[connector]\nid = 'Мой'\ntitle = 'x'\nprocedures = ['vpr', 'впр']\n\
                    [decode.csv]\ndelimeter = ';'\n\
                    [[column]]\nname = 'a'\nat = 'А'\nclass = 'kye'\n\
                    [[context]]\nname = 'grade'\nfrom = 'file_name'\npattern = '(\\d+'\n\
                    [unit]\nname = 'b'\n\
                    [[observation]]\nmeasure = 'participants'\nvalue = 'a'\n\
                    [[check]]\nrule = 'date_in_year'\ncolumns = 'a'\n";
        let problems = parse("m.toml", text).expect_err("seven faults");
        let lines: Vec<String> = problems.iter().map(Problem::ru_line).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn rows_about_pupils_need_the_folded_kind() {
        let text = "manifest = 1\n[connector]\nid = 'x'\ntitle = 'x'\nprocedures = 'vpr'\n[decode.json]\n\
                    [[column]]\nname = 'a'\nat = 'a'\nclass = 'pseudonym'\n\
                    [[column]]\nname = 'b'\nat = 'b'\nclass = 'key'\n\
                    [unit]\nname = 'a'\n[participant]\ncode = 'b'\n";
        let problems = parse("m.toml", text).expect_err("three faults");
        let keys: Vec<Option<&str>> = problems.iter().map(|problem| problem.get("key")).collect();
        assert_eq!(keys, [Some("name"), Some("code"), Some("participant")]);
    }

    #[test]
    fn two_columns_of_one_name_are_refused() {
        let text = "manifest = 1\n[connector]\nid = 'x'\ntitle = 'x'\nprocedures = 'vpr'\n[decode.json]\n\
                    [[column]]\nname = 'a'\nat = 'a'\nclass = 'key'\n\
                    [[column]]\nname = 'a'\nat = 'b'\nclass = 'measure'\n\
                    [unit]\nname = 'a'\n[[observation]]\nmeasure = 'participants'\nvalue = 'a'\n";
        let problems = parse("m.toml", text).expect_err("one fault");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].get("reason"), Some("имя столбца «a» стоит дважды"));
    }

    #[test]
    fn a_rule_that_could_never_fail_is_refused() {
        let text = "manifest = 1\n[connector]\nid = 'x'\ntitle = 'x'\nprocedures = 'vpr'\n[decode.json]\n\
                    [[column]]\nname = 'code'\nat = 'code'\nclass = 'key'\ntype = 'integer'\ndigits = 6\n\
                    [[column]]\nname = 'what'\nat = 'b'\nclass = 'key'\ntype = 'measure'\n\
                    [[column]]\nname = 'value'\nat = 'c'\nclass = 'measure'\n\
                    [unit]\ncode = 'code'\n[[observation]]\nmeasure_column = 'what'\nvalue = 'value'\n\
                    [[check]]\nrule = 'sum_at_most'\ncolumns = 'mark_count'\ntotal = 'value'\n\
                    [[check]]\nrule = 'at_most_reference'\ncolumns = 'value'\nreference = 'tasks'\n\
                    [[check]]\nrule = 'date_in_round'\ncolumns = 'value'\n\
                    [[check]]\nrule = 'sum_at_most'\ncolumns = 'mark_count'\ntotal = 'participants'\n";
        let problems = parse("m.toml", text).expect_err("four faults");
        let reasons: Vec<&str> = problems.iter().filter_map(|problem| problem.get("reason")).collect();
        insta::assert_snapshot!(reasons.join("\n"), @r#"
        сколько цифр в коде, говорят у столбца с type = "text"
        sum_at_most: где каждое число стоит в своей строке, меры не сравнивают со столбцами
        at_most_reference: reference = "tasks" бывает только у файла с участниками
        date_in_round: столбец «value» должен иметь type = "date"
        "#);
    }

    #[test]
    fn a_site_connector_has_sections_and_no_columns() {
        let text = "manifest = 1\n[connector]\nid = 'school-site'\ntitle = 'x'\nprocedures = 'site'\n\
                    [decode.site]\nsections = ['common', 'struct']\n";
        let connector = parse("m.toml", text).expect("a manifest");
        assert!(matches!(connector.decode, Decode::Site(site) if site.sections.len() == 2));
    }
}
