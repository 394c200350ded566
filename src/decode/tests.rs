use rust_xlsxwriter::{Formula, Workbook};

use super::*;
use crate::manifest::parse;
use crate::table::{Cell, Row, Table};

#[derive(Default)]
struct Seen {
    tables: Vec<Table>,
    rows: Vec<Row>,
    broken: Vec<Problem>,
    unseen: String,
    spare: Vec<Cell>,
}

impl TableSink for Seen {
    fn table(&mut self, table: Table) -> Result<(), Problem> {
        self.tables.push(table);
        Ok(())
    }

    fn row(&mut self, row: Row) -> Result<(), Problem> {
        self.spare.clone_from(&row.cells);
        self.rows.push(row);
        Ok(())
    }

    fn broken_row(&mut self, _: u32, problem: Problem) -> Result<(), Problem> {
        self.broken.push(problem);
        Ok(())
    }

    fn unseen(&mut self, text: &str) {
        self.unseen.push_str(text.trim());
        self.unseen.push('|');
    }

    fn wants_unseen(&self) -> bool {
        true
    }

    fn spare(&mut self) -> Vec<Cell> {
        std::mem::take(&mut self.spare)
    }
}

fn connector(decode: &str, columns: &[&str]) -> Connector {
    let mut text = format!("manifest = 1\n[connector]\nid = 'x'\ntitle = 'x'\nprocedures = 'vpr'\n{decode}\n");
    for (number, at) in columns.iter().enumerate() {
        text.push_str(&format!("[[column]]\nname = 'c{number}'\nat = '{at}'\nclass = 'key'\n"));
    }
    text.push_str("[unit]\nname = 'c0'\n[[observation]]\nmeasure = 'participants'\nvalue = 'c0'\n");
    parse("x.toml", &text).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn run(connector: &Connector, bytes: impl AsRef<[u8]>) -> (Seen, Result<Decoded, Problem>) {
    let mut seen = Seen::default();
    let decoded = decode(Input::memory("файл", bytes.as_ref()), connector, &mut seen);
    (seen, decoded)
}

fn code(result: &Result<Decoded, Problem>) -> &str {
    result.as_ref().map_or_else(Problem::code, |_| "ok")
}

fn texts(row: &Row) -> Vec<String> {
    row.cells.iter().map(Cell::text).collect()
}

const XML: &str = "[decode.xml]\nrecord = '/f/o'\nmax_depth = 5";

#[test]
fn attributes_and_child_texts_of_a_record_become_cells_in_any_encoding() {
    let connector = connector(XML, &["@a", "школа/@код", "школа"]);
    let body = "<f><o a='1 &amp; 2'><школа код='7'>МБОУ &#171;№ 2&#187; <![CDATA[<&>]]></школа></o>\n<o b='x'/></f>";
    for label in ["utf-8", "windows-1251", "koi8-r", "ibm866"] {
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).expect("known");
        let body = if label == "koi8-r" {
            body.replace('№', "N")
        } else {
            body.to_owned()
        };
        let text = format!("<?xml version='1.0' encoding='{label}'?>{body}");
        let (bytes, ..) = encoding.encode(&text);
        let (seen, decoded) = run(&connector, &bytes);
        assert_eq!(decoded.expect(label).undeclared, ["@b"]);
        let number = if label == "koi8-r" { "N" } else { "№" };
        assert_eq!(
            texts(&seen.rows[0]),
            ["1 & 2", "7", &format!("МБОУ «{number} 2» <&>")],
            "{label}"
        );
        assert_eq!(texts(&seen.rows[1]), ["", "", ""]);
    }
}

#[test]
fn an_xml_that_is_not_whole_or_not_harmless_is_refused() {
    let connector = connector(XML, &["@a"]);
    let deep = "<x>".repeat(9);
    for (text, expected) in [
        ("", "MSK-DEC-18"),
        ("<f><o a='1'/>", "MSK-DEC-07"),
        ("<f><o a='1'", "MSK-DEC-07"),
        ("<f><o a='1'/></f>", "ok"),
        ("<f><o a='1' a='2'/></f>", "MSK-DEC-14"),
        ("<f><o z='1' z='2'/></f>", "MSK-DEC-14"),
        ("<f></o></f>", "MSK-DEC-06"),
        ("<f/><f/>", "MSK-DEC-06"),
        ("<f/>хвост", "MSK-DEC-06"),
        ("<g><o a='1'/></g>", "MSK-DEC-15"),
        ("<!DOCTYPE f [<!ENTITY e 'x'>]><f/>", "MSK-DEC-08"),
        ("<f><o>&e;</o></f>", "MSK-DEC-06"),
        (&format!("<f>{deep}"), "MSK-DEC-09"),
        ("<!doctype html><html></html>", "MSK-DEC-01"),
        ("a;b", "MSK-DEC-01"),
    ] {
        assert_eq!(code(&run(&connector, text).1), expected, "{text}");
    }
    let long = "я".repeat(33 << 10);
    for text in [
        format!("<f><o a='{}'/></f>", "я".repeat(3 << 20)),
        format!("<f><o a='{long}'/></f>"),
        format!("<f><o {long}=''/></f>"),
        format!("<f><o><b>{}</b></o></f>", "&amp;я".repeat(33 << 10)),
        format!("<f><o><b>{}</b></o></f>", "<![CDATA[яя]]>".repeat(33 << 10)),
    ] {
        assert_eq!(code(&run(&connector, text).1), "MSK-DEC-09");
    }
}

#[test]
fn text_rows_are_laid_under_their_header_or_put_aside() {
    let connector = connector("[decode.csv]\nfind_header = { text = 'Код ОО' }", &["Код ОО"]);
    let text = "Отчёт за год\nKод OO;Название;Балл;\n1;\"Школа; № 2\";5;\n2;Лицей;4\n3;Гимназия;лишнее;4;5\n4;\"в\nдве строки\";;\n";
    for label in ["utf-8", "windows-1251", "ibm866", "utf-16le"] {
        let mut bytes = encoding_rs::Encoding::for_label(label.as_bytes())
            .expect("known")
            .encode(text)
            .0
            .into_owned();
        if label == "utf-16le" {
            bytes = b"\xff\xfe"
                .iter()
                .copied()
                .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
                .collect();
        }
        let (seen, decoded) = run(&connector, &bytes);
        decoded.expect(label);
        assert_eq!(seen.tables[0].above, ["Отчёт за год"], "{label}");
        let rows: Vec<(u32, Vec<String>)> = seen.rows.iter().map(|row| (row.number, texts(row))).collect();
        assert_eq!(
            rows[0],
            (3, ["1", "Школа; № 2", "5", ""].map(str::to_owned).to_vec()),
            "{label}"
        );
        assert_eq!(rows[1].1, ["2", "Лицей", "4"]);
        assert_eq!(rows[2].1, ["4", "в\nдве строки", "", ""]);
        let broken: Vec<String> = seen.broken.iter().map(Problem::ru_line).collect();
        assert_eq!(broken, ["MSK-DEC-11: строка 5: в строке полей: 5, в заголовке: 4"]);
    }
    let unclosed = format!("Код ОО;Б\n1;\"{}", "я;\n".repeat(2 << 20));
    assert_eq!(code(&run(&connector, unclosed).1), "MSK-DEC-09");
    assert_eq!(code(&run(&connector, "Логин;Балл\n1;2\n").1), "MSK-DEC-04");
}

#[test]
fn json_records_come_as_an_array_or_one_a_line_and_doubled_keys_are_refused() {
    let connector = connector("[decode.json]", &["school/code", "n"]);
    for text in [
        "[{\"school\":{\"code\":\"7\"},\"n\":5,\"extra\":1},{\"n\":-0.5}]",
        "{\"school\":{\"code\":\"7\"},\"n\":5,\"extra\":1}\n\n{\"n\":-0.5}\n",
    ] {
        let (seen, decoded) = run(&connector, text);
        assert_eq!(decoded.expect(text).undeclared, ["extra"]);
        assert_eq!(texts(&seen.rows[0]), ["7", "5"]);
        assert_eq!(texts(&seen.rows[1]), ["", "-0.5"]);
    }
    for (text, expected) in [
        ("[{\"n\":1,\"n\":2}]", "MSK-DEC-13"),
        ("[{\"n\":1}", "MSK-DEC-07"),
        ("[{\"n\":1}] x", "MSK-DEC-13"),
        (&format!("[{{\"{}\":1}}]", "я".repeat(600)), "MSK-DEC-13"),
    ] {
        assert_eq!(code(&run(&connector, text).1), expected, "{text}");
    }
}

#[test]
fn a_workbook_is_read_cell_by_cell_and_a_sparse_sheet_is_harmless() {
    let mut book = Workbook::new();
    let hidden = book.add_worksheet().set_name("Скрытый").expect("a name");
    hidden.write(0, 0, "Школа").expect("a cell");
    hidden.set_hidden(true);
    let sheet = book.add_worksheet().set_name("Лист").expect("a name");
    sheet.set_active(true);
    sheet.write(2, 1, "Школа").expect("a cell");
    sheet.write(2, 2, "Балл").expect("a cell");
    sheet.write(4, 1, "Лицей").expect("a cell");
    sheet.write(4, 2, 35.5).expect("a cell");
    sheet
        .write_formula(5, 2, Formula::new("=1+1").set_result(""))
        .expect("a cell");
    sheet.write(1_048_575, 1, "Последняя").expect("a cell");
    let bytes = book.save_to_buffer().expect("a workbook");
    let connector = connector("[decode.xlsx]\nfind_header = { text = 'Школа' }", &["Школа"]);
    let (seen, decoded) = run(&connector, &bytes);
    decoded.expect("a workbook");
    assert_eq!(seen.tables.len(), 1, "hidden sheets are left out");
    let rows: Vec<(u32, Vec<String>)> = seen.rows.iter().map(|row| (row.number, texts(row))).collect();
    assert_eq!(rows[0], (5, ["", "Лицей", "35.5"].map(str::to_owned).to_vec()));
    assert_eq!(rows.last().expect("a row").0, 1_048_576);
    assert_eq!(code(&run(&connector, &bytes[..bytes.len() / 2]).1), "MSK-DEC-12");
}

#[test]
fn a_blank_cell_of_a_sheet_holds_nothing_of_the_sheet_before() {
    let mut book = Workbook::new();
    for (name, header, last) in [
        ("Физика", ["Школа", "Участники", "Ниже порога"], [10.0, 4.0]),
        ("Биология", ["Школа", "", ""], [7.0, 1.0]),
    ] {
        let sheet = book.add_worksheet().set_name(name).expect("a name");
        for (column, text) in (0..).zip(header) {
            sheet.write(0, column, text).expect("a cell");
        }
        sheet.write(1, 0, "Лицей").expect("a cell");
        sheet.write_row(1, 1, last).expect("cells");
    }
    let bytes = book.save_to_buffer().expect("a workbook");
    let connector = connector("[decode.xlsx]\nfind_header = { text = 'Школа' }", &["Школа"]);
    let (seen, decoded) = run(&connector, &bytes);
    decoded.expect("a workbook");
    let paths: Vec<&[String]> = seen.tables[1]
        .columns
        .iter()
        .map(|column| column.path.as_slice())
        .collect();
    assert_eq!(paths, [["Школа"]]);
    assert_eq!(texts(&seen.rows[1]), ["Лицей", "7", "1"]);
}

#[test]
fn a_refusal_names_no_sheet_that_nobody_has_looked_at() {
    let mut book = Workbook::new();
    for name in ["Титул", "Громов Пётр Петрович"] {
        let sheet = book.add_worksheet().set_name(name).expect("a name");
        sheet.write(0, 0, "Балл").expect("a cell");
    }
    let bytes = book.save_to_buffer().expect("a workbook");
    for (decode, line) in [
        (
            "sheet = 'Протокол'",
            "MSK-DEC-05: в книге нет листа «Протокол» (листов: 2)",
        ),
        (
            "sheet = 'Громов Пётр Петрович'",
            "MSK-DEC-04: лист 2: в первых 60 строках нет ячейки заголовка «Школа»",
        ),
    ] {
        let decode = format!("[decode.xlsx]\n{decode}\nfind_header = {{ text = 'Школа' }}");
        let refused = run(&connector(&decode, &["Школа"]), &bytes)
            .1
            .expect_err("no such table");
        assert_eq!(refused.ru_line(), line);
    }
}

#[test]
fn what_no_row_carries_is_shown_all_the_same() {
    let xml = connector(XML, &["@a"]);
    let text = "<f r='корень'><!--примечание--><x y='мимо'>рядом</x><o a='1' b='лишний' c='&#171;'>сам<d e='внутри'>дитя</d></o></f>";
    let (seen, decoded) = run(&xml, text);
    decoded.expect("a whole file");
    for part in [
        "корень",
        "примечание",
        "мимо",
        "рядом",
        "лишний",
        "«",
        "сам",
        "внутри",
        "дитя",
    ] {
        assert!(seen.unseen.contains(part), "{part}: {}", seen.unseen);
    }
    let json = connector("[decode.json]", &["n"]);
    let (seen, decoded) = run(&json, "[{\"n\":[\"в списке\"],\"кто\":{\"имя\":\"лишнее\"}}]");
    decoded.expect("a whole file");
    assert_eq!(seen.unseen, "\"в списке\"|кто|имя|лишнее||");
    let csv = connector("[decode.csv]\nfind_header = { text = 'Код' }", &["Код"]);
    let (seen, decoded) = run(&csv, "Код;Балл\n1;2;лишнее поле;ещё\n");
    decoded.expect("a whole file");
    assert_eq!(seen.unseen, "1|2|лишнее поле|ещё|");
}

#[test]
fn a_field_that_is_to_be_dropped_reaches_the_sink_and_is_not_undeclared() {
    let text = "manifest = 1\n[connector]\nid = 'x'\ntitle = 'x'\nprocedures = 'vpr'\n[decode.xml]\nrecord = '/f/o'\n\
        [[column]]\nname = 'a'\nat = '@a'\nclass = 'key'\n[[column]]\nname = 'b'\nat = '@b'\nclass = 'drop'\n\
        [unit]\nname = 'a'\n[[observation]]\nmeasure = 'participants'\nvalue = 'a'\n";
    let connector = parse("x.toml", text).expect("a manifest");
    let (seen, decoded) = run(&connector, "<f><o a='1' b='2'/></f>");
    assert!(decoded.expect("a whole file").undeclared.is_empty());
    assert_eq!(texts(&seen.rows[0]), ["1", "2"]);
}
