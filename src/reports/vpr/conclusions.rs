//! Rules C-VPR-1…5 and 8: figures → coded sentences, each with the cells it stands on.
//!
//! A sentence is made only of what the tables show: a hidden organisation, or one with fewer than ten participants,
//! is never judged. «Необъективно», «слабая» and causes have no template.

use super::Coverage;
use super::cells::{Lens, Who};
use super::gather::{Figures, School, Work};
use super::skills::tasks;
use super::tables::{Build, Places, column, journal_of, participants};
use crate::domain::document::CellAddress;
use crate::domain::number::{Forms, agree, percent, points, whole};
use crate::indicators::{Change, Marks, Value, Verdict, change, coverage, difference, quality, wilson};
use crate::privacy::suppress::Shown;

/// More conclusions than this nobody reads (reports.md 1.11).
const MOST: usize = 12;

/// In «Динамика» the row of quality stands two below that of «2».
const QUALITY_BELOW_TWOS: u32 = 2;

/// A conclusion before it is numbered.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub rule: &'static str,
    pub text: String,
    pub cells: Vec<CellAddress>,
    /// Organisations the conclusion is about, by short title.
    pub units: Vec<String>,
    /// Tasks not done in several organisations, and in one only: label with titles of organisations.
    pub deficits: Vec<(String, Vec<String>)>,
}

/// An organisation whose marks differ from the journal more than those around it.
#[derive(Debug, Clone)]
pub(super) struct Marker {
    pub work: usize,
    pub who: Who,
    pub title: &'static str,
    pub value: Value,
    pub reference: Value,
    at: CellAddress,
}

/// Coverage of the municipality in a work.
pub(super) fn municipal_coverage(work: &Work<'_>) -> Option<Value> {
    coverage_of(&work.municipality)
}

fn coverage_of(figures: &Figures) -> Option<Value> {
    coverage(figures.participants()?, &figures.expected()?)
}

/// C-VPR-5: the share of those who lowered or raised reaches the threshold and Wilson's interval leaves out the
/// region's share, or the municipality's when the region gives none.
pub(super) fn markers(build: &Build<'_>) -> Vec<Marker> {
    let rules = build.input.rules;
    let mut markers = Vec::new();
    for (position, work) in build.works.iter().enumerate() {
        let reference = journal_of(work, Who::Region).or_else(|| journal_of(work, Who::Municipality));
        let Some(reference) = reference.filter(|_| !work.total_hidden) else {
            continue;
        };
        for (index, _) in judged(work) {
            let who = Who::School(index);
            let Some(own) = journal_of(work, who) else { continue };
            for (side, title) in [
                (0, "понизили отметку относительно журнала"),
                (2, "повысили отметку относительно журнала"),
            ] {
                let (Some(value), Some(reference)) = (own.shares()[side].clone(), reference.shares()[side].clone())
                else {
                    continue;
                };
                let apart = wilson(value.k, value.n).is_some_and(|interval| interval.low > reference.ratio().to_f64());
                let reaches = value.ratio().compare(rules.journal).is_ge();
                let enough = value.n >= rules.comparison.least;
                let side = u32::try_from(side).unwrap_or_default();
                if let (true, true, true, Some(at)) = (apart, reaches, enough, build.journal_at.get(&(position, who))) {
                    markers.push(Marker {
                        work: position,
                        who,
                        title,
                        value,
                        reference,
                        at: CellAddress {
                            column: column::LOWERED + side,
                            ..at.clone()
                        },
                    });
                }
            }
        }
    }
    markers.sort_by_key(|marker| {
        (
            super::gather::natural(&build.group(marker.work, marker.who)),
            marker.work,
        )
    });
    markers
}

/// All conclusions: problems first, then what is stable, then what is good; what is missing stands last.
pub(super) fn draw(build: &Build<'_>, coverage: &Coverage<'_>, markers: &[Marker]) -> Vec<Found> {
    let mut problems = Vec::new();
    problems.extend(thin_coverage(build, coverage));
    let (mut good, mut quiet) = (Vec::new(), Vec::new());
    for position in 0..build.works.len() {
        let found = twos(build, position);
        if found.is_none() {
            quiet.push(build.work_title(position));
        }
        problems.extend(found);
        problems.extend(growth_of_twos(build, position));
        problems.extend(tasks(build, position));
        good.extend(improvement(build, position));
    }
    problems.extend(journal_markers(build, markers));
    let mut all = problems;
    all.extend(all_quiet(build, &quiet));
    all.extend(good);
    all.extend(gaps(build));
    if all.len() > MOST {
        all = merged(all);
    }
    all
}

/// Organisations that may be judged, with their positions.
pub(super) fn judged<'w>(work: &'w Work<'_>) -> impl Iterator<Item = (usize, &'w School<'w>)> {
    work.schools
        .iter()
        .enumerate()
        .filter(|(_, school)| school.may_be_judged())
}

fn at(places: &Places, work: usize, who: Who, column: u32) -> Option<CellAddress> {
    places.get(&(work, who)).map(|address| CellAddress {
        column,
        ..address.clone()
    })
}

fn of(value: &Value) -> String {
    format!("{} ({} из {})", percent(value.ratio()), whole(value.k), whole(value.n))
}

/// Parts with a full stop, unless an abbreviation has brought it already.
fn sentence(parts: &[String]) -> String {
    let text = parts.join("; ");
    if text.ends_with('.') { text } else { format!("{text}.") }
}

fn small(is_small: bool) -> &'static str {
    if is_small { ", малая выборка" } else { "" }
}

/// C-VPR-1: coverage below the threshold.
fn thin_coverage(build: &Build<'_>, coverage: &Coverage<'_>) -> Option<Found> {
    let bound = build.input.rules.coverage;
    let (mut thin, mut cells, mut units) = (Vec::new(), Vec::new(), Vec::new());
    for (position, work) in build.works.iter().enumerate() {
        for (index, school) in judged(work) {
            let Some(value) = coverage_of(&school.figures).filter(|value| value.ratio().compare(bound).is_lt()) else {
                continue;
            };
            let who = Who::School(index);
            let title = school.unit.short_title.clone();
            thin.push(format!("{title} ({}) — {}", build.work_title(position), of(&value)));
            cells.extend(at(&build.participation_at, position, who, column::COVERAGE));
            if !units.contains(&title) {
                units.push(title);
            }
        }
    }
    let missing: Vec<String> = coverage.missing.iter().map(|unit| unit.short_title.clone()).collect();
    let mut text = Vec::new();
    if !thin.is_empty() {
        text.push(format!("Охват ниже {}: {}.", percent(bound), thin.join("; ")));
    }
    if !missing.is_empty() {
        text.push(format!("Нет данных: {}; вывод по ним не делается.", missing.join(", ")));
        for title in missing {
            if !units.contains(&title) {
                units.push(title);
            }
        }
    }
    (!text.is_empty()).then(|| Found {
        rule: "C-VPR-1",
        text: text.join(" "),
        cells,
        units,
        deficits: Vec::new(),
    })
}

/// C-VPR-2: organisations whose share of «2» is notably above the municipality.
fn twos(build: &Build<'_>, position: usize) -> Option<Found> {
    let work = &build.works[position];
    let reference = work
        .municipality
        .marks
        .as_ref()
        .filter(|_| !work.total_hidden)?
        .share(2)?;
    let rules = &build.input.rules.comparison;
    let (mut named, mut cells, mut units) = (Vec::new(), Vec::new(), Vec::new());
    for (index, school) in judged(work) {
        let Some(value) = school.figures.marks.as_ref().and_then(|marks| marks.share(2)) else {
            continue;
        };
        let Some(found) = difference(&value, reference.ratio(), rules).filter(|found| found.verdict == Verdict::Above)
        else {
            continue;
        };
        named.push(format!(
            "{} — {}, выше на {}{}{}",
            school.unit.short_title,
            of(&value),
            points(found.delta),
            without_itself(&value, &reference),
            small(found.small_sample)
        ));
        units.push(school.unit.short_title.clone());
        cells.extend(at(&build.results_at, position, Who::School(index), column::TWOS));
    }
    cells.extend(at(&build.results_at, position, Who::Municipality, column::TWOS));
    (!named.is_empty()).then(|| Found {
        rule: "C-VPR-2",
        text: format!(
            "{}: доля отметок «2» заметно выше муниципалитета, где она составляет {}: {}",
            build.work_title(position),
            of(&reference),
            sentence(&named)
        ),
        cells,
        units,
        deficits: Vec::new(),
    })
}

/// A school that is more than a quarter of the district is compared with itself; the rest is named beside it.
fn without_itself(own: &Value, all: &Value) -> String {
    if own.n * 4 <= all.n {
        return String::new();
    }
    crate::domain::number::Ratio::of(all.k - own.k, all.n - own.n).map_or_else(String::new, |rest| {
        format!(" (муниципалитет без этой ОО — {})", percent(rest))
    })
}

/// C-VPR-3: the share of «2» grew by the threshold or more.
fn growth_of_twos(build: &Build<'_>, position: usize) -> Option<Found> {
    let work = &build.works[position];
    let before = work.before[0].as_ref()?;
    let (mut parts, mut cells, mut units) = (Vec::new(), Vec::new(), Vec::new());
    let last_year = build.period.years[1];
    let grown = |now: Option<&Marks>, before: Option<&Marks>| -> Option<(Value, Value, Change)> {
        let (now, before) = (now?.share(2)?, before?.share(2)?);
        let found = change(&now, &before, &build.input.rules.comparison)?;
        let grown = found.verdict == Verdict::Above && found.delta.compare(build.input.rules.twos_growth).is_ge();
        grown.then_some((now, before, found))
    };
    let years = Lens::years(work, build.input.rules.limits.shares);
    if let Some((now, _, found)) = grown(years[0].marks(), years[1].marks()) {
        parts.push(format!(
            "муниципалитет — {}, рост на {}{}; ряд за три года: {}",
            of(&now),
            points(found.delta),
            small(found.small_sample),
            row_of_years(&years)
        ));
        cells.extend(build.dynamics_at.get(&position).cloned());
    }
    for (index, school) in judged(work) {
        let Some(past) = before.schools.get(&school.unit.id) else {
            continue;
        };
        let Some((now, before, found)) = grown(school.figures.marks.as_ref(), past.marks.as_ref()) else {
            continue;
        };
        parts.push(format!(
            "{} — {} против {}, рост на {}{}",
            school.unit.short_title,
            of(&now),
            of(&before),
            points(found.delta),
            small(found.small_sample)
        ));
        units.push(school.unit.short_title.clone());
        cells.extend(at(&build.results_at, position, Who::School(index), column::TWOS));
    }
    (!parts.is_empty()).then(|| Found {
        rule: "C-VPR-3",
        text: format!(
            "{}: отрицательная динамика доли отметок «2» к {} учебному году: {}",
            build.work_title(position),
            last_year.for_people(),
            sentence(&parts)
        ),
        cells,
        units,
        deficits: Vec::new(),
    })
}

fn row_of_years(years: &[Lens<'_>; 3]) -> String {
    let told = |year: &Lens<'_>| match year.marks().and_then(|marks| marks.share(2)) {
        Some(value) => percent(value.ratio()),
        None if year.has_marks() => "не приводится".to_owned(),
        None => "н/д".to_owned(),
    };
    years.iter().rev().map(told).collect::<Vec<_>>().join(" → ")
}

/// C-VPR-5 in words.
fn journal_markers(build: &Build<'_>, markers: &[Marker]) -> Option<Found> {
    if markers.is_empty() {
        return None;
    }
    let mut units = Vec::new();
    let told: Vec<String> = markers
        .iter()
        .map(|marker| {
            let name = build.group(marker.work, marker.who).trim_end_matches('*').to_owned();
            let text = format!(
                "{name} ({}) — {} {}, ориентир {}{}",
                build.work_title(marker.work),
                marker.title,
                of(&marker.value),
                percent(marker.reference.ratio()),
                small(marker.value.n < build.input.rules.limits.small)
            );
            if !units.contains(&name) {
                units.push(name);
            }
            text
        })
        .collect();
    Some(Found {
        rule: "C-VPR-5",
        text: format!(
            "Маркеры расхождения с журналом, требующие дополнительного анализа: {}.",
            told.join("; ")
        ),
        cells: markers.iter().map(|marker| marker.at.clone()).collect(),
        units,
        deficits: Vec::new(),
    })
}

/// C-VPR-8: notable shifts for the better of the municipality.
fn improvement(build: &Build<'_>, position: usize) -> Option<Found> {
    let work = &build.works[position];
    let years = Lens::years(work, build.input.rules.limits.shares);
    let (now, before) = (years[0].marks()?, years[1].marks()?);
    let rules = &build.input.rules.comparison;
    let (mut parts, mut cells) = (Vec::new(), Vec::new());
    let dynamics = |below: u32| {
        let address = build.dynamics_at.get(&position)?;
        Some(CellAddress {
            row: address.row + below,
            ..address.clone()
        })
    };
    let (new, old) = (now.share(2)?, before.share(2)?);
    if let Some(found) = change(&new, &old, rules).filter(|found| found.verdict == Verdict::Below) {
        parts.push(format!(
            "доля отметок «2» снизилась на {} и составила {}",
            points(found.delta.abs()),
            of(&new)
        ));
        cells.extend(dynamics(0));
    }
    let (new, old) = (quality(now)?, quality(before)?);
    if let Some(found) = change(&new, &old, rules).filter(|found| found.verdict == Verdict::Above) {
        parts.push(format!(
            "качество обученности выросло на {} и составило {}",
            points(found.delta),
            of(&new)
        ));
        cells.extend(dynamics(QUALITY_BELOW_TWOS));
    }
    (!parts.is_empty()).then(|| Found {
        rule: "C-VPR-8",
        text: format!(
            "{}: положительный сдвиг по муниципалитету к {} учебному году: {}.",
            build.work_title(position),
            build.period.years[1].for_people(),
            parts.join("; ")
        ),
        cells,
        units: Vec::new(),
        deficits: Vec::new(),
    })
}

/// S-ALLOK for the works in which no organisation is notably above the municipality.
fn all_quiet(build: &Build<'_>, quiet: &[String]) -> Option<Found> {
    let compared: Vec<usize> = (0..build.works.len())
        .filter(|position| {
            let work = &build.works[*position];
            quiet.contains(&build.work_title(*position))
                && !work.total_hidden
                && work.municipality.marks.is_some()
                && judged(work).next().is_some()
        })
        .collect();
    if compared.is_empty() {
        return None;
    }
    let titles: Vec<String> = compared.iter().map(|position| build.work_title(*position)).collect();
    Some(Found {
        rule: "S-ALLOK",
        text: format!(
            "Ни в одной из сравниваемых организаций доля отметок «2» не превышает заметно значение муниципалитета: {}.",
            titles.join("; ")
        ),
        cells: compared
            .iter()
            .filter_map(|position| at(&build.results_at, *position, Who::Municipality, column::TWOS))
            .collect(),
        units: Vec::new(),
        deficits: Vec::new(),
    })
}

/// S-GAP: organisations without a conclusion because too few took part.
fn gaps(build: &Build<'_>) -> Option<Found> {
    let (mut told, mut cells) = (Vec::new(), Vec::new());
    let mut hidden = 0i64;
    for (position, work) in build.works.iter().enumerate() {
        for (index, school) in work.schools.iter().enumerate() {
            if school.is_hidden() {
                hidden += i64::from(school.shown != Shown::NotPrinted);
            } else if school.shown == Shown::CountsOnly {
                let n = school.figures.participants().map_or(0, |took| took.value);
                told.push(format!(
                    "{} ({}) — {}",
                    school.unit.short_title,
                    build.work_title(position),
                    participants(n)
                ));
                cells.extend(at(&build.results_at, position, Who::School(index), column::TWOS - 1));
            }
        }
    }
    let mut text = Vec::new();
    if !told.is_empty() {
        text.push(format!(
            "Доли не рассчитываются и выводы не делаются (менее {} участников): {}.",
            build.input.rules.limits.shares,
            told.join("; ")
        ));
    }
    if hidden > 0 {
        let rows = Forms::new("строке", "строкам", "строкам", "строки");
        text.push(format!(
            "По {} таблиц, скрытым из-за малого числа участников, выводы не делаются.",
            agree(hidden, rows)
        ));
    }
    (!text.is_empty()).then(|| Found {
        rule: "S-GAP",
        text: text.join(" "),
        cells,
        units: Vec::new(),
        deficits: Vec::new(),
    })
}

/// Too many conclusions: those of one rule become one, in the order in which the rules first spoke.
fn merged(all: Vec<Found>) -> Vec<Found> {
    let mut merged: Vec<Found> = Vec::new();
    for found in all {
        match merged.iter_mut().find(|known| known.rule == found.rule) {
            Some(known) => {
                known.text.push(' ');
                known.text.push_str(&found.text);
                known.cells.extend(found.cells);
                for unit in found.units {
                    if !known.units.contains(&unit) {
                        known.units.push(unit);
                    }
                }
                known.deficits.extend(found.deficits);
            }
            None => merged.push(found),
        }
    }
    merged
}
