//! When a source is due: cadence, last run, failures and now → run, or the moment to look again.
//!
//! Takes: cron text of five fields in the municipality's time zone, what is known of earlier runs, and now. Gives: due
//! or the next moment, the deadline of a run, the pause after failures. Never: sleeps, reads the clock, remembers.
//!
//! ```
//! use chrono::{TimeZone, Utc};
//! use msoko::schedule::{Cadence, Due, Runs, due};
//! let cadence = Cadence::parse("30 6 * * 1-5").expect("weekdays at 06:30");
//! let zone = chrono_tz::Europe::Moscow;
//! let moment = |day, hour, minute| Utc.with_ymd_and_hms(2026, 2, day, hour, minute, 0).single().expect("a moment");
//! // Ran on Friday morning; on Saturday there is nothing to do until Monday, 06:30 in Moscow.
//! let runs = Runs { last_start: Some(moment(6, 3, 30)), ..Runs::default() };
//! assert_eq!(due(&cadence, "vpr", &runs, moment(7, 9, 0), zone), Due::At(moment(9, 3, 30)));
//! ```

mod cadence;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

pub use cadence::Cadence;

/// Pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Longest pause: a source that has mended itself is seen within a working day.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// A start further ahead than this was noted by a clock that was wrong.
const AHEAD: TimeDelta = TimeDelta::hours(1);

/// What is known of the runs of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs {
    /// Start of the last run, however it ended.
    pub last_start: Option<DateTime<Utc>>,
    /// Failures in a row, the last run included.
    pub failures: u32,
    /// The source itself asked not to come earlier (`Retry-After`).
    pub not_before: Option<DateTime<Utc>>,
}

/// The verdict on a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Run it.
    Now,
    /// Look again at this moment.
    At(DateTime<Utc>),
}

/// Decides whether a source is due.
///
/// A source that never ran is due at once. However many runs were missed, one makes up for them. After a failure the
/// pause of [`back_off`] takes the place of the cadence, whether it is shorter (weekly sources are tried again the
/// same day) or longer (hourly ones give a broken server some peace).
#[must_use]
pub fn due(cadence: &Cadence, source: &str, runs: &Runs, now: DateTime<Utc>, zone: Tz) -> Due {
    // A clock that was set back must not silence a source until the old time comes again.
    if runs.last_start.is_some_and(|last| last > now + AHEAD) {
        return Due::Now;
    }
    let planned = match runs.last_start {
        None => now,
        Some(last) if runs.failures > 0 => last + back_off(runs.failures, source),
        Some(last) => {
            let shift = cadence.shift(source);
            match cadence.next_after(last - shift, zone) {
                Some(next) => next + shift,
                None => return Due::At(DateTime::<Utc>::MAX_UTC),
            }
        }
    };
    let planned = runs.not_before.map_or(planned, |bound| planned.max(bound));
    if planned <= now { Due::Now } else { Due::At(planned) }
}

/// The pause after a number of failures in a row: doubling, bounded, and up to a tenth longer, differently for each
/// source and failure, so that sources that fell together do not come back together.
#[must_use]
pub fn back_off(failures: u32, source: &str) -> Duration {
    if failures == 0 {
        return Duration::ZERO;
    }
    let doubled = FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(16));
    let pause = doubled.min(LONGEST_PAUSE);
    let share = cadence::spread(&format!("{source}/{failures}"), 1000);
    pause + pause.mul_f64(f64::from(share) / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use proptest::prelude::*;

    const MOSCOW: Tz = Tz::Europe__Moscow;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("a moment").to_utc()
    }

    fn ran(text: &str) -> Runs {
        Runs {
            last_start: Some(at(text)),
            ..Runs::default()
        }
    }

    fn daily() -> Cadence {
        Cadence::parse("30 6 * * *").expect("daily")
    }

    #[test]
    fn a_source_that_never_ran_is_due_at_once() {
        let now = at("2026-02-03T12:00:00+03:00");
        assert_eq!(due(&daily(), "a", &Runs::default(), now, MOSCOW), Due::Now);
    }

    #[test]
    fn runs_missed_while_the_machine_was_off_are_made_up_for_once() {
        let now = at("2026-02-09T12:00:00+03:00");
        assert_eq!(
            due(&daily(), "a", &ran("2026-02-01T06:30:00+03:00"), now, MOSCOW),
            Due::Now
        );
        let after = due(&daily(), "a", &ran("2026-02-09T12:00:00+03:00"), now, MOSCOW);
        assert_eq!(after, Due::At(at("2026-02-10T06:30:00+03:00")));
    }

    #[test]
    fn failures_stretch_the_pause_and_a_request_of_the_server_is_kept() {
        let now = at("2026-02-03T06:31:00+03:00");
        let mut runs = ran("2026-02-03T06:30:00+03:00");
        runs.failures = 1;
        let Due::At(next) = due(&daily(), "a", &runs, now, MOSCOW) else {
            panic!("not at once")
        };
        assert!(
            next >= at("2026-02-03T06:35:00+03:00") && next <= at("2026-02-03T06:35:30+03:00"),
            "{next}"
        );
        runs.not_before = Some(at("2026-02-03T09:00:00+03:00"));
        assert_eq!(
            due(&daily(), "a", &runs, now, MOSCOW),
            Due::At(at("2026-02-03T09:00:00+03:00"))
        );
        assert!(back_off(1_000_000, "a") <= LONGEST_PAUSE.mul_f64(1.1));
        assert_ne!(back_off(3, "a"), back_off(3, "b"));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_silence_a_source() {
        for failures in [0, 2] {
            let mut runs = ran("2029-01-01T06:30:00+03:00");
            runs.failures = failures;
            runs.not_before = Some(at("2029-01-02T06:30:00+03:00"));
            let start = at("2026-02-03T12:00:00+03:00");
            let mut starts = Vec::new();
            for hour in 0..48 {
                let now = start + TimeDelta::hours(hour);
                if due(&daily(), "a", &runs, now, MOSCOW) == Due::Now {
                    runs = Runs {
                        last_start: Some(now),
                        ..Runs::default()
                    };
                    starts.push(hour);
                }
            }
            assert_eq!(starts, [0, 19, 43]);
        }
    }

    proptest! {
        #[test]
        fn a_daemon_that_ticks_runs_a_daily_source_once_a_day(step in 1u32..120, source in "[a-z]{1,8}", jitter in 0u64..3600) {
            let cadence = daily().with_jitter(Duration::from_secs(jitter));
            let start = MOSCOW.with_ymd_and_hms(2026, 2, 3, 0, 0, 0).single().expect("a moment").to_utc();
            let mut runs = Runs { last_start: Some(start), ..Runs::default() };
            let mut count = 0;
            let mut now = start;
            while now < start + TimeDelta::days(5) {
                now += TimeDelta::minutes(i64::from(step));
                if due(&cadence, &source, &runs, now, MOSCOW) == Due::Now {
                    runs.last_start = Some(now);
                    count += 1;
                }
            }
            prop_assert_eq!(count, 5);
        }
    }
}
