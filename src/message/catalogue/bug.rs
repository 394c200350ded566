//! Faults of the product itself.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    code: "MSK-BUG-01",
    en: "internal fault: {what}",
    ru: "внутренняя ошибка программы: {what}",
    cause: "ошибка в программе",
    action: "сообщите разработчикам код, версию и строку журнала",
    disposition: Disposition::NeedsAdministrator,
}];
