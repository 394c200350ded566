//! R-VPR, справка с анализом результатов ВПР: reports.md 1.1–1.11 and 3.1.
//!
//! Results of ВПР may not serve to judge teachers or rank schools: organisations are sorted by name, no figure of a
//! person enters, the purpose is help and planning.

mod advice;
mod cells;
mod conclusions;
mod details;
#[cfg(test)]
mod district;
mod gather;
mod prose;
mod skills;
mod tables;
#[cfg(test)]
mod tests;
mod withheld;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate};

use crate::domain::document::{Document, Requisites};
use crate::domain::number::{NBSP, moment, whole};
use crate::domain::school_year::SchoolYear;
use crate::domain::stored::StoredObservation;
use crate::domain::unit::{Register, Unit, UnitId};
use crate::domain::vocabulary::UnitKind;
use crate::message::Problem;
use crate::privacy::suppress::Audience;

use super::Rules;

/// A work (работа): subject and grade.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkKey {
    /// Slug of the subject.
    pub subject: String,
    /// Grade of the work.
    pub grade: u8,
}

/// What the plan of the КИМ and the scale say about a work (план работы); everything may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkPlan {
    /// Tasks by their label.
    pub tasks: BTreeMap<String, TaskPlan>,
    /// Lowest primary scores of the marks 3, 4, 5.
    pub scale: Option<[u16; 3]>,
}

/// A task by the plan of the КИМ (задание).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPlan {
    /// Проверяемое умение.
    pub skill: String,
    /// Basic level (Б); otherwise above it (П, В).
    pub is_basic: bool,
}

/// A file behind the report (источник).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Procedure and form, as people call it.
    pub title: String,
    /// Name of the file.
    pub file: String,
    /// When it was received.
    pub received: DateTime<FixedOffset>,
    /// School year or dates the file speaks of.
    pub period: String,
    /// Rows taken.
    pub accepted: u64,
    /// Rows refused.
    pub refused: u64,
    /// Checksum of the original.
    pub hash: String,
    /// Older than the source promises.
    pub stale: bool,
}

/// Requisites of the authority (реквизиты управления).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// Name of the authority.
    pub name: String,
    /// Place of drawing up.
    pub place: String,
    /// Post of the head.
    pub head_post: String,
    /// Name of the head.
    pub head: Option<String>,
    /// Executor with telephone.
    pub executor: Option<String>,
    /// Whether a methodical service exists; otherwise the authority itself answers for G-01.
    pub has_methodists: bool,
}

/// Terms of the recommendations, working days (сроки рекомендаций); the caller knows the calendar and the roadmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Five working days.
    pub five_days: NaiveDate,
    /// Two weeks.
    pub two_weeks: NaiveDate,
    /// One month.
    pub month: NaiveDate,
    /// End of the next quarter of the school year.
    pub next_quarter: NaiveDate,
    /// Before the next procedure.
    pub next_procedure: NaiveDate,
}

/// Everything R-VPR is made of.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// Results of the round and of the same season one and two years before; others are ignored.
    pub observations: &'a [Arc<StoredObservation>],
    /// `vpr/2025-26/spring`.
    pub round: &'a str,
    /// Number of this version of the report, from one.
    pub number: u32,
    /// Units with titles.
    pub register: &'a Register,
    /// The municipality the report is about.
    pub municipality: &'a UnitId,
    /// Titles of subjects by slug.
    pub subjects: &'a BTreeMap<String, String>,
    /// Plans of works.
    pub plans: &'a BTreeMap<WorkKey, WorkPlan>,
    /// Files behind the results.
    pub sources: &'a [Source],
    /// When the data were read, in the municipality's zone.
    pub data_as_of: DateTime<FixedOffset>,
    /// What people call the zone: `МСК`.
    pub zone: &'a str,
    /// Day of the document.
    pub today: NaiveDate,
    /// Terms of recommendations.
    pub terms: Terms,
    /// Requisites.
    pub office: &'a Office,
    /// Who reads.
    pub audience: Audience,
    /// What the previous version hid: it stays hidden.
    pub hidden_before: &'a BTreeSet<(WorkKey, UnitId)>,
    /// Thresholds.
    pub rules: &'a Rules,
}

impl<'a> Input<'a> {
    fn subject_title(&self, slug: &str) -> String {
        self.subjects.get(slug).cloned().unwrap_or_else(|| slug.to_owned())
    }

    /// `Русский язык, 4 класс`.
    fn work_title(&self, key: &WorkKey) -> String {
        format!("{}, {}{NBSP}класс", self.subject_title(&key.subject), key.grade)
    }

    /// General organisations of the municipality, sorted by short title, never by result.
    fn schools(&self) -> Vec<&'a Unit> {
        let mut schools: Vec<&Unit> = self
            .register
            .units()
            .iter()
            .filter(|unit| unit.kind == UnitKind::General && self.belongs(unit))
            .collect();
        schools.sort_by_key(|unit| gather::natural(&unit.short_title));
        schools
    }

    fn belongs(&self, unit: &Unit) -> bool {
        /// Country, region, municipality, school, branch; more is a loop in the register.
        const DEPTH: usize = 8;
        let mut above = unit.parent.as_ref();
        for _ in 0..DEPTH {
            match above {
                Some(id) if id == self.municipality => return true,
                Some(id) => above = self.register.get(id).and_then(|unit| unit.parent.as_ref()),
                None => return false,
            }
        }
        false
    }
}

/// The report and what the next version has to keep hidden.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The document.
    pub document: Document,
    /// Lines hidden in it.
    pub hidden: BTreeSet<(WorkKey, UnitId)>,
}

/// The round in words.
struct Period {
    years: [SchoolYear; 3],
    season: &'static str,
    when: String,
}

fn period(round: &str) -> Result<(Period, [String; 3]), Problem> {
    let unknown = || {
        Problem::new("MSK-DOC-01")
            .arg("round", round)
            .arg("expected", "vpr/2025-26/spring")
    };
    let parts: Vec<&str> = round.split('/').collect();
    let (year, slug) = match parts.as_slice() {
        ["vpr", year, slug] => (SchoolYear::parse(year).ok_or_else(unknown)?, *slug),
        _ => return Err(unknown()),
    };
    let (season, when) = match slug {
        "spring" => ("весна", format!("весной {} года", year.start() + 1)),
        "autumn" => ("осень", format!("осенью {} года", year.start())),
        _ => return Err(unknown()),
    };
    let years = [year, year.previous(), year.previous().previous()];
    let rounds = years.map(|year| format!("vpr/{year}/{slug}"));
    Ok((Period { years, season, when }, rounds))
}

/// Writes R-VPR.
///
/// # Errors
/// `MSK-DOC-01` when the round is not written as it should be, `MSK-DOC-02` when there is not one result of it.
pub fn render(input: &Input<'_>) -> Result<Rendered, Problem> {
    let (period, rounds) = period(input.round)?;
    let works = gather::gather(input, &rounds);
    let id = format!("R-VPR/{}/{}", period.years[0], input.number);
    if works
        .iter()
        .all(|work| work.schools.is_empty() && work.municipality.participants().is_none())
    {
        return Err(Problem::new("MSK-DOC-02").arg("round", input.round).arg("report", id));
    }
    let coverage = Coverage::of(input, &works);
    let mut build = tables::Build::new(input, &period, &works);
    prose::opening(&mut build, &coverage);
    build.participation();
    build.statistics();
    build.results();
    build.journal();
    build.scores();
    build.tasks();
    build.dynamics();
    let markers = conclusions::markers(&build);
    build.markers(&markers);
    let found = conclusions::draw(&build, &coverage, &markers);
    build.conclusions(&found);
    advice::write(&mut build, &found);
    prose::closing(&mut build);
    let hidden = works
        .iter()
        .flat_map(|work| work.schools.iter().map(move |school| (work, school)))
        .filter(|(_, school)| school.is_hidden())
        .map(|(work, school)| (work.key.clone(), school.unit.id.clone()))
        .collect();
    Ok(Rendered {
        document: Document {
            id,
            requisites: requisites(input, &period, &coverage),
            rules: input.rules.version.clone(),
            withheld: withheld::withheld(input, &rounds, &works),
            blocks: build.blocks,
        },
        hidden,
    })
}

/// How much of the district the data cover.
struct Coverage<'a> {
    expected: usize,
    missing: Vec<&'a Unit>,
    preliminary: Option<String>,
}

impl<'a> Coverage<'a> {
    fn of(input: &Input<'a>, works: &[gather::Work<'_>]) -> Self {
        let schools = input.schools();
        let present: BTreeSet<&UnitId> = works
            .iter()
            .flat_map(|work| &work.schools)
            .map(|school| &school.unit.id)
            .collect();
        // Rows of a branch come under its parent, unless the file names the branch.
        let counted: Vec<&Unit> = schools
            .into_iter()
            .filter(|unit| !unit.branch || present.contains(&unit.id))
            .collect();
        let expected = counted.len();
        let missing: Vec<&Unit> = counted.into_iter().filter(|unit| !present.contains(&unit.id)).collect();
        let preliminary = preliminary(input, works, expected, missing.len());
        Self {
            expected,
            missing,
            preliminary,
        }
    }

    fn present(&self) -> usize {
        self.expected - self.missing.len()
    }
}

fn preliminary(input: &Input<'_>, works: &[gather::Work<'_>], expected: usize, missing: usize) -> Option<String> {
    let mut reasons = Vec::new();
    let stale: Vec<&str> = input
        .sources
        .iter()
        .filter(|source| source.stale)
        .map(|source| source.file.as_str())
        .collect();
    if !stale.is_empty() {
        reasons.push(format!("источники старше допустимого срока: {}", stale.join(", ")));
    }
    let bound = input.rules.coverage;
    let below = |k: usize, n: usize| {
        let counts = (
            i64::try_from(k).unwrap_or(i64::MAX),
            i64::try_from(n).unwrap_or(i64::MAX),
        );
        crate::domain::number::Ratio::of_counts(counts.0, counts.1)
            .compare(bound)
            .is_lt()
    };
    let limit = crate::domain::number::percent(bound);
    if below(expected - missing, expected) {
        reasons.push(format!(
            "данные есть по {} из {} ОО (менее {limit})",
            expected - missing,
            expected
        ));
    }
    let thin: Vec<String> = works
        .iter()
        .filter(|work| conclusions::municipal_coverage(work).is_some_and(|value| value.ratio().compare(bound).is_lt()))
        .map(|work| input.work_title(&work.key))
        .collect();
    if !thin.is_empty() {
        reasons.push(format!("охват обучающихся менее {limit}: {}", thin.join("; ")));
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn requisites(input: &Input<'_>, period: &Period, coverage: &Coverage<'_>) -> Requisites {
    let preliminary = if coverage.preliminary.is_some() {
        " (предварительно)"
    } else {
        ""
    };
    Requisites {
        authority: input.office.name.clone(),
        kind: "Аналитическая справка".to_owned(),
        title: format!(
            "о результатах всероссийских проверочных работ {}{preliminary}",
            period.when
        ),
        date: input.today,
        place: input.office.place.clone(),
        signatory_post: input.office.head_post.clone(),
        signatory: input.office.head.clone(),
        executor: input.office.executor.clone(),
        draft: true,
        preliminary: coverage
            .preliminary
            .as_ref()
            .map(|reason| format!("Предварительно: {reason}.")),
        freshness: format!(
            "Данные на {} {}. Охват: {} из {} ОО. Версия правил {}.",
            moment(input.data_as_of),
            input.zone,
            whole(i64::try_from(coverage.present()).unwrap_or(i64::MAX)),
            whole(i64::try_from(coverage.expected).unwrap_or(i64::MAX)),
            input.rules.version
        ),
    }
}
