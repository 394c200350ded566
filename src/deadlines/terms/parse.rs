//! A phrase becomes a rule. Every word must be understood: what is left over makes the phrase «уточнить».

use super::cursor::Cursor;
use super::link::{Link, link};
use super::point::{Found, part};
use super::rule::{Dates, Offset, Part, Rhythm, Shape, Source};
use super::token::{Token, tokens};
use super::words::is_noise;
use super::{Applies, TermKind, TermRule};
use crate::message::{Problem, Problems};

/// A term is a line of a table cell; a longer text is not a term.
const MAX_LETTERS: usize = 400;

/// Reads a phrase; never fails: what cannot be read is [`TermKind::Unspecified`] with a problem.
pub(super) fn parse(phrase: &str) -> TermRule {
    let mut rule = TermRule {
        phrase: phrase.trim().to_owned(),
        kind: TermKind::Unspecified,
        applies: Applies::District,
        source: Source::Nothing,
        problems: Problems::new(),
    };
    if rule.phrase.is_empty() {
        rule.problems.push(Problem::new("MSK-DDL-02"));
        return rule;
    }
    if phrase.chars().count() > MAX_LETTERS {
        rule.refuse(&format!("фраза длиннее {MAX_LETTERS} знаков"));
        return rule;
    }
    let tokens = tokens(phrase);
    if let Some(years) = &tokens.joined_years {
        let read = format!("{}–{}", &years[..4], &years[4..]);
        rule.problems.push(
            Problem::new("MSK-DDL-03")
                .arg("phrase", &rule.phrase)
                .arg("found", years)
                .arg("read", read),
        );
    }
    let mut pieces = Pieces::default();
    pieces.read(&tokens.list);
    pieces.into_rule(&mut rule);
    rule
}

impl TermRule {
    fn refuse(&mut self, reason: &str) {
        self.kind = TermKind::Unspecified;
        self.source = Source::Nothing;
        let phrase: String = self.phrase.chars().take(MAX_LETTERS).collect();
        self.problems
            .push(Problem::new("MSK-DDL-01").arg("phrase", phrase).arg("reason", reason));
    }
}

#[derive(Debug, Default)]
struct Pieces {
    dates: Dates,
    organisations: bool,
    report: bool,
    schedule: Option<String>,
    after: Option<(String, Option<Offset>)>,
    before: Option<(String, Offset)>,
    doubtful: bool,
    unread: Vec<String>,
}

impl Pieces {
    fn read(&mut self, list: &[Token]) {
        let mut cursor = Cursor::new(list);
        while let Some(token) = cursor.peek() {
            if let Some(link) = link(&mut cursor) {
                self.link(link);
            } else if let Some(found) = part(&mut cursor) {
                self.found(found);
            } else {
                cursor.next();
                self.rest(token);
            }
        }
        self.share_years();
    }

    fn link(&mut self, link: Link) {
        match link {
            Link::Rhythm(rhythm) => {
                // «ежегодно … по итогам квартала»: the finer rhythm is the term.
                let finer = matches!(
                    rhythm,
                    Rhythm::HalfYearly | Rhythm::Quarterly | Rhythm::Monthly | Rhythm::Weekly | Rhythm::EveryYears(_)
                );
                if self.dates.rhythm.is_none() || self.dates.rhythm == Some(Rhythm::Yearly) && finer {
                    self.dates.rhythm = Some(rhythm);
                }
            }
            Link::Organisations => self.organisations = true,
            Link::Following(noun) => {
                self.dates.following = true;
                self.dates.rhythm = self.dates.rhythm.or(noun).or(Some(Rhythm::Yearly));
            }
            Link::Report => self.report = true,
            Link::Schedule(name) => self.schedule = Some(name),
            Link::After(name, offset) => self.after = Some((name, offset)),
            Link::Before(name, offset) => self.before = Some((name, offset)),
        }
    }

    fn found(&mut self, found: Found) {
        match found {
            Found::Part(part) => self.part(part),
            Found::Parts(parts) => self.dates.parts.extend(parts),
            Found::DayOfMonth(day) => self.dates.day = Some(day),
            Found::Doubtful => self.doubtful = true,
        }
    }

    /// A bare year belongs to the months before it («октябрь, 2020»), also a second one («март 2024, 2025»); several
    /// years limit them.
    fn part(&mut self, part: Part) {
        let last = self.dates.parts.last().copied();
        let yearless = last.is_some_and(|last| last.years.is_none());
        let narrow = last.filter(|last| !matches!(last.shape, Shape::Year | Shape::Years));
        match (part.shape, part.years) {
            (Shape::Year, Some((year, _))) if part.onwards => self.dates.limit = Some((year, None)),
            (Shape::Year, Some((year, _))) if yearless && part.start.is_some() => {
                let earlier = self.dates.parts.iter_mut().rev();
                for earlier in earlier.take_while(|earlier| earlier.years.is_none()) {
                    *earlier = earlier.ending_in(year);
                }
            }
            (Shape::Year, Some((year, _))) if part.start.is_some() && narrow.is_some() => {
                self.dates.parts.extend(narrow.map(|last| last.ending_in(year)));
            }
            (Shape::Years, Some((from, to))) if yearless => {
                self.dates.limit = Some((from, Some(to)));
                self.dates.rhythm = self.dates.rhythm.or(Some(Rhythm::Yearly));
            }
            _ => self.dates.parts.push(part),
        }
    }

    fn rest(&mut self, token: &Token) {
        match token {
            Token::Word(word) if is_noise(word) => {}
            Token::Word(word) => self.unread.push(word.clone()),
            Token::Number(number, _) => self.unread.push(number.to_string()),
            Token::Date { .. } => self.unread.push("дата".to_owned()),
            // Two years with a stroke are a school year only when the phrase says so.
            Token::Slash => self.unread.push("/".to_owned()),
            Token::Dash | Token::Comma | Token::Open | Token::Close | Token::Dot => {}
        }
    }

    /// «апрель, октябрь 2021 г.»: the year at the end is the year of all.
    fn share_years(&mut self) {
        let mut later: Option<i32> = None;
        for part in self.dates.parts.iter_mut().rev() {
            match part.years {
                Some((from, _)) => later = Some(from),
                None => {
                    if let Some(year) = later {
                        *part = part.ending_in(year);
                    }
                }
            }
        }
    }

    fn into_rule(mut self, rule: &mut TermRule) {
        if self.organisations {
            rule.applies = Applies::Organisation;
        }
        self.times_from_parts();
        if let Some(reason) = self.doubt() {
            rule.refuse(&reason);
            return;
        }
        if self.dates.rhythm == Some(Rhythm::Yearly) {
            self.limit_from_years();
        }
        let dated = !self.dates.parts.is_empty() || self.dates.day.is_some();
        (rule.kind, rule.source) = match (self.schedule, self.after, self.before) {
            (Some(name), ..) if !dated => (TermKind::BySchedule, Source::Schedule(name)),
            (None, Some((name, offset)), _) if !dated => (TermKind::AfterEvent, Source::After(name, offset)),
            (None, None, Some((name, offset))) if !dated => (TermKind::BeforeEvent, Source::Before(name, offset)),
            (schedule, ..) => {
                self.dates.provisional = schedule.is_some();
                (kind(&self.dates), Source::Dates(self.dates))
            }
        };
    }

    /// Why the phrase is not understood, in Russian.
    fn doubt(&self) -> Option<String> {
        let dates = &self.dates;
        let linked = self.schedule.is_some() || self.after.is_some() || self.before.is_some();
        let nothing = dates.parts.is_empty() && dates.rhythm.is_none() && dates.limit.is_none() && dates.day.is_none();
        let short = matches!(
            dates.rhythm,
            Some(Rhythm::HalfYearly | Rhythm::Quarterly | Rhythm::Monthly | Rhythm::Weekly)
        );
        if !self.unread.is_empty() {
            return Some(format!("непонятно: {}", self.unread.join(" ")));
        }
        if self.doubtful {
            return Some("«до» месяца, квартала или года без числа: входит ли он в срок".to_owned());
        }
        if nothing && !linked {
            return Some("нет ни даты, ни месяца, ни повторения".to_owned());
        }
        if dates.rhythm == Some(Rhythm::Yearly) && self.report && dates.parts.is_empty() && !linked && !dates.following
        {
            return Some("сказано, о чём отчёт, но не сказано, когда".to_owned());
        }
        if dates.day.is_some() && dates.rhythm != Some(Rhythm::Monthly) && !(short && dates.following) {
            return Some("число месяца без месяца".to_owned());
        }
        if dates.following && dates.parts.is_empty() && dates.day.is_none() {
            return Some("не сказано, до какого числа следующего периода".to_owned());
        }
        if short && dates.parts.iter().any(|part| is_finer(part, dates.rhythm)) {
            return Some("названные дни или месяцы не согласуются с повторением".to_owned());
        }
        let onwards = dates.parts.iter().any(|part| part.onwards);
        let from_a_day = dates.parts.iter().any(|part| part.onwards && part.shape == Shape::Day);
        if onwards && dates.parts.len() > 1 || from_a_day && dates.rhythm.is_some() {
            return Some("сказано, с какого дня, но не сказано, до какого".to_owned());
        }
        None
    }

    /// «2 раза в год (май, декабрь)»: the parts are the times.
    fn times_from_parts(&mut self) {
        let times = match self.dates.rhythm {
            Some(Rhythm::HalfYearly) => 2,
            Some(Rhythm::Quarterly) => 4,
            _ => return,
        };
        if self.dates.parts.len() == times {
            self.dates.rhythm = Some(Rhythm::Yearly);
        }
    }

    /// «ежегодно, 2020–2022 гг.»: the years bound the rhythm and are no window of their own.
    fn limit_from_years(&mut self) {
        if let [part] = self.dates.parts.as_slice()
            && part.shape == Shape::Years
            && let Some((from, to)) = part.years
        {
            self.dates.limit = Some((from, Some(to)));
            self.dates.parts.clear();
        }
    }
}

/// True for a part shorter than the rhythm it would bound.
fn is_finer(part: &Part, rhythm: Option<Rhythm>) -> bool {
    match rhythm {
        Some(Rhythm::HalfYearly) => matches!(part.shape, Shape::Day | Shape::Month | Shape::Quarter),
        Some(Rhythm::Quarterly) => matches!(part.shape, Shape::Day | Shape::Month),
        _ => part.shape == Shape::Day,
    }
}

fn kind(dates: &Dates) -> TermKind {
    match dates.rhythm {
        Some(Rhythm::Yearly) => TermKind::Yearly,
        Some(Rhythm::HalfYearly) => TermKind::HalfYearly,
        Some(Rhythm::Quarterly) => TermKind::Quarterly,
        Some(Rhythm::Monthly) => TermKind::Monthly,
        Some(Rhythm::Weekly) => TermKind::Weekly,
        Some(Rhythm::EveryYears(_)) => TermKind::EveryNYears,
        Some(Rhythm::Continuous) => TermKind::Continuous,
        None => match dates.parts.as_slice() {
            [part] if matches!(part.shape, Shape::Range | Shape::Years | Shape::SchoolYear) || part.onwards => {
                TermKind::Window
            }
            [] => TermKind::Window,
            _ => TermKind::Once,
        },
    }
}
