//! Names of marks (itemprop) of the present and of older editions, what they hold, and the labels people write beside them.

/// What a mark should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A record with marked children.
    Record,
    /// Wrappers and service marks that hold nothing.
    Nothing,
    /// Free text.
    Text,
    /// A date or a year.
    Date,
    /// Telephone numbers.
    Phone,
    /// Addresses of mail.
    Email,
    /// An address of a site.
    Url,
    /// A link to a file.
    Document,
    /// A count.
    Count,
}

/// The first main marks of a page that have no meaning of their own in 785-era names are folded here too.
const HOLDS: &[(Holds, &[&str])] = &[
    (
        Holds::Record,
        &[
            "uchredlaw",
            "structorguprav",
            "filinfo",
            "repinfo",
            "eduaccred",
            "eduop",
            "eduadop",
            "edunir",
            "graduatejob",
            "educhislen",
            "edupriem",
            "eduperevod",
            "rucovodstvo",
            "rucovodstvozam",
            "rucovodstvofil",
            "teachingstaff",
            "purposecab",
            "purposeprac",
            "purposelibr",
            "purposesport",
            "volume",
            "vacant",
            "internationaldog",
            "meals",
            "edupoaccred",
            "internationalaccr",
        ],
    ),
    (Holds::Nothing, &["copy", "addref", "osnovsveden"]),
    (Holds::Date, &["regdate", "dateend"]),
    (
        Holds::Phone,
        &["telephone", "fax", "teluchred", "telephonefil", "telephonerep"],
    ),
    (Holds::Email, &["email", "e-mail", "mailuchred", "emailfil", "emailrep"]),
    (Holds::Url, &["websiteuchred", "websitefil", "websiterep", "site"]),
    (
        Holds::Count,
        &[
            "numberbfvacant",
            "numberbrvacant",
            "numberbmvacant",
            "numberpvacant",
            "numberbf",
            "numberbr",
            "numberbm",
            "numberp",
            "numberf",
            "numberbff",
            "numberbrf",
            "numberbmf",
            "numberpf",
            "numberall",
            "numberout",
            "numberto",
            "numberres",
            "numberexp",
            "numberoutperevod",
            "numberresperevod",
        ],
    ),
    (
        Holds::Document,
        &[
            "licensedoclink",
            "accreditationdoclink",
            "divisionclausedoclink",
            "ustavdoclink",
            "localactstud",
            "localactorder",
            "localactcollec",
            "reportedudoclink",
            "prescriptiondoclink",
            "prescriptionotchetdoclink",
            "priemdoclink",
            "modedoclink",
            "tekkontroldoclink",
            "perevoddoclink",
            "vozdoclink",
            "languageel",
            "educhislenel",
            "edupriemel",
            "eduperevodel",
            "opmain",
            "educationplan",
            "educationrpd",
            "educationshedule",
            "methodology",
            "edufeddoc",
            "paidedu",
            "paiddog",
            "paidst",
            "paidparents",
            "paidedudoclink",
            "paidedudogdoclink",
            "paidedustoimdoclink",
            "finplandoclink",
            "planfinrec",
            "localact",
            "localactobst",
        ],
    ),
];

/// What a folded name holds; unknown names hold text.
pub(crate) fn holds(name: &str) -> Holds {
    HOLDS
        .iter()
        .find(|(_, names)| names.contains(&name))
        .map_or(Holds::Text, |(holds, _)| *holds)
}

/// Labels that stand beside values, by the folded name of the mark they mean. Longer ones first inside a name.
/// Labels that speak of the founder come before bare ones.
pub(crate) const LABELS: &[(&str, &[&str])] = &[
    (
        "fullname",
        &[
            "полное официальное наименование образовательной организации",
            "полное наименование образовательной организации",
            "полное наименование образовательного учреждения",
            "полное наименование организации",
            "полное наименование учреждения",
            "полное наименование школы",
            "полное наименование",
            "официальное наименование",
        ],
    ),
    (
        "shortname",
        &[
            "сокращенное наименование образовательной организации",
            "сокращенное наименование образовательного учреждения",
            "сокращенное наименование",
            "краткое наименование образовательной организации",
            "краткое наименование",
        ],
    ),
    (
        "regdate",
        &[
            "дата создания образовательной организации",
            "дата создания образовательного учреждения",
            "дата создания организации",
            "дата создания учреждения",
            "дата создания школы",
            "дата создания",
            "дата основания школы",
            "дата основания",
            "год создания учреждения",
            "год создания",
            "год основания",
        ],
    ),
    (
        "teluchred",
        &[
            "телефон учредителя",
            "контактный телефон учредителя",
            "контактные телефоны учредителя",
            "тел. учредителя",
        ],
    ),
    (
        "mailuchred",
        &[
            "адрес электронной почты учредителя",
            "электронная почта учредителя",
            "e-mail учредителя",
            "эл. почта учредителя",
        ],
    ),
    (
        "websiteuchred",
        &[
            "адрес сайта учредителя",
            "официальный сайт учредителя",
            "сайт учредителя",
            "адрес официального сайта учредителя",
        ],
    ),
    (
        "addressuchred",
        &[
            "юридический адрес учредителя",
            "адрес местонахождения учредителя",
            "место нахождения учредителя",
            "адрес учредителя",
        ],
    ),
    (
        "fullnameuchred",
        &[
            "руководитель учредителя",
            "фамилия, имя, отчество руководителя учредителя",
            "глава администрации",
        ],
    ),
    (
        "nameuchred",
        &[
            "учредителем образовательной организации является",
            "учредителем школы является",
            "учредитель образовательной организации",
            "учредитель образовательного учреждения",
            "наименование учредителя",
            "информация об учредителе",
            "учредитель школы",
            "учредитель",
        ],
    ),
    (
        "worktime",
        &[
            "режим и график работы образовательной организации",
            "режим, график работы",
            "режим и график работы",
            "график работы образовательной организации",
            "график работы",
            "режим работы школы",
            "режим работы",
            "часы работы",
        ],
    ),
    ("postaladdress", &["почтовый адрес"]),
    (
        "address",
        &[
            "место нахождения образовательной организации",
            "адрес места нахождения образовательной организации",
            "адрес местонахождения образовательной организации",
            "информация о месте нахождения образовательной организации",
            "место нахождения",
            "местонахождение",
            "юридический адрес",
            "фактический адрес",
            "адрес школы",
            "адрес",
        ],
    ),
    ("telephonefax", &["телефон/факс", "тел./факс", "тел/факс", "тел.\\факс"]),
    ("fax", &["факс"]),
    (
        "telephone",
        &[
            "контактные телефоны образовательной организации",
            "контактные телефоны",
            "контактный телефон",
            "телефон школы",
            "номер телефона",
            "телефоны",
            "телефон",
            "тел.",
            "тел",
        ],
    ),
    (
        "email",
        &[
            "адреса электронной почты образовательной организации",
            "адреса электронной почты",
            "адрес электронной почты школы",
            "адрес электронной почты",
            "электронная почта",
            "эл. почта",
            "электронный адрес",
            "e-mail",
            "email",
        ],
    ),
    (
        "licensedoclink",
        &[
            "лицензия на осуществление образовательной деятельности",
            "сведения о лицензии",
            "лицензия",
        ],
    ),
    (
        "accreditationdoclink",
        &[
            "свидетельство о государственной аккредитации",
            "сведения о государственной аккредитации",
            "государственная аккредитация",
        ],
    ),
    (
        "edulevel",
        &[
            "уровень образования",
            "уровни образования",
            "реализуемые уровни образования",
        ],
    ),
    ("eduform", &["форма обучения", "формы обучения"]),
    ("learningterm", &["нормативный срок обучения", "срок обучения"]),
    (
        "languageel",
        &[
            "языки, на которых осуществляется образование",
            "язык, на котором осуществляется образование",
            "язык обучения",
            "языки обучения",
            "языки образования",
            "язык образования",
        ],
    ),
];

/// Column headings that unfilled templates repeat in cells, without blanks, colons and points.
pub(crate) const HEADINGS: &[&str] = &[
    "код",
    "курс",
    "класс",
    "фио",
    "фамилия,имя,отчество",
    "фамилия,имя,отчество(приналичии)",
    "должность",
    "занимаемаядолжность",
    "уровеньобразования",
    "формаобучения",
    "формыобучения",
    "наименование",
    "направленность",
    "наименованиепрофессии,специальности,направленияподготовки",
    "наименованиеучредителя",
    "преподаваемыедисциплины",
    "преподаваемыеучебныепредметы",
    "ученаястепень",
    "ученоезвание",
    "квалификация",
    "повышениеквалификации",
    "общийстажработы",
    "стажработыпоспециальности",
    "образовательнаяпрограмма",
    "наименованиеобразовательнойпрограммы",
    "адрес",
    "телефон",
    "адресэлектроннойпочты",
];

/// The label a text begins with: its name and the bytes of the folded label. `text` is folded.
pub(crate) fn label_of(text: &str) -> Option<(&'static str, usize)> {
    let mut best: Option<(&'static str, usize)> = None;
    for (name, labels) in LABELS {
        for label in *labels {
            let ends = text
                .strip_prefix(label)
                .is_some_and(|rest| label.ends_with('.') || !rest.starts_with(char::is_alphanumeric));
            if ends && best.is_none_or(|(_, length)| label.len() > length) {
                best = Some((name, label.len()));
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_label_wins_and_a_label_ends_at_a_word() {
        assert_eq!(
            label_of("телефон учредителя: 1").map(|(name, _)| name),
            Some("teluchred")
        );
        assert_eq!(label_of("телефон: 1").map(|(name, _)| name), Some("telephone"));
        assert_eq!(label_of("телефон/факс: 1").map(|(name, _)| name), Some("telephonefax"));
        assert_eq!(label_of("адресная книга"), None);
    }
}
