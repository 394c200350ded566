//! One row: what its cells hold, what is doubtful about it, and what only its neighbours can tell.

use std::collections::BTreeSet;

use super::document::{Cell, one_line};
use crate::domain::roadmap::{Activity, Level};

/// Fragments quoted in a remark are cut to this many letters.
const QUOTED: usize = 60;

/// What a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Number,
    Activity,
    Term,
    Indicator,
    Assignee,
}

impl Role {
    /// The role a header text names.
    pub(super) fn of(header: &str) -> Option<Self> {
        let header = header.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| header.contains(word));
        if header.starts_with('№') || has(&["п/п", "п\\п"]) {
            Some(Self::Number)
        } else if has(&["исполнител", "ответственн"]) {
            Some(Self::Assignee)
        } else if has(&["срок", "исполнения", "дата проведения", "период"]) {
            Some(Self::Term)
        } else if has(&["мероприяти", "содержание работы"]) {
            Some(Self::Activity)
        } else if has(&["показател", "индикатор", "результат"]) {
            Some(Self::Indicator)
        } else if header.contains("наименование") {
            Some(Self::Activity)
        } else {
            None
        }
    }
}

/// A row as its cells give it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) number: String,
    pub(super) activity: String,
    term: String,
    indicator: String,
    assignee: String,
    problems: Vec<String>,
}

/// `5`, `5.1`, `5.1.`, `5)`.
pub(super) fn is_number(text: &str) -> bool {
    let text = text.trim_end_matches(['.', ')']);
    !text.is_empty()
        && text.len() <= 12
        && text
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Draft {
    pub(super) fn get(&self, role: Role) -> &str {
        match role {
            Role::Number => &self.number,
            Role::Activity => &self.activity,
            Role::Term => &self.term,
            Role::Indicator => &self.indicator,
            Role::Assignee => &self.assignee,
        }
    }

    pub(super) fn set(&mut self, role: Role, text: String) {
        match role {
            Role::Number => self.number = text,
            Role::Activity => self.activity = text,
            Role::Term => self.term = text,
            Role::Indicator => self.indicator = text,
            Role::Assignee => self.assignee = text,
        }
    }

    pub(super) fn take(&mut self, role: Role, cell: &Cell) {
        if role == Role::Number {
            let text = cell.text().replace(' ', "");
            if is_number(&text) {
                text.trim_end_matches(['.', ')']).clone_into(&mut self.number);
            } else if !text.is_empty() {
                self.problems.push(format!("номер записан как {}", quoted(&text)));
            }
            return;
        }
        let mut paragraphs: Vec<&String> = cell.paragraphs.iter().filter(|text| !text.trim().is_empty()).collect();
        // A page number that a converter left behind is the last paragraph of a longer text.
        if role != Role::Term
            && paragraphs.len() > 1
            && let Some(last) = paragraphs.last()
            && last.trim().len() <= 3
            && last.trim().bytes().all(|byte| byte.is_ascii_digit())
        {
            self.problems
                .push(format!("внутри текста стоял номер страницы {}, он убран", quoted(last)));
            paragraphs.pop();
        }
        let text: Vec<&str> = paragraphs.iter().map(|text| text.as_str()).collect();
        self.set(role, one_line(&text.join(" ")));
    }

    pub(super) fn stray(&mut self, text: &str) {
        if !text.is_empty() {
            self.problems
                .push(format!("в лишнем столбце стоит обрывок {}, он отброшен", quoted(text)));
        }
    }

    pub(super) fn is_blank(&self) -> bool {
        self.number.is_empty()
            && self.problems.is_empty()
            && [&self.activity, &self.term, &self.indicator, &self.assignee]
                .into_iter()
                .all(String::is_empty)
    }

    /// A row without a number is the rest of the row before, torn by a page, unless it stands on its own feet.
    pub(super) fn continues(&self) -> bool {
        let stands = self.activity.starts_with(char::is_uppercase)
            && (!self.term.is_empty() || !self.assignee.is_empty() && !self.indicator.is_empty());
        self.number.is_empty() && !stands
    }

    pub(super) fn join(&mut self, rest: Self) {
        let mut joined = Vec::new();
        for role in [Role::Activity, Role::Term, Role::Indicator, Role::Assignee] {
            let more = rest.get(role);
            if !more.is_empty() {
                joined.push(quoted(more));
                let text = one_line(&format!("{} {more}", self.get(role)));
                self.set(role, text);
            }
        }
        self.problems.extend(rest.problems);
        if !joined.is_empty() {
            self.problems.push(format!(
                "строка разорвана страницей, присоединено продолжение: {}",
                joined.join(", ")
            ));
        }
    }

    fn is_group(&self) -> bool {
        self.term.is_empty() && self.indicator.is_empty()
    }
}

fn quoted(text: &str) -> String {
    let text = one_line(text);
    if text.chars().count() <= QUOTED {
        return format!("«{text}»");
    }
    let short: String = text.chars().take(QUOTED).collect();
    format!("«{}…»", short.trim_end())
}

/// Numbers, levels and remarks that need the whole roadmap. `header_term` is a term that slipped into the header.
pub(super) fn settle(mut rows: Vec<Draft>, header_term: Option<&str>) -> Vec<Activity> {
    number_rows(&mut rows);
    let numbers: Vec<String> = rows.iter().map(|row| row.number.clone()).collect();
    let mut slipped = header_term;
    let mut activities: Vec<Activity> = Vec::new();
    for row in rows {
        let below = format!("{}.", row.number);
        let has_rows = numbers.iter().any(|number| number.starts_with(&below));
        let heading = row.is_group() && (row.activity.ends_with(':') || has_rows);
        let mut activity = Activity {
            number: row.number,
            level: if heading { Level::Heading } else { Level::Activity },
            activity: row.activity,
            term: row.term,
            indicator: row.indicator,
            assignee: row.assignee,
            problems: row.problems,
        };
        inherit_assignee(&mut activity, &activities);
        remark(&mut activity, has_rows, &mut slipped);
        activities.push(activity);
    }
    activities
}

fn number_rows(rows: &mut [Draft]) {
    let given: BTreeSet<String> = rows.iter().map(|row| row.number.clone()).collect();
    let mut used = BTreeSet::new();
    let mut whole = 0u32;
    for row in rows {
        if row.number.is_empty() {
            let next = (whole + 1).to_string();
            row.number = if given.contains(&next) {
                format!("{whole}-2")
            } else {
                next
            };
            row.problems
                .push(format!("в документе нет номера, строке дан номер {}", row.number));
        }
        if used.contains(&row.number) {
            let number = (2..)
                .map(|copy| format!("{}-{copy}", row.number))
                .find(|number| !used.contains(number));
            if let Some(number) = number {
                row.problems
                    .push(format!("номер {} уже был, строке дан номер {number}", row.number));
                row.number = number;
            }
        }
        used.insert(row.number.clone());
        let first: Option<u32> = row.number.split(['.', '-']).next().and_then(|part| part.parse().ok());
        let Some(first) = first else { continue };
        if first == whole + 2 {
            row.problems.push(format!("перед строкой пропущен номер {}", whole + 1));
        } else if first > whole + 2 {
            row.problems.push(format!(
                "перед строкой пропущены номера с {} по {}",
                whole + 1,
                first - 1
            ));
        }
        whole = whole.max(first);
    }
}

/// The cell of the assignee is often merged over a group; the text form of a document loses that.
fn inherit_assignee(activity: &mut Activity, before: &[Activity]) {
    if !activity.assignee.is_empty() {
        return;
    }
    let Some((group, _)) = activity.number.rsplit_once('.') else {
        return;
    };
    if let Some(heading) = before.iter().find(|row| row.number == group) {
        activity.assignee.clone_from(&heading.assignee);
    }
}

fn remark(activity: &mut Activity, has_rows: bool, slipped: &mut Option<&str>) {
    let problems = &mut activity.problems;
    if activity.activity.is_empty() {
        problems.push("не указано мероприятие".to_owned());
    }
    if activity.level == Level::Heading {
        if !has_rows {
            problems.push("у заголовка группы нет подпунктов".to_owned());
        }
        return;
    }
    if activity.term.is_empty() {
        problems.push(match slipped.take() {
            Some(term) => {
                format!("срок не указан; в заголовке столбца стоит «{term}», возможно, это срок этой строки: уточните")
            }
            None => "срок не указан: уточните".to_owned(),
        });
    }
    if activity.indicator.is_empty() {
        problems.push("не указано, что считается выполнением".to_owned());
    }
    if activity.assignee.is_empty() {
        problems.push("не указан исполнитель".to_owned());
    }
    if let Some(problem) = quarrel(&activity.activity, &activity.indicator) {
        problems.push(problem);
    }
}

/// The activity speaks of the municipality and the indicator of the region, or the other way round.
fn quarrel(activity: &str, indicator: &str) -> Option<String> {
    let levels = |text: &str| {
        let text = text.to_lowercase();
        (text.contains("муниципальн"), text.contains("региональн"))
    };
    match (levels(activity), levels(indicator)) {
        ((true, false), (false, true)) => {
            Some("показатель спорит с мероприятием: муниципальное против регионального".to_owned())
        }
        ((false, true), (true, false)) => {
            Some("показатель спорит с мероприятием: региональное против муниципального".to_owned())
        }
        _ => None,
    }
}
