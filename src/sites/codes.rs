//! Codes of facts: the table behind `docs/site-facts.md`.

use crate::message::Problem;

/// A code of a fact (код факта сайта).
#[derive(Debug, Clone, Copy)]
pub struct FactCode {
    /// Stable code.
    pub code: &'static str,
    /// Unit of measure of a number.
    pub unit: Option<&'static str>,
    /// Title in Russian.
    pub ru: &'static str,
    /// Title in English.
    pub en: &'static str,
}

const fn row(code: &'static str, unit: &'static str, ru: &'static str, en: &'static str) -> FactCode {
    FactCode {
        code,
        unit: if unit.is_empty() { None } else { Some(unit) },
        ru,
        en,
    }
}

/// Every code the room can give, in the order of the page of documentation.
#[rustfmt::skip]
pub const ALL: &[FactCode] = &[
    row("site_available", "", "Сайт доступен", "the site answers with a page"),
    row("site_blocked", "", "Доступ ограничен защитой", "a guard, a captcha or a script stands before the page"),
    row("site_tls_state", "", "Состояние сертификата сайта", "expired, self_signed, name_mismatch, unsupported; said only when the connection fails on it"),
    row("site_sveden_subsections_present_count", "item", "Подразделов найдено", "subsections found, of 13 mandatory"),
    row("site_sveden_subsections_filled_count", "item", "Подразделов заполнено", "subsections with information"),
    row("subsection_content_state", "", "Состояние подраздела", "filled, empty, empty_table, requirement_text_only, template_placeholder, markup_stub, garbage, not_found"),
    row("site_low_vision_version_present", "", "Версия для слабовидящих", "switch to a version for the visually impaired"),
    row("page_as_of_date", "", "Дата актуальности страницы", "day the page itself names"),
    row("org_full_name", "", "Полное наименование", "full name"),
    row("org_short_name", "", "Сокращённое наименование", "short name"),
    row("org_founded_date", "", "Дата создания", "date of creation; a year or month keeps that precision"),
    row("org_address", "", "Адрес", "address"),
    row("org_postal_address", "", "Почтовый адрес", "postal address"),
    row("org_phone", "", "Телефон", "telephones as written"),
    row("org_fax", "", "Факс", "fax numbers as written"),
    row("org_email", "", "Электронная почта", "addresses of mail"),
    row("org_work_time", "", "Режим работы", "working hours"),
    row("org_inn", "", "ИНН", "INN with right check digits"),
    row("org_kpp", "", "КПП", "KPP"),
    row("org_ogrn", "", "ОГРН", "OGRN with right check digits"),
    row("founder_name", "", "Учредитель", "founder; a text that names a person is not stored"),
    row("founder_phone", "", "Телефон учредителя", "telephones of the founder"),
    row("founder_email", "", "Почта учредителя", "mail of the founder"),
    row("founder_website", "", "Сайт учредителя", "site of the founder"),
    row("founders_count", "item", "Учредителей", "number of founders"),
    row("branches_count", "organisation", "Филиалов", "branches; rows of refusals count 0"),
    row("representations_count", "organisation", "Представительств", "representations"),
    row("doc_charter_present", "", "Устав", "charter"),
    row("license_extract_present", "", "Лицензия", "licence: file, register link or number"),
    row("accreditation_info_present", "", "Аккредитация", "accreditation, on common or education"),
    row("accreditation_valid_to", "", "Аккредитация действует до", "end of the accreditation (2020 pages)"),
    row("doc_student_rules_present", "", "Правила распорядка обучающихся", "internal rules for pupils"),
    row("doc_labor_rules_present", "", "Правила трудового распорядка", "labour rules"),
    row("doc_collective_agreement_status", "", "Коллективный договор", "present, draft_only, declared_absent"),
    row("doc_admission_rules_present", "", "Правила приёма", "admission rules"),
    row("doc_class_mode_present", "", "Режим занятий", "timetable mode"),
    row("doc_current_control_present", "", "Текущий контроль и промежуточная аттестация", "current control and interim attestation"),
    row("doc_transfer_rules_present", "", "Порядок перевода и отчисления", "transfer and expulsion"),
    row("doc_relations_rules_present", "", "Возникновение и прекращение отношений", "start and end of relations"),
    row("doc_local_acts_complete_count", "item", "Локальных актов из пяти", "of the five acts of art. 30 part 2"),
    row("doc_prescriptions_status", "", "Предписания", "present, declared_absent"),
    row("doc_prescriptions_count", "document", "Предписаний и отчётов", "prescriptions and reports on them"),
    row("doc_self_assessment_present", "", "Отчёт о самообследовании", "self-assessment report"),
    row("doc_self_assessment_report_year_latest", "year", "Год последнего отчёта о самообследовании", "newest year of the report"),
    row("doc_self_assessment_years", "year", "Годы отчётов о самообследовании", "all years, newest first"),
    row("doc_self_assessment_count", "document", "Отчётов о самообследовании", "number of reports"),
    row("doc_vsoko_regulation_present", "", "Положение о ВСОКО", "regulation of the internal quality assessment"),
    row("doc_vsoko_report_present", "", "Материалы ВСОКО", "reports of the internal quality assessment"),
    row("doc_vsoko_report_years", "year", "Годы материалов ВСОКО", "all years, newest first"),
    row("doc_assessment_schedule_present", "", "График оценочных процедур", "schedule of assessment procedures"),
    row("doc_assessment_schedule_period_latest", "", "Учебный год графика оценочных процедур", "newest school year"),
    row("doc_annual_plan_present", "", "План работы школы", "annual plan"),
    row("doc_annual_plan_period", "", "Учебный год плана работы", "newest school year"),
    row("doc_development_programme_present", "", "Программа развития", "development programme"),
    row("doc_public_report_present", "", "Публичный доклад", "public report"),
    row("doc_public_report_years", "year", "Годы публичных докладов", "all years, newest first"),
    row("doc_noko_plan_present", "", "План по итогам НОКО", "plan after the independent assessment"),
    row("doc_fhd_plan_present", "", "План ФХД или смета", "financial plan or estimate"),
    row("doc_fhd_plan_year", "year", "Год плана ФХД", "newest year"),
    row("doc_fhd_plan_years", "year", "Годы планов ФХД", "all years, newest first"),
    row("doc_fhd_report_year", "year", "Год отчёта об исполнении плана ФХД", "newest year"),
    row("doc_municipal_task_present", "", "Муниципальное задание", "municipal task"),
    row("doc_municipal_task_year", "year", "Год муниципального задания", "newest year"),
    row("doc_municipal_task_years", "year", "Годы муниципальных заданий", "all years, newest first"),
    row("doc_municipal_task_report_year", "year", "Год отчёта о муниципальном задании", "newest year"),
    row("doc_municipal_task_report_years", "year", "Годы отчётов о муниципальном задании", "all years, newest first"),
    row("doc_subsidy_report_years", "year", "Годы отчётов о субсидиях", "all years, newest first"),
    row("doc_programme_noo_present", "", "ООП начального общего образования", "programme of primary education"),
    row("doc_programme_ooo_present", "", "ООП основного общего образования", "programme of basic education"),
    row("doc_programme_soo_present", "", "ООП среднего общего образования", "programme of secondary education"),
    row("doc_adapted_programme_present", "", "Адаптированная программа", "adapted programme"),
    row("doc_curriculum_present", "", "Учебный план", "curriculum"),
    row("doc_curriculum_period", "", "Учебный год учебного плана", "newest school year"),
    row("doc_calendar_schedule_present", "", "Календарный учебный график", "calendar schedule"),
    row("doc_calendar_schedule_period", "", "Учебный год календарного графика", "newest school year"),
    row("doc_workprograms_count", "document", "Рабочих программ", "work programmes"),
    row("doc_upbringing_programme_present", "", "Программа воспитания", "upbringing programme"),
    row("doc_upbringing_calendar_plan_period", "", "Учебный год плана воспитательной работы", "newest school year"),
    row("doc_fgos_present", "", "ФГОС", "federal standards"),
    row("doc_language_act_present", "", "Язык образования", "act on the language of education"),
    row("doc_paid_rules_present", "", "Порядок платных услуг", "order of paid services"),
    row("doc_paid_contract_present", "", "Образец договора платных услуг", "sample contract"),
    row("doc_paid_price_present", "", "Стоимость платных услуг", "prices"),
    row("doc_parents_fee_status", "", "Родительская плата", "present, declared_absent"),
    row("edu_levels", "", "Уровни образования", "do, noo, ooo, soo"),
    row("edu_form", "", "Формы обучения", "forms of education"),
    row("edu_term_years", "", "Сроки обучения", "normal terms by level, `noo=4`"),
    row("edu_language", "", "Язык обучения", "language of education"),
    row("students_total", "person", "Обучающихся", "pupils; `unknown` when the number lives in a file"),
    row("students_do", "person", "Обучающихся: дошкольное", "pupils, preschool"),
    row("students_noo", "person", "Обучающихся: начальное", "pupils, primary"),
    row("students_ooo", "person", "Обучающихся: основное", "pupils, basic"),
    row("students_soo", "person", "Обучающихся: среднее", "pupils, secondary"),
    row("students_federal_budget", "person", "Обучающихся за счёт федерального бюджета", "pupils, federal budget"),
    row("students_regional_budget", "person", "Обучающихся за счёт регионального бюджета", "pupils, regional budget"),
    row("students_municipal_budget", "person", "Обучающихся за счёт местного бюджета", "pupils, municipal budget"),
    row("students_paid", "person", "Обучающихся по договорам", "pupils, paid"),
    row("students_foreign", "person", "Иностранных граждан", "foreign citizens"),
    row("students_left", "person", "Переведено в другие организации", "left to others"),
    row("students_arrived", "person", "Прибыло", "came from others"),
    row("students_reinstated", "person", "Восстановлено", "reinstated"),
    row("students_expelled", "person", "Отчислено", "expelled"),
    row("classes_total", "class", "Классов", "classes"),
    row("vacancies_total", "place", "Вакантных мест", "vacant places"),
    row("vacancies_noo", "place", "Вакантных мест: 1–4 классы", "vacant places, primary"),
    row("vacancies_ooo", "place", "Вакантных мест: 5–9 классы", "vacant places, basic"),
    row("vacancies_soo", "place", "Вакантных мест: 10–11 классы", "vacant places, secondary"),
    row("vacancies_by_class", "place", "Вакантных мест по параллелям", "list of `5=3`"),
    row("vacancies_federal", "place", "Вакантных мест за счёт федерального бюджета", "vacant places, federal"),
    row("vacancies_regional", "place", "Вакантных мест за счёт регионального бюджета", "vacant places, regional"),
    row("vacancies_municipal", "place", "Вакантных мест за счёт местного бюджета", "vacant places, municipal"),
    row("vacancies_paid", "place", "Платных вакантных мест", "vacant places, paid"),
    row("vacancies_rows", "row", "Строк о вакантных местах", "rows read"),
    row("vacancies_as_of_date", "", "Дата сведений о вакантных местах", "day the page names"),
    row("vacancies_school_year", "", "Учебный год сведений о вакантных местах", "school year the page names"),
    row("teachers_total", "person", "Педагогов", "distinct persons; names are not stored"),
    row("teachers_part_time", "person", "Совместителей", "part-time"),
    row("teachers_with_higher_education", "person", "С высшим образованием", "with higher education"),
    row("teachers_with_secondary_vocational", "person", "Со средним профессиональным образованием", "with secondary vocational education"),
    row("teachers_category_highest", "person", "Высшая категория", "highest category"),
    row("teachers_category_first", "person", "Первая категория", "first category"),
    row("teachers_category_base", "person", "Соответствие должности", "fit for the post"),
    row("teachers_without_category", "person", "Без категории", "without category, said so"),
    row("teachers_young_specialists", "person", "Молодых специалистов", "young specialists"),
    row("teachers_training_years", "person", "Последний год повышения квалификации", "list of `2024=7`: teachers by the newest year of training"),
    row("teachers_avg_experience_years", "year", "Средний стаж", "mean experience in the field"),
    row("staff_rows_incomplete_count", "row", "Неполных строк педсостава", "rows where a mandatory field is empty"),
    row("meals_typical_menu_present", "", "Примерное меню", "typical menu"),
    row("meals_diet_menu_present", "", "Диетическое меню", "diet menu"),
    row("meals_operators_list_present", "", "Перечень организаторов питания", "list of operators"),
    row("meals_suppliers_list_present", "", "Перечень поставщиков", "list of suppliers"),
];

/// A problem about the value of a code, named in both languages.
pub(crate) fn problem(message: &'static str, code: &'static str) -> Problem {
    let title = ALL
        .iter()
        .find(|known| known.code == code)
        .map_or(code, |known| known.ru);
    Problem::new(message).arg("code", code).arg("title", title)
}

/// Unit of measure of a code.
pub(crate) fn unit_of(code: &str) -> Option<&'static str> {
    ALL.iter().find(|known| known.code == code).and_then(|known| known.unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn page() -> String {
        let mut text = String::from(
            "# Facts of school sites\n\n\
             Every fact has a value or a state (`present`, `declared_absent`, `missing`, `unknown`), the address of the page, \
             the line of its source and a confidence: 95 for marks, 70–75 for labels and titles, 55 for running text.\n\
             `declared_absent` is what the site itself says («нет», «отсутствует»); `missing` is a readable page that says nothing; \
             `unknown` is what could not be read. A dash in a number cell is none of them: it means «not applicable».\n\n\
             | code | unit | Название | meaning |\n|---|---|---|---|\n",
        );
        for known in ALL {
            let unit = known.unit.unwrap_or("");
            writeln!(text, "| `{}` | {unit} | {} | {} |", known.code, known.ru, known.en).expect("text grows");
        }
        text.push_str(
            "\nNot given on purpose: `org_head_fio` (names of persons are not stored), `doc_*_current` and `teachers_trained_last3y` \
             (they depend on the day and are derived from periods and years), facts of files (nothing behind a link is opened), \
             numbers of finance, rooms and equipment (those subsections are read for documents only).\n",
        );
        text
    }

    #[test]
    fn the_page_of_documentation_is_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/site-facts.md");
        if std::env::var_os("MSOKO_WRITE_EXPECTED").is_some() {
            std::fs::write(path, page()).expect("docs is writable");
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(written, page(), "run this test with MSOKO_WRITE_EXPECTED=1");
    }

    #[test]
    fn codes_stand_once() {
        let mut codes: Vec<_> = ALL.iter().map(|known| known.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
    }
}
