//! The only source of "now" and of the municipality's time zone.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

/// Where the time comes from: the system, or a fixed moment that tests and the demonstration set and move.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
    zone: Tz,
}

#[derive(Debug, Clone)]
enum Source {
    System,
    Fixed(Arc<std::sync::Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The system's clock, seen in a time zone.
    #[must_use]
    pub const fn system(zone: Tz) -> Self {
        Self {
            source: Source::System,
            zone,
        }
    }

    /// A clock that stands still until it is moved.
    #[must_use]
    pub fn fixed(now: DateTime<Utc>, zone: Tz) -> Self {
        Self {
            source: Source::Fixed(Arc::new(std::sync::Mutex::new(now))),
            zone,
        }
    }

    /// This moment in UTC.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.source {
            Source::System => Utc::now(),
            Source::Fixed(moment) => *moment.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        }
    }

    /// This moment in the municipality's zone.
    #[must_use]
    pub fn local(&self) -> DateTime<FixedOffset> {
        self.now().with_timezone(&self.zone).fixed_offset()
    }

    /// Today in the municipality's zone.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.local().date_naive()
    }

    /// The zone.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// Moves a fixed clock; a system clock does not move.
    pub fn set(&self, now: DateTime<Utc>) {
        if let Source::Fixed(moment) = &self.source {
            *moment.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = now;
        }
    }

    /// A local wall-clock moment of a day as an instant; the earlier of two when a clock change repeats it.
    #[must_use]
    pub fn at(&self, day: NaiveDate, hour: u32, minute: u32) -> Option<DateTime<Utc>> {
        let wall = day.and_hms_opt(hour, minute, 0)?;
        self.zone
            .from_local_datetime(&wall)
            .earliest()
            .map(|moment| moment.with_timezone(&Utc))
    }
}
