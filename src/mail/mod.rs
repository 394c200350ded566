//! The only room that speaks to a mail server.
//!
//! Takes: a rendered [`Letter`](crate::domain::letter::Letter), later its bytes with an envelope.
//! Gives: the bytes of the message ([`compose()`]), a receipt, or a problem whose disposition says what comes next
//! (`Retry`, `GiveUp`, `NeedsAdministrator`). Never: knows why a letter exists, decides when to try again, reads the
//! clock for a header, writes an address into a problem or the journal.
//!
//! The same letter always gives the same bytes, Message-ID and Date included: a repeat after a lost confirmation is
//! recognised by servers and mail programs.
//!
//! ```
//! # use msoko::domain::letter::{Letter, Mailbox};
//! use msoko::mail::{Sender, compose};
//! # let letter = Letter { key: "digest/2026-02-16/specialist".into(), kind: "digest",
//! #   to: Mailbox { name: "Специалист".into(), address: "specialist@edu.example".into() }, reply_to: None,
//! #   subject: "Сроки на неделю: 2 просрочено".into(), text: "текст".into(), html: "<p>текст</p>".into(),
//! #   attachments: vec![], date: "2026-02-16T08:00:00+03:00".parse().expect("a date"), thread: None };
//! let sender = Sender::new("МСОКО", "msoko@edu.example");
//! let bytes = compose(&letter, &sender).expect("good addresses");
//! assert_eq!(bytes, compose(&letter, &sender).expect("the same again"));
//! assert!(String::from_utf8_lossy(&bytes).contains("\r\nAuto-Submitted: auto-generated\r\n"));
//! ```

mod clean;
mod compose;
mod file;
mod reply;
mod smtp;
mod transport;
mod trust;

#[cfg(test)]
pub(crate) mod scripted_server;

pub use compose::{Sender, compose};
pub use file::text_of;
pub use smtp::{Credentials, Security, SmtpSettings};
pub use transport::{Envelope, Receipt, Session, Transport};
