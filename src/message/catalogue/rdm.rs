//! Roadmap documents.

use super::{Disposition, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "MSK-RDM-01",
        en: "the document cannot be read as DOCX",
        ru: "документ не читается как DOCX",
        cause: "файл оборван при передаче, повреждён или лишь назван .docx",
        action: "откройте документ в Word и сохраните заново как .docx",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-RDM-02",
        en: "roadmaps are not read from {format} (known: DOCX, plain text, CSV)",
        ru: "дорожные карты не читаются из формата {format} (читаются DOCX, обычный текст и CSV)",
        cause: "прислан файл другого формата",
        action: "сохраните документ как .docx",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-RDM-03",
        en: "the document exceeds a limit: {what} is more than {bound}",
        ru: "документ превышает предел: {what} больше {bound}",
        cause: "это не дорожная карта, в документ вложены лишние файлы или он составлен во вред",
        action: "оставьте в документе только дорожные карты",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-RDM-04",
        en: "no roadmap found: no table has columns for number, activity and term",
        ru: "в документе нет дорожной карты: нет таблицы со столбцами «№», «Мероприятие», «Срок исполнения»",
        cause: "прислан другой документ, или заголовки столбцов названы иначе",
        action: "проверьте документ; при необходимости назовите столбцы «№», «Наименование мероприятия», «Срок исполнения», «Показатели», «Исполнители»",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-RDM-05",
        en: "roadmap {number} has no readable number or direction in its title",
        ru: "у дорожной карты {number} в заголовке не найдены номер приложения или направление",
        cause: "заголовок карты стоит не перед таблицей или записан иначе",
        action: "впишите number и direction в файл карты",
        disposition: Disposition::NeedsAdministrator,
    },
    Entry {
        code: "MSK-RDM-06",
        en: "the document does not name the period of its roadmaps",
        ru: "в документе не назван период дорожных карт",
        cause: "нет фразы вида «охватывают период 2024–2026 годы»",
        action: "впишите period = { from, to } в файл каждой карты",
        disposition: Disposition::NeedsAdministrator,
    },
];
