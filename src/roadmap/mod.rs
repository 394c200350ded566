//! Roadmaps as documents and as files: a document becomes rows, rows become TOML, TOML becomes rows again.
//!
//! Takes: the bytes of a DOCX, of a plain text with tabs or of a CSV; the text of a roadmap file. Gives: roadmaps whose
//! doubtful rows say in Russian what is doubtful, and problems of the whole document. Never: makes a date of a phrase,
//! drops a row, invents a term.
//!
//! ```
//! let text = "Дорожная карта\nпо направлению «Олимпиады»\n\t№\n\tМероприятие\n\tСрок\n\tПоказатель\n\tИсполнитель\n\n\
//!             \t1.\n\tПровести школьный этап\n\tоктябрь 2025 г.\n\tНаличие протоколов\n\tУправление\n";
//! let (roadmaps, _) = msoko::roadmap::import("olimpiady.txt", text.as_bytes());
//! assert_eq!(roadmaps[0].direction, "Олимпиады");
//! assert_eq!(roadmaps[0].activities[0].term, "октябрь 2025 г.");
//! ```

mod carry;
mod document;
mod docx;
mod file;
mod row;
mod rows;
mod text;
mod title;

pub use carry::carry;
pub use file::{file_name, from_toml, to_toml};

use crate::domain::roadmap::Roadmap;
use crate::message::{Problem, Problems};

/// A concept with ten annexes is under a megabyte; pictures may add some.
pub const MAX_BYTES: usize = 32 << 20;

/// The roadmaps of a published concept for 2020–2022, as file names and TOML: an example for `init` and, carried into
/// other years, the plan of the demonstration district.
pub const SHIPPED: [(&str, &str); 7] = [
    (
        "1-razvitie-sistemy-otsenki.toml",
        include_str!("../../config/roadmaps/1-razvitie-sistemy-otsenki.toml"),
    ),
    (
        "2-organizatsiya-raboty-shkolami.toml",
        include_str!("../../config/roadmaps/2-organizatsiya-raboty-shkolami.toml"),
    ),
    (
        "3-sovershenstvovanie-sistemy-vyyavleniya.toml",
        include_str!("../../config/roadmaps/3-sovershenstvovanie-sistemy-vyyavleniya.toml"),
    ),
    (
        "4-sistema-monitoringa-effektivnosti.toml",
        include_str!("../../config/roadmaps/4-sistema-monitoringa-effektivnosti.toml"),
    ),
    (
        "5-monitoring-kachestva-dopolnitelnogo.toml",
        include_str!("../../config/roadmaps/5-monitoring-kachestva-dopolnitelnogo.toml"),
    ),
    (
        "6-razvitie-sistemy-organizatsii.toml",
        include_str!("../../config/roadmaps/6-razvitie-sistemy-organizatsii.toml"),
    ),
    (
        "7-doshkolnoe-obrazovanie.toml",
        include_str!("../../config/roadmaps/7-doshkolnoe-obrazovanie.toml"),
    ),
];

/// Reads every roadmap of a document. `file` names it in problems.
///
/// A document without one readable roadmap gives an empty list and says why.
#[must_use]
pub fn import(file: &str, bytes: &[u8]) -> (Vec<Roadmap>, Problems) {
    let blocks = match blocks(bytes) {
        Ok(blocks) => blocks,
        Err(problem) => return (Vec::new(), vec![problem.at(file)]),
    };
    let (roadmaps, problems) = rows::read(&blocks);
    let problems = problems.into_iter().map(|problem| problem.at(file)).collect();
    (roadmaps, problems)
}

fn blocks(bytes: &[u8]) -> Result<Vec<document::Block>, Problem> {
    if bytes.len() > MAX_BYTES {
        return Err(Problem::new("MSK-RDM-03")
            .arg("what", "размер файла")
            .arg("bound", format!("{} МиБ", MAX_BYTES >> 20)));
    }
    if bytes.starts_with(b"PK") {
        return docx::blocks(bytes);
    }
    for (start, format) in FOREIGN {
        if bytes.starts_with(start) {
            return Err(Problem::new("MSK-RDM-02").arg("format", format));
        }
    }
    Ok(text::blocks(&text::decode(bytes)))
}

/// Formats officials send that are not read here, by their first bytes.
const FOREIGN: [(&[u8], &str); 3] = [
    (b"%PDF", "PDF"),
    (b"\xd0\xcf\x11\xe0", "старый DOC или XLS"),
    (b"{\\rtf", "RTF"),
];

#[cfg(test)]
mod tests;
