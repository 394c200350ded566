//! Which document a title or a mark speaks of, and the codes of its facts.

use super::section::Section;
use super::words::fold;

/// How the year of a document is named in facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dating {
    /// No year is looked for.
    None,
    /// Calendar years: code of the newest, code of the list.
    Years(Option<&'static str>, Option<&'static str>),
    /// School years: code of the newest.
    Period(&'static str),
}

/// A kind of document: how it is recognised and what its facts are called.
#[derive(Debug)]
pub(crate) struct DocumentKind {
    /// Code of the fact of presence.
    pub(crate) present: Option<&'static str>,
    /// Code of the number of documents.
    pub(crate) count: Option<&'static str>,
    /// How its year is named.
    pub(crate) dating: Dating,
    /// Folded names of marks.
    pub(crate) marks: &'static [&'static str],
    /// Alternatives of stems; every stem of one alternative must stand in the folded title.
    titles: &'static [&'static [&'static str]],
    /// Stems that speak against it.
    but: &'static [&'static str],
    /// Subsections where the law wants it: nothing there means `missing`.
    pub(crate) due: &'static [Section],
}

const PLAIN: DocumentKind = DocumentKind {
    present: None,
    count: None,
    dating: Dating::None,
    marks: &[],
    titles: &[],
    but: &[],
    due: &[],
};

/// Enumerated facts whose value is one of `present`, `draft_only`, `declared_absent`, `missing`.
pub(crate) const STATUSES: &[&str] = &[
    "doc_collective_agreement_status",
    "doc_prescriptions_status",
    "doc_parents_fee_status",
];

const DOCUMENT: &[Section] = &[Section::Document];
const EDUCATION: &[Section] = &[Section::Education];

/// Charter, licence, local acts: points 7 and 9 of order No. 1493.
const ACTS: &[DocumentKind] = &[
    DocumentKind {
        present: Some("doc_charter_present"),
        marks: &["ustavdoclink"],
        titles: &[&["устав"]],
        but: &["уставн"],
        due: DOCUMENT,
        ..PLAIN
    },
    DocumentKind {
        present: Some("license_extract_present"),
        marks: &["licensedoclink"],
        titles: &[&["лиценз"]],
        due: &[Section::Common],
        ..PLAIN
    },
    DocumentKind {
        present: Some("accreditation_info_present"),
        marks: &["accreditationdoclink"],
        titles: &[&["аккредитац"]],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_student_rules_present"),
        marks: &["localactstud"],
        titles: &[
            &["правил", "распоряд", "обучающ"],
            &["правил", "распоряд", "учащ"],
            &["правил", "поведени", "обучающ"],
        ],
        due: DOCUMENT,
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_labor_rules_present"),
        marks: &["localactorder"],
        titles: &[&["правил", "трудов", "распоряд"]],
        due: DOCUMENT,
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_collective_agreement_status"),
        marks: &["localactcollec"],
        titles: &[&["коллективн", "договор"]],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_admission_rules_present"),
        marks: &["priemdoclink"],
        titles: &[&["правил", "прием"], &["порядок", "прием"], &["положени", "прием"]],
        but: &["пищи"],
        due: DOCUMENT,
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_class_mode_present"),
        marks: &["modedoclink"],
        titles: &[&["режим", "занят"]],
        due: DOCUMENT,
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_current_control_present"),
        marks: &["tekkontroldoclink"],
        titles: &[&["текущ", "контрол"], &["промежуточн", "аттестац"]],
        due: DOCUMENT,
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_transfer_rules_present"),
        marks: &["perevoddoclink"],
        titles: &[&["перевод", "отчислен"], &["порядок", "перевод"]],
        due: DOCUMENT,
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_relations_rules_present"),
        marks: &["vozdoclink"],
        titles: &[
            &["возникновен", "отношен"],
            &["приостановлен", "отношен"],
            &["прекращен", "отношен"],
        ],
        due: DOCUMENT,
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_prescriptions_status"),
        count: Some("doc_prescriptions_count"),
        marks: &["prescriptiondoclink"],
        titles: &[&["предписан"]],
        ..PLAIN
    },
];

/// Reports and plans: chapter 5 of the note, what a municipal monitoring looks for.
const REPORTS: &[DocumentKind] = &[
    DocumentKind {
        present: Some("doc_self_assessment_present"),
        count: Some("doc_self_assessment_count"),
        dating: Dating::Years(
            Some("doc_self_assessment_report_year_latest"),
            Some("doc_self_assessment_years"),
        ),
        marks: &["reportedudoclink"],
        titles: &[&["самообследован"]],
        but: &["положение о", "порядок", "приказ об"],
        due: DOCUMENT,
    },
    DocumentKind {
        present: Some("doc_vsoko_report_present"),
        dating: Dating::Years(None, Some("doc_vsoko_report_years")),
        titles: &[
            &["справк", "всоко"],
            &["отчет", "всоко"],
            &["результат", "всоко"],
            &["справк", "внутренн", "систем", "оцен", "качеств"],
            &["отчет", "внутренн", "систем", "оцен", "качеств"],
        ],
        but: &["положение"],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_vsoko_regulation_present"),
        titles: &[
            &["внутренн", "систем", "оцен", "качеств"],
            &["всоко"],
            &["внутренн", "мониторинг", "качеств"],
        ],
        but: &["справк", "отчет", "результат", "регламентирующ"],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_assessment_schedule_present"),
        dating: Dating::Period("doc_assessment_schedule_period_latest"),
        titles: &[&["график", "оценочн", "процедур"]],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_annual_plan_present"),
        dating: Dating::Period("doc_annual_plan_period"),
        titles: &[
            &["план работы школы"],
            &["план работы мбоу"],
            &["план работы мкоу"],
            &["план работы оо"],
            &["план работы образовательн"],
            &["план работы учрежден"],
            &["план работы гимнази"],
            &["план работы лице"],
            &["план работы на 20"],
            &["годовой план"],
        ],
        but: &["мероприяти", "совет", "объединен", "профилактик", "воспитат"],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_development_programme_present"),
        titles: &[
            &["программ", "развития школы"],
            &["программ", "развития оо"],
            &["программ", "развития образовательн"],
            &["программ", "развития учрежден"],
            &["программ", "развития мбоу"],
            &["программ", "развития мкоу"],
            &["программа развития"],
        ],
        but: &["рабоч"],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_public_report_present"),
        dating: Dating::Years(None, Some("doc_public_report_years")),
        titles: &[&["публичн", "доклад"], &["публичн", "отчет"]],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_noko_plan_present"),
        titles: &[&["план", "независим", "оценк", "качеств"], &["план", "ноко"]],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_fhd_plan_present"),
        dating: Dating::Years(Some("doc_fhd_plan_year"), Some("doc_fhd_plan_years")),
        marks: &["finplandoclink", "planfinrec"],
        titles: &[&["план", "финансово-хозяйственн"], &["пфхд"], &["бюджетн", "смет"]],
        but: &["отчет", "исполнен"],
        due: &[Section::Budget],
        ..PLAIN
    },
    DocumentKind {
        dating: Dating::Years(Some("doc_fhd_report_year"), None),
        titles: &[&["отчет", "финансово-хозяйственн"], &["отчет", "пфхд"]],
        ..PLAIN
    },
    DocumentKind {
        dating: Dating::Years(
            Some("doc_municipal_task_report_year"),
            Some("doc_municipal_task_report_years"),
        ),
        titles: &[
            &["отчет", "муниципальн", "задани"],
            &["исполнени", "муниципальн", "задани"],
        ],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_municipal_task_present"),
        dating: Dating::Years(Some("doc_municipal_task_year"), Some("doc_municipal_task_years")),
        titles: &[&["муниципальн", "задани"]],
        but: &["отчет", "исполнени", "субсиди"],
        ..PLAIN
    },
    DocumentKind {
        dating: Dating::Years(None, Some("doc_subsidy_report_years")),
        titles: &[&["субсиди"]],
        ..PLAIN
    },
];

/// Programmes and their documents: point 10 of order No. 1493.
const PROGRAMMES: &[DocumentKind] = &[
    DocumentKind {
        present: Some("doc_adapted_programme_present"),
        marks: &[],
        titles: &[&["адаптирован", "программ"], &["аооп"]],
        but: &["рабоч"],
        ..PLAIN
    },
    DocumentKind {
        count: Some("doc_workprograms_count"),
        marks: &["educationrpd"],
        titles: &[&["рабоч", "программ"]],
        but: &["воспитан"],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_upbringing_programme_present"),
        titles: &[&["программ", "воспитан"]],
        but: &["календарн", "дошкольн"],
        ..PLAIN
    },
    DocumentKind {
        dating: Dating::Period("doc_upbringing_calendar_plan_period"),
        titles: &[&["календарн", "план", "воспит"]],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_programme_noo_present"),
        titles: &[&["образовательн", "программ", "начального общего"], &["ооп ноо"]],
        but: &["рабоч", "адаптирован", "учебный план", "график"],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_programme_ooo_present"),
        titles: &[&["образовательн", "программ", "основного общего"], &["ооп ооо"]],
        but: &["рабоч", "адаптирован", "учебный план", "график"],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_programme_soo_present"),
        titles: &[&["образовательн", "программ", "среднего общего"], &["ооп соо"]],
        but: &["рабоч", "адаптирован", "учебный план", "график"],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_calendar_schedule_present"),
        dating: Dating::Period("doc_calendar_schedule_period"),
        marks: &["educationshedule"],
        titles: &[&["календарн", "учебн", "график"], &["календарн", "график"]],
        due: EDUCATION,
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_curriculum_present"),
        dating: Dating::Period("doc_curriculum_period"),
        marks: &["educationplan"],
        titles: &[&["учебный план"], &["учебные планы"]],
        but: &["внеурочн", "индивидуальн"],
        due: EDUCATION,
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_fgos_present"),
        marks: &["edufeddoc"],
        titles: &[&["фгос"], &["федеральн", "образовательн", "стандарт"]],
        but: &["программ", "план"],
        due: &[Section::Standards],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_language_act_present"),
        marks: &["languageel"],
        titles: &[&["язык", "образовани"], &["язык", "обучени"]],
        but: &["программ"],
        ..PLAIN
    },
];

/// Paid services and meals.
const SERVICES: &[DocumentKind] = &[
    DocumentKind {
        present: Some("doc_paid_contract_present"),
        marks: &["paiddog", "paidedudogdoclink"],
        titles: &[&["договор", "платн"]],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_paid_price_present"),
        marks: &["paidst", "paidedustoimdoclink"],
        titles: &[&["стоимост", "платн"], &["прейскурант"]],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_paid_rules_present"),
        marks: &["paidedu", "paidedudoclink"],
        titles: &[&["платн", "образовательн", "услуг"]],
        but: &["договор", "стоимост"],
        ..PLAIN
    },
    DocumentKind {
        present: Some("doc_parents_fee_status"),
        marks: &["paidparents"],
        titles: &[&["плат", "родител", "присмотр"]],
        ..PLAIN
    },
    DocumentKind {
        present: Some("meals_diet_menu_present"),
        titles: &[&["меню", "диет"], &["меню", "диабет"], &["меню", "целиак"]],
        ..PLAIN
    },
    DocumentKind {
        present: Some("meals_typical_menu_present"),
        titles: &[&["примерн", "меню"], &["цикличн", "меню"], &["типов", "меню"]],
        ..PLAIN
    },
    DocumentKind {
        present: Some("meals_operators_list_present"),
        titles: &[
            &["перечень", "организатор", "питани"],
            &["перечень", "оператор", "питани"],
        ],
        ..PLAIN
    },
    DocumentKind {
        present: Some("meals_suppliers_list_present"),
        titles: &[&["перечень", "поставщик"]],
        ..PLAIN
    },
];

/// Every kind, in the order in which titles are tried.
pub(crate) fn all() -> impl Iterator<Item = &'static DocumentKind> {
    [ACTS, REPORTS, PROGRAMMES, SERVICES].into_iter().flatten()
}

/// The kind of a mark, whatever the case of its name.
pub(crate) fn by_mark(name: &str) -> Option<&'static DocumentKind> {
    all().find(|kind| kind.marks.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

/// The kinds a title speaks of; one file may serve two codes.
pub(crate) fn by_title(title: &str) -> Vec<&'static DocumentKind> {
    let title = fold(title);
    let has = |stem: &&str| {
        title
            .match_indices(*stem)
            .any(|(at, _)| !title[..at].ends_with(char::is_alphabetic))
    };
    all()
        .filter(|kind| kind.titles.iter().any(|stems| stems.iter().all(has)))
        .filter(|kind| !kind.but.iter().any(|stem| title.contains(stem)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(title: &str) -> Vec<&'static str> {
        by_title(title)
            .into_iter()
            .filter_map(|kind| kind.present.or(kind.count))
            .collect()
    }

    #[test]
    fn titles_that_look_alike_are_told_apart() {
        for (title, code) in [
            ("Устав МБОУ СОШ № 5", "doc_charter_present"),
            (
                "Отчёт о результатах самообследования за 2025 год",
                "doc_self_assessment_present",
            ),
            (
                "Положение о внутренней системе оценки качества образования",
                "doc_vsoko_regulation_present",
            ),
            ("Справка по итогам ВСОКО", "doc_vsoko_report_present"),
            ("План работы школы на 2025-2026 учебный год", "doc_annual_plan_present"),
            ("Учебный план начального общего образования", "doc_curriculum_present"),
            (
                "Основная образовательная программа основного общего образования",
                "doc_programme_ooo_present",
            ),
            ("Рабочая программа по математике, 5 класс", "doc_workprograms_count"),
            ("Правила приёма граждан на обучение", "doc_admission_rules_present"),
            (
                "План финансово-хозяйственной деятельности на 2016 год",
                "doc_fhd_plan_present",
            ),
        ] {
            assert_eq!(codes(title), [code], "{title}");
        }
        for title in [
            "Анализ эффективности работы школы",
            "План мероприятий по профилактике",
            "Положение о самообследовании",
            "Порядок проведения ВПР",
            "Локальные нормативные акты, регламентирующие внутреннюю систему оценки качества",
        ] {
            assert_eq!(codes(title), Vec::<&str>::new(), "{title}");
        }
    }
}
