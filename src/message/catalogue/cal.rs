//! Working calendar.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "MSK-CAL-01",
        en: "no working calendar for {year}, Saturdays, Sundays and statutory holidays are used",
        ru: "на {year} год нет производственного календаря, учтены только суббота, воскресенье и праздники ст. 112 ТК РФ",
        cause: "в файле календаря нет этого года",
        action: "дополните файл календаря, когда выйдет постановление Правительства",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-CAL-02",
        en: "the working calendar for {year} is preliminary",
        ru: "производственный календарь на {year} год предварительный: постановление о переносе выходных ещё не сверено",
        cause: "встроенный календарь составлен до выхода постановления",
        action: "сверьте календарь с постановлением Правительства и внесите дни года в свой файл календаря",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-CAL-03",
        en: "`{found}` is not a date (expected YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD)",
        ru: "«{found}» не дата: нужна запись ГГГГ-ММ-ДД или ГГГГ-ММ-ДД..ГГГГ-ММ-ДД",
        cause: "опечатка в строке календаря",
        action: "исправьте дату; остальные строки файла действуют",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-CAL-04",
        en: "range `{found}` ends before it starts or is longer than {bound} days",
        ru: "в промежутке «{found}» конец раньше начала или он длиннее {bound} дней",
        cause: "опечатка в одной из дат промежутка",
        action: "исправьте даты; остальные строки файла действуют",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-CAL-05",
        en: "unknown kind of day `{found}` (known: {known})",
        ru: "неизвестный тип дня «{found}» (допустимы: {known})",
        cause: "опечатка в строке календаря",
        action: "замените тип дня одним из допустимых",
        disposition: Disposition::NeedsAdministrator,
    },
];
