//! Summaries of the regional centre on ГИА: a subject above its metrics, one row a school.

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::dice::Dice;
use super::district::{MUNICIPALITY, SCHOOLS, School};

/// An exam as the summary prints it.
struct Exam {
    title: &'static str,
    grade: u8,
    total: &'static str,
    metrics: &'static [&'static str],
    subjects: &'static [&'static str],
}

const OGE: Exam = Exam {
    title: "ОГЭ",
    grade: 9,
    total: "Всего участников ОГЭ",
    metrics: &["участников", "2", "3", "4", "5", "средняя отметка"],
    subjects: &["Русский язык", "Математика"],
};

const EGE: Exam = Exam {
    title: "ЕГЭ",
    grade: 11,
    total: "Всего выпускников (участников ЕГЭ)",
    metrics: &[
        "приняли участие",
        "не преодолели min порог",
        "средний балл",
        "высокие баллы (80–99)",
        "100 баллов",
    ],
    subjects: &["Русский язык", "Математика профильная"],
};

/// The summary on ОГЭ of a summer.
pub(super) fn oge(summer: i32) -> Result<Vec<u8>, XlsxError> {
    summary(&OGE, summer)
}

/// The summary on ЕГЭ of a summer.
pub(super) fn ege(summer: i32) -> Result<Vec<u8>, XlsxError> {
    summary(&EGE, summer)
}

fn summary(exam: &Exam, summer: i32) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name(exam.title)?;
    sheet.write_string(0, 0, format!("Результаты {} {summer} года", exam.title))?;
    header(sheet, exam)?;
    let schools: Vec<&School> = SCHOOLS.iter().filter(|school| school.teaches(exam.grade)).collect();
    for (row, school) in (4u32..).zip(&schools) {
        // The municipality is merged downwards: only its first cell holds the name.
        if row == 4 {
            sheet.write_string(row, 0, MUNICIPALITY)?;
        }
        sheet.write_string(row, 1, school.short)?;
        let pupils = school.size * 3 / 4 + 1;
        sheet.write_number(row, 2, f64::from(pupils))?;
        for (number, subject) in exam.subjects.iter().enumerate() {
            let first = 3 + u16::try_from(number * exam.metrics.len()).unwrap_or(0);
            let mut dice = Dice::new(&[school.id, exam.title, subject, &summer.to_string()]);
            if exam.grade == 9 {
                marks(sheet, row, first, pupils, school, &mut dice)?;
            } else {
                scores(sheet, row, first, pupils, school, &mut dice)?;
            }
        }
    }
    let total = 4 + u32::try_from(schools.len()).unwrap_or(0);
    sheet.write_string(total, 1, "Всего по муниципалитету")?;
    workbook.save_to_buffer()
}

fn header(sheet: &mut Worksheet, exam: &Exam) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    for (column, title) in (0u16..).zip(["Муниципалитет", "Образовательная организация", exam.total])
    {
        sheet.merge_range(2, column, 3, column, title, &bold)?;
    }
    for (number, subject) in exam.subjects.iter().enumerate() {
        let width = u16::try_from(exam.metrics.len()).unwrap_or(1);
        let first = 3 + u16::try_from(number).unwrap_or(0) * width;
        sheet.merge_range(2, first, 2, first + width - 1, subject, &bold)?;
        for (column, metric) in (first..).zip(exam.metrics) {
            sheet.write_string_with_format(3, column, *metric, &bold)?;
        }
    }
    Ok(())
}

/// Counts of marks 2…5 and their mean with a decimal comma, as the centre writes it.
fn marks(
    sheet: &mut Worksheet,
    row: u32,
    first: u16,
    pupils: u32,
    school: &School,
    dice: &mut Dice,
) -> Result<(), XlsxError> {
    let mut counts = [0u32; 4];
    for _ in 0..pupils {
        let luck = i32::try_from(dice.below(100)).unwrap_or(0) + school.strength;
        let mark = match luck {
            ..6 => 0,
            6..45 => 1,
            45..82 => 2,
            _ => 3,
        };
        counts[mark] += 1;
    }
    sheet.write_number(row, first, f64::from(pupils))?;
    for (column, count) in (first + 1..).zip(counts) {
        sheet.write_number(row, column, f64::from(count))?;
    }
    let sum: u32 = (2u32..).zip(counts).map(|(mark, count)| mark * count).sum();
    sheet.write_string(row, first + 5, hundredths(sum * 100 / pupils))?;
    Ok(())
}

fn scores(
    sheet: &mut Worksheet,
    row: u32,
    first: u16,
    pupils: u32,
    school: &School,
    dice: &mut Dice,
) -> Result<(), XlsxError> {
    let taken = pupils - dice.below(pupils / 3 + 1);
    let low = dice.below(taken / 6 + 1);
    let high = dice.below(taken / 5 + 1);
    let mean = u32::try_from(5600 + school.strength * 60).unwrap_or(5000) + dice.below(900);
    let numbers = [f64::from(taken), f64::from(low)];
    for (column, number) in (first..).zip(numbers) {
        sheet.write_number(row, column, number)?;
    }
    sheet.write_string(row, first + 2, hundredths(mean))?;
    sheet.write_number(row, first + 3, f64::from(high))?;
    sheet.write_string(row, first + 4, "—")?;
    Ok(())
}

fn hundredths(number: u32) -> String {
    format!("{},{:02}", number / 100, number % 100)
}
