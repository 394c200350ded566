//! Text of a page: lines of blocks, main content, headings.

use super::tree::{NodeId, Page};
use super::words::{flat, fold};

/// Longest text taken from one element; the longest real cell is a working-hours paragraph.
pub(crate) const MAX_TEXT: usize = 4_000;

const SILENT: &[&str] = &[
    "script", "style", "noscript", "template", "head", "iframe", "object", "select", "svg",
];
const HEADINGS: &[&str] = &["h1", "h2", "h3", "h4", "h5", "h6", "caption", "legend", "summary"];

/// Nodes looked at for each character that is wanted: pages may hold any number of elements without text.
const NODES_OF_A_LETTER: usize = 8;
/// Longest heading kept: a longer one names no subsection.
const MAX_HEADING: usize = 500;
/// Headings of one page that are looked at.
const MAX_HEADINGS: usize = 2_000;

/// Text of an element with line ends where blocks and `<br>` end, cut at `cap` characters.
pub(crate) fn inner(page: &Page, top: NodeId, cap: usize) -> String {
    let mut text = String::new();
    let mut block = None;
    let mut at = Some(top);
    let mut left = cap * NODES_OF_A_LETTER;
    while let Some(id) = at
        && left > 0
    {
        left -= 1;
        let silent = page.is(id, SILENT);
        if let Some(own) = page.own_text(id) {
            let around = page.block(id);
            if around != block && !own.trim().is_empty() {
                push_break(&mut text);
                block = around;
            }
            text.extend(own.chars().take(cap * 4));
            if text.len() > cap * 2 && text.chars().count() > cap {
                break;
            }
        } else if page.is(id, &["br", "hr"]) {
            push_break(&mut text);
        }
        at = page.after(top, id, !silent);
    }
    tidy(&text, cap)
}

/// Source line ends are blanks; only our own breaks stay. `\u{1}` cannot come out of the parser's text.
fn push_break(text: &mut String) {
    text.push('\u{1}');
}

fn tidy(text: &str, cap: usize) -> String {
    let lines: Vec<String> = text.split('\u{1}').map(flat).filter(|line| !line.is_empty()).collect();
    lines.join("\n").chars().take(cap).collect()
}

/// One line of the main content.
#[derive(Debug)]
pub(crate) struct Line {
    /// The text, single blanks.
    pub(crate) text: String,
    /// The block it stands in.
    pub(crate) block: NodeId,
    /// True for headings and for lines that are bold from end to end.
    pub(crate) heading: bool,
    /// True when the whole line is one link.
    pub(crate) linked: bool,
    /// Line of the source.
    pub(crate) number: u32,
}

/// The main content as lines in document order, and where each element of it stands.
#[derive(Debug)]
pub(crate) struct Content {
    /// Lines with text.
    pub(crate) lines: Vec<Line>,
    /// Links with an address, each with the line of the heading above it.
    pub(crate) links: Vec<(NodeId, Option<usize>)>,
    /// Title of the document and headings of the whole page, menus included.
    pub(crate) titles: Vec<String>,
}

impl Content {
    /// Reads the main content of a page: menus, footers and side columns are left out.
    pub(crate) fn of(page: &Page) -> Self {
        let mut content = Self::below(page, main_element(page), true);
        if content.lines.is_empty() {
            content = Self::below(page, Page::ROOT, false);
        }
        content.titles = page
            .all(Page::ROOT, HEADINGS)
            .take(MAX_HEADINGS)
            .chain(page.all(Page::ROOT, &["title"]).take(1))
            .map(|id| title_text(page, id))
            .filter(|title| !title.is_empty())
            .collect();
        content
    }

    fn below(page: &Page, top: NodeId, skip: bool) -> Self {
        let mut content = Self {
            lines: Vec::new(),
            links: Vec::new(),
            titles: Vec::new(),
        };
        let mut open = Open::default();
        let mut at = Some(top);
        while let Some(id) = at {
            let enter = !(page.is(id, SILENT) || skip && id != top && is_aside(page, id));
            if let Some(own) = page.own_text(id) {
                let block = page.block(id).unwrap_or(top);
                if !own.trim().is_empty() && open.block != Some(block) {
                    open.close(page, &mut content.lines);
                    open.block = Some(block);
                    open.number = page.line(id);
                }
                open.add(page, id, own);
            } else if page.is(id, &["br", "hr"]) {
                open.close(page, &mut content.lines);
            } else if enter && page.is(id, &["a"]) && page.attr(id, "href").is_some() {
                if page.block(id) != open.block {
                    open.close(page, &mut content.lines);
                }
                content.links.push((id, open.heading));
            }
            at = page.after(top, id, enter);
        }
        open.close(page, &mut content.lines);
        content
    }

    /// All lines as one text, cut at `cap` characters.
    pub(crate) fn text(&self, cap: usize) -> String {
        let mut text = String::new();
        for line in &self.lines {
            if text.len() > cap * 2 {
                break;
            }
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }
}

/// The line that is being gathered.
#[derive(Debug, Default)]
struct Open {
    text: String,
    block: Option<NodeId>,
    number: u32,
    plain: bool,
    unlinked: bool,
    /// The last heading among the closed lines.
    heading: Option<usize>,
}

impl Open {
    fn add(&mut self, page: &Page, id: NodeId, own: &str) {
        if self.text.len() > MAX_TEXT * 2 {
            return;
        }
        if !own.trim().is_empty() {
            let around = |tags: &[&str]| {
                page.ancestors(id)
                    .take_while(|id| Some(*id) != self.block)
                    .any(|id| page.is(id, tags))
            };
            self.plain |= !around(&["b", "strong"]);
            self.unlinked |= !around(&["a"]);
            if self.text.trim().is_empty() {
                self.number = page.line(id);
            }
        }
        self.text.extend(own.chars().take(MAX_TEXT * 2));
    }

    fn close(&mut self, page: &Page, lines: &mut Vec<Line>) {
        let text = flat(&self.text);
        if let Some(block) = self.block.filter(|_| !text.is_empty()) {
            let heading =
                page.is(block, HEADINGS) || !self.plain && !page.is(block, &["td", "li"]) && !text.ends_with(':');
            if heading {
                self.heading = Some(lines.len());
            }
            lines.push(Line {
                text,
                block,
                heading,
                linked: !self.unlinked,
                number: self.number,
            });
        }
        self.text.clear();
        (self.plain, self.unlinked) = (false, false);
    }
}

fn title_text(page: &Page, id: NodeId) -> String {
    if page.is(id, &["title"]) {
        // The title stands in the silent head.
        let text = page
            .children(id)
            .filter_map(|child| page.own_text(child))
            .collect::<String>();
        return flat(&text).chars().take(MAX_HEADING).collect();
    }
    flat(&inner(page, id, MAX_HEADING))
}

fn main_element(page: &Page) -> NodeId {
    let letters = |id: &NodeId| {
        inner(page, *id, 200)
            .chars()
            .filter(|letter| letter.is_alphabetic())
            .count()
    };
    let by_tag = page
        .all(Page::ROOT, &["main"])
        .chain(page.all(Page::ROOT, &["article"]))
        .take(2);
    let by_id = page
        .inside(Page::ROOT)
        .filter(|id| {
            page.attr(*id, "id")
                .is_some_and(|name| matches!(name, "content" | "main" | "main-content"))
        })
        .take(2);
    by_tag
        .chain(by_id)
        .find(|id| letters(id) >= 20)
        .or_else(|| page.all(Page::ROOT, &["body"]).next())
        .unwrap_or(Page::ROOT)
}

fn is_aside(page: &Page, id: NodeId) -> bool {
    const WORDS: &[&str] = &[
        "nav",
        "navbar",
        "menu",
        "footer",
        "sidebar",
        "breadcrumb",
        "breadcrumbs",
        "leftmenu",
        "topmenu",
        "mainmenu",
    ];
    if page.is(id, &["nav", "footer", "aside", "header"]) {
        return true;
    }
    if page.is(id, &["body", "table", "tr", "td", "tbody"]) {
        return false;
    }
    ["class", "id"]
        .iter()
        .filter_map(|name| page.attr(id, name))
        .any(|value| {
            value.split_whitespace().any(|word| {
                WORDS.contains(&fold(word).as_str()) || word.starts_with("menu-") || word.starts_with("footer-")
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_breaks_end_lines_and_source_line_ends_do_not() {
        let page = Page::parse("<td>раз\n два<br>три<p>четыре</p><script>x</script></td>").expect("small");
        assert_eq!(inner(&page, Page::ROOT, 100), "раз два\nтри\nчетыре");
    }

    #[test]
    fn neither_one_long_text_nor_elements_without_text_hold_the_reading() {
        let page = Page::parse(&format!("<td>{}</td>", "а".repeat(100_000))).expect("small");
        assert_eq!(inner(&page, Page::ROOT, 100).chars().count(), 100);
        assert!(Content::of(&page).lines[0].text.chars().count() <= MAX_TEXT * 2);
        let page = Page::parse(&format!("<td>а{}б</td>", "<br>".repeat(10_000))).expect("small");
        assert_eq!(inner(&page, Page::ROOT, 100), "а");
    }

    #[test]
    fn menus_and_footers_are_no_content() {
        let page = Page::parse(
            "<nav>Документы</nav><div class='menu'>Образование</div><p><b>Отчёты за 2025 год</b></p>\
             <ul><li><a href=a.pdf>Отчёт</a></li></ul><footer>тел. 1</footer>",
        )
        .expect("small");
        let content = Content::of(&page);
        let texts: Vec<_> = content
            .lines
            .iter()
            .map(|line| (line.text.as_str(), line.heading))
            .collect();
        assert_eq!(texts, [("Отчёты за 2025 год", true), ("Отчёт", false)]);
        assert_eq!(content.links[0].1, Some(0));
        assert!(content.lines[1].linked);
    }
}
