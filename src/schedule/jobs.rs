//! The jobs the daemon has of its own.

use std::time::Duration;

use crate::message::{Problem, Problems};

use super::cadence::Cadence;

/// When the daemon does what no source asks for.
#[derive(Debug, Clone)]
pub struct FixedJobs {
    /// The weekly digest of deadlines.
    pub digest: Cadence,
    /// Single reminders and notices about silent sources, whose days the working calendar decides.
    pub reminders: Cadence,
    /// How often the outbox is looked at.
    pub outbox: Duration,
}

impl FixedJobs {
    /// Digest on Mondays at 08:00.
    pub const DIGEST: &'static str = "0 8 * * 1";
    /// Reminders every day at 08:00.
    pub const REMINDERS: &'static str = "0 8 * * *";
    /// The outbox every minute.
    pub const OUTBOX: Duration = Duration::from_secs(60);

    /// Reads both cadences.
    ///
    /// # Errors
    /// `MSK-RUN-01`, `MSK-RUN-02`, for each cadence that is wrong.
    pub fn new(digest: &str, reminders: &str, outbox: Duration) -> Result<Self, Problems> {
        match (Cadence::parse(digest), Cadence::parse(reminders)) {
            (Ok(digest), Ok(reminders)) => Ok(Self {
                digest,
                reminders,
                outbox,
            }),
            (digest, reminders) => {
                let wrong: Vec<Problem> = [digest.err(), reminders.err()].into_iter().flatten().collect();
                Err(wrong)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_times_are_valid_and_both_wrong_ones_are_named() {
        let usual = FixedJobs::new(FixedJobs::DIGEST, FixedJobs::REMINDERS, FixedJobs::OUTBOX).expect("valid");
        assert_eq!(usual.digest.text(), "0 8 * * 1");
        let wrong = FixedJobs::new("0 8 31 2 *", "x", FixedJobs::OUTBOX).expect_err("both wrong");
        let codes: Vec<_> = wrong.iter().map(Problem::code).collect();
        assert_eq!(codes, ["MSK-RUN-02", "MSK-RUN-01"]);
    }
}
