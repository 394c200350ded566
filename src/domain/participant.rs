//! One participant of a procedure, alive only between the decoder and the fold; never written anywhere.

use std::sync::Arc;

use chrono::NaiveDateTime;

use super::unit::UnitRef;
use super::vocabulary::{Procedure, words};

words! {
    /// Whether a pupil of the list took part (участие).
    Attendance {
        /// Took part.
        Took = "took",
        /// «отсутствовал».
        Absent = "absent",
        /// Left out for a reason the file names.
        Excluded = "excluded",
    }
}

/// What a task cell says (результат задания).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskResult {
    /// Points.
    Points(u16),
    /// «X» in any alphabet: did not attempt, 0 points, stays in the denominator.
    Skipped,
    /// «не пройд.»: 0 points, leaves the denominator of the task.
    NotTaught,
    /// Empty cell.
    Blank,
}

/// A task column of the work (задание).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// As the header writes it without the maximum: `5(1)`, `1К1`.
    pub label: String,
    /// Highest score, when the header gives it.
    pub max: Option<u16>,
    /// Column position from one, for the place of the folded number.
    pub column: u32,
}

/// What all participants of one table share (работа).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The procedure.
    pub procedure: Procedure,
    /// The round.
    pub round: Arc<str>,
    /// Subject slug.
    pub subject: Arc<str>,
    /// Grade of the work.
    pub grade: Option<u8>,
    /// Sheet, when the file has sheets.
    pub sheet: Option<Arc<str>>,
    /// Tasks in the order of the columns.
    pub tasks: Vec<Task>,
    /// Columns of total, mark, journal mark and test score: position from one and header text, for places.
    pub columns: Vec<(&'static str, u32, String)>,
}

/// A row of a pupil-level file after normalisation (участник). Holds no name, birth date or document: those columns
/// have been dropped before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The work the row belongs to.
    pub work: Arc<Work>,
    /// The organisation as the row names it.
    pub unit: Arc<UnitRef>,
    /// Row or line in the file.
    pub row: u32,
    /// Code inside one school and work; serves only to find repeated uploads and is dropped by the fold.
    pub code: Option<String>,
    /// When the school uploaded its list; the newest upload of a (login, code) wins.
    pub uploaded_at: Option<NaiveDateTime>,
    /// Took part or not.
    pub attendance: Attendance,
    /// One result per task of the work.
    pub tasks: Vec<TaskResult>,
    /// Total as the file has it, kept beside the recomputed one.
    pub total: Option<u16>,
    /// Mark 2…5 as the file has it.
    pub mark: Option<u8>,
    /// Journal mark 2…5; garbage and «нет отметки» are none.
    pub journal: Option<u8>,
    /// Test score 0…100 of an exam.
    pub test_score: Option<u16>,
    /// `m` or `f`, when the file has it.
    pub sex: Option<&'static str>,
    /// Category of the participant, when the file has it.
    pub category: Option<Arc<str>>,
}
