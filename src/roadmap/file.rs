//! Roadmaps as TOML files that an office edits.

use std::fmt::Write as _;

use chrono::NaiveDate;

use crate::domain::roadmap::{Activity, Level, Period, Roadmap};
use crate::message::Problems;
use crate::strict_toml::{Document, Section};

/// A roadmap of a municipality covers a few years; a longer period is a mistyped date.
const MAX_YEARS: i64 = 20;

const LEVELS: [(&str, Level); 2] = [("activity", Level::Activity), ("heading", Level::Heading)];

/// The TOML of a roadmap. What is doubtful stands as a comment above the row, beside a line in which the office
/// answers «уточнить».
#[must_use]
pub fn to_toml(roadmap: &Roadmap) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# Дорожная карта {}. Строки без срока ждут ответа управления:",
        roadmap.number
    );
    out.push_str("# срок, понятный программе, вписывается в term_clarified, исходная фраза остаётся в term.\n\n");
    let _ = writeln!(out, "number = {}", roadmap.number);
    let _ = writeln!(out, "direction = {}", quoted(&roadmap.direction));
    match roadmap.period {
        Some(period) => {
            let _ = writeln!(out, "period = {{ from = {}, to = {} }}", period.from, period.to);
        }
        None => out.push_str(
            "# Уточнить: впишите период действия карты.\n# period = { from = 2026-01-01, to = 2028-12-31 }\n",
        ),
    }
    match roadmap.approved {
        Some(day) => {
            let _ = writeln!(out, "approved = {day}");
        }
        None => out.push_str(
            "# Уточнить: впишите день утверждения, раньше него сроки не создаются.\n# approved = 2026-01-12\n",
        ),
    }
    for activity in &roadmap.activities {
        write_activity(&mut out, activity);
    }
    out
}

fn write_activity(out: &mut String, activity: &Activity) {
    out.push('\n');
    for problem in &activity.problems {
        let _ = writeln!(out, "# Проверить: {}.", plain(problem));
    }
    let level = LEVELS
        .iter()
        .find(|(_, level)| *level == activity.level)
        .map_or("", |(word, _)| *word);
    out.push_str("[[activity]]\n");
    for (key, value) in [
        ("number", activity.number.as_str()),
        ("level", level),
        ("activity", &activity.activity),
        ("term", &activity.term),
        ("indicator", &activity.indicator),
        ("assignee", &activity.assignee),
    ] {
        let _ = writeln!(out, "{key} = {}", quoted(value));
    }
    if activity.level == Level::Activity && activity.term.is_empty() {
        out.push_str("# term_clarified = \"до 1 октября 2026 г.\"\n");
    }
}

fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// Reads a roadmap file. `term_clarified` takes the place of `term` and leaves a remark with the phrase of the
/// document.
///
/// # Errors
/// Every problem of the file in one go.
pub fn from_toml(file: &str, text: &str) -> Result<Roadmap, Problems> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    let number = root.integer("number", 1..=999);
    if !root.has("number") {
        root.missing("number", "номер приложения, целое число");
    }
    let roadmap = Roadmap {
        number: number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0),
        direction: root.need_string("direction"),
        period: read_period(&root),
        approved: root.date("approved"),
        activities: read_activities(&root),
    };
    root.done();
    let problems = document.problems();
    if problems.is_empty() {
        Ok(roadmap)
    } else {
        Err(problems)
    }
}

fn read_period(root: &Section<'_>) -> Option<Period> {
    let Some(section) = root.section("period") else {
        if !root.has("period") {
            root.missing("period", "{ from = ГГГГ-ММ-ДД, to = ГГГГ-ММ-ДД }");
        }
        return None;
    };
    let day = |key: &str| -> Option<NaiveDate> {
        if !section.has(key) {
            section.missing(key, "дата вида 2026-03-01");
        }
        section.date(key)
    };
    let (from, to) = (day("from"), day("to"));
    let period = Period { from: from?, to: to? };
    if period.from > period.to {
        section.refuse("to", "конец периода раньше начала");
    } else if (period.to - period.from).num_days() > MAX_YEARS * 366 {
        section.refuse("to", &format!("период длиннее {MAX_YEARS} лет"));
    }
    section.done();
    Some(period)
}

fn read_activities(root: &Section<'_>) -> Vec<Activity> {
    let sections = root.sections("activity");
    if sections.is_empty() && !root.has("activity") {
        root.missing("activity", "хотя бы один раздел [[activity]]");
    }
    let mut activities: Vec<Activity> = Vec::new();
    for section in sections {
        let number = section.need_string("number");
        if activities.iter().any(|known| known.number == number) {
            section.refuse("number", "такой номер уже есть выше");
        }
        if number.contains(['/', '@', '#']) {
            section.refuse("number", "знаки /, @ и # заняты обозначением сроков");
        }
        let text = |key: &str| section.string(key).unwrap_or_default();
        let mut activity = Activity {
            number,
            level: section.choice("level", &LEVELS).unwrap_or(Level::Activity),
            activity: section.need_string("activity"),
            term: text("term"),
            indicator: text("indicator"),
            assignee: text("assignee"),
            problems: Vec::new(),
        };
        if section.has("term_clarified") {
            let clarified = section.need_string("term_clarified");
            activity
                .problems
                .push(format!("срок уточнён управлением, в документе: «{}»", activity.term));
            activity.term = clarified;
        }
        section.done();
        activities.push(activity);
    }
    activities
}

/// A file name for a roadmap: its number and the first words of the direction in Latin letters.
#[must_use]
pub fn file_name(roadmap: &Roadmap) -> String {
    let words: Vec<String> = roadmap
        .direction
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.chars().count() > 2)
        .take(3)
        .map(latin)
        .filter(|word| !word.is_empty())
        .collect();
    let mut name = roadmap.number.to_string();
    for word in words {
        name.push('-');
        name.push_str(&word);
    }
    name.push_str(".toml");
    name
}

fn latin(word: &str) -> String {
    const LETTERS: [&str; 32] = [
        "a", "b", "v", "g", "d", "e", "zh", "z", "i", "y", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f", "kh",
        "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya",
    ];
    let mut out = String::new();
    for letter in word.to_lowercase().chars().take(24) {
        if letter.is_ascii_alphanumeric() {
            out.push(letter);
        } else if letter == 'ё' {
            out.push('e');
        } else if let Some(place) = u32::from(letter).checked_sub(u32::from('а'))
            && let Some(latin) = usize::try_from(place).ok().and_then(|place| LETTERS.get(place))
        {
            out.push_str(latin);
        }
    }
    out
}
