//! `[jobs]`: when the daemon does what it does for everybody.

use chrono::NaiveTime;

use super::load::Placed;
use crate::strict_toml::Section;

/// Times of the fixed jobs, in the municipality's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jobs {
    /// Time of day at which deadline letters are written on working days.
    pub letters_at: NaiveTime,
    /// Cron of the ВПР справка.
    pub report_vpr: Option<Placed<String>>,
    /// Federal non-working days by decree count as days off.
    pub decree_days_off: bool,
    /// Regional layer of the working calendar, `RU-DA`.
    pub calendar_region: Option<String>,
}

impl Jobs {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let default_time = NaiveTime::from_hms_opt(8, 30, 0).expect("half past eight exists");
        let Some(section) = root.section("jobs") else {
            return Self {
                letters_at: default_time,
                report_vpr: None,
                decree_days_off: true,
                calendar_region: None,
            };
        };
        let jobs = Self {
            letters_at: section.time("letters_at").unwrap_or(default_time),
            report_vpr: section
                .string("report_vpr")
                .map(|value| Placed::new(value, section.place_of("report_vpr"))),
            decree_days_off: section.boolean("decree_days_off").unwrap_or(true),
            calendar_region: section.string("calendar_region"),
        };
        section.done();
        jobs
    }
}
