//! Which addresses may hold a subsection, and whether a page is the one it was asked for.

use url::Url;

use super::link::resolve;
use super::marks::Marks;
use super::section::Section;
use super::text::{Content, inner};
use super::tree::Page;
use super::words::flat;

/// Links of one page that are compared with titles.
const MAX_LINKS: usize = 2_000;
/// Longest text of a link or a line that can be a title.
const MAX_TITLE: usize = 200;

/// Names of marks that belong to one subsection only.
const OWN: &[(Section, &[&str])] = &[
    (
        Section::Common,
        &["regdate", "uchredlaw", "worktime", "fullname", "osnovsveden"],
    ),
    (Section::Struct, &["structorguprav"]),
    (
        Section::Document,
        &[
            "ustavdoclink",
            "localactstud",
            "localactorder",
            "reportedudoclink",
            "priemdoclink",
            "modedoclink",
            "tekkontroldoclink",
        ],
    ),
    (
        Section::Education,
        &[
            "eduaccred",
            "eduop",
            "educhislen",
            "educhislenel",
            "languageel",
            "eduperevod",
        ],
    ),
    (Section::Standards, &["edufeddoc"]),
    (Section::Managers, &["rucovodstvo"]),
    (Section::Employees, &["teachingstaff"]),
    (
        Section::Objects,
        &["purposecab", "purposelibr", "purposesport", "comnet"],
    ),
    (Section::Grants, &["grant", "support", "hostelinfo"]),
    (Section::Paid, &["paidedu", "paiddog", "paidst"]),
    (
        Section::Budget,
        &["finplandoclink", "volume", "finbmvolume", "planfinrec"],
    ),
    (Section::Vacant, &["vacant", "numberbmvacant", "numberbfvacant"]),
    (Section::Inter, &["internationaldog"]),
    (Section::Catering, &["meals"]),
];

/// What a page tells a walk (наводки): where other pages are and whether it is the one that was wanted.
#[derive(Debug)]
pub struct Leads {
    /// The address after redirects.
    pub(super) url: Url,
    /// Links that name subsections.
    pub(super) links: Vec<(Section, Url)>,
    /// Pages that a split subsection names.
    pub(super) parts: Vec<Url>,
    /// The page is the subsection that was wanted.
    pub(super) confirmed: bool,
}

impl Leads {
    pub(super) fn of(page: &Page, url: Url, confirmed: bool) -> Self {
        Self {
            links: named_links(page, &url),
            parts: parts(page, &url),
            url,
            confirmed,
        }
    }
}

/// True when a heading, the title or a line names the subsection, or a mark of its own is there.
pub(super) fn is_confirmed(section: Section, content: &Content, marks: &Marks<'_>) -> bool {
    let by_title = content.titles.iter().any(|title| {
        title.chars().count() <= MAX_TITLE * 2
            && title.split(['|', '—', '/', '«']).any(|part| section.is_named_by(part))
    });
    let by_line = || {
        content
            .lines
            .iter()
            .any(|line| !line.linked && line.text.chars().count() <= MAX_TITLE && section.is_named_by(&line.text))
    };
    let by_mark = || {
        OWN.iter()
            .filter(|(known, _)| *known == section)
            .any(|(_, names)| names.iter().any(|name| marks.has(name)))
    };
    by_title || by_mark() || by_line()
}

/// Links of a page that name subsections, in document order.
fn named_links(page: &Page, base: &Url) -> Vec<(Section, Url)> {
    let mut found = Vec::new();
    for link in page.all(Page::ROOT, &["a"]).take(MAX_LINKS) {
        let text = flat(&inner(page, link, MAX_TITLE));
        let Some(url) = page.attr(link, "href").and_then(|href| resolve(base, href)) else {
            continue;
        };
        let named = Section::ALL
            .iter()
            .copied()
            .filter(|section| section.is_named_by(&text));
        found.extend(named.map(|section| (section, url.clone())));
    }
    found
}

/// Pages that a split subsection names by `addRef`, at most ten (order No. 1493 expects about as many).
fn parts(page: &Page, base: &Url) -> Vec<Url> {
    page.inside(Page::ROOT)
        .filter(|id| {
            page.attr(*id, "itemprop")
                .is_some_and(|name| name.trim().eq_ignore_ascii_case("addref"))
        })
        .filter_map(|id| page.attr(id, "href").and_then(|href| resolve(base, href)))
        .take(10)
        .collect()
}

/// Addresses of a subsection on a site, likeliest first: links of its pages, then known paths.
pub(super) fn candidates(section: Section, base: &Url, links: &[(Section, Url)]) -> Vec<Url> {
    let named = links
        .iter()
        .filter(|(known, _)| *known == section)
        .map(|(_, url)| url.clone());
    let known = section.addresses().into_iter().filter_map(|path| base.join(&path).ok());
    let mut found: Vec<Url> = Vec::new();
    for url in named.chain(known) {
        if same_site(base, &url) && !found.contains(&url) {
            found.push(url);
        }
    }
    found
}

/// The same host, with or without `www.`: a link to another school or to the ministry is not ours.
pub(super) fn same_site(one: &Url, other: &Url) -> bool {
    fn host(url: &Url) -> Option<&str> {
        url.host_str().map(|host| host.strip_prefix("www.").unwrap_or(host))
    }
    host(one).is_some() && host(one) == host(other) && one.port_or_known_default() == other.port_or_known_default()
        || host(one).is_some() && host(one) == host(other) && one.port().is_none() && other.port().is_none()
}
