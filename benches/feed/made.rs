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

/// Writes a feed of about so many bytes; gives the number of its rows.
pub(super) fn feed(path: &Path, bytes: u64) -> u64 {
    let mut out = BufWriter::new(File::create(path).expect("made"));
    let mut write = |text: &str| out.write_all(text.as_bytes()).expect("written");
    let (mut rows, mut size) = (0, 0);
    write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rsoko version=\"1\" region=\"99\" generated=\"0\">\n");
    let mut line = String::new();
    'years: for year in 1990.. {
        for school in 1..=SCHOOLS {
            for (subject, grade) in SUBJECTS
                .iter()
                .flat_map(|subject| (4..12).map(move |grade| (subject, grade)))
            {
                for mark in 1..=5 {
                    let of_mark = match mark {
                        1 => "measure=\"participants\"".to_owned(),
                        mark => format!("measure=\"mark_count\" mark=\"{mark}\""),
                    };
                    line.clear();
                    let _ = writeln!(
                        line,
                        "  <observation ogrn=\"{}\" name=\"{}\" procedure=\"rop\" year=\"{year}-{:02}\" \
                         season=\"spring\" subject=\"{subject}\" grade=\"{grade}\" {of_mark} value=\"{}\"/>",
                        ogrn(school),
                        title(school),
                        (year + 1) % 100,
                        (rows * 7) % 120,
                    );
                    write(&line);
                    rows += 1;
                    size += line.len() as u64;
                    if size >= bytes {
                        break 'years;
                    }
                }
            }
        }
    }
    write("</rsoko>\n");
    out.flush().expect("written");
    rows
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
    put(
        "sources.toml",
        "[[source]]\nid = \"rsoko\"\nconnector = \"rsoko-feed\"\nfolder = \"inbox\"\nschedule = \"15 3 * * *\"\n",
    );
    put(
        "recipients.toml",
        "[[recipient]]\nname = \"Отдел\"\naddress = \"monitoring@vg.example\"\nletters = [\"digest\"]\n",
    );
    std::fs::create_dir(dir.join("inbox")).expect("made");
    let mut register = String::from("id;kind;title;ogrn\n");
    for school in 1..=SCHOOLS {
        let _ = writeln!(register, "oo-{school:04};general;{};{}", title(school), ogrn(school));
    }
    put("register.csv", &register);
    dir.join("msoko.toml")
}

/// Lets an authority keep its warehouse on a server.
pub(super) fn keep_in(config: &Path, url: &str) {
    let text = std::fs::read_to_string(config).expect("read");
    std::fs::write(config, format!("{text}\n[database]\nurl = \"{url}\"\n")).expect("written");
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
