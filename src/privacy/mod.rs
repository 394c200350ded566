//! The door for personal data, the fold of pupil-level files and the suppression of small cells.
//!
//! Takes: tables and rows of a decoder with the class of every column ([`door`]), participants ([`fold`]), views of
//! letters and documents ([`suppress`]). Gives: the same without personal data, sufficient statistics per organisation
//! and work with the observations they yield ([`folded`]), their snapshot ([`folded_file`]), and what an audience may
//! see. Never: writes to disk, logs a value, keeps a row about a pupil.
//!
//! ```
//! use msoko::privacy::fold::Fold;
//! let folded = Fold::new().finish();
//! assert_eq!(folded.rows(), 0);
//! ```

pub mod detect;
pub mod door;
pub mod fold;
pub mod folded;
pub mod folded_file;
mod publish;
pub mod suppress;

pub use publish::is_internal;
