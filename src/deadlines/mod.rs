//! Deadlines: Russian term phrases become rules, rules become dates, dates become states and reminders.
//!
//! Takes: roadmaps, the day, the working calendar, organisations, what is already done. Gives: deadlines with stable
//! ids and states, the stage a reminder is due for, the day of the weekly digest. Never: reads the clock, sends.

pub mod terms;
