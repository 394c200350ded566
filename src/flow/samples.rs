//! An invented office with a warehouse of its own, for tests of what the line writes.

use std::path::Path;

use chrono::NaiveDate;
use tempfile::TempDir;

use super::context::Context;
use crate::app::learn;
use crate::clock::Clock;
use crate::mail::text_of;
use crate::warehouse::Access;

const MAIN: &str = "[authority]\nname = \"Управление образования Учебного района\"\nmunicipality = \"Учебный район\"\n\
                    region = \"Учебный край\"\nzone = \"Europe/Moscow\"\ncontact_address = \"office@uo.example\"\n\n\
                    [mail]\nfrom_address = \"msoko@uo.example\"\ntransport = \"file\"\n";

/// The files of an office and what the program knows of them.
pub(super) struct Desk {
    pub(super) context: Context,
    _folder: TempDir,
}

impl Desk {
    /// The office at nine o'clock of a day, with the files given beside `msoko.toml`.
    pub(super) async fn open(today: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let main = [("msoko.toml", MAIN), ("sources.toml", "")];
        for (name, text) in main.iter().chain(files) {
            put(&folder.path().join(name), text);
        }
        let knowledge = learn(&folder.path().join("msoko.toml")).expect("a valid configuration");
        let zone = knowledge.config.authority.zone;
        let today: NaiveDate = today.parse().expect("a date");
        let now = Clock::system(zone).at(today, 9, 0).expect("a moment");
        let context = knowledge
            .open(Clock::fixed(now, zone), Access::Hold, "test")
            .await
            .expect("a new warehouse");
        Self {
            context,
            _folder: folder,
        }
    }

    /// Letters queued to an address, oldest first.
    pub(super) async fn letters(&self, to: &str) -> Vec<Queued> {
        let warehouse = &self.context.warehouse;
        let mut records = warehouse.letters(None, 100).await.expect("readable");
        records.retain(|record| record.to == to);
        records.sort_by_key(|record| record.id);
        let mut letters = Vec::new();
        for record in records {
            let bytes = warehouse
                .letter_message(record.id)
                .await
                .expect("readable")
                .expect("a message");
            let thread = String::from_utf8_lossy(&bytes)
                .lines()
                .find_map(|line| line.strip_prefix("In-Reply-To: ").map(str::to_owned));
            let text = text_of(&bytes).expect("a text twin");
            letters.push(Queued {
                kind: record.kind,
                text: text.split_whitespace().collect::<Vec<_>>().join(" "),
                thread,
            });
        }
        letters
    }
}

/// A letter in the outbox.
pub(super) struct Queued {
    pub(super) kind: String,
    /// The text twin as one line.
    pub(super) text: String,
    pub(super) thread: Option<String>,
}

fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("written");
}
