//! `sources.toml`: what is pulled, from where, when.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::load::Placed;
use super::paths::{beside, given};
use super::secret::Credential;
use crate::strict_toml::Section;

/// Where the bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A feed or a file at one address.
    Address(String),
    /// A watched folder.
    Folder(PathBuf),
    /// The sites of all organisations of the register.
    EachSite,
}

/// A source (источник).
#[derive(Debug, Clone)]
pub struct Source {
    /// Own id, names runs and snapshots.
    pub id: String,
    /// Connectors; with several each file goes to the one whose header it meets.
    pub connectors: Placed<Vec<String>>,
    /// Address, folder or all sites.
    pub origin: Origin,
    /// The node that sees the folder, or `*` when all do.
    pub(super) node: Option<Placed<String>>,
    /// Switched on.
    pub enabled: bool,
    /// Cron text; the connector's own when absent.
    pub schedule: Option<Placed<String>>,
    /// Who is told when it breaks.
    pub owner: Option<String>,
    /// Promised freshness; the connector's own when absent.
    pub freshness: Option<Duration>,
    /// Largest body or file.
    pub max_bytes: Option<u64>,
    /// Pause between requests to one host.
    pub pace: Option<Duration>,
    /// A file has to be still for so long.
    pub settle: Duration,
    /// File patterns of a folder.
    pub include: Vec<String>,
    /// Extra certificates for this source, PEM.
    pub ca_bundle: Option<PathBuf>,
    /// Hosts whose certificate faults are reported but do not stop the pull.
    pub allow_invalid_tls: Vec<String>,
    /// Hosts on private or loopback addresses that this source may reach.
    pub allow_private: Vec<String>,
    /// User name for the address.
    pub user: Option<String>,
    /// Password by name.
    pub password: Option<Credential>,
    /// What the files do not say: subject, grade, `school_year`, season.
    pub context: BTreeMap<String, String>,
    /// `file:line:column` of the source.
    pub place: String,
}

impl Source {
    pub(super) fn read_all(root: &Section<'_>, folder: &Path) -> Vec<Self> {
        let mut sources: Vec<Self> = Vec::new();
        for section in root.sections("source") {
            let source = Self::read(&section, folder);
            if sources.iter().any(|other| other.id == source.id) {
                section.refuse("id", "такой источник уже есть");
            }
            section.done();
            sources.push(source);
        }
        sources
    }

    fn read(section: &Section<'_>, folder: &Path) -> Self {
        let id = section.need_string("id");
        if !id
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
        {
            section.refuse("id", "допустимы строчные латинские буквы, цифры и дефис");
        }
        let connectors = section.strings("connector").unwrap_or_default();
        if connectors.is_empty() && !section.has("connector") {
            section.missing("connector", "имя соединителя или список имён");
        }
        Self {
            id,
            connectors: Placed::new(connectors, section.place_of("connector")),
            origin: read_origin(section, folder),
            node: given(section, "node").map(|name| Placed::new(name, section.place_of("node"))),
            enabled: section.boolean("enabled").unwrap_or(true),
            schedule: section
                .string("schedule")
                .map(|value| Placed::new(value, section.place_of("schedule"))),
            owner: super::mail::given_address(section, "owner"),
            freshness: section.duration("freshness"),
            max_bytes: section.size("max_bytes"),
            pace: section.duration("pace"),
            settle: section.duration("settle").unwrap_or(Duration::from_secs(30)),
            include: section.strings("include").unwrap_or_else(|| vec!["*".to_owned()]),
            ca_bundle: given(section, "ca_bundle").map(|path| beside(folder, &path)),
            allow_invalid_tls: section.strings("allow_invalid_tls").unwrap_or_default(),
            allow_private: section.strings("allow_private").unwrap_or_default(),
            user: given(section, "user"),
            password: section
                .string("password")
                .map(|name| Credential::new(name, section.place_of("password"), folder)),
            context: read_context(section),
            place: section.place_of("id"),
        }
    }
}

fn read_origin(section: &Section<'_>, folder: &Path) -> Origin {
    let address = section.string("address");
    let watched = section.string("folder");
    let each = section.choice("each", &[("organisation.site", ())]);
    if let Some(address) = &address
        && !(address.starts_with("https://") || address.starts_with("http://"))
    {
        section.refuse("address", "адрес начинается с https:// или http://");
    }
    match (address, watched, each) {
        (Some(address), None, None) => Origin::Address(address),
        (None, Some(path), None) => Origin::Folder(beside(folder, &path)),
        (None, None, Some(())) => Origin::EachSite,
        (None, None, None) => {
            section.missing("address", "одно из: address, folder, each = \"organisation.site\"");
            Origin::EachSite
        }
        _ => {
            section.refuse(
                "id",
                "у источника названо несколько мест: оставьте одно из address, folder, each",
            );
            Origin::EachSite
        }
    }
}

fn read_context(section: &Section<'_>) -> BTreeMap<String, String> {
    let Some(context) = section.section("context") else {
        return BTreeMap::new();
    };
    let mut values = BTreeMap::new();
    for key in ["subject", "grade", "school_year", "season"] {
        if let Some(value) = context.string(key) {
            values.insert(key.to_owned(), value);
        }
    }
    context.done();
    values
}
