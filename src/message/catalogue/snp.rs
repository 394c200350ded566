//! Snapshots.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "MSK-SNP-01",
        en: "snapshot cannot be written to `{path}`",
        ru: "снимок не записан в «{path}»",
        cause: "диск переполнен, доступен только для чтения или у службы нет прав на каталог состояния",
        action: "освободите место или исправьте права на каталог; загрузка повторится сама",
        disposition: Disposition::Retry,
    },
    Entry {
        code: "MSK-SNP-02",
        en: "snapshot `{path}` cannot be read",
        ru: "снимок «{path}» не читается",
        cause: "файл снимка удалён, перенесён или у службы нет прав на чтение",
        action: "верните файл из резервной копии или загрузите источник заново: msoko pull",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-SNP-03",
        en: "snapshot `{path}` is damaged: its content has hash {found}, expected {expected}",
        ru: "снимок «{path}» повреждён: хеш содержимого {found}, ожидался {expected}",
        cause: "сбой диска или правка файла снимка посторонней программой",
        action: "проверьте диск, верните файл из резервной копии или загрузите источник заново: msoko pull",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-SNP-04",
        en: "snapshot `{path}` inflates to more than {limit} bytes",
        ru: "снимок «{path}» после распаковки больше {limit} байт",
        cause: "файл больше предела, заданного для источника",
        action: "поднимите предел размера в настройке источника, если такой файл ожидается",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-SNP-05",
        en: "the source broke off while a snapshot was being written",
        ru: "источник прервался во время записи снимка",
        cause: "обрыв соединения или ошибка чтения исходного файла",
        action: "ничего не требуется: загрузка повторится; при повторении проверьте источник",
        disposition: Disposition::Retry,
    },
    Entry {
        code: "MSK-SNP-06",
        en: "folder of snapshots `{path}` is not the one the other nodes use: its mark is {found}, expected {expected}",
        ru: "папка снимков «{path}» — не та, с которой работают другие узлы: метка {found}, ожидалась {expected}",
        cause: "общая папка не подключена на этом узле, подключена другая или из неё удалён файл .store",
        action: "подключите общую папку и запустите службу снова; если удалена метка, верните в папку файл .store с одной строкой — ожидаемой меткой",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-SNP-07",
        en: "folder of snapshots `{path}` belongs to another database (mark {found})",
        ru: "папка снимков «{path}» принадлежит другой базе (метка {found})",
        cause: "в папке лежат снимки другой установки или база создана заново",
        action: "назовите в [paths] snapshots пустую папку; если прежней базы больше нет, удалите из папки файл .store и запустите службу снова",
        disposition: Disposition::NeedsAdministrator,
    },
];
