//! Configuration files written by a person.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "MSK-CFG-01",
        en: "unknown key `{key}` in {section} (known: {known}){hint}",
        ru: "неизвестный ключ «{key}» в {section} (допустимы: {known}){hint}",
        cause: "опечатка или ключ другой версии",
        action: "исправьте ключ по списку допустимых",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-CFG-02",
        en: "key `{key}` in {section}: expected {expected}, found {found}",
        ru: "ключ «{key}» в {section}: ожидается {expected}, найдено {found}",
        cause: "значение записано не тем видом",
        action: "исправьте значение",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-CFG-03",
        en: "key `{key}` in {section} is missing ({expected})",
        ru: "в {section} нет обязательного ключа «{key}» ({expected})",
        cause: "ключ забыт",
        action: "добавьте ключ",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-CFG-04",
        en: "file is not valid TOML: {reason}",
        ru: "файл не читается как TOML: {reason}",
        cause: "ошибка записи: кавычки, скобки, повтор ключа",
        action: "исправьте строку, на которую указывает место",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-CFG-05",
        en: "key `{key}` in {section}: {reason} (value {found})",
        ru: "ключ «{key}» в {section}: {reason} (значение {found})",
        cause: "значение вне допустимых границ",
        action: "исправьте значение",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-CFG-06",
        en: "file is not UTF-8 text (looks like {encoding})",
        ru: "файл записан не в UTF-8 (похоже на {encoding})",
        cause: "файл сохранён старой программой",
        action: "сохраните файл заново: в Блокноте «Сохранить как…», кодировка UTF-8",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-CFG-07",
        en: "key `{key}` in {section} holds the letter `{letter}` of another alphabet, did you mean `{nearest}`",
        ru: "в ключе «{key}» ({section}) буква «{letter}» из другого алфавита; нужно «{nearest}»",
        cause: "русская буква в латинском слове",
        action: "наберите ключ латиницей",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-CFG-08",
        en: "secret `{name}` cannot be read (looked for: {tried})",
        ru: "не найдены учётные данные «{name}» (искали: {tried})",
        cause: "файл с паролем не положен или недоступен службе",
        action: "положите пароль одной строкой в /etc/msoko/credentials/ под этим именем, владелец root:msoko, права 0640, и перезапустите службу",
        disposition: Disposition::NeedsAdministrator,
    },
];
