//! Connector manifests.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "MSK-MAN-01",
        en: "connector id `{id}` differs from the name of its folder `{folder}`",
        ru: "id соединителя «{id}» не совпадает с именем его папки «{folder}»",
        cause: "папку скопировали и не поправили id",
        action: "дайте папке и ключу id одно имя",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-MAN-02",
        en: "manifest is larger than {limit}",
        ru: "описание соединителя больше {limit}",
        cause: "вместо описания положили другой файл",
        action: "проверьте файл manifest.toml",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-MAN-03",
        en: "name `{name}` belongs to two subjects: {first} and {second}",
        ru: "название «{name}» стоит у двух предметов: {first} и {second}",
        cause: "код или псевдоним записан дважды",
        action: "оставьте название у одного предмета",
        disposition: Disposition::NeedsAdministrator,
    },
];
