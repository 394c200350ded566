//! What ties a term to something outside the phrase: a rhythm, a schedule, an event, each organisation.

use super::cursor::Cursor;
use super::point::begins_point;
use super::rule::{Offset, Rhythm, Unit};
use super::token::Token;
use super::words::count;

/// What was found at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Link {
    Rhythm(Rhythm),
    Organisations,
    /// «следующего за отчётным», with the rhythm its noun names.
    Following(Option<Rhythm>),
    /// «по итогам отчётного периода»: says what the report is about.
    Report,
    Schedule(String),
    After(String, Option<Offset>),
    Before(String, Offset),
}

pub(super) fn link(cursor: &mut Cursor<'_>) -> Option<Link> {
    let start = cursor.at();
    let tries: [fn(&mut Cursor<'_>) -> Option<Link>; 7] =
        [schedule, rhythm, continuous, organisations, following, summary, event];
    for read in tries {
        if let Some(link) = read(cursor) {
            return Some(link);
        }
        cursor.back_to(start);
    }
    None
}

fn schedule(cursor: &mut Cursor<'_>) -> Option<Link> {
    const PLANS: [&str; 6] = ["план", "график", "отдельн", "утвержд", "расписани", "годов"];
    let named = if cursor.take_words(&["в", "соответствии"]) {
        cursor.take_word(&["с", "со"])
    } else if cursor.take_words(&["в", "сроки"]) {
        cursor.take(&Token::Comma);
        cursor.take_stem(&["установлен", "утвержден", "определен", "предусмотрен", "указан"])
    } else if cursor.take_word(&["по"]) {
        cursor
            .word()
            .is_some_and(|word| PLANS.iter().any(|stem| word.starts_with(stem)))
    } else {
        cursor.take_word(&["согласно"])
    };
    named.then(|| Link::Schedule(cursor.name()))
}

fn rhythm(cursor: &mut Cursor<'_>) -> Option<Link> {
    const WORDS: [(&str, Rhythm); 5] = [
        ("ежегодн", Rhythm::Yearly),
        ("ежеквартальн", Rhythm::Quarterly),
        ("ежемесячн", Rhythm::Monthly),
        ("еженедельн", Rhythm::Weekly),
        ("постоянн", Rhythm::Continuous),
    ];
    for (stem, rhythm) in WORDS {
        if cursor.take_stem(&[stem]) {
            return Some(Link::Rhythm(rhythm));
        }
    }
    if cursor.take_stem(&["кажд"]) {
        return period_of(cursor).map(Link::Rhythm);
    }
    let times = if cursor.take_word(&["раз"]) {
        1
    } else {
        times(cursor)?
    };
    cursor.take_word(&["в"]);
    let every = cursor.take_any_number().or_else(|| {
        let number = count(cursor.word()?)?;
        cursor.next();
        Some(number)
    });
    let unit = period_of(cursor)?;
    let rhythm = match (times, every.unwrap_or(1), unit) {
        (1, 1, unit) => unit,
        (2, 1, Rhythm::Yearly) => Rhythm::HalfYearly,
        (4, 1, Rhythm::Yearly) => Rhythm::Quarterly,
        (12, 1, Rhythm::Yearly) => Rhythm::Monthly,
        (1, years @ 2..=10, Rhythm::Yearly) => Rhythm::EveryYears(years),
        (1, 6, Rhythm::Monthly) => Rhythm::HalfYearly,
        (1, 3, Rhythm::Monthly) => Rhythm::Quarterly,
        _ => return None,
    };
    Some(Link::Rhythm(rhythm))
}

/// `1 раз`, `два раза`, `дважды`.
fn times(cursor: &mut Cursor<'_>) -> Option<u32> {
    if let Some(number) = cursor.take_any_number() {
        return cursor.take_word(&["раз", "раза"]).then_some(number);
    }
    let word = cursor.word()?;
    let number = count(word)?;
    cursor.next();
    let alone = matches!(word, "дважды" | "трижды");
    (cursor.take_word(&["раз", "раза"]) || alone).then_some(number)
}

fn period_of(cursor: &mut Cursor<'_>) -> Option<Rhythm> {
    let word = cursor.word()?;
    let rhythm = match word {
        "год" | "года" | "году" | "лет" => Rhythm::Yearly,
        "полгода" | "полугодие" | "полугодия" => Rhythm::HalfYearly,
        "квартал" | "квартала" => Rhythm::Quarterly,
        "месяц" | "месяца" | "месяцев" => Rhythm::Monthly,
        "неделю" | "недели" => Rhythm::Weekly,
        _ => return None,
    };
    cursor.next();
    Some(rhythm)
}

/// «в течение всего периода», «весь период реализации», «на постоянной основе».
fn continuous(cursor: &mut Cursor<'_>) -> Option<Link> {
    let start = cursor.at();
    if cursor.take_word(&["на"]) && cursor.take_stems(&["постоянн", "основ"]) {
        return Some(Link::Rhythm(Rhythm::Continuous));
    }
    cursor.back_to(start);
    let lead = cursor.take_word(&["в", "на"]) && cursor.take_stem(&["течени", "протяжени"]);
    let whole = cursor.take_stem(&["всего", "весь"]);
    if !(lead || whole) || !cursor.take_stem(&["период", "срока"]) {
        return None;
    }
    while cursor.take_stem(&[
        "реализации",
        "действия",
        "дорожной",
        "карты",
        "программы",
        "плана",
        "концепции",
    ]) {}
    Some(Link::Rhythm(Rhythm::Continuous))
}

/// «для каждой образовательной организации».
fn organisations(cursor: &mut Cursor<'_>) -> Option<Link> {
    let each = cursor.take_word(&["для", "в", "по", "на"]) && cursor.take_stem(&["кажд"]);
    if !each {
        return None;
    }
    while cursor.take_stem(&["образовательн", "общеобразовательн", "дошкольн"]) {}
    cursor
        .take_stem(&["организаци", "учреждени", "школ", "оо", "доо", "доу", "сош"])
        .then_some(Link::Organisations)
}

fn following(cursor: &mut Cursor<'_>) -> Option<Link> {
    if !cursor.take_stem(&["следующ"]) || !cursor.take_word(&["за", "после"]) || !cursor.take_stem(&["отчетн"])
    {
        return None;
    }
    let noun = if cursor.take_stem(&["квартал"]) {
        Some(Rhythm::Quarterly)
    } else if cursor.take_stem(&["месяц"]) {
        Some(Rhythm::Monthly)
    } else if cursor.take_stem(&["полугоди"]) {
        Some(Rhythm::HalfYearly)
    } else {
        cursor.take_stem(&["период", "год"]);
        None
    };
    Some(Link::Following(noun))
}

/// «по итогам отчётного периода», «по итогам квартала».
fn summary(cursor: &mut Cursor<'_>) -> Option<Link> {
    if !cursor.take_words(&["по"]) || !cursor.take_stem(&["итог", "результат"]) {
        return None;
    }
    if cursor.take_stem(&["отчетн"]) {
        return cursor.take_stem(&["период", "год"]).then_some(Link::Report);
    }
    if cursor.take_stem(&["календарн"]) && !cursor.take_word(&["года"]) {
        return None;
    }
    if cursor.take_word(&["года"]) {
        return Some(Link::Report);
    }
    let next = cursor.word()?;
    let rhythm = match next {
        "квартала" => Rhythm::Quarterly,
        "полугодия" => Rhythm::HalfYearly,
        "месяца" => Rhythm::Monthly,
        _ => return None,
    };
    cursor.next();
    Some(Link::Rhythm(rhythm))
}

fn event(cursor: &mut Cursor<'_>) -> Option<Link> {
    let start = cursor.at();
    cursor.take_words(&["не", "позднее"]);
    cursor.take_words(&["чем"]);
    if cursor.take_word(&["за"])
        && let Some(offset) = offset(cursor)
        && cursor.take_word(&["до"])
    {
        return named(cursor).map(|name| Link::Before(name, offset));
    }
    cursor.back_to(start);
    if cursor.take_word(&["накануне"])
        || cursor.take_word(&["до"]) && cursor.take_stem(&["начала", "проведени", "старта"])
    {
        // «до начала учебного года» is a date, not an event.
        if cursor
            .word()
            .is_some_and(|word| begins_point(word) || word.starts_with("учебн") || word.starts_with("нов"))
        {
            return None;
        }
        let day = Offset {
            count: 1,
            unit: Unit::Days,
        };
        return named(cursor).map(|name| Link::Before(name, day));
    }
    cursor.back_to(start);
    let lead = cursor.take_words(&["в", "течение"])
        || cursor.take_words(&["в", "течении"])
        || cursor.take_word(&["через", "спустя"])
        || cursor.take_words(&["не", "позднее"]);
    let offset = lead.then(|| offset(cursor)).flatten();
    if lead && offset.is_none() {
        return None;
    }
    let after = cursor.take_word(&["после"])
        || (cursor.take_word(&["со", "с"]) && cursor.take_word(&["дня", "момента", "даты"]))
        || (cursor.take_word(&["по"])
            && cursor.take_stem(&["итог", "результат", "окончани", "завершени", "мере", "факту"]));
    if !after {
        return None;
    }
    named(cursor).map(|name| Link::After(name, offset))
}

fn named(cursor: &mut Cursor<'_>) -> Option<String> {
    let name = cursor.name();
    (!name.is_empty()).then_some(name)
}

/// `10 рабочих дней`, `двух недель`, `месяца`.
fn offset(cursor: &mut Cursor<'_>) -> Option<Offset> {
    let number = cursor.take_number(1..=366).or_else(|| {
        let number = count(cursor.word()?)?;
        cursor.next();
        Some(number)
    });
    let working = cursor.take_stem(&["рабоч"]);
    cursor.take_stem(&["календарн"]);
    let unit = if cursor.take_word(&["дней", "дня", "день"]) {
        if working { Unit::WorkingDays } else { Unit::Days }
    } else if cursor.take_stem(&["недел"]) {
        Unit::Weeks
    } else if cursor.take_stem(&["месяц"]) {
        Unit::Months
    } else {
        return None;
    };
    Some(Offset {
        count: number.unwrap_or(1),
        unit,
    })
}
