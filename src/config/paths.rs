//! `[paths]` and `[database]`: where things lie.

use std::path::{Component, Path, PathBuf};

use super::environment;
use super::secret::Credential;
use crate::strict_toml::Section;

/// Folders and files, absolute or relative to the folder of `msoko.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// State of the daemon: database, snapshots, letters of the file transport.
    pub state: PathBuf,
    /// Administrator's own connectors, one folder each.
    pub connectors: PathBuf,
    /// Roadmaps in force, one TOML file each.
    pub roadmaps: PathBuf,
    /// Files that add to the built-in working calendar, in this order.
    pub calendars: Vec<PathBuf>,
    /// The administrator's own scales, in place of the built-in ones.
    pub scales: Option<PathBuf>,
    /// Dates of schedules and events that roadmap rows wait for.
    pub plan: Option<PathBuf>,
    /// Where documents are written.
    pub reports: PathBuf,
    /// Database address: `sqlite:FILE`, relative to the state folder.
    pub database: String,
    /// Password of the server, by name.
    pub database_password: Option<Credential>,
    /// No other machine works on the server's database.
    pub single_node: bool,
    /// A store of snapshots outside the state folder.
    store: Option<PathBuf>,
}

impl Paths {
    pub(super) fn read(root: &Section<'_>, folder: &Path) -> Self {
        let section = root.section("paths");
        let text = |key: &str| {
            let section = section.as_ref()?;
            given(section, key)
        };
        let state = text("state")
            .map(|path| beside(folder, &path))
            .or_else(|| environment("STATE_DIRECTORY").map(PathBuf::from))
            .unwrap_or_else(|| usual_state(folder));
        let calendars = section
            .as_ref()
            .and_then(|section| section.strings("calendars"))
            .unwrap_or_default();
        let (database, database_password, single_node) = read_database(root, folder);
        let paths = Self {
            connectors: beside(folder, text("connectors").as_deref().unwrap_or("connectors")),
            roadmaps: beside(folder, text("roadmaps").as_deref().unwrap_or("roadmaps")),
            calendars: calendars.iter().map(|path| beside(folder, path)).collect(),
            scales: text("scales").map(|path| beside(folder, &path)),
            plan: text("plan").map(|path| beside(folder, &path)),
            reports: text("reports").map_or_else(|| state.join("reports"), |path| beside(folder, &path)),
            database,
            database_password,
            single_node,
            store: text("snapshots").map(|path| beside(folder, &path)),
            state,
        };
        if let Some(section) = section {
            section.done();
        }
        paths
    }

    /// Where snapshots lie.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.store.clone().unwrap_or_else(|| self.state.join("snapshots"))
    }

    /// Where large bodies lie while they are read.
    #[must_use]
    pub fn incoming(&self) -> PathBuf {
        self.state.join("incoming")
    }

    /// Where the file transport leaves letters unless the configuration names another folder.
    #[must_use]
    pub fn outbox(&self) -> PathBuf {
        self.state.join("outbox")
    }
}

/// The text of a key; the sample shows absent values as empty ones.
pub(super) fn given(section: &Section<'_>, key: &str) -> Option<String> {
    section.string(key).filter(|text| !text.is_empty())
}

/// A path of the configuration as people write it: relative ones start beside `msoko.toml`, and `..` is taken away
/// where that cannot change what is meant (the folder is a real one, not a link).
pub(super) fn beside(folder: &Path, path: &str) -> PathBuf {
    let mut base = folder.to_owned();
    let mut rest = Path::new(path);
    while let Ok(inner) = rest.strip_prefix("..") {
        let named = matches!(base.components().next_back(), Some(Component::Normal(_)));
        if !named || base.is_symlink() {
            break;
        }
        base.pop();
        rest = inner;
    }
    match (base.as_os_str().is_empty(), rest.as_os_str().is_empty()) {
        (true, true) => PathBuf::from("."),
        (false, true) => base,
        _ => base.join(rest),
    }
}

/// Where the state lies when neither the file nor the supervisor says so. An administrator who types a verb beside the
/// installed service means the service's own state.
fn usual_state(folder: &Path) -> PathBuf {
    if folder == Path::new(INSTALLED) {
        PathBuf::from(INSTALLED_STATE)
    } else {
        folder.join("state")
    }
}

/// Folder of an installed configuration, and of the state the unit file gives it.
const INSTALLED: &str = "/etc/msoko";
const INSTALLED_STATE: &str = "/var/lib/msoko";

fn read_database(root: &Section<'_>, folder: &Path) -> (String, Option<Credential>, bool) {
    let Some(section) = root.section("database") else {
        return (DEFAULT_DATABASE.to_owned(), None, false);
    };
    let url = section.string("url").unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
    if !["sqlite:", "postgres:", "postgresql:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        section.refuse_hidden("url", "адрес базы начинается с sqlite: или postgres:");
    }
    if holds_password(&url) {
        section.refuse_hidden("url", "пароль в адресе базы недопустим, положите его в учётные данные");
    }
    let password = section
        .string("password")
        .map(|name| Credential::new(name, section.place_of("password"), folder));
    if password.is_some() && url.starts_with("sqlite:") {
        section.refuse("password", "у базы в файле пароля нет");
    }
    let single_node = section.boolean("single_node").unwrap_or(false);
    section.done();
    (url, password, single_node)
}

/// `scheme://user:password@host` or `…?password=…`.
fn holds_password(url: &str) -> bool {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let user = address.rsplit_once('@').map_or("", |(user, _)| user);
    let asked = |pair: &str| {
        let key = pair.split('=').next().unwrap_or("");
        key.eq_ignore_ascii_case("password")
    };
    user.matches(':').count() > 1 || query.split('&').any(asked)
}

const DEFAULT_DATABASE: &str = "sqlite:msoko.db";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Problem;
    use crate::strict_toml::Document;

    #[test]
    fn a_path_of_the_configuration_is_shown_without_detours() {
        let shown = |folder: &str, path: &str| beside(Path::new(folder), path).display().to_string();
        assert_eq!(shown("/tmp/none/config", "../reports"), "/tmp/none/reports");
        assert_eq!(shown("/tmp/none/config", "/srv/x"), "/srv/x");
        assert_eq!(shown("config", "../reports"), "reports");
        assert_eq!(shown("config", "../../reports"), "../reports");
        assert_eq!(shown(".", "../reports"), "./../reports");
        assert_eq!(shown("config", "state"), "config/state");
        assert_eq!(shown("demo/config", ".."), "demo");
        assert_eq!(shown("config", ".."), ".");
    }

    #[test]
    fn a_password_in_the_address_of_the_database_is_refused_and_not_shown() {
        for url in [
            "postgres://msoko:S3cret@db/msoko",
            "postgres://db/msoko?user=msoko&password=S3cret",
            "mysql://msoko:S3cret@db/msoko",
        ] {
            let text = format!("[database]\nurl = \"{url}\"\n");
            let document = Document::parse("a.toml", &text).expect("valid TOML");
            let _ = read_database(&document.root(), Path::new("."));
            let problems = document.problems();
            let reasons: Vec<String> = problems.iter().map(Problem::ru_line).collect();
            assert!(reasons.iter().any(|reason| reason.contains("пароль")), "{reasons:?}");
            assert!(!format!("{problems:?}").contains("S3cret"), "{problems:?}");
        }
        assert!(!holds_password("postgres://msoko@db:5432/msoko?sslmode=require"));
        assert!(!holds_password("sqlite:msoko.db"));
    }

    #[test]
    fn a_verb_typed_beside_the_installed_service_means_its_state() {
        assert_eq!(usual_state(Path::new("/etc/msoko")), Path::new("/var/lib/msoko"));
        assert_eq!(usual_state(Path::new("demo/config")), Path::new("demo/config/state"));
    }
}
