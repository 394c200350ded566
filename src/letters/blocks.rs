//! The pieces a letter is made of. Every text in them is one clean line; escaping is the template's.

use minijinja::{Value, context};

use super::wording::line;

/// How a text feels: the colour is never the only sign of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Alarm,
    Warn,
    Good,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Alarm => "alarm",
            Self::Warn => "warn",
            Self::Good => "good",
        }
    }
}

/// A row of deadlines.
#[derive(Debug, Clone)]
pub(super) struct TermRow {
    pub(super) date: String,
    pub(super) left: String,
    pub(super) tone: Tone,
    pub(super) what: String,
    pub(super) more: Vec<String>,
}

/// One way to answer by one press.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) label: String,
    pub(super) href: String,
}

/// A column of a table (графа).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Header.
    pub title: String,
    /// Numbers stand to the right.
    pub numeric: bool,
}

/// A piece of a letter.
#[derive(Debug, Clone)]
pub(super) enum Block {
    Lead(Tone, String),
    Heading(Tone, String),
    Paragraph(String),
    Note(String),
    List(Vec<String>),
    Facts {
        caption: String,
        rows: Vec<(&'static str, String, Tone)>,
    },
    Terms {
        tone: Tone,
        title: String,
        rows: Vec<TermRow>,
        rest: Option<String>,
    },
    Table {
        caption: String,
        columns: Vec<Column>,
        rows: Vec<Vec<String>>,
        notes: Vec<String>,
    },
    Picture {
        content_id: String,
        alt: String,
        caption: String,
    },
    Answers {
        text: String,
        /// The same for the text twin, where nothing can be pressed.
        plain: String,
        answers: Vec<Answer>,
    },
}

impl Block {
    /// The block as the templates see it.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Lead(tone, text) => context! { kind => "lead", tone => tone.class(), text => line(text) },
            Self::Heading(tone, text) => context! { kind => "heading", tone => tone.class(), text => line(text) },
            Self::Paragraph(text) => context! { kind => "paragraph", text => line(text) },
            Self::Note(text) => context! { kind => "note", text => line(text) },
            Self::List(items) => context! { kind => "list", items => lines(items) },
            Self::Facts { caption, rows } => {
                let rows: Value = rows
                    .iter()
                    .map(
                        |(label, value, tone)| context! { label => *label, value => line(value), tone => tone.class() },
                    )
                    .collect();
                context! { kind => "facts", caption => line(caption), rows }
            }
            Self::Terms {
                tone,
                title,
                rows,
                rest,
            } => {
                let rows: Value = rows.iter().map(term_row).collect();
                let rest = rest.as_deref().map(line);
                context! { kind => "terms", tone => tone.class(), title => line(title), rows, rest }
            }
            Self::Table {
                caption,
                columns,
                rows,
                notes,
            } => {
                let columns: Value = columns
                    .iter()
                    .map(|column| context! { title => line(&column.title), numeric => column.numeric })
                    .collect();
                let rows: Value = rows.iter().map(|row| lines(row)).collect();
                context! { kind => "table", caption => line(caption), columns, rows, notes => lines(notes) }
            }
            Self::Picture {
                content_id,
                alt,
                caption,
            } => {
                context! { kind => "picture", content_id, alt => line(alt), caption => line(caption) }
            }
            Self::Answers { text, plain, answers } => {
                let answers: Value = answers
                    .iter()
                    .map(|answer| context! { label => line(&answer.label), href => answer.href.as_str() })
                    .collect();
                context! { kind => "answers", text => line(text), plain => line(plain), answers }
            }
        }
    }
}

fn term_row(row: &TermRow) -> Value {
    context! {
        date => line(&row.date), left => line(&row.left), tone => row.tone.class(), what => line(&row.what),
        more => lines(&row.more),
    }
}

fn lines(texts: &[String]) -> Value {
    texts.iter().map(|text| line(text)).collect()
}
