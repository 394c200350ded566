//! Russian titles of the words of the vocabulary, for the dictionary.

use crate::domain::vocabulary::{FactState, Measure, Procedure, UnitKind};

pub(super) const fn procedure(procedure: Procedure) -> &'static str {
    match procedure {
        Procedure::Vpr => "Всероссийские проверочные работы",
        Procedure::Gia9 => "Государственная итоговая аттестация, 9 класс",
        Procedure::Gia11 => "Государственная итоговая аттестация, 11 класс",
        Procedure::Niko => "Национальные исследования качества образования",
        Procedure::Rop => "Региональные оценочные процедуры",
        Procedure::Municipal => "Муниципальные проверочные работы",
        Procedure::Vsosh => "Всероссийская олимпиада школьников",
        Procedure::Noko => "Независимая оценка качества условий",
        Procedure::Fgkko => "Федеральный государственный контроль качества образования",
        Procedure::Survey => "Опросы",
        Procedure::Staff => "Кадры",
        Procedure::Dpo => "Дополнительное профессиональное образование",
        Procedure::Upbringing => "Воспитание",
        Procedure::Preschool => "Дошкольное образование",
        Procedure::Context => "Контекстные данные",
        Procedure::Site => "Официальные сайты",
    }
}

/// Title and unit of measure.
pub(super) const fn measure(measure: Measure) -> (&'static str, &'static str) {
    match measure {
        Measure::Participants => ("Приняли участие", "чел."),
        Measure::Enrolled => ("Обучающихся, подлежавших участию", "чел."),
        Measure::Absent => ("Отсутствовали", "чел."),
        Measure::MarkCount => ("Получили отметку (разрез mark)", "чел."),
        Measure::ScoreCount => ("Набрали первичный балл (разрез primary)", "чел."),
        Measure::ScoreSum => ("Сумма первичных баллов", "балл"),
        Measure::JournalCount => ("Отметка за работу против журнала (разрезы mark, journal)", "чел."),
        Measure::TaskPoints => ("Сумма баллов за задание (разрез task)", "балл"),
        Measure::TaskMax => ("Наибольший балл за задание (разрез task)", "балл"),
        Measure::BelowMinimum => ("Не набрали минимального балла", "чел."),
        Measure::BandCount => ("Попали в диапазон тестовых баллов (разрез band)", "чел."),
        Measure::TestScoreSum => ("Сумма тестовых баллов", "балл"),
        Measure::Winners => ("Победители", "чел."),
        Measure::PrizeWinners => ("Призёры", "чел."),
        Measure::Share => ("Готовая доля из отчёта источника", "%"),
        Measure::Mean => ("Готовое среднее из отчёта источника", "балл"),
        Measure::Index => ("Готовый индекс из отчёта источника", "единица индекса"),
        Measure::TaskAnswered => ("Участников, для кого задание считается (разрез task)", "чел."),
        Measure::TaskSkipped => ("Не приступали к заданию (разрез task)", "чел."),
        Measure::TaskNotTaught => ("Тема задания не пройдена (разрез task)", "чел."),
    }
}

pub(super) const fn unit_kind(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::General => "Общеобразовательная организация",
        UnitKind::Preschool => "Дошкольная организация",
        UnitKind::Additional => "Организация дополнительного образования",
        UnitKind::Municipality => "Муниципалитет",
        UnitKind::Region => "Субъект РФ",
        UnitKind::Country => "Российская Федерация",
    }
}

pub(super) const fn state(state: FactState) -> &'static str {
    match state {
        FactState::Present => "Сведения есть",
        FactState::DeclaredAbsent => "Сайт сообщает, что этого нет",
        FactState::Missing => "Страница читается, сведений на ней нет",
        FactState::Unknown => "Страницу прочитать не удалось",
    }
}

/// Keys of breakdowns that have a column of their own.
pub(super) const BREAKDOWNS: &[(&str, &str, &str)] = &[
    ("mark", "Отметка", "отметка за работу, от 2 до 5"),
    (
        "journal",
        "Отметка в журнале",
        "отметка за предыдущий период, от 2 до 5",
    ),
    ("task", "Задание", "номер задания, как в работе"),
    ("primary", "Первичный балл", "первичный балл"),
    (
        "band",
        "Диапазон",
        "диапазон тестовых баллов; 0-min — ниже минимума, min-60 — от минимума до 60",
    ),
    (
        "of",
        "Среднее чего",
        "что усреднено: test_score — тестовый балл, primary — первичный балл, mark — отметка",
    ),
    (
        "written_in",
        "Когда писали",
        "autumn — работа написана осенью следующего учебного года",
    ),
];

/// Units of measure of facts.
pub(super) const UNITS_OF_MEASURE: &[(&str, &str)] = &[
    ("class", "класс"),
    ("document", "документ"),
    ("item", "единица"),
    ("organisation", "организация"),
    ("percent", "%"),
    ("person", "человек"),
    ("place", "место"),
    ("row", "строка"),
    ("thousand_rub", "тыс. руб."),
    ("year", "год"),
];

/// Types of the value of a fact.
pub(super) const VALUE_TYPES: &[(&str, &str)] = &[
    ("bool", "да или нет: true, false"),
    ("number", "число"),
    ("text", "текст"),
    ("date", "дата ГГГГ-ММ-ДД"),
    ("list", "список, записан массивом JSON"),
];
