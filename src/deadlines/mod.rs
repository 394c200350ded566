//! Deadlines: Russian term phrases become rules, rules become dates, dates become states and reminders.
//!
//! Takes: roadmaps, the day, the working calendar, organisations, what is already done. Gives: deadlines with stable
//! ids and states, the stage a reminder is due for, the day of the weekly digest. Never: reads the clock, sends.
//!
//! ```
//! use msoko::calendar::Calendar;
//! use msoko::deadlines::{Stage, stage_on};
//! let day = |text: &str| text.parse::<chrono::NaiveDate>().expect("a date");
//! // 1 March 2026 is a Sunday: the morning of the term is Friday the 27th.
//! assert_eq!(stage_on(day("2026-03-01"), day("2026-02-27"), &Calendar::federal()), Some(Stage::Today));
//! assert_eq!(stage_on(day("2026-03-01"), day("2026-02-28"), &Calendar::federal()), None);
//! ```

mod schedule;
mod stage;
pub mod terms;

pub use schedule::{Request, deadlines};
pub use stage::{STAGES, Stage, digest_due, stage, stage_on, stage_since};
