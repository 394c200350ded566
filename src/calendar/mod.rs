//! Working calendar: which day is a working day.
