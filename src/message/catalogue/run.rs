//! Runs of sources and of the daemon.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "MSK-RUN-01",
        en: "schedule `{cron}` cannot be read",
        ru: "расписание «{cron}» не читается",
        cause: "опечатка в расписании",
        action: "запишите пять полей: минута, час, день месяца, месяц, день недели; например, 30 6 * * 1-5: по будням в 06:30",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-RUN-02",
        en: "schedule `{cron}` never comes",
        ru: "время по расписанию «{cron}» никогда не наступит",
        cause: "указан день, которого нет ни в одном из месяцев (например, 31 февраля)",
        action: "исправьте день или месяц",
        disposition: Disposition::NeedsAdministrator,
    },
];
