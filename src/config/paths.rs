//! `[paths]` and `[database]`: where things lie.

use std::path::{Path, PathBuf};

use super::environment;
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
    /// Where documents are written.
    pub reports: PathBuf,
    /// Database address: `sqlite:FILE`, relative to the state folder.
    pub database: String,
}

impl Paths {
    pub(super) fn read(root: &Section<'_>, folder: &Path) -> Self {
        let section = root.section("paths");
        let text = |key: &str| section.as_ref().and_then(|section| section.string(key));
        let state = text("state")
            .filter(|path| !path.is_empty())
            .map(|path| folder.join(path))
            .or_else(|| environment("STATE_DIRECTORY").map(PathBuf::from))
            .unwrap_or_else(|| folder.join("state"));
        let calendars = section
            .as_ref()
            .and_then(|section| section.strings("calendars"))
            .unwrap_or_default();
        let paths = Self {
            connectors: folder.join(text("connectors").unwrap_or_else(|| "connectors".to_owned())),
            roadmaps: folder.join(text("roadmaps").unwrap_or_else(|| "roadmaps".to_owned())),
            calendars: calendars.iter().map(|path| folder.join(path)).collect(),
            scales: text("scales")
                .filter(|path| !path.is_empty())
                .map(|path| folder.join(path)),
            reports: text("reports").map_or_else(|| state.join("reports"), |path| folder.join(path)),
            database: read_database(root),
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
        self.state.join("snapshots")
    }

    /// Where the file transport leaves letters unless the configuration names another folder.
    #[must_use]
    pub fn outbox(&self) -> PathBuf {
        self.state.join("outbox")
    }
}

fn read_database(root: &Section<'_>) -> String {
    let Some(section) = root.section("database") else {
        return DEFAULT_DATABASE.to_owned();
    };
    let url = section.string("url").unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
    if !["sqlite:", "postgres:", "postgresql:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        section.refuse("url", "адрес базы начинается с sqlite: или postgres:");
    }
    if url.contains('@') && url.split('@').next().is_some_and(|user| user.matches(':').count() > 1) {
        section.refuse("url", "пароль в адресе базы недопустим, положите его в учётные данные");
    }
    section.done();
    url
}

const DEFAULT_DATABASE: &str = "sqlite:msoko.db";
