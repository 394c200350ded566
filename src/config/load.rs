//! Reads the files and puts the sections together.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Authority, Http, Jobs, Mail, Node, Paths, Recipient, Retention, Source, node};
use crate::message::{Problem, Problems};
use crate::strict_toml::{Document, Section, decode};

/// Largest configuration file; real ones have some kilobytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A value with the place in the file it was read from, for checks that come later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// `file:line:column`.
    pub place: String,
}

impl<T> Placed<T> {
    /// Ties a value to its place.
    #[must_use]
    pub const fn new(value: T, place: String) -> Self {
        Self { value, place }
    }
}

/// The whole configuration, valid in itself. What needs other rooms (connectors, cron, sites) is checked by `app`.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// Whose daemon this is.
    pub authority: Authority,
    /// Where things lie.
    pub paths: Paths,
    /// This process among others on one server.
    pub node: Node,
    /// How letters leave.
    pub mail: Mail,
    /// Manners on the network.
    pub http: Http,
    /// Fixed jobs.
    pub jobs: Jobs,
    /// How long what is kept.
    pub retention: Retention,
    /// What is pulled.
    pub sources: Vec<Source>,
    /// Who receives letters.
    pub recipients: Vec<Recipient>,
}

/// Reads `msoko.toml` and the files beside it.
///
/// # Errors
/// Every problem of every file, in the order of the files.
pub fn load(path: &Path) -> Result<Config, Problems> {
    match survey(path) {
        (Some(config), problems) if problems.is_empty() => Ok(config),
        (_, problems) => Err(problems),
    }
}

/// Reads `msoko.toml` and the files beside it, and goes on past a problem: a faulty value has its default, so that
/// later checks can speak in the same run. Without a readable `msoko.toml` there is no configuration at all.
#[must_use]
pub fn survey(path: &Path) -> (Option<Config>, Problems) {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut problems = Vec::new();
    let main = read_file(path, &mut problems, |root| {
        let sections = (
            Authority::read(root),
            Paths::read(root, folder),
            Node::read(root),
            Mail::read(root, folder),
            Http::read(root, folder),
            Jobs::read(root),
            Retention::read(root),
        );
        let files = (
            root.string("sources").unwrap_or_else(|| "sources.toml".to_owned()),
            root.string("recipients")
                .unwrap_or_else(|| "recipients.toml".to_owned()),
        );
        (sections, files)
    });
    let Some(((authority, paths, node, mail, http, jobs, retention), (sources_file, recipients_file))) = main else {
        return (None, problems);
    };
    let sources = read_file(&folder.join(sources_file), &mut problems, |root| {
        Source::read_all(root, folder)
    });
    let recipients = read_file(&folder.join(recipients_file), &mut problems, Recipient::read_all);
    let config = Config {
        path: path.to_owned(),
        authority,
        paths,
        node,
        mail,
        http,
        jobs,
        retention,
        sources: sources.unwrap_or_default(),
        recipients: recipients.unwrap_or_default(),
    };
    node::check(&config, &mut problems);
    (Some(config), problems)
}

fn read_file<T>(path: &Path, problems: &mut Problems, read: impl FnOnce(&Section<'_>) -> T) -> Option<T> {
    let shown = path.display().to_string();
    let text = match read_text(path) {
        Ok(text) => text,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let document = match Document::parse(&shown, &text) {
        Ok(document) => document,
        Err(found) => {
            problems.extend(found);
            return None;
        }
    };
    let root = document.root();
    let value = read(&root);
    root.done();
    problems.extend(document.problems());
    Some(value)
}

/// Reads a text file that a person wrote, capped and decoded.
///
/// # Errors
/// `MSK-FIL-01` when it cannot be read, `MSK-CFG-06` when it is not UTF-8.
fn read_text(path: &Path) -> Result<String, Problem> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| Problem::new("MSK-FIL-01").arg("path", &shown).because(error);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    decode(&shown.to_string(), &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LetterKind, Origin};

    #[test]
    fn the_shipped_sample_is_valid_and_switches_no_source_on() {
        let config = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/msoko.toml")).expect("a valid sample");
        assert_eq!(config.sources.len(), 3);
        assert!(config.sources.iter().all(|source| !source.enabled));
        assert!(matches!(config.sources[0].origin, Origin::EachSite));
        assert!(config.recipients[0].wants(LetterKind::Digest) && config.recipients[0].follows(7));
    }

    #[test]
    fn every_file_reports_its_problems_in_one_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
        write(
            "msoko.toml",
            "[authority]\nname='А'\nmunicipality='Б'\nregion='В'\nzone='Europe/Moskow'\ncontact_address='a@uo.example'\n\
             [mail]\nfrom_address='not an address'\ntransport='smtp'\n[mail.smtp]\nhost='smtp.uo.example'\nsecurity='none'\n",
        );
        write(
            "sources.toml",
            "[[source]]\nid='a'\nconnector='x'\nshedule='* * * * *'\n",
        );
        write(
            "recipients.toml",
            "[[recipient]]\naddress='b@uo.example'\nletters=['digests']\n",
        );
        let lines: Vec<String> = load(&folder.path().join("msoko.toml"))
            .expect_err("five faults")
            .iter()
            .map(|problem| problem.ru_line().replace(&folder.path().display().to_string(), ""))
            .collect();
        let expected = [
            "/msoko.toml:5:6: ключ «zone»",
            "/msoko.toml:8:14: ключ «from_address»",
            "/msoko.toml:12:10: ключ «security»",
            "/sources.toml:1:1: в [source[1]] нет обязательного ключа «address»",
            "/sources.toml:4:1: неизвестный ключ «shedule»",
            "/recipients.toml:3:9: ключ «letters»",
        ];
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for (line, part) in lines.iter().zip(expected) {
            assert!(line.contains(part), "{line} should contain {part}");
        }
    }
}
