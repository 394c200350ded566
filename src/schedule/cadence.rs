//! Cron text as a value that is known to fire.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::message::Problem;

/// Occurrences looked at to find the shortest gap between two.
const GAPS_SEEN: usize = 8;

/// A cron text of five fields that fires at least once.
#[derive(Debug, Clone)]
pub struct Cadence {
    cron: Cron,
    text: String,
    gap: Duration,
    jitter: Duration,
}

impl Cadence {
    /// The spread of sources that say nothing else.
    pub const USUAL_JITTER: Duration = Duration::from_secs(5 * 60);

    /// Reads `minute hour day-of-month month day-of-week`; `L`, `#`, `W`, names of months and days, and `@daily` and its
    /// kin are known.
    ///
    /// # Errors
    /// `MSK-RUN-01` when the text cannot be read, `MSK-RUN-02` when it never fires, like 31 February.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let wrong = |error: &dyn std::fmt::Display| Problem::new("MSK-RUN-01").arg("cron", text).because(error);
        let cron = parser.parse(text).map_err(|error| wrong(&error))?;
        let moments = first_moments(&cron);
        if moments.is_empty() {
            return Err(Problem::new("MSK-RUN-02").arg("cron", text));
        }
        let gaps = moments.windows(2).filter_map(|pair| (pair[1] - pair[0]).to_std().ok());
        Ok(Self {
            gap: gaps.min().unwrap_or(Duration::MAX),
            cron,
            text: text.trim().to_owned(),
            jitter: Duration::ZERO,
        })
    }

    /// The same cadence with its sources spread over a time, so that they do not all start at once. As read, a cadence
    /// is not spread.
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// The text as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first moment after another, in a time zone. A time of day that a clock change skips comes when the clock
    /// goes on, one that it repeats comes once.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let next = self.cron.find_next_occurrence(&after.with_timezone(&zone), false);
        next.ok().map(|moment| moment.to_utc())
    }

    /// How much later than the plan a source runs: always the same for one source, less than a tenth of the time
    /// between two runs.
    pub(super) fn shift(&self, source: &str) -> TimeDelta {
        let width = self.jitter.min(self.gap / 10).as_secs();
        let seconds = spread(source, u32::try_from(width).unwrap_or(u32::MAX));
        TimeDelta::seconds(i64::from(seconds))
    }
}

/// The first moments of a cadence on a clock without a zone; none when it never fires.
fn first_moments(cron: &Cron) -> Vec<NaiveDateTime> {
    let start = NaiveDate::from_ymd_opt(2024, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let mut moments: Vec<NaiveDateTime> = Vec::new();
    while let Some(from) = moments.last().copied().or(start)
        && moments.len() < GAPS_SEEN
        && let Ok(next) = cron.find_next_occurrence(&from, false)
    {
        moments.push(next);
    }
    moments
}

/// A number from 0 to `width` − 1 that depends on the name alone. FNV-1a, because it must stay the same between
/// versions of the program and of the compiler.
pub(super) fn spread(name: &str, width: u32) -> u32 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // Multiplying instead of taking the remainder uses the high bits, which FNV mixes better for short names.
    let scaled = (u64::from(hash) * u64::from(width)) >> 32;
    u32::try_from(scaled).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, after: &str, zone: Tz) -> String {
        let cadence = Cadence::parse(cron).expect("a cadence");
        let after = DateTime::parse_from_rfc3339(after).expect("a moment").to_utc();
        let moment = cadence.next_after(after, zone).expect("it fires");
        moment.with_timezone(&zone).to_rfc3339()
    }

    #[test]
    fn a_time_that_the_clock_skips_comes_when_the_clock_goes_on() {
        // Berlin, 29 March 2026: 02:00 → 03:00.
        let zone = Tz::Europe__Berlin;
        assert_eq!(
            next("30 2 * * *", "2026-03-28T12:00:00+01:00", zone),
            "2026-03-29T03:00:00+02:00"
        );
        assert_eq!(
            next("30 2 * * *", "2026-03-29T03:00:00+02:00", zone),
            "2026-03-30T02:30:00+02:00"
        );
    }

    #[test]
    fn a_time_that_the_clock_repeats_comes_once() {
        // Berlin, 25 October 2026: 03:00 → 02:00.
        let zone = Tz::Europe__Berlin;
        assert_eq!(
            next("30 2 * * *", "2026-10-24T12:00:00+02:00", zone),
            "2026-10-25T02:30:00+02:00"
        );
        for later in [
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:50:00+02:00",
            "2026-10-25T02:10:00+01:00",
        ] {
            assert_eq!(
                next("30 2 * * *", later, zone),
                "2026-10-26T02:30:00+01:00",
                "after {later}"
            );
        }
    }

    #[test]
    fn the_zone_of_the_municipality_decides_which_day_it_is() {
        let zone = Tz::Asia__Kamchatka;
        assert_eq!(
            next("0 8 L * *", "2026-02-27T19:00:00+00:00", zone),
            "2026-02-28T08:00:00+12:00"
        );
        assert_eq!(
            next("0 8 * * MON#1", "2026-02-03T00:00:00+03:00", Tz::Europe__Moscow),
            "2026-03-02T08:00:00+03:00"
        );
    }

    #[test]
    fn a_cadence_that_never_fires_or_cannot_be_read_is_refused() {
        for text in ["0 6 31 2 *", "0 6 30 FEB *", "0 0 31 4,6,9,11 *"] {
            assert_eq!(Cadence::parse(text).expect_err(text).code(), "MSK-RUN-02", "{text}");
        }
        for text in [
            "",
            "каждый день",
            "0 6 * *",
            "61 6 * * *",
            "0 25 * * *",
            "0 0 6 * * *",
            "* * * * * * *",
        ] {
            assert_eq!(Cadence::parse(text).expect_err(text).code(), "MSK-RUN-01", "{text}");
        }
        assert!(Cadence::parse("0 6 29 2 *").is_ok(), "leap days come");
        let problem = Cadence::parse("0 6 31 2 *").expect_err("never");
        assert_eq!(
            problem.ru_line(),
            "MSK-RUN-02: время по расписанию «0 6 31 2 *» никогда не наступит"
        );
    }

    #[test]
    fn sources_are_spread_always_the_same_and_less_than_a_tenth_of_their_gap() {
        let spread = |text| Cadence::parse(text).map(|cadence| cadence.with_jitter(Cadence::USUAL_JITTER));
        let daily = spread("30 6 * * *").expect("daily");
        assert_eq!(daily.shift("school-1"), daily.shift("school-1"));
        let shifts: std::collections::BTreeSet<_> =
            (0..50).map(|number| daily.shift(&format!("school-{number}"))).collect();
        assert!(shifts.len() > 30, "{} different", shifts.len());
        assert!(shifts.iter().all(|shift| *shift < TimeDelta::minutes(5)));
        let often = spread("*/5 * * * *").expect("often");
        assert!(often.shift("school-2") <= TimeDelta::seconds(30));
        assert_eq!(daily.with_jitter(Duration::ZERO).shift("school-1"), TimeDelta::zero());
    }
}
