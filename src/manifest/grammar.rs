//! The closed grammar of a manifest as types. The order is the order of the data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use super::check::Check;
use crate::domain::observation::Scope;
use crate::domain::vocabulary::{Measure, Procedure};

/// A connector (соединитель): what one kind of file looks like and what its columns mean.
#[derive(Debug, Clone)]
pub struct Connector {
    /// Stable id, equal to the name of its folder.
    pub id: String,
    /// Russian title for people.
    pub title: String,
    /// Procedures the file may speak of; with exactly one the file need not name it.
    pub procedures: Vec<Procedure>,
    /// Whether rows are about pupils and are folded before anything is written.
    pub personal: Personal,
    /// Whether a source may use it without switching it on by name.
    pub enabled: bool,
    /// What the administrator should know before using it.
    pub note: Option<String>,
    /// Defaults a source may override.
    pub defaults: Defaults,
    /// How bytes become rows.
    pub decode: Decode,
    /// Values that stand outside the table: in the file name, the sheet name, above the header.
    pub context: Vec<ContextRule>,
    /// Declared columns; everything else is dropped and reported by its header.
    pub columns: Vec<ColumnRule>,
    /// Which rows are skipped and which cells are filled from above.
    pub rows: RowRules,
    /// Which columns name the organisation.
    pub unit: UnitColumns,
    /// Numbers of a row.
    pub observations: Vec<ObservationRule>,
    /// Numbers whose meaning stands in the header.
    pub unpivot: Option<Unpivot>,
    /// Rows about pupils.
    pub participant: Option<ParticipantRule>,
    /// What the file promises.
    pub contract: Contract,
    /// What a newer file replaces as a whole; without it a file only adds and corrects.
    pub scope: Option<Scope>,
    /// Named checks.
    pub checks: Vec<Check>,
    /// The text it was read from.
    pub text: Text,
}

/// The manifest as it was written. What it means stands in the other fields; this one tells versions apart for people
/// and says nothing when a connector is printed for comparison.
#[derive(Clone, Default)]
pub struct Text(pub Arc<str>);

impl std::fmt::Debug for Text {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("…")
    }
}

/// What kind of rows the file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal {
    /// Totals only: the raw bytes may be kept.
    None,
    /// One row per pupil: only folded totals are kept.
    Folded,
}

/// Defaults that a `[[source]]` may override.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// Five cron fields in the time zone of the municipality.
    pub schedule: Option<String>,
    /// After this long without anything new the source is stale.
    pub freshness: Option<Duration>,
    /// Largest file in bytes.
    pub max_bytes: u64,
    /// Pause between two requests to one host.
    pub pace: Option<Duration>,
}

/// The format; the kind is the table name (`[decode.xlsx]`).
#[derive(Debug, Clone)]
pub enum Decode {
    /// A workbook.
    Xlsx(Xlsx),
    /// Delimited text.
    Csv(Csv),
    /// XML records.
    Xml(Xml),
    /// JSON records, an array or one a line; no options.
    Json,
    /// Pages of an official site, read by the room `sites`.
    Site(Site),
}

/// Options of a workbook.
#[derive(Debug, Clone)]
pub struct Xlsx {
    /// Sheets to read.
    pub sheets: Sheets,
    /// Where the header stands.
    pub header: Header,
}

/// Which sheets are read.
#[derive(Debug, Clone)]
pub enum Sheets {
    /// Every visible sheet on which the header is found; at least one.
    Any,
    /// The sheets of these names, hidden or not; all must exist.
    Named(Vec<String>),
    /// Visible sheets whose name matches; at least one.
    Pattern(Regex),
}

/// Where the header of a table stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Texts of a header cell that mark the top header row; without them the first row that is not empty.
    pub anchors: Vec<String>,
    /// The anchor must stand within this many rows.
    pub within_rows: u32,
    /// Rows the header spans at least; a cell of the anchor merged downwards makes it longer.
    pub rows: u32,
}

/// Options of delimited text.
#[derive(Debug, Clone)]
pub struct Csv {
    /// Encodings to try in order when the bytes are not UTF-8.
    pub encodings: Vec<String>,
    /// Delimiter; detected in the header when absent.
    pub delimiter: Option<u8>,
    /// Where the header stands.
    pub header: Header,
}

/// Options of XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xml {
    /// Path of a record from the root, `["rsoko", "observation"]`.
    pub record: Vec<String>,
    /// Attributes of the root that must have these values.
    pub expect: Vec<(String, String)>,
    /// Deepest nesting allowed.
    pub max_depth: u32,
}

/// Options of site pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Sections of the site: `common`, `struct`, `document`…
    pub sections: Vec<String>,
}

/// One way to learn a value that stands outside the table. Rules of one name are tried in order; an option of the
/// source or of the command line goes before all of them.
#[derive(Debug, Clone)]
pub struct ContextRule {
    /// Name of the value: `subject`, `grade`, `school_year`, `season`, `procedure` or a name of the manifest's own.
    pub name: String,
    /// Where to look.
    pub from: Vec<ContextPlace>,
    /// The value is the group `v`; without a pattern the whole text.
    pub pattern: Option<Regex>,
    /// How the text found becomes the value.
    pub reading: Reading,
    /// The value itself, when the layout alone decides it.
    pub value: Option<String>,
    /// False when the file may go without.
    pub required: bool,
}

/// Where a context value is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextPlace {
    /// Name of the sheet.
    SheetName,
    /// Name of the file without its extension.
    FileName,
    /// Texts above the header.
    AboveHeader,
    /// A declared column of the first row.
    FirstRow(String),
}

/// How a text becomes a value: marks of emptiness, then transforms, then the map of values, then the type.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Texts that mean that there is no value; the empty cell always does.
    pub empty: Vec<String>,
    /// Named transforms in order.
    pub transforms: Vec<Transform>,
    /// Foreign word → ours, compared without case and look-alike letters; an unlisted word stays as it is.
    pub values: BTreeMap<String, String>,
    /// Type of the value.
    pub kind: Kind,
    /// A code of so many digits whose leading zeros the source is known to lose: they are put back, with a warning.
    pub digits: Option<u8>,
}

/// Type of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    #[default]
    Text,
    /// Whole number.
    Integer,
    /// Number with a decimal comma or point.
    Decimal,
    /// Date, day first or ISO, with or without time.
    Date,
    /// School year, `2024-25` or `2024/2025`.
    SchoolYear,
    /// Subject of `config/subjects.toml` by slug, code or title.
    Subject,
    /// Procedure slug.
    Procedure,
    /// Measure slug.
    Measure,
    /// Grade from 1 to 12.
    Grade,
}

/// A named transform of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// Runs of blanks of every kind become one blank.
    CollapseSpaces,
    /// Lower case.
    Lowercase,
    /// The part before ` | `.
    LoginOfCell,
    /// The part after the first ` | `.
    TitleOfCell,
    /// The leading number of a class: `10А` → `10`.
    GradeOfClass,
    /// `2022` → `2021-22`: a work of the spring of that year.
    SpringOfYear,
    /// `2022` → `2022-23`: a work of the autumn of that year.
    AutumnOfYear,
    /// A date → its school year.
    SchoolYearOfDate,
    /// A date → `autumn` from September to December, else `spring`.
    SeasonOfDate,
}

/// A declared column.
#[derive(Debug, Clone)]
pub struct ColumnRule {
    /// Name inside the manifest.
    pub name: String,
    /// Header texts (synonyms), a header path `A / B`, an attribute `@x` or a child `b/c`.
    pub at: Vec<String>,
    /// What the door does with it.
    pub class: Class,
    /// How the cell becomes a value.
    pub reading: Reading,
    /// False when a file without the column is still whole.
    pub required: bool,
}

/// Class of a column for the door of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Part of the key of a number.
    Key,
    /// A number.
    Measure,
    /// Says something about the row and is not about a person.
    Context,
    /// Deleted at the door; never read.
    Drop,
    /// Tells one pupil from another inside one file; only [`ParticipantRule::code`] may name it, the fold drops it.
    Pseudonym,
}

/// Rules for rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowRules {
    /// A row with one of these words in a unit column or in the first cell is a total and is skipped.
    pub skip_containing: Vec<String>,
    /// Columns whose empty cells repeat the cell above (merged downwards).
    pub fill_down: Vec<String>,
}

/// Columns that name the organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitColumns {
    /// Login in ФИС ОКО.
    pub login: Option<String>,
    /// ОГРН.
    pub ogrn: Option<String>,
    /// ИНН.
    pub inn: Option<String>,
    /// Code of the РЦОИ, or the id of a territory in the register.
    pub code: Option<String>,
    /// Title.
    pub name: Option<String>,
    /// Site.
    pub site: Option<String>,
}

/// One number of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservationRule {
    /// The measure, or the column that names it.
    pub measure: MeasureOf,
    /// Column of the number.
    pub value: String,
    /// Column of the participants behind it.
    pub n: Option<String>,
    /// Columns that become keys of the breakdown under their own name; an empty cell adds no key.
    pub keys: Vec<String>,
    /// Fixed keys of the breakdown.
    pub constants: BTreeMap<String, String>,
}

/// Where the measure comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeasureOf {
    /// Fixed by the layout.
    Fixed(Measure),
    /// Named by a column.
    Column(String),
}

/// Numbers whose subject and measure stand in the header above them.
#[derive(Debug, Clone)]
pub struct Unpivot {
    /// Header path joined by ` / ` with the groups `metric` and, mostly, `subject`.
    pub header: Regex,
    /// Texts that mean that there is no number; the empty cell always does.
    pub empty: Vec<String>,
    /// Meanings of the group `metric`, the first match counts.
    pub metrics: Vec<Metric>,
}

/// Meaning of one metric of the header.
#[derive(Debug, Clone)]
pub struct Metric {
    /// Matches the group `metric`.
    pub pattern: Regex,
    /// The measure.
    pub measure: Measure,
    /// Fixed keys of the breakdown.
    pub constants: BTreeMap<String, String>,
    /// Measure of the same row and subject that gives `n`.
    pub n: Option<Measure>,
}

/// Which columns speak of a pupil. Names are names of declared columns.
#[derive(Debug, Clone)]
pub struct ParticipantRule {
    /// Header of a task column with the groups `task` and, where the header has it, `max`.
    pub tasks: Option<Regex>,
    /// Code inside one school and work.
    pub code: Option<String>,
    /// Variant; holds the word for absence.
    pub variant: Option<String>,
    /// Words of the variant that mean absence.
    pub absent: Vec<String>,
    /// Words of a task cell that mean «did not attempt».
    pub skipped: Vec<String>,
    /// Words of a task cell that mean «not taught».
    pub not_taught: Vec<String>,
    /// Total as the file has it.
    pub total: Option<String>,
    /// Mark.
    pub mark: Option<String>,
    /// Journal mark.
    pub journal: Option<String>,
    /// Test score.
    pub test_score: Option<String>,
    /// Sex.
    pub sex: Option<String>,
    /// Category.
    pub category: Option<String>,
    /// Moment of upload.
    pub uploaded_at: Option<String>,
}

/// What the file promises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contract {
    /// Whether a column that is not declared is worth a warning.
    pub warn_new_columns: bool,
    /// Largest share of rows in quarantine, from 0 to 1, with which the file is still loaded.
    pub max_quarantined: f64,
    /// Whether rows of a school year that has not begun are loaded with a warning; else they are put aside.
    pub future_years: bool,
    /// Least share of what the delivery before held, in percent; a smaller delivery waits for confirmation.
    pub least_of_previous: u8,
}

/// Stands in a message for a value that it may not repeat.
pub const NOT_SHOWN: &str = "значение не показано";

impl Class {
    /// True when messages may repeat values of the column.
    #[must_use]
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Key | Self::Measure)
    }
}

impl ColumnRule {
    /// True when the column is deleted at the door.
    #[must_use]
    pub const fn is_dropped(&self) -> bool {
        matches!(self.class, Class::Drop)
    }
}
