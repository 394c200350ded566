//! Cadence, last run and now → due or not.
