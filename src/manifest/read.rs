//! Text of a manifest → [`Connector`], every problem in one go.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::check::{self, checks};
use super::grammar::*;
use super::read_parts::{Known, context, observation, participant, rows, scope, unit, unpivot};
use crate::domain::vocabulary::Procedure;
use crate::message::Problems;
use crate::strict_toml::{Document, Section};

/// Largest file when neither manifest nor source says otherwise.
const DEFAULT_MAX_BYTES: u64 = 64 << 20;
/// Reports of the cabinet carry up to some forty rows above the header.
const DEFAULT_WITHIN_ROWS: i64 = 60;
/// Nesting of real feeds stays below ten.
const DEFAULT_MAX_DEPTH: i64 = 32;

/// Reads one manifest.
///
/// # Errors
/// Every problem of the file: faults of writing, unknown keys, values out of bounds, names of columns that the
/// manifest does not declare.
pub fn parse(file: &str, text: &str) -> Result<Connector, Problems> {
    let document = Document::parse(file, text)?;
    let connector = whole(&document);
    let problems = document.problems();
    match connector {
        Some(connector) if problems.is_empty() => Ok(Connector {
            text: Text(text.into()),
            ..connector
        }),
        _ => Err(problems),
    }
}

fn whole(document: &Document<'_>) -> Option<Connector> {
    let root = document.root();
    let version = root.integer("manifest", 1..=1);
    if version.is_none() && !root.has("manifest") {
        root.missing("manifest", "версия грамматики: manifest = 1");
    }
    let head = need(&root, "connector").map(head);
    let defaults = root.section("defaults").map_or_else(Defaults::default, defaults);
    let decode = need(&root, "decode").and_then(decode);
    let columns: Vec<ColumnRule> = root.sections("column").into_iter().map(column).collect();
    let known = Known::new(&columns);
    let list = |key| root.sections(key).into_iter();
    let context = list("context").map(|section| context(section, &known)).collect();
    let rows = root
        .section("rows")
        .map_or_else(RowRules::default, |section| rows(section, &known));
    let unit = root
        .section("unit")
        .map_or_else(UnitColumns::default, |section| unit(section, &known));
    let observations = list("observation")
        .filter_map(|section| observation(section, &known))
        .collect();
    let unpivot = root.section("unpivot").and_then(unpivot);
    let participant = root.section("participant").map(|section| participant(section, &known));
    let mut contract = root.section("contract").map_or_else(Contract::default, contract);
    let scope = root.section("scope").map(scope);
    let checks = checks(list("check"), &known, &mut contract);
    let connector = head.zip(decode).map(|(head, decode)| Connector {
        id: head.id,
        title: head.title,
        procedures: head.procedures,
        personal: head.personal,
        enabled: head.enabled,
        note: head.note,
        defaults,
        decode,
        context,
        columns,
        rows,
        unit,
        observations,
        unpivot,
        participant,
        contract,
        scope,
        checks,
        text: Text::default(),
    });
    if let Some(connector) = &connector {
        fits_together(&root, connector);
    }
    root.done();
    connector
}

fn need<'d>(root: &Section<'d>, key: &str) -> Option<Section<'d>> {
    let section = root.section(key);
    if section.is_none() && !root.has(key) {
        root.missing(key, "раздел");
    }
    section
}

struct Head {
    id: String,
    title: String,
    procedures: Vec<Procedure>,
    personal: Personal,
    enabled: bool,
    note: Option<String>,
}

fn head(section: Section<'_>) -> Head {
    let head = Head {
        id: slug(&section, "id"),
        title: section.need_string("title"),
        procedures: procedures(&section),
        personal: section
            .choice("personal", &[("none", Personal::None), ("folded", Personal::Folded)])
            .unwrap_or(Personal::None),
        enabled: section.boolean("enabled").unwrap_or(true),
        note: section.string("note"),
    };
    section.done();
    head
}

fn slug(section: &Section<'_>, key: &str) -> String {
    let text = section.need_string(key);
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if !text.chars().all(fits) {
        section.refuse(key, "только строчные латинские буквы, цифры и дефис");
    }
    text
}

fn procedures(section: &Section<'_>) -> Vec<Procedure> {
    let Some(words) = section.strings("procedures") else {
        if !section.has("procedures") {
            section.missing("procedures", "список процедур");
        }
        return Vec::new();
    };
    let found: Vec<Procedure> = words.iter().filter_map(|word| Procedure::parse(word)).collect();
    if found.len() != words.len() || found.is_empty() {
        let known: Vec<&str> = Procedure::ALL.iter().map(|word| word.as_str()).collect();
        section.refuse("procedures", &format!("допустимы: {}", known.join(", ")));
    }
    found
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            schedule: None,
            freshness: None,
            max_bytes: DEFAULT_MAX_BYTES,
            pace: None,
        }
    }
}

fn defaults(section: Section<'_>) -> Defaults {
    let defaults = Defaults {
        schedule: section.string("schedule"),
        freshness: section.duration("freshness"),
        max_bytes: section.size("max_bytes").unwrap_or(DEFAULT_MAX_BYTES),
        pace: section.duration("pace"),
    };
    section.done();
    defaults
}

type ReadFormat = fn(Section<'_>) -> Decode;

fn decode(section: Section<'_>) -> Option<Decode> {
    let kinds: [(&str, ReadFormat); 5] = [
        ("xlsx", xlsx),
        ("csv", csv),
        ("xml", xml),
        ("json", json),
        ("site", site),
    ];
    let mut found = Vec::new();
    for (key, read) in kinds {
        if let Some(inner) = section.section(key) {
            found.push((key, read(inner)));
        }
    }
    if found.len() > 1 {
        section.refuse(found[1].0, "у соединителя один формат; лишний раздел уберите");
    }
    if found.is_empty() {
        section.missing("xlsx", "один из разделов xlsx, csv, xml, json, site");
    }
    section.done();
    found.into_iter().next().map(|(_, decode)| decode)
}

fn header(section: &Section<'_>) -> Header {
    let find = section.section("find_header");
    let (anchors, within) = find.map_or((Vec::new(), None), |find| {
        let anchors = find.strings("text").unwrap_or_default();
        if anchors.is_empty() && !find.has("text") {
            find.missing("text", "текст ячейки заголовка или список текстов");
        }
        let within = find.integer("within_rows", 1..=1000);
        find.done();
        (anchors, within)
    });
    Header {
        anchors,
        within_rows: number(within, DEFAULT_WITHIN_ROWS),
        rows: number(section.integer("header_rows", 1..=5), 1),
    }
}

/// A bounded integer of the grammar as a count; its bounds are checked where it is read.
pub(super) fn number(found: Option<i64>, default: i64) -> u32 {
    u32::try_from(found.unwrap_or(default)).unwrap_or(u32::MAX)
}

fn xlsx(section: Section<'_>) -> Decode {
    let named = section.strings("sheet");
    let pattern = regex(&section, "sheet_pattern", &[]);
    if named.is_some() && pattern.is_some() {
        section.refuse("sheet_pattern", "лист задаётся либо именем, либо образцом");
    }
    let sheets = match (named, pattern) {
        (Some(names), _) => Sheets::Named(names),
        (None, Some(pattern)) => Sheets::Pattern(pattern),
        (None, None) => Sheets::Any,
    };
    let header = header(&section);
    section.done();
    Decode::Xlsx(Xlsx { sheets, header })
}

fn csv(section: Section<'_>) -> Decode {
    let default = || ["windows-1251", "koi8-r", "ibm866"].map(str::to_owned).to_vec();
    let encodings = section.strings("encodings").unwrap_or_else(default);
    if encodings
        .iter()
        .any(|label| encoding_rs::Encoding::for_label(label.as_bytes()).is_none())
    {
        section.refuse(
            "encodings",
            "неизвестная кодировка; допустимы windows-1251, koi8-r, ibm866, utf-8",
        );
    }
    let delimiter = section.string("delimiter").filter(|text| text != "auto");
    let byte = match delimiter.as_deref() {
        None => None,
        Some("\\t" | "\t" | "tab") => Some(b'\t'),
        Some(text) if text.len() == 1 => text.bytes().next(),
        Some(_) => {
            section.refuse("delimiter", "один знак, \"tab\" или \"auto\"");
            None
        }
    };
    let header = header(&section);
    section.done();
    Decode::Csv(Csv {
        encodings,
        delimiter: byte,
        header,
    })
}

fn xml(section: Section<'_>) -> Decode {
    let record = section.need_string("record");
    let steps: Vec<String> = record.split('/').skip(1).map(str::to_owned).collect();
    if !record.starts_with('/') || steps.len() < 2 || steps.iter().any(String::is_empty) {
        section.refuse("record", "путь от корня вида \"/rsoko/observation\"");
    }
    let expect = section.section("expect").map(words).unwrap_or_default();
    let max_depth = number(section.integer("max_depth", 2..=256), DEFAULT_MAX_DEPTH);
    section.done();
    Decode::Xml(Xml {
        record: steps,
        expect: expect.into_iter().collect(),
        max_depth,
    })
}

fn json(section: Section<'_>) -> Decode {
    section.done();
    Decode::Json
}

fn site(section: Section<'_>) -> Decode {
    let sections = section.strings("sections").unwrap_or_default();
    if sections.is_empty() {
        section.missing("sections", "список разделов сайта");
    }
    section.done();
    Decode::Site(Site { sections })
}

fn column(section: Section<'_>) -> ColumnRule {
    let name = section.need_string("name");
    let class = section.choice(
        "class",
        &[
            ("key", Class::Key),
            ("measure", Class::Measure),
            ("context", Class::Context),
            ("drop", Class::Drop),
            ("pseudonym", Class::Pseudonym),
        ],
    );
    if class.is_none() && !section.has("class") {
        section.missing("class", "key, measure, context, drop или pseudonym");
    }
    let at = section.strings("at").unwrap_or_default();
    if at.is_empty() {
        section.missing("at", "заголовок, список заголовков, путь «А / Б», атрибут \"@x\"");
    }
    let mut reading = reading(&section);
    reading.digits = section
        .integer("digits", 2..=20)
        .and_then(|digits| u8::try_from(digits).ok());
    if reading.digits.is_some() && reading.kind != Kind::Text {
        section.refuse("digits", "сколько цифр в коде, говорят у столбца с type = \"text\"");
    }
    let column = ColumnRule {
        name,
        at,
        // After a wrong class the column still counts as declared: one fault, one message.
        class: class.unwrap_or(Class::Context),
        reading,
        required: section.boolean("required").unwrap_or(true),
    };
    section.done();
    column
}

/// Keys `type`, `transforms`, `values`, `empty` of a column or a context value.
pub(super) fn reading(section: &Section<'_>) -> Reading {
    const KINDS: &[(&str, Kind)] = &[
        ("text", Kind::Text),
        ("integer", Kind::Integer),
        ("decimal", Kind::Decimal),
        ("date", Kind::Date),
        ("school_year", Kind::SchoolYear),
        ("subject", Kind::Subject),
        ("procedure", Kind::Procedure),
        ("measure", Kind::Measure),
        ("grade", Kind::Grade),
    ];
    const TRANSFORMS: &[(&str, Transform)] = &[
        ("collapse_spaces", Transform::CollapseSpaces),
        ("lowercase", Transform::Lowercase),
        ("login_of_cell", Transform::LoginOfCell),
        ("title_of_cell", Transform::TitleOfCell),
        ("grade_of_class", Transform::GradeOfClass),
        ("spring_of_year", Transform::SpringOfYear),
        ("autumn_of_year", Transform::AutumnOfYear),
        ("school_year_of_date", Transform::SchoolYearOfDate),
        ("season_of_date", Transform::SeasonOfDate),
    ];
    let named = section.strings("transforms").unwrap_or_default();
    let find = |word: &String| {
        TRANSFORMS
            .iter()
            .find(|(known, _)| known == word)
            .map(|(_, found)| *found)
    };
    let transforms: Vec<Transform> = named.iter().filter_map(find).collect();
    if transforms.len() != named.len() {
        let known: Vec<&str> = TRANSFORMS.iter().map(|(word, _)| *word).collect();
        section.refuse("transforms", &format!("допустимы: {}", known.join(", ")));
    }
    Reading {
        empty: section.strings("empty").unwrap_or_default(),
        transforms,
        values: section.section("values").map_or_else(BTreeMap::new, words),
        kind: section.choice("type", KINDS).unwrap_or_default(),
        digits: None,
    }
}

/// A table with free keys and text values.
pub(super) fn words(section: Section<'_>) -> BTreeMap<String, String> {
    let found = section
        .free_keys()
        .into_iter()
        .map(|key| {
            let value = section.need_string(&key);
            (key, value)
        })
        .collect();
    section.done();
    found
}

/// A pattern that must have the named groups.
pub(super) fn regex(section: &Section<'_>, key: &str, groups: &[&str]) -> Option<Regex> {
    let text = section.string(key)?;
    // A manifest is read from an administrator's folder: the size limit keeps a runaway pattern from eating memory.
    let pattern = match regex::RegexBuilder::new(&text).size_limit(1 << 20).build() {
        Ok(pattern) => pattern,
        Err(error) => {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or("").trim().to_owned();
            section.refuse(key, &format!("образец не читается: {last}"));
            return None;
        }
    };
    for group in groups {
        if !pattern.capture_names().flatten().any(|name| name == *group) {
            section.refuse(key, &format!("в образце нет группы (?<{group}>…)"));
        }
    }
    Some(pattern)
}

impl Default for Contract {
    fn default() -> Self {
        Self {
            warn_new_columns: true,
            max_quarantined: 0.02,
            future_years: false,
            least_of_previous: 50,
        }
    }
}

fn contract(section: Section<'_>) -> Contract {
    let warn = section.choice("new_column", &[("warn", true), ("ignore", false)]);
    let _ = section.choice("missing_column", &[("refuse", ())]);
    let share = percent(&section, "max_quarantined");
    let future = section.choice("future_year", &[("refuse", false), ("warn", true)]);
    let default = Contract::default();
    section.done();
    Contract {
        warn_new_columns: warn.unwrap_or(default.warn_new_columns),
        max_quarantined: share.map_or(default.max_quarantined, |percent| percent / 100.0),
        future_years: future.unwrap_or(default.future_years),
        ..default
    }
}

/// A share written as `"2%"`, from 0 to 100.
pub(super) fn percent(section: &Section<'_>, key: &str) -> Option<f64> {
    let text = section.string(key)?;
    let percent = text
        .strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok())
        .filter(|percent| (0.0..=100.0).contains(percent));
    if percent.is_none() {
        section.refuse(key, "доля вида \"2%\" от 0 до 100");
    }
    percent
}

fn fits_together(root: &Section<'_>, connector: &Connector) {
    let folded = connector.personal == Personal::Folded;
    if folded != connector.participant.is_some() {
        let reason = "раздел [participant] и personal = \"folded\" идут только вместе";
        root.refuse(if folded { "connector" } else { "participant" }, reason);
    }
    if matches!(connector.decode, Decode::Site(_)) {
        if !connector.columns.is_empty() {
            root.refuse("column", "у соединителя сайта столбцов нет: страницы читает программа");
        }
        return;
    }
    if connector.columns.is_empty() {
        root.missing("column", "хотя бы один столбец [[column]]");
    }
    let mut names = BTreeSet::new();
    for column in &connector.columns {
        if !names.insert(&column.name) {
            root.refuse("column", &format!("имя столбца «{}» стоит дважды", column.name));
        }
    }
    if connector.observations.is_empty() && connector.unpivot.is_none() && connector.participant.is_none() {
        root.missing(
            "observation",
            "[[observation]], [unpivot] или [participant]: что загружать",
        );
    }
    if connector.unit == UnitColumns::default() {
        root.missing("unit", "раздел [unit]: какой столбец называет организацию");
    }
    check::fit_together(root, connector);
}
