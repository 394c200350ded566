//! Workbooks in the layouts that offices receive, filled with invented pupils.

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::district::{MUNICIPALITY, REGION, SCHOOLS, School};
use super::results::{Answer, Pupil, VprWork};

/// What is wrong with a workbook on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// The column of the total is called otherwise.
    RenamedColumn,
    /// One row belongs to a school of another district.
    ForeignSchool,
}

/// The 2022 layout of the ФИС ОКО cabinet: sheets «Классы» and «Протокол».
pub(super) fn vpr_protocol(work: &VprWork, spring: i32, fault: Fault) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    classes_sheet(workbook.add_worksheet(), work, spring)?;
    let sheet = workbook.add_worksheet();
    sheet.set_name("Протокол")?;
    let mut headers: Vec<String> = SCHOOL_HEADERS.iter().map(|text| (*text).to_owned()).collect();
    headers.extend(["Код".to_owned(), "Вариант".to_owned()]);
    headers.extend(work.tasks.iter().map(|(label, max)| format!("{label} ({max}б)")));
    let total = if fault == Fault::RenamedColumn {
        "Сумма"
    } else {
        "Итого баллов"
    };
    headers.extend(
        [
            "Наименование класса",
            "Пол",
            "Отметка за предыдущий триместр/ четверть/полугодие",
            total,
        ]
        .map(str::to_owned),
    );
    let bold = Format::new().set_bold();
    for (column, header) in (0u16..).zip(&headers) {
        sheet.write_string_with_format(0, column, header, &bold)?;
    }
    let mut row = 1;
    for school in SCHOOLS {
        for pupil in work.pupils(school, spring) {
            write_pupil(sheet, row, school, work, spring, &pupil)?;
            row += 1;
        }
    }
    if fault == Fault::ForeignSchool {
        let mut foreign = SCHOOLS[0].clone();
        foreign.login = 526_312;
        foreign.short = "МБОУ «Школа соседнего района»";
        let pupils = work.pupils(&SCHOOLS[0], spring);
        if let Some(pupil) = pupils.iter().find(|pupil| pupil.answers.is_some()) {
            write_pupil(sheet, row, &foreign, work, spring, pupil)?;
        }
    }
    workbook.save_to_buffer()
}

const SCHOOL_HEADERS: &[&str] = &[
    "Пользователь",
    "Код региона",
    "Регион",
    "Муниципалитет",
    "Школа",
    "Дата загрузки",
];

fn write_school(sheet: &mut Worksheet, row: u32, school: &School, spring: i32) -> Result<(), XlsxError> {
    let login = format!("edu{}", school.login);
    sheet.write_string(row, 0, &login)?;
    sheet.write_number(row, 1, 99.0)?;
    sheet.write_string(row, 2, format!("reg990000 | {REGION}"))?;
    sheet.write_string(row, 3, format!("reg99_m001 | {MUNICIPALITY}"))?;
    sheet.write_string(row, 4, format!("{login} | {}", school.short))?;
    sheet.write_string(
        row,
        5,
        format!(
            "{:02}.05.{spring} 09:{:02}:00",
            school.login % 18 + 1,
            school.login % 60
        ),
    )?;
    Ok(())
}

fn classes_sheet(sheet: &mut Worksheet, work: &VprWork, spring: i32) -> Result<(), XlsxError> {
    sheet.set_name("Классы")?;
    let rest = [
        "Буква (цифра) класса. Введите \"нет\" - если отсутствует",
        "Основной учебник по предмету",
        "Другое (автор учебника)",
        "Другое (название учебника)",
    ];
    for (column, header) in (0u16..).zip(SCHOOL_HEADERS.iter().chain(&rest)) {
        sheet.write_string(0, column, *header)?;
    }
    let schools = SCHOOLS.iter().filter(|school| school.teaches(work.grade));
    for (row, school) in (1u32..).zip(schools) {
        write_school(sheet, row, school, spring)?;
        sheet.write_string(row, 6, "А")?;
        sheet.write_string(
            row,
            7,
            format!(
                "{}{}.1 | 1.1.1.1.1.1 | Учебник {} класс",
                work.subject, work.grade, work.grade
            ),
        )?;
    }
    Ok(())
}

fn write_pupil(
    sheet: &mut Worksheet,
    row: u32,
    school: &School,
    work: &VprWork,
    spring: i32,
    pupil: &Pupil,
) -> Result<(), XlsxError> {
    write_school(sheet, row, school, spring)?;
    sheet.write_number(row, 6, pupil.code.parse::<f64>().unwrap_or(0.0))?;
    let after_tasks = 8 + u16::try_from(work.tasks.len()).unwrap_or(0);
    let Some(answers) = &pupil.answers else {
        sheet.write_string(row, 7, "отсутствовал")?;
        sheet.write_number(row, after_tasks + 3, 0.0)?;
        return Ok(());
    };
    let variant = if row.is_multiple_of(2) { "1" } else { "2" };
    sheet.write_string(row, 7, variant)?;
    for (column, answer) in (8u16..).zip(answers) {
        let text = match answer {
            Answer::Points(points) => points.to_string(),
            Answer::Skipped if row.is_multiple_of(3) => "Х".to_owned(),
            Answer::Skipped => "X".to_owned(),
            Answer::NotTaught => "не пройд.".to_owned(),
        };
        sheet.write_string(row, column, text)?;
    }
    sheet.write_string(row, after_tasks, format!("{}А", work.grade))?;
    sheet.write_string(row, after_tasks + 1, pupil.sex)?;
    let journal = pupil
        .journal
        .map_or_else(|| "нет отметки".to_owned(), |mark| mark.to_string());
    sheet.write_string(row, after_tasks + 2, journal)?;
    sheet.write_number(row, after_tasks + 3, f64::from(pupil.total))?;
    Ok(())
}
