//! Named points where a test kills the process, to see that nothing is lost and nothing doubled.
//!
//! Takes: the name of a point. Gives: nothing, or the end of the process when the feature `failpoints` is on and
//! `MSOKO_FAILPOINT` names the point. Never: does anything in an ordinary build.

/// Every point, in the order of the straight line.
pub const NAMES: &[&str] = &[
    "snapshot-written",
    "snapshot-renamed",
    "snapshot-recorded",
    "run-begun",
    "chunk-staged",
    "before-publish",
    "after-publish",
    "letters-enqueued",
    "attempt-recorded",
    "outcome-recorded",
];

/// Aborts the process, as a power cut would, when `MSOKO_FAILPOINT` names this point.
#[cfg(feature = "failpoints")]
#[expect(
    clippy::disallowed_methods,
    reason = "a test's switch, not configuration; absent from ordinary builds"
)]
pub fn hit(name: &'static str) {
    use std::sync::OnceLock;
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    debug_assert!(NAMES.contains(&name), "fail point {name} is not listed");
    if CHOSEN.get_or_init(|| std::env::var("MSOKO_FAILPOINT").ok()).as_deref() == Some(name) {
        std::process::abort();
    }
}

/// Nothing in an ordinary build.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn hit(_name: &'static str) {}
