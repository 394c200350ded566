//! Calls of the command line that cannot be understood.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "MSK-USE-01",
        en: "`{value}` is not NAME=VALUE",
        ru: "«{value}» не имеет вида ИМЯ=ЗНАЧЕНИЕ",
        cause: "ключ --set записан не так",
        action: "например: --set subject=math --set grade=4",
        disposition: Disposition::GiveUp,
    },
    Entry {
        code: "MSK-USE-02",
        en: "the section of the page is not named (known: {known})",
        ru: "не назван раздел страницы (есть: {known})",
        cause: "по имени файла раздел не угадать",
        action: "добавьте ключ --section",
        disposition: Disposition::GiveUp,
    },
    Entry {
        code: "MSK-USE-03",
        en: "no folder with fixtures for `{target}`",
        ru: "нет папки с образцами для «{target}»",
        cause: "образцы встроенных соединителей лежат в исходных текстах программы, а не на этом сервере",
        action: "назовите папку соединителя: msoko connector test /etc/msoko/connectors/имя",
        disposition: Disposition::GiveUp,
    },
    Entry {
        code: "MSK-USE-05",
        en: "no report `{code}` in this version (known: {known})",
        ru: "документа «{code}» в этой версии нет (есть: {known})",
        cause: "документ появится позже или код набран с ошибкой",
        action: "возьмите код из списка",
        disposition: Disposition::GiveUp,
    },
    Entry {
        code: "MSK-USE-06",
        en: "the command line has an unknown word `{what}`{hint}",
        ru: "в команде неизвестное слово «{what}»{hint}",
        cause: "опечатка или слово стоит не на своём месте",
        action: "посмотрите, какие слова допустимы: добавьте ключ --help",
        disposition: Disposition::GiveUp,
    },
    Entry {
        code: "MSK-USE-07",
        en: "the command line lacks: {what}",
        ru: "в команде не хватает: {what}",
        cause: "команда набрана не до конца",
        action: "посмотрите, как вызывать команду: добавьте ключ --help",
        disposition: Disposition::GiveUp,
    },
    Entry {
        code: "MSK-USE-08",
        en: "value `{value}` does not fit {what}{expected}",
        ru: "значение «{value}» не подходит для {what}{expected}",
        cause: "значение записано не так",
        action: "исправьте значение",
        disposition: Disposition::GiveUp,
    },
    Entry {
        code: "MSK-USE-09",
        en: "the command line cannot be read: {what}",
        ru: "команда не читается: {what}",
        cause: "ключи противоречат друг другу или повторяются",
        action: "посмотрите, как вызывать команду: добавьте ключ --help",
        disposition: Disposition::GiveUp,
    },
    Entry {
        code: "MSK-USE-10",
        en: "no numbers of round `{round}` in the warehouse (known: {known})",
        ru: "в базе нет чисел проведения «{round}» (есть: {known})",
        cause: "проведение записано не так или его данные ещё не загружены",
        action: "возьмите проведение из списка",
        disposition: Disposition::GiveUp,
    },
];
