//! Text of `config/subjects.toml` → [`Subjects`].

use crate::domain::subjects::{Subject, Subjects};
use crate::message::{Problem, Problems};
use crate::strict_toml::Document;

/// The shipped list, built into the executable.
pub const SUBJECTS: &str = include_str!("../../config/subjects.toml");

/// The list inside the executable.
///
/// # Panics
/// Never in a released executable: a test reads the shipped list.
#[must_use]
pub fn shipped_subjects() -> Subjects {
    read_subjects("config/subjects.toml", SUBJECTS).expect("a test reads the shipped list")
}

/// Reads a list of subjects.
///
/// # Errors
/// Every problem of the file; `MSK-MAN-03` for a name that two subjects carry.
pub fn read_subjects(file: &str, text: &str) -> Result<Subjects, Problems> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    let mut subjects = Vec::new();
    for section in root.sections("subject") {
        subjects.push(Subject {
            slug: section.need_string("slug"),
            title: section.need_string("title"),
            names: [section.strings("codes"), section.strings("aliases")]
                .into_iter()
                .flatten()
                .flatten()
                .collect(),
        });
        section.done();
    }
    root.done();
    let mut problems = document.problems();
    let (subjects, doubled) = Subjects::new(subjects);
    for (name, first, second) in doubled {
        let problem = Problem::new("MSK-MAN-03")
            .arg("name", name)
            .arg("first", first)
            .arg("second", second);
        problems.push(problem.at(file));
    }
    if problems.is_empty() {
        Ok(subjects)
    } else {
        Err(problems)
    }
}
