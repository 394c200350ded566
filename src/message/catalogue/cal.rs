//! Working calendar.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    code: "MSK-CAL-01",
    en: "no working calendar for {year}, Saturdays, Sundays and statutory holidays are used",
    ru: "на {year} год нет производственного календаря, учтены только суббота, воскресенье и праздники ст. 112 ТК РФ",
    cause: "в файле календаря нет этого года",
    action: "дополните файл календаря, когда выйдет постановление Правительства",
    disposition: Disposition::NeedsAdministrator,
}];
