//! Rule C-VPR-4: tasks that are not done, by the thresholds of the rules.

use super::conclusions::{Found, judged};
use super::details::Status;
use super::gather::{Figures, TaskLabel};
use super::tables::Build;
use crate::domain::number::percent;
use crate::domain::text::after_colon;
use crate::indicators::Value;

/// C-VPR-4: tasks by the thresholds; several tasks of one skill are named together.
pub(super) fn tasks(build: &Build<'_>, position: usize) -> Option<Found> {
    let work = &build.works[position];
    let (mut lacking, mut watch, mut cells, mut deficits) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for label in work.municipality.tasks.keys() {
        let Some(address) = build.tasks_at.get(&(position, label.clone())) else {
            continue;
        };
        let Some((value, status)) = task_status(build, position, label, &work.municipality) else {
            continue;
        };
        let skill = build
            .task_plan(position, label)
            .map_or_else(String::new, |plan| format!(", {}", after_colon(&plan.skill)));
        let told = format!("{} ({}{skill})", label.1, percent(value.ratio()));
        match status {
            Status::Lacking => lacking.push(told),
            Status::Watch => watch.push(told),
            Status::Enough => continue,
        }
        cells.push(address.clone());
        if status == Status::Lacking {
            let units: Vec<String> = judged(work)
                .filter(|(_, school)| {
                    task_status(build, position, label, &school.figures).is_some_and(|(_, own)| own == Status::Lacking)
                })
                .map(|(_, school)| school.unit.short_title.clone())
                .collect();
            deficits.push((format!("{}, задание {}", build.work_title(position), label.1), units));
        }
    }
    if lacking.is_empty() && watch.is_empty() {
        return None;
    }
    let mut parts = Vec::new();
    if !lacking.is_empty() {
        parts.push(format!("выполнение недостаточно — задания {}", lacking.join("; ")));
    }
    if !watch.is_empty() {
        parts.push(format!("в зоне внимания — задания {}", watch.join("; ")));
    }
    parts.extend(systemic(build, position));
    Some(Found {
        rule: "C-VPR-4",
        text: format!("{}: {}.", build.work_title(position), parts.join("; ")),
        cells,
        units: Vec::new(),
        deficits,
    })
}

/// Most tasks of one skill are lacking: a sign, named so only on a full sample.
fn systemic(build: &Build<'_>, position: usize) -> Option<String> {
    let work = &build.works[position];
    let full = work.municipality.participants()?.value >= build.input.rules.limits.small;
    let mut skills: Vec<(&str, usize, usize)> = Vec::new();
    for label in work.municipality.tasks.keys() {
        let (Some(plan), Some((_, status))) = (
            build.task_plan(position, label),
            task_status(build, position, label, &work.municipality),
        ) else {
            continue;
        };
        let lacking = usize::from(status == Status::Lacking);
        match skills.iter_mut().find(|(skill, ..)| *skill == plan.skill) {
            Some((_, low, all)) => {
                *low += lacking;
                *all += 1;
            }
            None => skills.push((&plan.skill, lacking, 1)),
        }
    }
    let named: Vec<String> = skills
        .iter()
        .filter(|(_, low, all)| *all >= 2 && low * 2 > *all)
        .map(|(skill, ..)| (*skill).to_owned())
        .collect();
    (full && !named.is_empty()).then(|| format!("признак системного дефицита умения: {}", named.join("; ")))
}

fn task_status(build: &Build<'_>, position: usize, label: &TaskLabel, figures: &Figures) -> Option<(Value, Status)> {
    let value = figures.completion(label)?;
    let status = build.status(value.ratio(), build.task_plan(position, label))?;
    Some((value, status))
}
