//! Microdata of a page: every element with `itemprop` in document order, then a tolerant reading of values and records.

use std::collections::HashMap;

use super::gather::mark_place;
use super::names::{HEADINGS, Holds, holds, label_of};
use super::text::{MAX_TEXT, inner};
use super::tree::{NodeId, Page};
use super::words::{flat, fold, is_dash, is_filler, is_refusal, tight};
use crate::domain::place::Place;

/// Most marks read from one page: a table of 300 teachers has 3,000.
const MAX_MARKS: usize = 20_000;

/// Names of one mark that are looked at; a file that serves two codes has two.
const MAX_NAMES: usize = 8;
/// Longest name of a mark; the longest of the recommendations has 27 letters.
const MAX_NAME: usize = 40;
/// Longest address taken from a link.
const MAX_HREF: usize = 2_000;

/// Nodes of a table among which its header is looked for.
const HEADER_NODES: usize = 400;
/// Cells of the first row that count as headings.
const MAX_HEADINGS: usize = 40;

/// One marked element as it stands on the page.
#[derive(Debug)]
pub(crate) struct Mark {
    /// The names of `itemprop`, as written.
    pub(crate) names: Vec<String>,
    /// The nearest marked element around it, by position in the list.
    pub(crate) parent: Option<usize>,
    /// The element.
    pub(crate) node: NodeId,
    /// Its text when no marked element stands inside; lines are kept.
    pub(crate) text: String,
    /// Addresses of links inside, or its own.
    pub(crate) hrefs: Vec<String>,
    /// True when the element is hidden by style.
    hidden: bool,
    /// True when one of the names is that of a record.
    pub(crate) record: bool,
    /// The nearest record mark around, by position in the list; wrappers and plain marks on the way are skipped.
    main: Option<usize>,
}

/// What a mark says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// Something to read.
    Value(String),
    /// «нет», «отсутствует».
    Refused,
    /// A dash: not applicable.
    Dash,
    /// Nothing.
    Empty,
}

/// All marks of a page.
#[derive(Debug)]
pub(crate) struct Marks<'p> {
    page: &'p Page,
    /// In document order.
    pub(crate) list: Vec<Mark>,
    by_node: HashMap<NodeId, usize>,
    /// True when hidden elements count because nothing else is there.
    hidden_count: bool,
}

/// One record: a main mark with its children, or children that stand alone.
#[derive(Debug)]
pub(crate) struct Record<'m> {
    /// Line of the source.
    pub(crate) line: u32,
    /// Folded name and mark, in document order.
    pub(crate) fields: Vec<(String, &'m Mark)>,
}

impl<'p> Marks<'p> {
    /// Collects the marks of a page.
    pub(crate) fn of(page: &'p Page) -> Self {
        let mut list: Vec<Mark> = Vec::new();
        let mut open: Vec<(usize, NodeId)> = Vec::new();
        for node in page.inside(Page::ROOT) {
            let Some(value) = page.attr(node, "itemprop") else {
                continue;
            };
            let names: Vec<String> = value
                .split_whitespace()
                .take(MAX_NAMES)
                .map(bare_name)
                .filter(|name| is_name(name))
                .collect();
            if names.is_empty() || list.len() >= MAX_MARKS {
                continue;
            }
            while open
                .last()
                .is_some_and(|(_, above)| !page.ancestors(node).any(|id| id == *above))
            {
                open.pop();
            }
            let parent = open.last().map(|(position, _)| *position);
            let main = parent.and_then(|parent| match list[parent].record {
                true => Some(parent),
                false => list[parent].main,
            });
            open.push((list.len(), node));
            list.push(Mark {
                record: names.iter().any(|name| holds(&key(name)) == Holds::Record),
                names,
                parent,
                main,
                node,
                text: String::new(),
                hrefs: Vec::new(),
                hidden: page.is_hidden(node),
            });
        }
        let mut leaf = vec![true; list.len()];
        for mark in &list {
            if let Some(parent) = mark.parent {
                leaf[parent] = false;
            }
        }
        for (mark, leaf) in list.iter_mut().zip(leaf) {
            // Texts of leaves never overlap, so that their sum stays below the page.
            if leaf {
                mark.text = value_text(page, mark.node);
                mark.hrefs = hrefs(page, mark.node);
            }
        }
        let hidden_count = !list.is_empty() && list.iter().all(|mark| mark.hidden);
        let by_node = list
            .iter()
            .enumerate()
            .map(|(position, mark)| (mark.node, position))
            .collect();
        Self {
            page,
            list,
            by_node,
            hidden_count,
        }
    }

    /// The mark of an element.
    pub(crate) fn at(&self, node: NodeId) -> Option<&Mark> {
        self.by_node.get(&node).map(|position| &self.list[*position])
    }

    /// True when a mark of this folded name is on the page, whatever it says.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.list.iter().any(|mark| mark.is(name))
    }

    /// Marks of a folded name that are seen by visitors.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Mark> {
        self.list.iter().filter(move |mark| mark.is(name) && self.counts(mark))
    }

    /// Marks of a folded name outside every record.
    pub(crate) fn alone<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Mark> {
        self.named(name).filter(|mark| mark.main.is_none())
    }

    fn counts(&self, mark: &Mark) -> bool {
        self.hidden_count || !mark.hidden
    }

    /// Line of a mark.
    pub(crate) fn line(&self, mark: &Mark) -> u32 {
        self.page.line(mark.node)
    }

    /// The place of a mark, with its name as the page writes it.
    pub(crate) fn place(&self, mark: &Mark) -> Place {
        mark_place(self.line(mark), mark.names.first().map_or("", String::as_str))
    }

    /// Records of a main mark. Without children inside the main mark, children of these names that stand alone
    /// are grouped instead; rows that only repeat headings are left out. The second value counts those.
    pub(crate) fn records(&self, main: &str, children: &[&str]) -> (Vec<Record<'_>>, usize) {
        let mut groups: Vec<Vec<(String, &Mark)>> = Vec::new();
        let mut positions: Vec<usize> = Vec::new();
        for (position, mark) in self.list.iter().enumerate() {
            if mark.is(main) && self.counts(mark) {
                positions.push(position);
                groups.push(Vec::new());
            }
        }
        let mut alone: Vec<(String, &Mark)> = Vec::new();
        for mark in self.list.iter().filter(|mark| self.counts(mark)) {
            let above = mark.main;
            for name in mark.names.iter().map(|name| key(name)) {
                let group = above.and_then(|above| positions.binary_search(&above).ok());
                match group {
                    Some(group) => groups[group].push((name, mark)),
                    None if above.is_none() && children.contains(&name.as_str()) => alone.push((name, mark)),
                    None => {}
                }
            }
        }
        if groups.iter().all(Vec::is_empty) && are_paired(&alone) {
            groups.push(alone);
        }
        let mut records = Vec::new();
        let mut dropped = 0;
        let mut heads = HashMap::new();
        for fields in groups.into_iter().flat_map(split_repeats) {
            let line = fields.first().map_or(0, |(_, mark)| self.line(mark));
            let record = Record { line, fields };
            if record.fields.is_empty() {
                continue;
            }
            if self.repeats_headings(&record, &mut heads) {
                dropped += 1;
            } else {
                records.push(record);
            }
        }
        (records, dropped)
    }

    /// True when the texts of the row are the headings of its table, or standard headings; zeros beside them do not help.
    fn repeats_headings(&self, record: &Record<'_>, heads: &mut HashMap<NodeId, Head>) -> bool {
        let headings = record
            .fields
            .first()
            .map_or_else(Vec::new, |(_, mark)| self.headings_of(mark, heads));
        let mut texts = 0;
        let mut same = 0;
        for (name, mark) in &record.fields {
            let text = tight(&mark.text);
            if text.is_empty() || holds(name) == Holds::Count && text.chars().all(|letter| letter.is_ascii_digit()) {
                continue;
            }
            texts += 1;
            if headings.contains(&text)
                || HEADINGS.contains(&text.as_str())
                || holds(name) == Holds::Count && text.len() > 60
            {
                same += 1;
            }
        }
        texts > 0 && same * 3 >= texts * 2
    }

    /// Folded headings of the table a mark stands in; the mark's own row counts only when it is made of `th`.
    fn headings_of(&self, mark: &Mark, heads: &mut HashMap<NodeId, Head>) -> Vec<String> {
        let page = self.page;
        let row = page.ancestors(mark.node).find(|id| page.is(*id, &["tr"]));
        let Some(table) = page.ancestors(mark.node).find(|id| page.is(*id, &["table"])) else {
            return Vec::new();
        };
        let head = heads.entry(table).or_insert_with(|| Head::of(page, table));
        let first = head.first.filter(|first| Some(*first) != row);
        let cells = first.map_or(&[][..], |_| &head.cells);
        head.labels.iter().chain(cells).cloned().collect()
    }
}

/// The header of a table, looked at once for all of its rows.
struct Head {
    first: Option<NodeId>,
    /// Texts of `th`.
    labels: Vec<String>,
    /// Texts of `td` in the first row.
    cells: Vec<String>,
}

impl Head {
    fn of(page: &Page, table: NodeId) -> Self {
        let texts = |cells: &mut dyn Iterator<Item = NodeId>| {
            cells
                .map(|cell| tight(&inner(page, cell, 400)))
                .filter(|text| !text.is_empty())
                .collect()
        };
        let first = page.all(table, &["tr"]).next();
        // The header stands at the top.
        let mut labels = page.inside(table).take(HEADER_NODES).filter(|id| page.is(*id, &["th"]));
        let mut cells = first
            .into_iter()
            .flat_map(|first| page.all(first, &["td"]))
            .take(MAX_HEADINGS);
        Self {
            first,
            labels: texts(&mut labels),
            cells: texts(&mut cells),
        }
    }
}

impl Mark {
    /// True when one of the names, folded, is this one.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// What the mark says, as one line.
    pub(crate) fn said(&self) -> Said {
        let text = flat(&self.text);
        if text.is_empty() || is_filler(&text) && !is_dash(&text) {
            Said::Empty
        } else if is_dash(&text) {
            Said::Dash
        } else if is_refusal(&text) {
            Said::Refused
        } else {
            Said::Value(text)
        }
    }

    /// The value, when it is one.
    pub(crate) fn value(&self) -> Option<String> {
        match self.said() {
            Said::Value(text) => Some(text),
            _ => None,
        }
    }
}

impl Record<'_> {
    /// The first field of a folded name.
    pub(crate) fn mark(&self, name: &str) -> Option<&Mark> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, mark)| *mark)
    }

    /// What the first field of a folded name says.
    pub(crate) fn said(&self, name: &str) -> Said {
        self.mark(name).map_or(Said::Empty, Mark::said)
    }

    /// The value of the first field of a folded name.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.fields
            .iter()
            .filter(|(known, _)| known == name)
            .find_map(|(_, mark)| mark.value())
    }

    /// True when every field is a refusal, a dash or empty, and at least one is a refusal or a dash.
    pub(crate) fn is_refusal(&self) -> bool {
        let mut refused = false;
        for (_, mark) in &self.fields {
            match mark.said() {
                Said::Value(_) => return false,
                Said::Refused | Said::Dash => refused = true,
                Said::Empty => {}
            }
        }
        refused
    }

    /// True when no field says anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.iter().all(|(_, mark)| mark.said() == Said::Empty)
    }
}

/// A name for comparing: without case.
pub(crate) fn key(name: &str) -> String {
    name.to_lowercase()
}

fn bare_name(name: &str) -> String {
    name.chars()
        .filter(|letter| !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}'))
        .collect()
}

/// A name goes into the places of facts: anything that is no plain word is text of the page.
fn is_name(name: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(plain)
}

/// Orphaned children are paired only when the two leading properties are equally many.
fn are_paired(alone: &[(String, &Mark)]) -> bool {
    let count = |name: &str| alone.iter().filter(|(known, _)| known == name).count();
    let Some((first, _)) = alone.first() else {
        return false;
    };
    let second = alone.iter().map(|(name, _)| name).find(|name| *name != first);
    second.is_none_or(|second| count(first) == count(second))
}

/// Several records one after another in one group: a new one starts when its leading property comes again.
fn split_repeats<'m>(fields: Vec<(String, &'m Mark)>) -> Vec<Vec<(String, &'m Mark)>> {
    let Some((leading, _)) = fields.first().cloned() else {
        return vec![fields];
    };
    let mut records: Vec<Vec<(String, &'m Mark)>> = Vec::new();
    for field in fields {
        match records.last_mut() {
            Some(record) if field.0 != leading => record.push(field),
            _ => records.push(vec![field]),
        }
    }
    records
}

/// Text of a mark; a label cell gives the cell after it, a label before a colon is cut.
fn value_text(page: &Page, node: NodeId) -> String {
    let text = inner(page, node, MAX_TEXT);
    let text = if text.is_empty() {
        page.attr(node, "content").map(flat).unwrap_or_default()
    } else {
        text
    };
    let folded = fold(&text);
    let Some((_, length)) = label_of(&folded) else {
        return text;
    };
    let rest = folded[length..].trim_matches(|letter: char| letter == ':' || letter == '*' || letter.is_whitespace());
    if rest.is_empty() {
        return page
            .following(node)
            .find(|id| page.tag(*id).is_some())
            .filter(|next| page.attr(*next, "itemprop").is_none())
            .map(|next| inner(page, next, MAX_TEXT))
            .unwrap_or(text);
    }
    match text.split_once(':') {
        Some((label, value)) if label.chars().count() <= 150 && label_of(&fold(label)).is_some() => {
            value.trim().to_owned()
        }
        _ => text,
    }
}

fn hrefs(page: &Page, node: NodeId) -> Vec<String> {
    let around = page.ancestors(node).take(3).find(|id| page.is(*id, &["a"]));
    page.all(node, &["a"])
        .chain(around)
        .filter_map(|id| page.attr(id, "href"))
        .map(|href| href.trim().to_owned())
        .filter(|href| !href.is_empty() && href.len() <= MAX_HREF)
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(html: &str, name: &str) -> Vec<Said> {
        let page = Page::parse(html).expect("small");
        Marks::of(&page).named(name).map(Mark::said).collect()
    }

    fn value(text: &str) -> Said {
        Said::Value(text.to_owned())
    }

    #[test]
    fn marks_keep_document_order_and_their_nearest_marked_parent() {
        let page = Page::parse(
            "<table><tr itemprop=vacant><td><b itemprop='eduLevel x'>а</b><td itemprop>б<td itemprop=eduForm>в</table>",
        )
        .expect("small");
        let marks = Marks::of(&page);
        let shown: Vec<_> = marks
            .list
            .iter()
            .map(|mark| (mark.names.join(" "), mark.parent, mark.text.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("vacant".into(), None, ""),
                ("eduLevel x".into(), Some(0), "а"),
                ("eduForm".into(), Some(0), "в")
            ]
        );
    }

    #[test]
    fn names_that_are_no_words_are_left_out() {
        let names = |value: &str| {
            let page = Page::parse(&format!("<p itemprop=\"{value}\">а</p>")).expect("small");
            let marks = Marks::of(&page);
            marks.list.first().map(|mark| mark.names.clone()).unwrap_or_default()
        };
        assert_eq!(names("Образцов\u{202e}Пример<b> regDate"), ["regDate"]);
        assert_eq!(
            names(&format!("e-mail {} reg\u{200b}Date", "a".repeat(41))),
            ["e-mail", "regDate"]
        );
        assert_eq!(names(&"x ".repeat(100)).len(), MAX_NAMES);
    }

    #[test]
    fn faults_of_real_pages_are_read_through() {
        assert_eq!(
            said(
                "<table><tr><td itemprop=regDate>Дата создания:<td>1990 год</table>",
                "regdate"
            ),
            [value("1990 год")]
        );
        assert_eq!(
            said("<p itemProp='RegDate'>Дата создания школы: 1990 год</p>", "regdate"),
            [value("1990 год")]
        );
        assert_eq!(said("<div itemprop=address>нет</div>", "address"), [Said::Refused]);
        assert_eq!(
            said(
                "<div style='display: none' itemprop=address>non</div><div itemprop=address>ул.</div>",
                "address"
            ),
            [value("ул.")]
        );
        assert_eq!(said("<div itemprop=address>???</div>", "address"), [Said::Empty]);
        assert_eq!(
            said("<div hidden><p itemprop=address>ул.</p></div>", "address"),
            [value("ул.")]
        );
    }

    #[test]
    fn records_are_found_with_and_without_a_main_mark() {
        let count = |html: &str| {
            let page = Page::parse(html).expect("small");
            let marks = Marks::of(&page);
            let (records, dropped) = marks.records("rucovodstvo", &["fio", "post"]);
            (records.len(), dropped)
        };
        assert_eq!(
            count("<p itemprop=rucovodstvo><b itemprop=fio>а</b><b itemprop=post>б</b></p>"),
            (1, 0)
        );
        assert_eq!(
            count(
                "<br itemprop=rucovodstvo><p><b itemprop=fio>а</b><b itemprop=post>б</b><b itemprop=fio>в</b><b itemprop=post>г</b></p>"
            ),
            (2, 0)
        );
        assert_eq!(
            count(
                "<div itemprop=rucovodstvo><b itemprop=fio>а</b><b itemprop=post>б</b><b itemprop=fio>в</b><b itemprop=post>г</b></div>"
            ),
            (2, 0)
        );
        assert_eq!(
            count("<br itemprop=rucovodstvo><b itemprop=fio>а</b><b itemprop=fio>в</b><b itemprop=post>г</b>"),
            (0, 0)
        );
        assert_eq!(
            count(
                "<table><tr itemprop=rucovodstvo><td itemprop=fio>Ф.И.О.<td itemprop=post>Должность<tr itemprop=rucovodstvo><td itemprop=fio>а<td itemprop=post>директор</table>"
            ),
            (1, 1)
        );
    }
}
