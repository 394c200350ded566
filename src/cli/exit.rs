//! Exit codes (DESIGN 4). Scripts and the unit rely on them.

use std::process::ExitCode;

use crate::message::Problem;

/// Why the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Everything went well, or there was nothing to do.
    Fine = 0,
    /// Some source failed or was refused while others loaded.
    Partly = 1,
    /// Wrong call.
    Usage = 64,
    /// The one file given was refused.
    Refused = 65,
    /// Input is missing.
    NoInput = 66,
    /// Database, mail server or daemon absent.
    Unavailable = 69,
    /// A fault of the program.
    Bug = 70,
    /// Input or output failed.
    Io = 74,
    /// Somebody else holds the lock.
    Locked = 75,
    /// No permission.
    Permission = 77,
    /// Configuration.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The code for a problem that ended a verb: by the group of its code.
    pub(super) fn of(problem: &Problem) -> Self {
        let code = problem.code();
        let group = code.split('-').nth(1).unwrap_or("");
        match (group, code) {
            (_, "MSK-DB-05" | "MSK-DB-06" | "MSK-DB-23" | "MSK-DB-25" | "MSK-FIL-05") => Self::Locked,
            (_, "MSK-DB-07") => Self::Io,
            (_, "MSK-KEEP-14") => Self::Unavailable,
            (
                _,
                "MSK-DB-13" | "MSK-KEEP-12" | "MSK-KEEP-16" | "MSK-DB-14" | "MSK-DB-18" | "MSK-DB-21" | "MSK-FIL-04"
                | "MSK-MAIL-01",
            ) => Self::Usage,
            (_, "MSK-DB-15") => Self::Refused,
            (_, "MSK-USE-03") => Self::NoInput,
            ("CFG" | "MAN" | "CAL", _) => Self::Config,
            ("DEC" | "NRM" | "VAL" | "PRV" | "SITE" | "RDM" | "DDL", _) => Self::Refused,
            ("DB" | "MAIL" | "FET", _) => Self::Unavailable,
            (_, "MSK-FIL-03") | ("KEEP", _) => Self::Refused,
            ("FIL", _) => match problem.detail() {
                Some(detail) if detail.contains("Permission denied") => Self::Permission,
                Some(detail) if detail.contains("No such file") => Self::NoInput,
                _ => Self::Io,
            },
            ("SNP", _) => Self::Io,
            ("USE", _) => Self::Usage,
            ("BUG", _) => Self::Bug,
            ("RUN", _) => Self::of_run(code),
            _ => Self::Partly,
        }
    }

    /// The group `RUN` holds problems of the call, of the input and of the service.
    fn of_run(code: &str) -> Self {
        match code {
            "MSK-RUN-01" | "MSK-RUN-02" => Self::Config,
            "MSK-RUN-12" | "MSK-RUN-17" | "MSK-RUN-18" | "MSK-RUN-21" | "MSK-RUN-23" | "MSK-RUN-24" | "MSK-RUN-25"
            | "MSK-RUN-26" | "MSK-RUN-29" | "MSK-RUN-32" | "MSK-RUN-33" | "MSK-RUN-34" | "MSK-RUN-36" => Self::Usage,
            "MSK-RUN-13" | "MSK-RUN-14" | "MSK-RUN-15" | "MSK-RUN-22" | "MSK-RUN-31" => Self::Refused,
            "MSK-RUN-19" => Self::NoInput,
            "MSK-RUN-16" | "MSK-RUN-20" => Self::Unavailable,
            "MSK-RUN-28" => Self::Bug,
            _ => Self::Partly,
        }
    }
}
