//! Invented input: region 99, organisations with valid check digits, a feed and a table of participants.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SCHOOLS: u64 = 700;
const SUBJECTS: [&str; 10] = [
    "russian",
    "math",
    "physics",
    "chemistry",
    "informatics",
    "biology",
    "history",
    "geography",
    "social",
    "english",
];

/// ОГРН of a school with its check digit.
fn ogrn(school: u64) -> String {
    let number = 102_990_000_000 + school;
    format!("{number}{}", number % 11 % 10)
}

fn title(school: u64) -> String {
    format!("МКОУ «Верхнегорская СОШ № {school}»")
}

/// Organisations of a district of the office.
const OF_DISTRICT: u64 = 50;

/// A file format with its source, what the office calls it and how its files end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Xml,
    Csv,
    Xlsx,
}

impl Form {
    pub(super) const ALL: [Self; 3] = [Self::Xml, Self::Csv, Self::Xlsx];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// One organisation, year, subject and grade: participants and counts of the marks 2 to 5.
struct Result {
    school: u64,
    year: u64,
    subject: &'static str,
    grade: u64,
    counts: [u64; 5],
}

/// Results without end, year by year; corrected ones differ in every thousandth number.
fn results(corrected: bool) -> impl Iterator<Item = Result> {
    let keys = (1990..).flat_map(|year| {
        (1..=SCHOOLS).flat_map(move |school| {
            SUBJECTS
                .iter()
                .flat_map(move |subject| (4..12).map(move |grade| (year, school, *subject, grade)))
        })
    });
    (0u64..).zip(keys).map(move |(number, (year, school, subject, grade))| {
        let mut counts = [0, 1, 2, 3, 4].map(|place| (number * 5 + place) * 7 % 30);
        // No fewer participants than marks.
        counts[0] += counts[1..].iter().sum::<u64>() + u64::from(corrected && number % 200 == 100);
        Result {
            school,
            year,
            subject,
            grade,
            counts,
        }
    })
}

fn school_year(year: u64) -> String {
    format!("{year}-{:02}", (year + 1) % 100)
}

/// Writes a file of about so many bytes, a workbook of a tenth as many rows as that would be in text; gives the number
/// of its numbers.
pub(super) fn write(form: Form, path: &Path, bytes: u64, corrected: bool) -> u64 {
    match form {
        Form::Xml => feed(path, bytes, corrected),
        Form::Csv => table(path, bytes, corrected),
        Form::Xlsx => workbook(path, bytes, corrected),
    }
}

fn feed(path: &Path, bytes: u64, corrected: bool) -> u64 {
    let mut out = BufWriter::new(File::create(path).expect("made"));
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rsoko version=\"1\" region=\"99\" generated=\"0\">\n";
    out.write_all(head.as_bytes()).expect("written");
    let (mut rows, mut size, mut line) = (0, 0, String::new());
    'file: for result in results(corrected) {
        for (mark, count) in (1..).zip(result.counts) {
            let of_mark = match mark {
                1 => "measure=\"participants\"".to_owned(),
                mark => format!("measure=\"mark_count\" mark=\"{mark}\""),
            };
            line.clear();
            let _ = writeln!(
                line,
                "  <observation ogrn=\"{}\" name=\"{}\" procedure=\"rop\" year=\"{}\" season=\"spring\" \
                 subject=\"{}\" grade=\"{}\" {of_mark} value=\"{count}\"/>",
                ogrn(result.school),
                title(result.school),
                school_year(result.year),
                result.subject,
                result.grade,
            );
            out.write_all(line.as_bytes()).expect("written");
            rows += 1;
            size += line.len() as u64;
            if size >= bytes {
                break 'file;
            }
        }
    }
    out.write_all(b"</rsoko>\n").expect("written");
    out.flush().expect("written");
    rows
}

/// Headers of the tables, as `table.toml` expects them.
const HEADERS: [&str; 9] = [
    "ОГРН",
    "Учебный год",
    "Предмет",
    "Класс",
    "Участников",
    "Отметка 2",
    "Отметка 3",
    "Отметка 4",
    "Отметка 5",
];

fn table(path: &Path, bytes: u64, corrected: bool) -> u64 {
    let mut out = BufWriter::new(File::create(path).expect("made"));
    writeln!(out, "{}", HEADERS.join(";")).expect("written");
    let (mut numbers, mut size) = (0, 0);
    for Result {
        school,
        year,
        subject,
        grade,
        counts,
    } in results(corrected)
    {
        let [participants, twos, threes, fours, fives] = counts;
        let line = format!(
            "{};{};{subject};{grade};{participants};{twos};{threes};{fours};{fives}\n",
            ogrn(school),
            school_year(year)
        );
        out.write_all(line.as_bytes()).expect("written");
        numbers += 5;
        size += line.len() as u64;
        if size >= bytes {
            break;
        }
    }
    out.flush().expect("written");
    numbers
}

fn workbook(path: &Path, bytes: u64, corrected: bool) -> u64 {
    /// Bytes of a row of the same table as text.
    const LINE: u64 = 48;
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory().expect("a sheet");
    for (column, header) in (0..).zip(HEADERS) {
        sheet.write_string(0, column, header).expect("written");
    }
    let mut rows = 0;
    for (row, result) in (1..=(bytes / LINE / 10) as u32).zip(results(corrected)) {
        let texts = [ogrn(result.school), school_year(result.year), result.subject.to_owned()];
        for (column, text) in (0..).zip(texts) {
            sheet.write_string(row, column, text).expect("written");
        }
        for (column, number) in (3..).zip([result.grade].into_iter().chain(result.counts)) {
            sheet.write_number(row, column, number as f64).expect("written");
        }
        rows += 1;
    }
    book.save(path).expect("written");
    rows * 5
}

/// Another hash, the same rows: the digit of the attribute `generated`.
pub(super) fn change_one_byte(path: &Path) {
    let text = "generated=\"";
    let mut file = File::options().read(true).write(true).open(path).expect("opened");
    let mut head = [0; 256];
    std::io::Read::read_exact(&mut file, &mut head).expect("read");
    let at = head.windows(text.len()).position(|window| window == text.as_bytes());
    let at = at.expect("the attribute") + text.len();
    file.seek(SeekFrom::Start(at as u64)).expect("found");
    file.write_all(b"1").expect("written");
}

/// Lays an authority out; gives the path of its configuration.
pub(super) fn office(dir: &Path) -> PathBuf {
    let put = |name: &str, text: &str| std::fs::write(dir.join(name), text).expect("written");
    put(
        "msoko.toml",
        "[authority]\nname = \"Управление образования\"\nmunicipality = \"Верхнегорский район\"\n\
         region = \"Учебный край\"\nplace = \"с. Верхнегорское\"\nzone = \"Europe/Moscow\"\n\
         contact_name = \"Отдел\"\ncontact_address = \"monitoring@vg.example\"\n\n[paths]\nstate = \"state\"\n\n\
         [mail]\nfrom_name = \"МСОКО\"\nfrom_address = \"msoko@vg.example\"\ntransport = \"file\"\n",
    );
    let source = |id: &str, connector: &str| {
        format!(
            "[[source]]\nid = \"{id}\"\nconnector = \"{connector}\"\nfolder = \"inbox\"\nschedule = \"15 3 * * *\"\n"
        )
    };
    let sources = [("xml", "rsoko-feed"), ("csv", "bench-csv"), ("xlsx", "bench-xlsx")];
    put(
        "sources.toml",
        &sources.map(|(id, connector)| source(id, connector)).concat(),
    );
    for format in ["csv", "xlsx"] {
        std::fs::create_dir_all(dir.join(format!("connectors/bench-{format}"))).expect("made");
        let manifest = include_str!("table.toml").replace("FORMAT", format);
        put(&format!("connectors/bench-{format}/manifest.toml"), &manifest);
    }
    put(
        "recipients.toml",
        "[[recipient]]\nname = \"Отдел\"\naddress = \"monitoring@vg.example\"\nletters = [\"digest\"]\n",
    );
    std::fs::create_dir(dir.join("inbox")).expect("made");
    let mut register =
        String::from("id;kind;title;parent;ogrn\nru;country;Российская Федерация;;\nru-99;region;Учебный край;ru;\n");
    for district in 0..SCHOOLS / OF_DISTRICT {
        let _ = writeln!(register, "mo-{district:02};municipality;Район № {district};ru-99;");
    }
    for school in 1..=SCHOOLS {
        let (title, ogrn, district) = (title(school), ogrn(school), (school - 1) / OF_DISTRICT);
        let _ = writeln!(register, "oo-{school:04};general;{title};mo-{district:02};{ogrn}");
    }
    put("register.csv", &register);
    dir.join("msoko.toml")
}

/// Lets an authority keep its warehouse on a server.
pub(super) fn keep_in(config: &Path, url: &str) {
    let text = std::fs::read_to_string(config).expect("read");
    std::fs::write(
        config,
        format!("{text}\n[database]\nurl = \"{url}\"\nsingle_node = true\n"),
    )
    .expect("written");
}

/// A table of participants in windows-1251, organisation by organisation.
pub(super) fn participants(rows: usize) -> Arc<[u8]> {
    let mut text =
        String::from("Код ОО;ОГРН;Код предмета;Предмет;Класс;ИД участника;Первичный балл;Тестовый балл;Отметка\r\n");
    let subjects = [
        ("01", "Русский язык"),
        ("02", "Математика (профильная)"),
        ("03", "Физика"),
        ("07", "История"),
    ];
    for row in 0..rows {
        let school = (row * SCHOOLS as usize / rows) as u64 + 1;
        let (code, subject) = subjects[row % subjects.len()];
        let _ = writeln!(
            text,
            "99{school:04};{};{code};{subject};11А;{};{};{};-\r",
            ogrn(school),
            1_000_000 + row / subjects.len(),
            row * 7 % 50,
            row * 7 % 50 * 2,
        );
    }
    encoding_rs::WINDOWS_1251.encode(&text).0.into_owned().into()
}
