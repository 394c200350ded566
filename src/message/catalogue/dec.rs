//! Decoding of files.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    code: "MSK-DEC-03",
    en: "sheet `{sheet}` has no column `{column}` (found: {found})",
    ru: "на листе «{sheet}» нет столбца «{column}» (есть: {found}); сравните форму с прошлогодней",
    cause: "форма файла изменилась или выбран не тот файл",
    action: "сверьте файл с описанием соединителя; если форма новая, поправьте синонимы столбца в manifest.toml",
    disposition: Disposition::NeedsAdministrator,
}];
