//! Links of a page to documents: address, kind of file, title.

use url::Url;

use super::marks::{Mark, Marks, key};
use super::names::{Holds, holds};
use super::text::{Content, inner};
use super::tree::{NodeId, Page};
use super::words::{flat, fold};

/// Most links of one page that are looked at.
const MAX_LINKS: usize = 5_000;
/// Longest title or heading of a link, in characters.
const MAX_TITLE: usize = 400;
/// Longest address that is resolved.
const MAX_HREF: usize = 2_000;
const EXTENSIONS: &[&str] = &[
    "pdf", "doc", "docx", "xls", "xlsx", "rtf", "odt", "ods", "jpg", "jpeg", "png", "zip", "rar", "7z", "sig",
];

/// A link that leads to a document.
#[derive(Debug)]
pub(crate) struct DocumentLink {
    /// Names of the mark around it, as written, when it holds a document; one file may serve two.
    pub(crate) marks: Vec<String>,
    /// Title: link text, else text around, else heading, else file name.
    pub(crate) title: String,
    /// The heading above.
    pub(crate) heading: String,
    /// Name of the file.
    pub(crate) file: String,
    /// Line of the source.
    pub(crate) line: u32,
}

/// Resolves an address of the page; a broken one gives nothing. Backslashes, blanks and Cyrillic are mended by the url standard.
pub(crate) fn resolve(base: &Url, href: &str) -> Option<Url> {
    let href = href.trim();
    if href.is_empty()
        || href.starts_with('#')
        || href.chars().all(|letter| matches!(letter, '?' | '!' | '-'))
        || href.starts_with("!!!")
        || href.len() > MAX_HREF
    {
        return None;
    }
    let mut url = base.join(href).ok()?;
    url.set_fragment(None);
    let mut itself = base.clone();
    itself.set_fragment(None);
    (matches!(url.scheme(), "http" | "https") && url != itself).then_some(url)
}

/// True when the address ends like a file or is a document page of a known engine.
pub(crate) fn is_document(url: &Url) -> bool {
    let path = url.path();
    extension(path).is_some()
        || path.ends_with("/file/card")
        || path.contains("/netcat_files/")
        || path.contains("/dokumenty/dokumenty-all")
}

fn extension(path: &str) -> Option<&'static str> {
    let (_, found) = path.rsplit_once('.')?;
    EXTENSIONS
        .iter()
        .copied()
        .find(|known| known.eq_ignore_ascii_case(found))
}

/// Every link of the main content to a document, in document order.
pub(crate) fn documents(page: &Page, content: &Content, marks: &Marks<'_>, base: &Url) -> Vec<DocumentLink> {
    let mut found = Vec::new();
    for (node, heading) in content.links.iter().take(MAX_LINKS) {
        let names = marks_of(page, marks, *node);
        let Some(url) = page.attr(*node, "href").and_then(|href| resolve(base, href)) else {
            continue;
        };
        // A register entry or a page of the school is a document when the mark says so.
        if names.is_empty() && !is_document(&url) || extension(url.path()) == Some("sig") {
            continue;
        }
        let file = url
            .path_segments()
            .and_then(|mut parts| parts.next_back())
            .unwrap_or_default()
            .to_owned();
        let heading = heading.map_or_else(String::new, |at| {
            content.lines[at].text.chars().take(MAX_TITLE).collect()
        });
        found.push(DocumentLink {
            marks: names,
            title: title_of(page, *node, &heading, &file),
            heading,
            file,
            line: page.line(*node),
        });
    }
    found
}

fn marks_of(page: &Page, marks: &Marks<'_>, node: NodeId) -> Vec<String> {
    let around = std::iter::once(node).chain(page.ancestors(node));
    let holding = |mark: &&Mark| mark.names.iter().any(|name| holds(&key(name)) == Holds::Document);
    around
        .chain(page.inside(node).take(20))
        .filter_map(|id| marks.at(id))
        .find(holding)
        .map(|mark| mark.names.clone())
        .unwrap_or_default()
}

fn title_of(page: &Page, node: NodeId, heading: &str, file: &str) -> String {
    let own = flat(&inner(page, node, MAX_TITLE));
    if !is_generic(&own) {
        return own;
    }
    let around = page
        .ancestors(node)
        .take(4)
        .find(|id| page.is(*id, &["li", "tr", "p", "dd", "td"]));
    let row = page.ancestors(node).take(6).find(|id| page.is(*id, &["tr"]));
    [around, row.filter(|row| Some(*row) != around)]
        .into_iter()
        .flatten()
        .map(|id| {
            let text = inner(page, id, MAX_TITLE);
            // A link without text, often a picture, takes nothing away.
            if own.is_empty() {
                flat(&text)
            } else {
                flat(&text.replace(&own, " "))
            }
        })
        .chain(std::iter::once(heading.to_owned()))
        .find(|text| !is_generic(text))
        .unwrap_or_else(|| file.to_owned())
}

fn is_generic(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "открыть",
        "скачать",
        "просмотр",
        "посмотреть",
        "смотреть",
        "ссылка",
        "здесь",
        "подробнее",
        "файл",
        "документ",
        "загрузить",
        "перейти",
        "pdf",
        "doc",
        "docx",
        "xls",
        "xlsx",
        "эп",
        "эцп",
    ];
    let text = fold(text);
    let bare = text.trim_matches(|letter: char| !letter.is_alphanumeric());
    bare.chars().filter(|letter| letter.is_alphabetic()).count() < 3
        || WORDS.contains(&bare)
        || bare
            .strip_suffix("страница")
            .is_some_and(|rest| rest.trim().chars().all(|letter| letter.is_ascii_digit()))
        || WORDS.iter().any(|word| {
            bare.strip_prefix(word)
                .is_some_and(|rest| rest.len() < 14 && rest.starts_with([' ', '(', ',']))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(html: &str) -> Vec<String> {
        let page = Page::parse(html).expect("small");
        let base = Url::parse("https://school.example/sveden/document").expect("an address");
        let content = Content::of(&page);
        documents(&page, &content, &Marks::of(&page), &base)
            .into_iter()
            .map(|link| link.title)
            .collect()
    }

    #[test]
    fn a_title_is_looked_for_around_a_link_that_says_open() {
        assert_eq!(
            titles("<ul><li>Устав школы <a href=u.pdf>Скачать</a></ul>"),
            ["Устав школы"]
        );
        assert_eq!(
            titles("<table><tr><td>Устав<td><a href='u 1.PDF'>Открыть</a></table>"),
            ["Устав"]
        );
        assert_eq!(
            titles("<h3>Устав</h3><div><a href=u.pdf>1 страница</a></div>"),
            ["Устав"]
        );
        assert_eq!(titles("<div><a href=polog_pou_22.pdf></a></div>"), ["polog_pou_22.pdf"]);
        assert_eq!(
            titles("<ul><li>Устав <a href=u.pdf><img src=i.png></a></ul>"),
            ["Устав"]
        );
    }

    #[test]
    fn a_long_heading_is_not_copied_whole_into_every_link() {
        let page = Page::parse(&format!(
            "<h2>{}</h2>{}",
            "Документы ".repeat(20_000),
            "<a href=a.pdf>1</a>".repeat(500)
        ))
        .expect("small");
        let base = Url::parse("https://school.example/sveden/document").expect("an address");
        let content = Content::of(&page);
        let links = documents(&page, &content, &Marks::of(&page), &base);
        assert_eq!(links.len(), 500);
        for link in links {
            assert!(link.heading.chars().count() <= MAX_TITLE && link.title.chars().count() <= MAX_TITLE);
        }
    }

    #[test]
    fn broken_links_are_no_documents() {
        for href in [
            "#",
            "",
            "??",
            "javascript:void(0)",
            "!!!fix me plz!!!",
            "mailto:a@b.example",
            "/sveden/document",
        ] {
            assert_eq!(
                titles(&format!("<a href='{href}'>Устав.pdf</a>")),
                Vec::<String>::new(),
                "{href}"
            );
        }
    }
}
