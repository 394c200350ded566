//! Every phrase of the concept, the common ones beyond it, and what must never become a date.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static CALENDAR: LazyLock<Calendar> = LazyLock::new(Calendar::federal);

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn period(from: &str, to: &str) -> Period {
    Period {
        from: day(from),
        to: day(to),
    }
}

fn due_in(phrase: &str, period: Period, approved: Option<&str>, known: &Known) -> Due {
    let frame = Frame {
        period,
        approved: approved.map(day),
        known,
        calendar: &CALENDAR,
        subject: "",
    };
    due(&parse(phrase), &frame)
}

/// Dates on one line; a window as `start..date`, a provisional date with `?`.
fn shown(due: &Due) -> String {
    let dates: Vec<String> = due
        .dates
        .iter()
        .map(|due| {
            let start = due.window_start.map_or_else(String::new, |start| format!("{start}.."));
            format!("{start}{}{}", due.date, if due.provisional { "?" } else { "" })
        })
        .collect();
    format!("{} {}", due.kind.as_str(), dates.join(" "))
        .trim_end()
        .to_owned()
}

fn concept(phrase: &str) -> Due {
    due_in(phrase, period("2020-01-01", "2022-12-31"), None, &Known::default())
}

fn codes(due: &Due) -> Vec<&'static str> {
    due.problems.iter().map(crate::message::Problem::code).collect()
}

const WHOLE_YEARS: &str = "yearly 2020-01-01..2020-12-31 2021-01-01..2021-12-31 2022-01-01..2022-12-31";
const MARCH_AFTER: &str = "yearly 2021-03-01 2022-03-01 2023-03-01";
const OCTOBERS: &str = "yearly 2020-10-01..2020-10-31 2021-10-01..2021-10-31 2022-10-01..2022-10-31";
const AUTUMNS: &str = "yearly 2020-10-01..2020-12-31 2021-10-01..2021-12-31 2022-10-01..2022-12-31";
const SEPTEMBERS: &str = "yearly 2020-09-01..2020-09-30 2021-09-01..2021-09-30 2022-09-01..2022-09-30";
const DECEMBERS: &str = "yearly 2020-12-01..2020-12-31 2021-12-01..2021-12-31 2022-12-01..2022-12-31";

#[test]
fn the_phrases_of_the_concept_become_these_dates() {
    for (phrase, expected) in [
        ("сентябрь 2020 г.; пополнение: ежегодно", SEPTEMBERS),
        ("сентябрь ежегодно", SEPTEMBERS),
        ("ежегодно, в соответствии с Планом- графиком", "by_schedule"),
        ("ежегодно, в соответствии с графиком проведения ВПР", "by_schedule"),
        ("ежегодно", WHOLE_YEARS),
        ("в соответствии с графиком проведения НИКО", "by_schedule"),
        ("по результатам участия", "after_event"),
        (
            "1 раз в 3 года для каждой образовательной организации",
            "every_n_years 2020-01-01..2022-12-31",
        ),
        ("2020-2022 гг.", "window 2020-01-01..2022-12-31"),
        (
            "ежегодно по итогам отчетного периода (до 01 марта года, следующего за отчетным) 2020-2022 гг.",
            MARCH_AFTER,
        ),
        ("июнь 2020", "once 2020-06-01..2020-06-30"),
        ("до 1 августа 2020 г.", "once 2020-08-01"),
        (
            "сентябрь 2020 г., апрель 2021 г., ежегодно",
            "yearly 2020-09-01..2020-09-30 2021-04-01..2021-04-30 2022-04-01..2022-04-30",
        ),
        ("октябрь 2020 г., ежегодно", OCTOBERS),
        ("октябрь-декабрь 2020 г., ежегодно", AUTUMNS),
        ("октябрь 2020 г., обновление ежегодно", OCTOBERS),
        ("октябрь - декабрь 2020 г., ежегодно", AUTUMNS),
        ("октябрь -декабрь 2020 г. ежегодно", AUTUMNS),
        ("декабрь 2020 г. обновление ежегодно", DECEMBERS),
        ("январь 2021г.-июнь 2022 г.", "window 2021-01-01..2022-06-30"),
        (
            "август 2021 г., ежегодно",
            "yearly 2021-08-01..2021-08-31 2022-08-01..2022-08-31",
        ),
        (
            "октябрь 2021 г. ежегодно",
            "yearly 2021-10-01..2021-10-31 2022-10-01..2022-10-31",
        ),
        (
            "ежегодно, февраль",
            "yearly 2020-02-01..2020-02-29 2021-02-01..2021-02-28 2022-02-01..2022-02-28",
        ),
        ("2020 г.", "once 2020-01-01..2020-12-31"),
        ("ежегодно, декабрь", DECEMBERS),
        (
            "ежегодно, с 1 квартала 2021 г.",
            "yearly 2021-01-01..2021-03-31 2022-01-01..2022-03-31",
        ),
        (
            "ежегодно, 1 квартал",
            "yearly 2020-01-01..2020-03-31 2021-01-01..2021-03-31 2022-01-01..2022-03-31",
        ),
        ("в течение всего периода", "continuous 2020-01-01..2022-12-31"),
        (
            "ежегодно по итогам отчетного периода(до 01 марта года, следующего за отчетным) 20202022 гг.",
            MARCH_AFTER,
        ),
        ("2020", "once 2020-01-01..2020-12-31"),
        ("июль 2020 г.", "once 2020-07-01..2020-07-31"),
        (
            "ежегодно, октябрь-ноябрь",
            "yearly 2020-10-01..2020-11-30 2021-10-01..2021-11-30 2022-10-01..2022-11-30",
        ),
        ("декабрь 2020 г.", "once 2020-12-01..2020-12-31"),
        ("ежегодно до 15декабря", "yearly 2020-12-15 2021-12-15 2022-12-15"),
        ("сентябрь-декабрь 2020 г.", "window 2020-09-01..2020-12-31"),
        ("ежегодно, 2020-2022 гг.", WHOLE_YEARS),
        ("октябрь, 2020", "once 2020-10-01..2020-10-31"),
        (
            "ежегодно, по итогам учебного года(до 01 июля)",
            "yearly 2020-07-01 2021-07-01 2022-07-01",
        ),
    ] {
        let due = concept(phrase);
        assert_eq!(shown(&due), expected, "{phrase}");
        let expected: &[&str] = match due.kind {
            TermKind::BySchedule => &["MSK-DDL-06"],
            TermKind::AfterEvent => &["MSK-DDL-07"],
            _ if phrase.contains("20202022") => &["MSK-DDL-03"],
            _ => &[],
        };
        assert_eq!(codes(&due), expected, "{phrase}");
        let each = phrase.contains("для каждой");
        assert_eq!(due.applies == Applies::Organisation, each, "{phrase}");
    }
}

#[test]
fn common_phrases_beyond_the_concept_become_these_dates() {
    for (phrase, expected) in [
        ("до 15 октября 2025 г.", "once 2025-10-15"),
        ("не позднее 1 сентября 2025 года", "once 2025-09-01"),
        ("к 01.09.2025", "once 2025-09-01"),
        ("в срок до 20.12.2025 включительно", "once 2025-12-20"),
        ("2025-12-20", "once 2025-12-20"),
        ("09.2025", "once 2025-09-01..2025-09-30"),
        ("15.09.2025 - 20.10.2025", "window 2025-09-15..2025-10-20"),
        ("с 1 по 15 октября 2025", "window 2025-10-01..2025-10-15"),
        ("1-15 октября 2025 г.", "window 2025-10-01..2025-10-15"),
        ("с 1 октября по 15 ноября 2025 года", "window 2025-10-01..2025-11-15"),
        ("с сентября 2025 г. по май 2026 г.", "window 2025-09-01..2026-05-31"),
        ("ноябрь - март 2026 г.", "window 2025-11-01..2026-03-31"),
        ("в октябре 2025 года", "once 2025-10-01..2025-10-31"),
        (
            "апрель, октябрь 2026 г.",
            "once 2026-04-01..2026-04-30 2026-10-01..2026-10-31",
        ),
        ("IV квартал 2025 г.", "once 2025-10-01..2025-12-31"),
        ("4-й квартал 2025", "once 2025-10-01..2025-12-31"),
        ("четвёртый квартал 2025 года", "once 2025-10-01..2025-12-31"),
        (
            "I, III квартал 2026 г.",
            "once 2026-01-01..2026-03-31 2026-07-01..2026-09-30",
        ),
        ("I-II кварталы 2026 года", "window 2026-01-01..2026-06-30"),
        ("первое полугодие 2026 г.", "once 2026-01-01..2026-06-30"),
        ("первая декада октября 2025", "window 2025-10-01..2025-10-10"),
        ("до конца 2025 года", "once 2025-12-31"),
        ("до конца октября 2025 г.", "once 2025-10-31"),
        ("2025/2026 учебный год", "window 2025-09-01..2026-05-31"),
        ("в течение 2025/26 учебного года", "window 2025-09-01..2026-05-31"),
        ("в течение учебного года", "window 2025-09-01..2026-05-31"),
        ("до 15 октября", "once 2025-10-15"),
        ("ежегодно до 15 октября", "yearly 2025-10-15"),
        (
            "ежеквартально",
            "quarterly 2025-09-01..2025-09-30 2025-10-01..2025-12-31 2026-01-01..2026-03-31 2026-04-01..2026-06-30",
        ),
        (
            "раз в полугодие",
            "half_yearly 2025-09-01..2025-12-31 2026-01-01..2026-06-30",
        ),
        (
            "2 раза в год",
            "half_yearly 2025-09-01..2025-12-31 2026-01-01..2026-06-30",
        ),
        (
            "ежемесячно, с сентября по ноябрь 2025",
            "monthly 2025-09-01..2025-09-30 2025-10-01..2025-10-31 2025-11-01..2025-11-30",
        ),
        (
            "ежеквартально до 10 числа месяца, следующего за отчетным кварталом",
            "quarterly 2025-10-10 2026-01-10 2026-04-10 2026-07-10",
        ),
        ("постоянно", "continuous 2025-09-01..2026-08-31"),
        ("весь период", "continuous 2025-09-01..2026-08-31"),
        ("с 1 февраля 2026 г.", "window 2026-02-01..2026-08-31"),
        ("до 1 июня 2026 г., по плану-графику", "once 2026-06-01?"),
        ("до начала учебного года", "once 2026-08-31"),
        ("август 2025-2026 гг.", "yearly 2026-08-01..2026-08-31"),
        ("март 2025, 2026", "once 2025-03-01..2025-03-31 2026-03-01..2026-03-31"),
        (
            "2 раза в год (май, декабрь)",
            "yearly 2025-12-01..2025-12-31 2026-05-01..2026-05-31",
        ),
        ("с сентября 2025 г.", "window 2025-09-01..2026-08-31"),
        (
            "до 20.05.2025, далее – ежегодно до 20 мая",
            "yearly 2025-05-20 2026-05-20",
        ),
        ("ежегодно до 1 июня, начиная с 2026 г.", "yearly 2026-06-01"),
    ] {
        let due = due_in(phrase, period("2025-09-01", "2026-08-31"), None, &Known::default());
        assert_eq!(shown(&due), expected, "{phrase}: {:?}", due.problems);
    }
}

#[test]
fn what_cannot_be_read_is_asked_and_never_dated() {
    for (phrase, part) in [
        ("", "не указан"),
        ("   ", "не указан"),
        ("по согласованию", "непонятно: по согласованию"),
        ("октябрь (по согласованию)", "непонятно: по согласованию"),
        ("до октября 2025", "«до» месяца"),
        ("3 раза в год", "непонятно: 3 раза"),
        ("31 февраля 2025", "такого дня нет"),
        ("I четверть", "непонятно: i четверть"),
        ("ежегодно по итогам отчетного периода", "не сказано, когда"),
        ("ежегодно с 1 сентября", "не сказано, до какого"),
        ("до 5 числа", "число месяца без месяца"),
        ("в течение месяца", "нет ни даты"),
        ("ежеквартально, до 25 декабря", "не согласуются"),
        ("ежеквартально до 10 числа", "число месяца без месяца"),
        ("2024/2025", "непонятно: /"),
        ("октябрь 2024 - март 2023", "конец раньше начала"),
    ] {
        let due = due_in(phrase, period("2025-09-01", "2026-08-31"), None, &Known::default());
        assert_eq!(due.dates, [], "{phrase}");
        let text: Vec<String> = due.problems.iter().map(crate::message::Problem::ru).collect();
        assert!(text.join(" ").contains(part), "{phrase}: {text:?}");
    }
}

#[test]
fn schedules_and_events_give_the_dates_once_they_are_known() {
    let text = "[plan]\n'План-график' = ['2025-04-20', '2026-04-20']\n[event]\n'НИКО' = '2026-03-13'\n'конкурс' = '2026-02-06'\n";
    let known = Known::from_toml("a.toml", text).expect("a good file");
    for (phrase, expected) in [
        ("ежегодно, в соответствии с Планом- графиком", "by_schedule 2026-04-20"),
        ("по результатам НИКО", "after_event 2026-03-13?"),
        (
            "в течение 10 рабочих дней после проведения НИКО",
            "after_event 2026-03-27",
        ),
        (
            "не позднее двух недель со дня проведения конкурса",
            "after_event 2026-02-20",
        ),
        ("через месяц после НИКО", "after_event 2026-04-13"),
        ("за 5 дней до конкурса", "before_event 2026-02-01"),
        ("накануне конкурса", "before_event 2026-02-05"),
    ] {
        let due = due_in(phrase, period("2026-01-01", "2026-12-31"), None, &known);
        assert_eq!(shown(&due), expected, "{phrase}");
    }
    let frame = Frame {
        period: period("2026-01-01", "2026-12-31"),
        approved: None,
        known: &known,
        calendar: &CALENDAR,
        subject: "Проведение анализа по результатам НИКО",
    };
    assert_eq!(
        shown(&due(&parse("по результатам участия"), &frame)),
        "after_event 2026-03-13?"
    );
    let other = due(&parse("в течение 10 дней после издания приказа"), &frame);
    assert_eq!(
        (shown(&other).as_str(), codes(&other).as_slice()),
        ("after_event", ["MSK-DDL-07"].as_slice())
    );
}

#[test]
fn a_window_over_the_new_year_belongs_to_the_period_it_opens_in() {
    let on = |from, to| due_in("октябрь-март", period(from, to), None, &Known::default());
    let one = on("2025-01-01", "2025-12-31");
    assert_eq!(shown(&one), "window 2025-10-01..2026-03-31");
    assert_eq!(codes(&one), ["MSK-DDL-04"]);
    let two = on("2025-09-01", "2026-08-31");
    assert_eq!(
        (shown(&two).as_str(), codes(&two).len()),
        ("window 2025-10-01..2026-03-31", 0)
    );
    assert_eq!(codes(&on("2026-01-01", "2026-08-31")), ["MSK-DDL-01"]);
}

#[test]
fn a_day_that_a_month_does_not_have_is_its_last_one() {
    for (phrase, days) in [
        ("ежемесячно до 30 числа", "2026-01-30 2026-02-28 2026-03-30 2026-04-30"),
        ("ежемесячно до 31 числа", "2026-01-31 2026-02-28 2026-03-31 2026-04-30"),
    ] {
        let due = due_in(phrase, period("2026-01-01", "2026-04-30"), None, &Known::default());
        assert_eq!(shown(&due), format!("monthly {days}"), "{phrase}");
    }
}

#[test]
fn a_date_before_the_approval_is_created_only_when_the_phrase_names_it() {
    let after = |phrase| {
        shown(&due_in(
            phrase,
            period("2020-01-01", "2022-12-31"),
            Some("2020-12-30"),
            &Known::default(),
        ))
    };
    assert_eq!(
        after("ежегодно, февраль"),
        "yearly 2021-02-01..2021-02-28 2022-02-01..2022-02-28"
    );
    assert_eq!(after("октябрь 2020 г., ежегодно"), OCTOBERS);
    assert_eq!(after("ежегодно"), WHOLE_YEARS);
}

#[test]
fn doubts_are_said_beside_the_dates() {
    let due = concept("до 15 октября");
    assert_eq!(shown(&due), "yearly 2020-10-15 2021-10-15 2022-10-15");
    assert_eq!(codes(&due), ["MSK-DDL-05"]);
    let due = concept("июнь 2024 г.");
    assert_eq!(shown(&due), "once 2024-06-01..2024-06-30");
    assert_eq!(codes(&due), ["MSK-DDL-04"]);
    let due = due_in(
        "декабрь 2031",
        period("2031-01-01", "2031-12-31"),
        None,
        &Known::default(),
    );
    assert_eq!(codes(&due), ["MSK-CAL-01"]);
    let due = concept("1 раз в 3 года");
    assert_eq!(due.dates[0].last_working_day, day("2022-12-30"));
}

#[test]
fn a_short_roadmap_ends_a_yearly_row_and_a_long_one_repeats_three_years() {
    let short = due_in("ежегодно", period("2026-01-01", "2026-08-31"), None, &Known::default());
    assert_eq!(shown(&short), "yearly 2026-01-01..2026-08-31");
    let long = due_in(
        "1 раз в 3 года",
        period("2024-01-01", "2029-12-31"),
        None,
        &Known::default(),
    );
    assert_eq!(
        shown(&long),
        "every_n_years 2024-01-01..2026-12-31 2027-01-01..2029-12-31"
    );
    let part = due_in(
        "1 раз в 3 года",
        period("2025-01-01", "2026-12-31"),
        None,
        &Known::default(),
    );
    assert_eq!(shown(&part), "every_n_years 2025-01-01..2026-12-31");
}

/// Texts made of the words of terms, in any order.
fn phrases() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "ежегодно",
        "до",
        "15",
        "октября",
        "декабрь",
        "2020",
        "2021",
        "г.",
        "-",
        ",",
        "(",
        ")",
        "с",
        "по",
        "1",
        "I",
        "квартал",
        "полугодие",
        "раз",
        "в",
        "3",
        "года",
        "следующего",
        "за",
        "отчетным",
        "учебный",
        "год",
        "числа",
        "ежемесячно",
        "еженедельно",
        "ежеквартально",
        "31.02.2021",
        "01.03",
        "2020/21",
        "не",
        "позднее",
        "конца",
        "дней",
        "после",
        "НИКО",
        "итогам",
        "соответствии",
        "графиком",
        "всего",
        "периода",
        "20202022",
        "99999999999",
        "для",
        "каждой",
        "ОО",
        "и",
        "чем",
        "через",
        "двух",
        "недель",
        "декада",
        "февраля",
        "30",
    ]);
    prop::collection::vec(words, 0..9).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_date_lies_in_its_window_and_its_working_day_is_not_later(
        phrase in phrases(), from in 0u64..2000, length in 0u64..2000, approved in prop::option::of(0u64..3000),
    ) {
        let from = day("2019-01-01") + chrono::Days::new(from);
        let period = Period { from, to: from + chrono::Days::new(length) };
        let approved = approved.map(|days| day("2019-01-01") + chrono::Days::new(days));
        let known = Known::from_toml("a", "[plan]\n'график' = '2021-05-01'\n[event]\n'НИКО' = '2021-05-01'\n").expect("good");
        let rule = parse(&phrase);
        let frame = Frame { period, approved, known: &known, calendar: &CALENDAR, subject: "" };
        let due = due(&rule, &frame);
        if rule.kind == TermKind::Unspecified {
            prop_assert!(due.dates.is_empty() && !due.problems.is_empty());
        }
        let named = ["20", "01.", "02.", "99", "НИКО", "графиком"].iter().any(|word| phrase.contains(word));
        for date in &due.dates {
            prop_assert!(date.last_working_day <= date.date);
            prop_assert!(date.window_start.is_none_or(|start| start <= date.date), "{phrase}: {date:?}");
            let stops = date.date == period.to;
            prop_assert!(named || stops || approved.is_none_or(|approved| date.date >= approved), "{phrase}: {date:?}");
            prop_assert!(named || date.date >= period.from, "{phrase}: {date:?}");
        }
        prop_assert!(due.dates.windows(2).all(|pair| pair[0].date < pair[1].date));
    }

    #[test]
    fn no_text_makes_the_engine_panic(phrase in "\\PC{0,80}") {
        let due = concept(&phrase);
        prop_assert!(due.dates.len() <= 600);
    }
}
