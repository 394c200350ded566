//! Counts and sums → indicator values.
