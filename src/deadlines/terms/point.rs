//! Points and ranges of time inside a phrase: `до 15 октября`, `I квартал 2021`, `январь 2021 – июнь 2022`.

use super::cursor::Cursor;
use super::rule::{Day, Edge, Part, Shape};
use super::token::Token;
use super::words::{month, ordinal};

/// What was found at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Part(Part),
    /// Several parts of one list: `I и III квартал`.
    Parts(Vec<Part>),
    /// `до 5 числа`.
    DayOfMonth(u32),
    /// A bound that could be read in two ways: `до октября`.
    Doubtful,
}

/// Reads a range or a point with its preposition.
pub(super) fn part(cursor: &mut Cursor<'_>) -> Option<Found> {
    let start = cursor.at();
    let found = range(cursor).or_else(|| {
        cursor.back_to(start);
        bounded(cursor)
    });
    if found.is_none() {
        cursor.back_to(start);
    }
    found
}

/// `с X по Y`, `X – Y`.
fn range(cursor: &mut Cursor<'_>) -> Option<Found> {
    let from = cursor.take_word(&["с", "со"]);
    if let Some(days) = days_of_one_month(cursor, from) {
        return Some(Found::Part(days));
    }
    let first = point(cursor)?;
    let year = cursor.at();
    cursor.skip_year_words();
    let joined = if from {
        cursor.take_word(&["по", "до"])
    } else {
        cursor.take(&Token::Dash)
    };
    if joined && let Some(second) = point(cursor) {
        return Some(Found::Part(between(first, second)));
    }
    if !from {
        return None;
    }
    // Only a beginning: the window stays open.
    cursor.back_to(year);
    Some(Found::Part(Part {
        start: first.start.or(Some(first.end)),
        onwards: true,
        ..first
    }))
}

/// `1–15 октября`, `с 1 по 15 октября`.
fn days_of_one_month(cursor: &mut Cursor<'_>, from: bool) -> Option<Part> {
    let start = cursor.at();
    let days = (|| {
        let first = cursor.take_number(1..=31)?;
        let joined = if from {
            cursor.take_word(&["по", "до"])
        } else {
            cursor.take(&Token::Dash)
        };
        let second = joined.then(|| cursor.take_number(1..=31)).flatten()?;
        let month = cursor.take_month()?;
        let year = cursor.take_own_year();
        Some(Part {
            start: Some(Edge::new(month, first)),
            end: Edge::new(month, second),
            years: year.map(|year| (year, year)),
            shape: Shape::Range,
            onwards: false,
        })
    })();
    if days.is_none() {
        cursor.back_to(start);
    }
    days
}

fn between(first: Part, second: Part) -> Part {
    let mut part = Part {
        start: first.start.or(Some(first.end)),
        end: second.end,
        years: None,
        shape: Shape::Range,
        onwards: false,
    };
    let turn = i32::from(part.wraps());
    part.years = match (first.years, second.years) {
        (Some((from, _)), Some((_, to))) => Some((from, to)),
        (None, Some((_, to))) => Some((to - turn, to)),
        (Some((from, _)), None) => Some((from, from + turn)),
        (None, None) => None,
    };
    part
}

/// A point with `до`, `не позднее`, `к` before it, or a list of quarters.
fn bounded(cursor: &mut Cursor<'_>) -> Option<Found> {
    let start = cursor.at();
    if (cursor.take_words(&["в", "течение"]) || cursor.take_words(&["в", "течении"]))
        && let Some(part) = bare_year(cursor)
    {
        return Some(Found::Part(part));
    }
    cursor.back_to(start);
    cursor.take_words(&["в", "срок"]);
    let inclusive = cursor.take_words(&["не", "позднее"]) || cursor.take_words(&["не", "позже"]);
    let until = inclusive || cursor.take_word(&["до", "к", "ко"]);
    if until && let Some(part) = school_start(cursor) {
        return Some(Found::Part(part));
    }
    if !until {
        if let Some(parts) = quarters(cursor) {
            return Some(Found::Parts(parts));
        }
        cursor.back_to(start);
    }
    let whole = cursor.at();
    if cursor.take_stem(&["конц", "конец", "окончани"])
        && let Some(part) = point(cursor).or_else(|| bare_year(cursor))
    {
        return Some(Found::Part(Part { start: None, ..part }));
    }
    cursor.back_to(whole);
    if until && let Some(day) = cursor.take_number(1..=31) {
        if cursor.take_word(&["числа", "число"]) {
            return Some(Found::DayOfMonth(day));
        }
        cursor.back_to(whole);
    }
    let part = point(cursor)?;
    if until && !inclusive && part.shape != Shape::Day {
        return Some(Found::Doubtful);
    }
    Some(Found::Part(part))
}

/// «до начала учебного года», «к новому учебному году».
fn school_start(cursor: &mut Cursor<'_>) -> Option<Part> {
    let start = cursor.at();
    let begins = cursor.take_stem(&["начал"]) | cursor.take_stem(&["нов"]);
    if begins && cursor.take_stem(&["учебн", "уч"]) && cursor.take_word(&["года", "году"]) {
        return Some(Part {
            start: None,
            end: Edge::new(8, 31),
            years: None,
            shape: Shape::Day,
            onwards: false,
        });
    }
    cursor.back_to(start);
    None
}

/// `года`, `календарного года` after `до конца`.
fn bare_year(cursor: &mut Cursor<'_>) -> Option<Part> {
    cursor.take_stem(&["календарн"]);
    cursor.take_word(&["года"]).then(Part::whole_year)
}

/// `I, III квартал 2024`, `2 и 4 кварталы`, `I–II квартал`.
fn quarters(cursor: &mut Cursor<'_>) -> Option<Vec<Part>> {
    let mut numbers = vec![cursor.take_ordinal()?];
    let mut through = false;
    loop {
        let before = cursor.at();
        let dash = cursor.take(&Token::Dash);
        if !dash && !cursor.take(&Token::Comma) && !cursor.take_word(&["и"]) {
            break;
        }
        let Some(number) = cursor.take_ordinal() else {
            cursor.back_to(before);
            break;
        };
        through |= dash;
        numbers.push(number);
    }
    if numbers.len() == 1 || !cursor.take_stem(&["квартал", "кв"]) {
        return None;
    }
    cursor.skip_year_words();
    let years = cursor.take_own_year().map(|year| (year, year));
    let parts: Vec<Part> = numbers.iter().filter_map(|number| quarter(*number, years)).collect();
    if parts.len() != numbers.len() {
        return None;
    }
    match (through, parts.first(), parts.last()) {
        (true, Some(first), Some(last)) if parts.len() == 2 => Some(vec![Part {
            shape: Shape::Range,
            end: last.end,
            ..*first
        }]),
        (true, ..) => None,
        (false, ..) => Some(parts),
    }
}

fn quarter(number: u32, years: Option<(i32, i32)>) -> Option<Part> {
    (1..=4).contains(&number).then(|| Part {
        start: Some(Edge::new(number * 3 - 2, 1)),
        end: Edge::last_of(number * 3),
        years,
        shape: Shape::Quarter,
        onwards: false,
    })
}

/// One point without a preposition.
fn point(cursor: &mut Cursor<'_>) -> Option<Part> {
    let start = cursor.at();
    let tries: [fn(&mut Cursor<'_>) -> Option<Part>; 5] = [date, school_year, ordinal_part, day_or_month, years];
    for read in tries {
        if let Some(part) = read(cursor) {
            return Some(part);
        }
        cursor.back_to(start);
    }
    None
}

fn date(cursor: &mut Cursor<'_>) -> Option<Part> {
    let (day, month, year) = cursor.take_date()?;
    Some(Part {
        start: day.is_none().then(|| Edge::new(month, 1)),
        end: day.map_or(Edge::last_of(month), |day| Edge::new(month, day)),
        years: year.map(|year| (year, year)),
        shape: if day.is_some() { Shape::Day } else { Shape::Month },
        onwards: false,
    })
}

/// `2024/2025 учебный год`, `учебного года`: lessons run from 1 September to 31 May.
fn school_year(cursor: &mut Cursor<'_>) -> Option<Part> {
    let years = cursor.take_year();
    let mut end = None;
    if let Some(first) = years {
        if !cursor.take(&Token::Slash) && !cursor.take(&Token::Dash) {
            return None;
        }
        let second = cursor.take_any_number()?;
        let second = i32::try_from(second).ok()?;
        let follows = second == first + 1 || second == (first + 1) % 100;
        end = follows.then_some(first + 1);
        end?;
        cursor.skip_year_words();
    }
    if !cursor.take_stem(&["учебн", "уч"]) || !cursor.take_stem(&["год", "г"]) {
        return None;
    }
    Some(Part {
        start: Some(Edge::new(9, 1)),
        end: Edge::new(5, 31),
        years: years.zip(end),
        shape: Shape::SchoolYear,
        onwards: false,
    })
}

/// Quarter, half-year, ten days or half of a month.
fn ordinal_part(cursor: &mut Cursor<'_>) -> Option<Part> {
    let number = cursor.take_ordinal()?;
    if cursor.take_stem(&["квартал", "кв"]) {
        cursor.skip_year_words();
        return quarter(number, cursor.take_own_year().map(|year| (year, year)));
    }
    if cursor.take_stem(&["полугоди"]) {
        cursor.skip_year_words();
        let first = (1..=2).contains(&number).then(|| number * 6 - 5)?;
        return Some(Part {
            start: Some(Edge::new(first, 1)),
            end: Edge::last_of(first + 5),
            years: cursor.take_own_year().map(|year| (year, year)),
            shape: Shape::Half,
            onwards: false,
        });
    }
    let (first, last) = if cursor.take_stem(&["декад"]) {
        match number {
            1 => (1, Day::Number(10)),
            2 => (11, Day::Number(20)),
            3 => (21, Day::Last),
            _ => return None,
        }
    } else if cursor.take_stem(&["половин"]) {
        match number {
            1 => (1, Day::Number(15)),
            2 => (16, Day::Last),
            _ => return None,
        }
    } else {
        return None;
    };
    let month = cursor.take_month()?;
    Some(Part {
        start: Some(Edge::new(month, first)),
        end: Edge { month, day: last },
        years: cursor.take_own_year().map(|year| (year, year)),
        shape: Shape::Range,
        onwards: false,
    })
}

fn day_or_month(cursor: &mut Cursor<'_>) -> Option<Part> {
    let day = cursor.take_number(1..=31);
    let month = cursor.take_month()?;
    cursor.take_word(&["месяц", "месяца", "месяце"]);
    let years = cursor.take_own_year().map(|year| (year, year));
    Some(match day {
        Some(day) => Part {
            start: None,
            end: Edge::new(month, day),
            years,
            shape: Shape::Day,
            onwards: false,
        },
        None => Part {
            start: Some(Edge::new(month, 1)),
            end: Edge::last_of(month),
            years,
            shape: Shape::Month,
            onwards: false,
        },
    })
}

fn years(cursor: &mut Cursor<'_>) -> Option<Part> {
    let first = cursor.take_year()?;
    let mut part = Part::whole_year();
    part.years = Some((first, first));
    let alone = cursor.at();
    cursor.skip_year_words();
    if (cursor.take(&Token::Dash) || cursor.take_word(&["по"]))
        && let Some(second) = cursor
            .take_year()
            .filter(|second| *second >= first && !cursor.sees_month())
    {
        part.years = Some((first, second));
        part.shape = Shape::Years;
        return Some(part);
    }
    cursor.back_to(alone);
    Some(part)
}

/// True when a word could begin a point, for callers that look ahead.
pub(super) fn begins_point(word: &str) -> bool {
    month(word).is_some() || ordinal(word).is_some()
}
