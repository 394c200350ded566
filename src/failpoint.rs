//! Named points where a test kills the process, to see that nothing is lost and nothing doubled.
//!
//! Takes: the name of a point. Gives: nothing, or the end of the process when the feature `failpoints` is on and
//! `MSOKO_FAILPOINT` names the point. Never: does anything in an ordinary build.

/// Every point, in the order of the straight line.
pub const NAMES: &[&str] = &[
    "body-spilled",
    "snapshot-written",
    "snapshot-renamed",
    "snapshot-recorded",
    "run-begun",
    "chunk-staged",
    "before-publish",
    "after-publish",
    "pull-recorded",
    "sums-refreshed",
    "letters-unmarked",
    "letters-enqueued",
    "attempt-recorded",
    "letter-accepted",
    "outcome-recorded",
];

/// Aborts the process, as a power cut would, when `MSOKO_FAILPOINT` names this point.
#[cfg(feature = "failpoints")]
pub fn hit(name: &'static str) {
    debug_assert!(NAMES.contains(&name), "fail point {name} is not listed");
    if is_chosen(name) {
        std::process::abort();
    }
}

#[cfg(feature = "failpoints")]
#[expect(
    clippy::disallowed_methods,
    reason = "a test's switch, not configuration; absent from ordinary builds"
)]
fn is_chosen(name: &str) -> bool {
    use std::sync::OnceLock;
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("MSOKO_FAILPOINT").ok()).as_deref() == Some(name)
}

/// Nothing in an ordinary build.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn hit(_name: &'static str) {}

/// The point at which a job of the daemon dies, for [`panic_at`].
pub const JOB_BEGUN: &str = "job-begun";

/// Panics, as a fault of the program would, when `MSOKO_FAILPOINT` names this point: the task dies, not the process.
#[cfg(feature = "failpoints")]
pub fn panic_at(name: &'static str) {
    assert!(!is_chosen(name), "fail point {name}");
}

/// Nothing in an ordinary build.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn panic_at(_name: &'static str) {}
