//! Messages: a stable code with typed arguments becomes an English sentence for the journal
//! and a Russian one for people.
//!
//! Takes: a code such as `MSK-DEC-03` and its arguments. Gives: both sentences, the cause and the action.
//! Never: reads, writes or formats anything else.
//!
//! ```
//! use msoko::message::Problem;
//! let problem = Problem::new("MSK-DEC-03").arg("sheet", "Протокол").arg("column", "Код").arg("found", "Логин");
//! assert!(problem.ru().contains("нет столбца «Код»"));
//! ```

mod catalogue;
mod problem;

pub use catalogue::{Disposition, Entry, all, find};
pub use problem::{Problem, Problems, filled};
