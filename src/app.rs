//! Composition root: files of the administrator become a [`Context`], or every problem in one go.
//!
//! Takes: the path of `msoko.toml`, a clock, how the warehouse is used. Gives: a [`Context`]. Never: holds a rule of
//! the line.

mod outside;

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

use crate::calendar::{Calendar, Layer, region};
use crate::clock::Clock;
use crate::config::{self, Config, Credential, Placed, Security, Source, Transport as Way};
use crate::deadlines::terms::Known;
use crate::domain::roadmap::Roadmap;
use crate::domain::scale::Scales;
use crate::fetch::Traffic;
use crate::flow::context::{Context, unknown_connector};
use crate::flow::delivery::read_bundle;
use crate::mail::{Credentials, Security as MailSecurity, SmtpSettings, Transport};
use crate::manifest::{self, Connector, Personal, shipped_subjects};
use crate::message::{Problem, Problems};
use crate::roadmap;
use crate::scales;
use crate::schedule::Cadence;
use crate::strict_toml::decode;
use crate::warehouse::references::{Reference, ReferenceKind};
use crate::warehouse::{Access, Address, Warehouse};
use secrecy::ExposeSecret;

pub use outside::{reach, sees_store};

/// Largest file that is read whole: a roadmap has some 20 KiB, the document of a concept or a page with pictures
/// inside some megabytes.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// What the files say, before a connection is opened.
pub struct Knowledge {
    /// The configuration.
    pub config: Config,
    /// Shipped connectors and the administrator's own.
    pub connectors: Vec<Connector>,
    /// Working days.
    pub calendar: Calendar,
    /// Scales of works.
    pub scales: Scales,
    /// The text of the scales.
    pub scales_text: Reference,
    /// Dates of schedules and events.
    pub known: Known,
    /// Roadmaps in force.
    pub roadmaps: Vec<Roadmap>,
    /// The way letters leave.
    pub transport: Transport,
    /// What deserves attention and stops nothing.
    pub warnings: Problems,
}

/// The file the configuration is read from: the one named, or the first that exists of the usual ones.
#[must_use]
pub fn config_path(named: Option<&Path>) -> PathBuf {
    named.map_or_else(
        || {
            let usual = config::DEFAULT_PATHS.iter().map(PathBuf::from);
            usual
                .clone()
                .find(|path| path.exists())
                .or_else(|| usual.clone().next())
                .unwrap_or_default()
        },
        Path::to_owned,
    )
}

/// Reads and checks every file: configuration, connectors, calendar, scales, roadmaps, secrets, cron texts.
///
/// # Errors
/// Every problem of every file.
pub fn learn(path: &Path) -> Result<Knowledge, Problems> {
    let (config, mut problems) = config::survey(path);
    let Some(config) = config else {
        return Err(problems);
    };
    let mut warnings = Problems::new();
    let connectors = connectors(&config, &mut problems);
    let calendar = calendar(&config, &mut problems);
    let (scales, scales_text) = scales(&config, &mut problems);
    let known = plan(&config, &mut problems);
    let roadmaps = roadmaps(&config, &mut problems);
    warn_of_ended(&roadmaps, Clock::system(config.authority.zone).today(), &mut warnings);
    let transport = transport(&config, &mut problems);
    let password = config.paths.database_password.as_ref().map(Credential::reveal);
    problems.extend(password.and_then(Result::err));
    check_sources(&config, &connectors, &mut problems, &mut warnings);
    if let Some(cron) = &config.jobs.report_vpr {
        check_cron(cron, &mut problems);
    }
    match transport {
        Some(transport) if problems.is_empty() => Ok(Knowledge {
            config,
            connectors,
            calendar,
            scales,
            scales_text,
            known,
            roadmaps,
            transport,
            warnings,
        }),
        _ => Err(problems),
    }
}

impl Knowledge {
    /// Hash of everything the files say: what the audit log keeps of a configuration that came into force.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let said = (
            &self.config,
            &self.connectors,
            &self.calendar,
            &self.scales,
            &self.known,
            &self.roadmaps,
        );
        blake3::hash(format!("{said:?}").as_bytes()).to_hex().to_string()
    }

    /// Opens the warehouse and puts the context together.
    ///
    /// # Errors
    /// When the state folder or the warehouse cannot be opened.
    pub async fn open(self, clock: Clock, access: Access, holder: &str) -> Result<Context, Problem> {
        let state = &self.config.paths.state;
        if access != Access::Read {
            std::fs::create_dir_all(state)
                .map_err(|error| Problem::new("MSK-FIL-02").arg("path", state.display()).because(error))?;
        }
        let warehouse = self.warehouse(access, holder, clock.now()).await?;
        if access == Access::Hold
            && let Err(problem) = outside::settle(&self.config, &warehouse).await
        {
            // What cannot work here must not be waited for.
            let _why_it_does_not_work_is_told = warehouse.close().await;
            return Err(problem);
        }
        Ok(self.around(clock, warehouse, Traffic::default()))
    }

    async fn warehouse(&self, access: Access, holder: &str, now: DateTime<Utc>) -> Result<Warehouse, Problem> {
        let password = self.config.paths.database_password.as_ref();
        let password = password.map(Credential::reveal).transpose()?;
        let address = Address {
            url: &database_url(&self.config),
            password: password.as_ref().map(ExposeSecret::expose_secret),
            node: &self.config.node.name,
        };
        Warehouse::open(address, access, holder, now).await
    }

    /// Puts a copy of the database in its place; gives where the old one lies now.
    ///
    /// # Errors
    /// Those of [`Warehouse::restore`].
    pub async fn restore(
        self,
        clock: Clock,
        copy: &Path,
        replace: bool,
        holder: &str,
    ) -> Result<Option<PathBuf>, Problem> {
        let state = &self.config.paths.state;
        std::fs::create_dir_all(state)
            .map_err(|error| Problem::new("MSK-FIL-02").arg("path", state.display()).because(error))?;
        Warehouse::restore(&database_url(&self.config), copy, replace, holder, clock.now()).await
    }

    /// The context around a warehouse that is open already: what a reload does.
    #[must_use]
    pub fn around(self, clock: Clock, warehouse: Warehouse, traffic: Traffic) -> Context {
        let subjects = Reference {
            kind: ReferenceKind::Subjects,
            name: "subjects.toml".to_owned(),
            text: manifest::SUBJECTS.into(),
        };
        Context {
            config: self.config,
            clock,
            warehouse,
            connectors: self.connectors,
            calendar: self.calendar,
            subjects: shipped_subjects(),
            scales: self.scales,
            references: vec![subjects, self.scales_text],
            known: self.known,
            roadmaps: self.roadmaps,
            traffic,
            transport: self.transport,
        }
    }
}

/// The address of the database with its file inside the state folder.
#[must_use]
pub fn database_url(config: &Config) -> String {
    match config.paths.database.strip_prefix("sqlite:") {
        Some(file) => format!(
            "sqlite:{}",
            config.paths.state.join(file.trim_start_matches("//")).display()
        ),
        None => config.paths.database.clone(),
    }
}

/// The administrator's own connectors stand in front and replace shipped ones of the same id.
fn connectors(config: &Config, problems: &mut Problems) -> Vec<Connector> {
    let mut connectors = Vec::new();
    if config.paths.connectors.is_dir() {
        match manifest::load_dir(&config.paths.connectors) {
            Ok(own) => connectors = own,
            Err(found) => problems.extend(found),
        }
    }
    for shipped in manifest::shipped() {
        if !connectors.iter().any(|own| own.id == shipped.id) {
            connectors.push(shipped);
        }
    }
    connectors
}

fn calendar(config: &Config, problems: &mut Problems) -> Calendar {
    let mut texts = Vec::new();
    for path in &config.paths.calendars {
        match read(path) {
            Ok(text) => texts.push((path.display().to_string(), text)),
            Err(problem) => problems.push(problem),
        }
    }
    let mut layers = Vec::new();
    if let Some(code) = &config.jobs.calendar_region {
        match region(code) {
            Some(layer) => layers.push(layer),
            None => problems.push(
                Problem::new("MSK-CFG-05")
                    .arg("key", "calendar_region")
                    .arg("section", "[jobs]")
                    .arg("reason", "такого слоя календаря нет, есть RU-DA")
                    .arg("found", code)
                    .at(config.path.display()),
            ),
        }
    }
    layers.extend(texts.iter().map(|(file, text)| Layer { file, text }));
    let (calendar, found) = Calendar::with_layers(&layers, config.jobs.decree_days_off);
    problems.extend(found);
    calendar
}

fn scales(config: &Config, problems: &mut Problems) -> (Scales, Reference) {
    let (file, text) = match &config.paths.scales {
        None => ("config/scales.toml".to_owned(), Ok(scales::SHIPPED.to_owned())),
        Some(path) => (path.display().to_string(), read(path)),
    };
    let text = text.unwrap_or_else(|problem| {
        problems.push(problem);
        String::new()
    });
    let (scales, found) = scales::parse(&file, &text);
    problems.extend(found);
    let reference = Reference {
        kind: ReferenceKind::Scales,
        name: "scales.toml".to_owned(),
        text: text.into(),
    };
    (scales, reference)
}

fn plan(config: &Config, problems: &mut Problems) -> Known {
    let Some(path) = &config.paths.plan else {
        return Known::default();
    };
    let text = read(path).map_err(|problem| vec![problem]);
    text.and_then(|text| Known::from_toml(&path.display().to_string(), &text))
        .unwrap_or_else(|found| {
            problems.extend(found);
            Known::default()
        })
}

fn roadmaps(config: &Config, problems: &mut Problems) -> Vec<Roadmap> {
    let folder = &config.paths.roadmaps;
    let listed = std::fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<_>>>()
    });
    let mut paths = match listed {
        Ok(paths) => paths,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            problems.push(Problem::new("MSK-FIL-01").arg("path", folder.display()).because(error));
            return Vec::new();
        }
    };
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut roadmaps: Vec<Roadmap> = Vec::new();
    for path in paths {
        let read = read(&path).map_err(|problem| vec![problem]);
        match read.and_then(|text| roadmap::from_toml(&path.display().to_string(), &text)) {
            Ok(roadmap) => {
                // Their deadlines would have the same ids: the evidence of one would close those of the other.
                if roadmaps.iter().any(|other| repeats(other, &roadmap)) {
                    problems.push(
                        Problem::new("MSK-CFG-05")
                            .arg("key", "number")
                            .arg("section", "начале файла")
                            .arg(
                                "reason",
                                "дорожная карта с этим номером на этот период уже есть в другом файле",
                            )
                            .arg("found", roadmap.number)
                            .at(path.display()),
                    );
                }
                roadmaps.push(roadmap);
            }
            Err(found) => problems.extend(found),
        }
    }
    roadmaps
}

fn warn_of_ended(roadmaps: &[Roadmap], today: NaiveDate, warnings: &mut Problems) {
    for roadmap in roadmaps {
        if let Some(period) = roadmap.period.filter(|period| period.to < today) {
            let problem = Problem::new("MSK-DDL-08").arg("number", roadmap.number);
            warnings.push(problem.arg("date", period.to.format("%d.%m.%Y")));
        }
    }
}

/// Two roadmaps of one number in force at the same time.
fn repeats(one: &Roadmap, other: &Roadmap) -> bool {
    let (Some(first), Some(second)) = (one.period, other.period) else {
        return false;
    };
    one.number == other.number && first.from <= second.to && second.from <= first.to
}

fn transport(config: &Config, problems: &mut Problems) -> Option<Transport> {
    let smtp = match &config.mail.transport {
        Way::File { folder } => {
            return Some(Transport::File(folder.clone().unwrap_or_else(|| config.paths.outbox())));
        }
        Way::Smtp(smtp) => smtp,
    };
    let security = match smtp.security {
        Security::StartTls => MailSecurity::StartTls,
        Security::Tls => MailSecurity::Tls,
        Security::None => MailSecurity::Loopback,
    };
    let mut settings = SmtpSettings::new(&smtp.host, smtp.port, security);
    settings.step_limit = smtp.timeout;
    let before = problems.len();
    if let Some(path) = &smtp.ca_bundle {
        match read_bundle(path) {
            Ok(bundle) => settings.ca_bundle = Some(bundle),
            Err(problem) => problems.push(problem),
        }
    }
    if let (Some(user), Some(password)) = (&smtp.user, &smtp.password) {
        match password.reveal() {
            Ok(password) => {
                settings.credentials = Some(Credentials {
                    user: user.clone(),
                    password,
                });
            }
            Err(problem) => problems.push(problem),
        }
    }
    (problems.len() == before).then(|| Transport::Smtp(Box::new(settings)))
}

fn check_sources(config: &Config, connectors: &[Connector], problems: &mut Problems, warnings: &mut Problems) {
    for source in &config.sources {
        for id in &source.connectors.value {
            match connectors.iter().find(|connector| connector.id == *id) {
                None => problems.push(unknown_connector(id, connectors).at(&source.connectors.place)),
                Some(connector) if source.enabled && connector.personal == Personal::Folded && !connector.enabled => {
                    if let Some(note) = &connector.note {
                        warnings.push(
                            Problem::new("MSK-RUN-30")
                                .arg("id", id)
                                .arg("note", note)
                                .at(&source.place),
                        );
                    }
                }
                Some(_) => {}
            }
        }
        check_schedule(source, connectors, problems);
        if let Some(password) = &source.password
            && source.enabled
            && let Err(problem) = password.reveal()
        {
            problems.push(problem);
        }
        if let Some(path) = source.ca_bundle.as_ref().or(config.http.ca_bundle.as_ref())
            && let Err(problem) = read_bundle(path)
        {
            problems.push(problem.at(&source.place));
        }
    }
}

/// The cadence of a source is its own or that of its first connector; without one it would never be pulled.
fn check_schedule(source: &Source, connectors: &[Connector], problems: &mut Problems) {
    if let Some(cron) = &source.schedule {
        return check_cron(cron, problems);
    }
    let first = source.connectors.value.first();
    let Some(connector) = first.and_then(|id| connectors.iter().find(|connector| connector.id == *id)) else {
        return;
    };
    match &connector.defaults.schedule {
        Some(text) => check_cron(&Placed::new(text.clone(), source.connectors.place.clone()), problems),
        None if source.enabled => problems.push(
            Problem::new("MSK-CFG-03")
                .arg("key", "schedule")
                .arg("section", format!("источнике «{}»", source.id))
                .arg(
                    "expected",
                    "например \"*/10 * * * *\"; у соединителя своего расписания нет",
                )
                .at(&source.place),
        ),
        None => {}
    }
}

fn check_cron(cron: &Placed<String>, problems: &mut Problems) {
    if let Err(problem) = Cadence::parse(&cron.value) {
        problems.push(problem.at(&cron.place));
    }
}

/// Reads a text file of the administrator, capped and decoded.
///
/// # Errors
/// `MSK-FIL-01` when it cannot be read, `MSK-CFG-06` when it is not UTF-8.
pub fn read(path: &Path) -> Result<String, Problem> {
    decode(&path.display().to_string(), &read_bytes(path)?)
}

/// Reads a file of the administrator whole, capped.
///
/// # Errors
/// `MSK-FIL-01`; `MSK-FIL-03` when it is larger than such a file can be.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    use std::io::Read;
    let unreadable = |error: std::io::Error| Problem::new("MSK-FIL-01").arg("path", path.display()).because(error);
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(unreadable)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Problem::new("MSK-FIL-03")
            .arg("path", path.display())
            .arg("bound", MAX_FILE / (1024 * 1024)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "[authority]\nname = \"Управление\"\nmunicipality = \"Учебный район\"\nregion = \"Учебный край\"\n\
                        zone = \"Europe/Moscow\"\ncontact_address = \"office@uo.example\"\n\
                        [mail]\nfrom_address = \"msoko@uo.example\"\ntransport = \"file\"\n";

    /// What is wrong with an office of these files.
    fn refused(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let usual = [("msoko.toml", MAIN), ("sources.toml", ""), ("recipients.toml", "")];
        for (name, text) in usual.iter().chain(files) {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("written");
        }
        let problems = learn(&folder.path().join("msoko.toml")).err().unwrap_or_default();
        let line = |problem: &Problem| problem.ru_line().replace(&folder.path().display().to_string(), "");
        problems.iter().map(line).collect()
    }

    #[test]
    fn a_source_that_would_never_be_pulled_is_refused() {
        let source = "[[source]]\nid = \"vpr\"\nconnector = \"vpr-protocol\"\nfolder = \"inbox\"\n";
        let refusals = refused(&[("sources.toml", source)]);
        assert_eq!(
            refusals,
            [
                "MSK-CFG-03: /sources.toml:2:6: в источнике «vpr» нет обязательного ключа «schedule» \
              (например \"*/10 * * * *\"; у соединителя своего расписания нет)"
            ]
        );
        for more in ["schedule = \"*/10 * * * *\"\n", "enabled = false\n"] {
            assert_eq!(refused(&[("sources.toml", &format!("{source}{more}"))]), [""; 0]);
        }
    }
    #[test]
    fn two_roadmaps_of_one_number_may_follow_each_other_but_not_overlap() {
        let map = |from: &str, to: &str| {
            format!(
                "number = 8\ndirection = \"Заявки\"\nperiod = {{ from = {from}, to = {to} }}\n\n[[activity]]\n\
                 number = \"1\"\nlevel = \"activity\"\nactivity = \"Анализ\"\nterm = \"ежегодно\"\n\
                 indicator = \"Отчёт\"\nassignee = \"Отдел\"\n"
            )
        };
        let old = map("2025-01-01", "2026-12-31");
        let after = refused(&[
            ("roadmaps/a.toml", &old),
            ("roadmaps/b.toml", &map("2027-01-01", "2027-12-31")),
        ]);
        assert_eq!(after, [""; 0]);
        let beside = refused(&[
            ("roadmaps/a.toml", &old),
            ("roadmaps/b.toml", &map("2026-12-31", "2027-12-31")),
        ]);
        assert!(
            beside.len() == 1 && beside[0].starts_with("MSK-CFG-05: /roadmaps/b.toml"),
            "{beside:?}"
        );
    }

    #[test]
    fn a_roadmap_that_ended_is_a_warning_from_the_next_day_on() {
        let map = "number = 8\ndirection = \"Заявки\"\nperiod = { from = 2024-01-01, to = 2025-12-31 }\n\n\
                   [[activity]]\nnumber = \"1\"\nlevel = \"activity\"\nactivity = \"Анализ\"\nterm = \"ежегодно\"\n\
                   indicator = \"Отчёт\"\nassignee = \"Отдел\"\n";
        let roadmaps = [roadmap::from_toml("8.toml", map).expect("a roadmap")];
        for (today, expected) in [("2025-12-31", 0), ("2026-01-01", 1)] {
            let mut warnings = Problems::new();
            warn_of_ended(&roadmaps, today.parse().expect("a date"), &mut warnings);
            assert_eq!(warnings.len(), expected, "{today}");
        }
    }

    #[test]
    fn a_place_of_roadmaps_that_cannot_be_read_is_not_taken_for_an_empty_one() {
        let refusals = refused(&[("roadmaps", "a file in place of the folder")]);
        assert!(
            refusals.len() == 1 && refusals[0].starts_with("MSK-FIL-01"),
            "{refusals:?}"
        );
    }
}
