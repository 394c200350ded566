//! The service: tick, signals, readiness, stop.
