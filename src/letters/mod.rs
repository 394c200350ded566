//! View models and templates of letters: what people of the authority read.
//!
//! Takes: a plain struct per kind of letter whose values are already computed (days left, counts, sentences of a
//! report). Gives: a [`Letter`](crate::domain::letter::Letter) with subject, text twin and HTML of the same content.
//! Never: computes a date or a figure, sends, reads the clock, mentions a pupil: names and marks of pupils have no
//! field here.
//!
//! Each kind builds a list of blocks; one pair of templates turns the blocks into text and HTML, so that the twins
//! cannot say different things. A letter of any length stays below the size at which mail programs cut it.
//!
//! ```
//! use msoko::domain::letter::Mailbox;
//! use msoko::letters::{Frame, Office, proof::Proof};
//! let office = Office {
//!     title: "Управление образования".into(),
//!     contact: Mailbox { name: "Отдел оценки качества".into(), address: "ocenka@edu.example".into() },
//!     phone: "(99999) 2-10-10".into(),
//!     zone: "МСК (UTC+3)".into(),
//!     version: "0.1.0".into(),
//! };
//! let frame = Frame {
//!     key: "test/1".into(),
//!     to: Mailbox { name: String::new(), address: "admin@edu.example".into() },
//!     office: &office,
//!     written_at: "2026-02-16T08:00:00+03:00".parse().expect("a moment"),
//!     attachments: vec![],
//! };
//! let letter = Proof { frame, way: "почтовый сервер mail.edu.example".into() }.render().expect("a template");
//! assert_eq!(letter.subject, "Проверка почты: письмо дошло");
//! assert!(letter.html.contains("lang=\"ru\""));
//! ```

mod blocks;
pub mod digest;
mod frame;
pub mod notice;
pub mod proof;
pub mod reminder;
mod render;
pub mod report;
pub mod source;
mod terms;
mod wording;

pub use frame::{Frame, Office};
pub use terms::{Left, Term};

#[cfg(test)]
mod samples;
