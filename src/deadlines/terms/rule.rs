//! What a phrase means, before any period is known.

/// How often a term comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rhythm {
    Yearly,
    HalfYearly,
    Quarterly,
    Monthly,
    Weekly,
    /// Once in so many years.
    EveryYears(u32),
    /// All the time.
    Continuous,
}

/// A day of a month; months differ in their last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Day {
    Number(u32),
    Last,
}

/// A day of some year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) month: u32,
    pub(super) day: Day,
}

impl Edge {
    pub(super) const fn new(month: u32, day: u32) -> Self {
        Self {
            month,
            day: Day::Number(day),
        }
    }

    pub(super) const fn last_of(month: u32) -> Self {
        Self { month, day: Day::Last }
    }
}

/// What a part of a phrase names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Day,
    Month,
    Quarter,
    Half,
    Year,
    /// Several whole years: `2020–2022 гг.`
    Years,
    SchoolYear,
    Range,
}

/// A window with its term at the end: `октябрь–декабрь 2020 г.`, `до 15 декабря`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// First day; a plain day has none.
    pub(super) start: Option<Edge>,
    /// Last day, the term.
    pub(super) end: Edge,
    /// Years of the first and the last day, when named.
    pub(super) years: Option<(i32, i32)>,
    pub(super) shape: Shape,
    /// «с сентября 2024 г.»: begins then; alone it lasts to the end of the roadmap.
    pub(super) onwards: bool,
}

impl Part {
    pub(super) const fn whole_year() -> Self {
        Self {
            start: Some(Edge::new(1, 1)),
            end: Edge::last_of(12),
            years: None,
            shape: Shape::Year,
            onwards: false,
        }
    }

    /// True when the window crosses the end of a year: `октябрь–март`.
    pub(super) fn wraps(&self) -> bool {
        self.start.is_some_and(|start| start > self.end)
    }

    /// Puts the last day into a year.
    pub(super) fn ending_in(mut self, year: i32) -> Self {
        self.years = Some((year - i32::from(self.wraps()), year));
        self
    }
}

/// So many days before or after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset {
    pub(super) count: u32,
    pub(super) unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Days,
    WorkingDays,
    Weeks,
    Months,
}

/// Dates that follow from the phrase and a period alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dates {
    pub(super) parts: Vec<Part>,
    pub(super) rhythm: Option<Rhythm>,
    /// First and last year the rhythm is limited to.
    pub(super) limit: Option<(i32, Option<i32>)>,
    /// «года (месяца), следующего за отчётным».
    pub(super) following: bool,
    /// «до 5 числа».
    pub(super) day: Option<u32>,
    /// A schedule or an event will replace the dates.
    pub(super) provisional: bool,
}

/// Where the dates come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Dates(Dates),
    /// A schedule kept elsewhere, by its name in the phrase.
    Schedule(String),
    /// After an event; without an offset the day itself, provisionally.
    After(String, Option<Offset>),
    /// Before an event.
    Before(String, Offset),
    /// «уточнить».
    Nothing,
}
