//! Files on this machine.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "MSK-FIL-01",
        en: "cannot read file {path}",
        ru: "не удаётся прочитать файл {path}",
        cause: "файла нет или к нему нет доступа",
        action: "проверьте путь и права пользователя службы",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-FIL-02",
        en: "cannot write file {path}",
        ru: "не удаётся записать файл {path}",
        cause: "нет места или прав",
        action: "освободите место, проверьте права пользователя службы",
        disposition: Disposition::Retry,
    },
    Entry {
        code: "MSK-FIL-03",
        en: "file {path} is larger than {bound} MiB",
        ru: "файл {path} больше {bound} МиБ",
        cause: "указан не тот файл или в документ вложены изображения",
        action: "проверьте, тот ли это файл; из документа удалите вложенные изображения",
        disposition: Disposition::GiveUp,
    },
    Entry {
        code: "MSK-FIL-04",
        en: "not exported: file {path} exists",
        ru: "не выгружено: файл {path} уже есть",
        cause: "выгрузка не затирает файлы, пока её об этом не попросят",
        action: "назовите другую папку или добавьте ключ --force: прежний файл будет заменён",
        disposition: Disposition::GiveUp,
    },
    Entry {
        code: "MSK-FIL-05",
        en: "file {path} is being written by another export",
        ru: "файл {path} сейчас пишет другая выгрузка",
        cause: "две выгрузки запущены в одну папку",
        action: "дождитесь окончания первой или назовите другую папку",
        disposition: Disposition::Retry,
    },
];
