//! The readers against one invented document with every flaw of a real one, as text and as DOCX.

use std::io::{Cursor, Write as _};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::*;
use crate::domain::roadmap::Level;

const PLAN: &str = include_str!("../../tests/fixtures/roadmaps/plan.txt");

fn packed(name: &str, content: &str) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file(name, SimpleFileOptions::default()).expect("a part");
    archive.write_all(content.as_bytes()).expect("written");
    archive.finish().expect("an archive").into_inner()
}

fn paragraph(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<w:p><w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>")
}

/// The text form as Word would hold it. The header of the first table spans its last cell over two columns and is
/// merged downwards; the assignee of 3.1 is merged with the group above it.
fn docx() -> Vec<u8> {
    let mut body = String::new();
    for block in text::blocks(PLAN) {
        match block {
            document::Block::Paragraph(text) => body.push_str(&paragraph(&text)),
            document::Block::Table(lines) => {
                body.push_str("<w:tbl><w:tblPr/>");
                for line in lines {
                    body.push_str(&line_xml(&line));
                }
                body.push_str("</w:tbl>");
            }
        }
    }
    packed(
        "word/document.xml",
        &format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>"
        ),
    )
}

fn line_xml(line: &document::Line) -> String {
    let first = line.first().map(document::Cell::text).unwrap_or_default();
    let mut xml = String::from("<w:tr>");
    for (position, cell) in line.iter().enumerate() {
        let mut properties = String::new();
        if first == "№ п/п" {
            properties.push_str("<w:vMerge w:val=\"restart\"/>");
        }
        if first == "№ п/п" && position == 4 {
            properties.push_str("<w:gridSpan w:val=\"2\"/>");
        }
        if first == "3.1" && position == 4 {
            properties.push_str("<w:vMerge/>");
        }
        let paragraphs: String = cell.paragraphs.iter().map(|text| paragraph(text)).collect();
        xml.push_str(&format!("<w:tc><w:tcPr>{properties}</w:tcPr>{paragraphs}</w:tc>"));
    }
    xml.push_str("</w:tr>");
    xml
}

fn brief(roadmaps: &[Roadmap]) -> String {
    let mut out = String::new();
    for roadmap in roadmaps {
        out.push_str(&format!("{} {}\n", roadmap.number, roadmap.direction));
        for row in &roadmap.activities {
            let mark = if row.level == Level::Heading { ":" } else { "" };
            let cells = [&row.activity, &row.term, &row.indicator, &row.assignee];
            let line = cells.map(String::as_str).join(" | ");
            out.push_str(&format!(
                "  {}{mark} {}\n",
                row.number,
                line.trim_end_matches([' ', '|'])
            ));
            for problem in &row.problems {
                out.push_str(&format!("    ? {problem}\n"));
            }
        }
    }
    out
}

#[test]
fn every_flaw_of_a_document_is_survived_and_named() {
    let (roadmaps, problems) = import("plan.txt", PLAN.as_bytes());
    assert_eq!(problems, []);
    let period = roadmaps[0].period.expect("a period");
    assert_eq!(
        (period.from.to_string(), period.to.to_string()),
        ("2020-01-01".to_owned(), "2022-12-31".to_owned())
    );
    insta::assert_snapshot!(brief(&roadmaps), @r#"
    1 Проверочные работы
      1 Утверждение регламента |  | Наличие регламента | Управление образования
        ? срок не указан; в заголовке столбца стоит «сентябрь 2020 г.», возможно, это срок этой строки: уточните
      2 Формирование банка заданий | сентябрь 2020 г.; пополнение: ежегодно | Наличие банка заданий | Управление образования
      3 Рекомендации по муниципальным работам | ежегодно | Наличие рекомендаций по итогам региональных работ | Управление образования
        ? строка разорвана страницей, присоединено продолжение: «итогам региональных работ»
        ? показатель спорит с мероприятием: муниципальное против регионального
      4 Опрос родителей | 1 раз в 3 года для каждой образовательной организации | Наличие отчета | Управление образования
        ? в лишнем столбце стоит обрывок «О «Район» Управление образования», он отброшен
      5: Конкурсы учителей, включая:
      5.1 Районный конкурс | ежегодно, 1 квартал | Наличие положения | Управление образования
    2 Руководители школ «Района»
      1 Положение об оценке | 2020 | Наличие положения | Управление образования
      1-2 Мониторинг | ежегодно, октябрь-ноябрь | Наличие отчета | Управление образования
        ? внутри текста стоял номер страницы «9», он убран
        ? номер 1 уже был, строке дан номер 1-2
      3: Мероприятия с руководителями: |  |  | Управление образования
        ? перед строкой пропущен номер 2
      3.1 Выездной семинар | в течение всего периода |  | Управление образования
        ? не указано, что считается выполнением
      4 Анализ мер | ежегодно (до 01 марта года, следующего за отчетным) 20202022 гг. | Наличие справки | Управление образования
        ? в документе нет номера, строке дан номер 4
    "#);
}

#[test]
fn docx_and_text_give_the_same_rows() {
    let (from_text, _) = import("plan.txt", PLAN.as_bytes());
    let (from_docx, problems) = import("plan.docx", &docx());
    assert_eq!(problems, []);
    assert_eq!(brief(&from_docx), brief(&from_text));
    assert_eq!(from_docx, from_text);
}

#[test]
fn a_text_of_windows_1251_is_read_too() {
    let (bytes, _, lossy) = encoding_rs::WINDOWS_1251.encode(PLAN);
    assert!(!lossy);
    assert_eq!(import("plan.txt", &bytes).0, import("plan.txt", PLAN.as_bytes()).0);
}

#[test]
fn a_csv_with_a_title_is_read() {
    let csv = "\u{feff}Дорожная карта по направлению «Сады»;;;;\r\n№;Мероприятие;Срок;Показатель;Исполнитель\r\n1;\"Осмотр; ремонт\";май 2026;Наличие акта;Управление\r\n";
    let (roadmaps, problems) = import("plan.csv", csv.as_bytes());
    let codes: Vec<&str> = problems.iter().map(Problem::code).collect();
    assert_eq!(
        codes,
        ["MSK-RDM-05", "MSK-RDM-06"],
        "neither number nor period are named"
    );
    assert_eq!(
        brief(&roadmaps),
        "1 Сады\n  1 Осмотр; ремонт | май 2026 | Наличие акта | Управление\n"
    );
}

#[test]
fn what_is_not_a_roadmap_is_refused_by_name() {
    let deep = format!("{}{}", "<w:p>".repeat(300), "</w:p>".repeat(300));
    for (bytes, code, part) in [
        (b"%PDF-1.7".to_vec(), "MSK-RDM-02", "PDF"),
        (b"\xd0\xcf\x11\xe0rest".to_vec(), "MSK-RDM-02", "старый DOC"),
        (packed("xl/workbook.xml", "<a/>"), "MSK-RDM-02", "XLSX"),
        (packed("content.xml", "<a/>"), "MSK-RDM-02", "ODT"),
        (b"PK\x03\x04 torn".to_vec(), "MSK-RDM-01", "DOCX"),
        (docx()[..200].to_vec(), "MSK-RDM-01", "DOCX"),
        (
            packed(DOCUMENT, "<!DOCTYPE a [<!ENTITY b 'c'>]><w:p/>"),
            "MSK-RDM-01",
            "DOCX",
        ),
        (packed(DOCUMENT, "<w:p><w:t>обрыв"), "MSK-RDM-01", "DOCX"),
        (packed(DOCUMENT, &deep), "MSK-RDM-03", "200"),
        (b"no table here".to_vec(), "MSK-RDM-04", "нет дорожной карты"),
        (Vec::new(), "MSK-RDM-04", "нет дорожной карты"),
    ] {
        let (roadmaps, problems) = import("письмо", &bytes);
        assert!(roadmaps.is_empty());
        assert_eq!(problems[0].code(), code, "{problems:?}");
        assert!(problems[0].ru().contains(part), "{}", problems[0].ru());
        assert_eq!(problems[0].place(), Some("письмо"));
    }
}

const DOCUMENT: &str = "word/document.xml";

#[test]
fn a_body_that_unpacks_beyond_the_limit_is_refused() {
    let bomb = packed(DOCUMENT, &" ".repeat(33 << 20));
    assert!(bomb.len() < 1 << 20);
    assert_eq!(import("bomb.docx", &bomb).1[0].code(), "MSK-RDM-03");
}

#[test]
fn a_file_holds_the_roadmap_and_asks_what_is_doubtful() {
    for roadmap in import("plan.txt", PLAN.as_bytes()).0 {
        let toml = to_toml(&roadmap);
        let mut read = from_toml("1.toml", &toml).unwrap_or_else(|problems| panic!("{problems:?}\n{toml}"));
        for (row, original) in read.activities.iter_mut().zip(&roadmap.activities) {
            row.problems.clone_from(&original.problems);
        }
        assert_eq!(read, roadmap);
    }
    let roadmap = &import("plan.txt", PLAN.as_bytes()).0[0];
    assert_eq!(file_name(roadmap), "1-proverochnye-raboty.toml");
    let answered = to_toml(roadmap).replace(
        "# term_clarified = \"до 1 октября 2026 г.\"",
        "term_clarified = \"сентябрь 2020\"",
    );
    let read = from_toml("1.toml", &answered).expect("a good file");
    assert_eq!(read.activities[0].term, "сентябрь 2020");
}

#[test]
fn every_fault_of_a_file_is_named_in_one_run() {
    let text = "number = 1\ndirection = ''\nperiod = { from = 2026-01-01, to = 2025-01-01 }\n[[activity]]\nnumber = '1'\nactivity = 'а'\nterm_clarifyed = 'май'\n[[activity]]\nnumber = '1'\nlevel = 'row'\nactivity = 'б'\n";
    let problems = from_toml("1.toml", text).expect_err("five faults");
    let found: Vec<String> = problems.iter().map(Problem::ru_line).collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    MSK-CFG-05: 1.toml:2:13: ключ «direction» в начале файла: пустая строка (значение «»)
    MSK-CFG-05: 1.toml:3:36: ключ «to» в [period]: конец периода раньше начала (значение 2025-01-01)
    MSK-CFG-01: 1.toml:7:1: неизвестный ключ «term_clarifyed» в [activity[1]] (допустимы: activity, assignee, indicator, level, number, term, term_clarified); возможно, «term_clarified»
    MSK-CFG-05: 1.toml:9:10: ключ «number» в [activity[2]]: такой номер уже есть выше (значение «1»)
    MSK-CFG-02: 1.toml:10:9: ключ «level» в [activity[2]]: ожидается одно из: activity, heading, найдено «row»
    "#);
}

#[test]
fn carrying_moves_the_period_and_the_terms() {
    let carried = carry(&import("plan.txt", PLAN.as_bytes()).0[0], 5);
    let period = carried.period.expect("a period");
    assert_eq!(
        (period.from.to_string(), period.to.to_string()),
        ("2025-01-01".to_owned(), "2027-12-31".to_owned())
    );
    assert_eq!(carried.activities[1].term, "сентябрь 2025 г.; пополнение: ежегодно");
}

#[test]
fn the_shipped_roadmaps_are_the_eighty_rows_of_the_concept() {
    let counts: Vec<usize> = SHIPPED
        .iter()
        .map(|(file, text)| from_toml(file, text).expect("a good file").activities.len())
        .collect();
    assert_eq!(counts, [20, 17, 14, 7, 8, 8, 6]);
}

proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(text in "[\\t\\n№1-9. «»а-яА-Я;,:МероприятиеСрок]{0,300}", cut in 0usize..400) {
        let _ = import("x", text.as_bytes());
        let plan: String = PLAN.chars().skip(cut * 5).chain(text.chars()).collect();
        for roadmap in import("x", plan.as_bytes()).0 {
            let _ = from_toml("x", &to_toml(&roadmap));
        }
    }

    #[test]
    fn no_damage_to_a_docx_makes_the_reader_panic(place in 0usize..2000, byte in any::<u8>()) {
        let mut bytes = docx();
        let place = place % bytes.len();
        bytes[place] = byte;
        let _ = import("x", &bytes);
    }
}
