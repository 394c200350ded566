//! Checks of rows and of whole files.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "MSK-VAL-01",
        en: "{columns} = {sum}, but {total} = {of}",
        ru: "сумма «{columns}» равна {sum}, а «{total}» — {of}",
        cause: "в одной из ячеек ошибка",
        action: "сверьте строку у отправителя",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-VAL-02",
        en: "{columns} = {sum}, more than {total} = {of}",
        ru: "сумма «{columns}» равна {sum}, это больше, чем «{total}» — {of}",
        cause: "в одной из ячеек ошибка",
        action: "сверьте строку у отправителя",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-VAL-03",
        en: "`{column}` = {found} is outside {min} to {max}",
        ru: "«{column}» = {found}, допустимо от {min} до {max}",
        cause: "опечатка или число из другого столбца",
        action: "сверьте строку у отправителя",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-VAL-04",
        en: "`{column}` = {found} is more than `{other}` = {limit}",
        ru: "«{column}» = {found}, это больше, чем «{other}» = {limit}",
        cause: "опечатка или число из другого столбца",
        action: "сверьте строку у отправителя",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-VAL-05",
        en: "an earlier row has the same {columns}",
        ru: "строка с такими же значениями уже была: {columns}",
        cause: "строка повторена в файле",
        action: "оставьте в файле одну строку",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-VAL-06",
        en: "`{column}` = `{found}`, known: {known}",
        ru: "«{column}» = «{found}», допустимо: {known}",
        cause: "опечатка или новое слово отправителя",
        action: "исправьте ячейку или допишите слово в values проверки",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-VAL-07",
        en: "`{column}` = `{found}` has wrong check digits",
        ru: "«{column}» = «{found}»: контрольные цифры не сходятся",
        cause: "в ИНН или ОГРН опечатка либо потерян ведущий ноль",
        action: "исправьте номер у отправителя",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-VAL-08",
        en: "{quarantined} of {rows} rows cannot be used, the connector allows {limit}",
        ru: "строк с ошибками: {quarantined} из {rows}, соединитель допускает {limit}",
        cause: "файл испорчен или его форма изменилась так, что строки читаются неверно",
        action: "посмотрите причины в карантине (msoko quarantine list), исправьте файл или соединитель и повторите загрузку",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-VAL-09",
        en: "rule `{rule}` fails in {count} more rows",
        ru: "правило «{rule}» нарушено ещё в строках: {count}",
        cause: "замечание повторяется по всему файлу",
        action: "сверьте файл у отправителя",
        disposition: Disposition::GiveUp,
    },
];
