//! Documents and reports.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "MSK-DOC-01",
        en: "round `{round}` is not of the form `{expected}`",
        ru: "проведение «{round}» записано не по образцу «{expected}»",
        cause: "в запросе справки опечатка в годе или сезоне",
        action: "укажите проведение по образцу; список проведений: msoko report list",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-DOC-02",
        en: "no results of {round} in the warehouse, report {report} is not written",
        ru: "в хранилище нет результатов {round}, справка {report} не составляется",
        cause: "файлы этого проведения ещё не загружены или задержаны карантином",
        action: "проверьте загрузку: msoko status и msoko quarantine list",
        disposition: Disposition::GiveUp,
    },
    Entry {
        code: "MSK-DOC-03",
        en: "report `{code}` cannot be rendered (known: {known})",
        ru: "справка «{code}» не составляется программой (доступны: {known})",
        cause: "опечатка в коде или документ этой версией не предусмотрен",
        action: "выберите код из списка: msoko report list",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-DOC-04",
        en: "file {what} could not be made",
        ru: "не удалось сформировать файл {what}",
        cause: "внутренняя ошибка записи документа",
        action: "сообщите разработчикам код, версию и строку журнала",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-DOC-05",
        en: "figure {number}: {reason}",
        ru: "рисунок {number}: {reason}",
        cause: "данные рисунка не подходят для диаграммы",
        action: "сообщите разработчикам код, версию и строку журнала",
        disposition: Disposition::NeedsAdministrator,
    },
];
