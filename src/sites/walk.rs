//! A walk over one site: which address to ask for next. The driver keeps pace and politeness; here are only order and limits.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use url::Url;

use super::gather::{Found, Gather};
use super::plan::{Leads, candidates, same_site};
use super::section::Section;
use crate::domain::fact::Fact;
use crate::domain::place::Place;
use crate::domain::unit::UnitRef;
use crate::domain::vocabulary::FactState;
use crate::message::Problem;

/// Requests of one walk: fourteen subsections with a few wrong guesses each.
const MAX_REQUESTS: usize = 60;
/// Guesses for one subsection.
const MAX_GUESSES: usize = 6;
/// So many silent answers in a row end the walk: the site is down, and what is left is unknown.
const MAX_SILENT: usize = 3;

/// An address to ask for (запрос).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The address.
    pub url: String,
    /// What is expected there.
    pub wanted: Wanted,
}

/// What a page is asked for (ожидаемая страница).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The home page: only its links and what it says of the site.
    Home,
    /// A subsection.
    Subsection(Section),
    /// A page that a subsection names as its part.
    Part(Section),
}

impl Wanted {
    /// The subsection; nothing for the home page.
    #[must_use]
    pub const fn section(self) -> Option<Section> {
        match self {
            Self::Home => None,
            Self::Subsection(section) | Self::Part(section) => Some(section),
        }
    }
}

/// What came back (исход запроса).
#[derive(Debug)]
pub enum Outcome {
    /// A page.
    Page(Leads),
    /// The server says that there is no such page, or it is not a page.
    NotThere,
    /// The site answers, but what it holds there may not or cannot be read.
    Unclear,
    /// A guard: nothing more is asked of this site in this walk.
    Blocked,
    /// No answer.
    Silent,
}

/// State of a walk over one site (обход сайта).
#[derive(Debug)]
pub struct Walk {
    base: Url,
    home: bool,
    open: VecDeque<Section>,
    links: Vec<(Section, Url)>,
    tried: BTreeSet<Url>,
    guesses: BTreeMap<Section, usize>,
    found: BTreeSet<Section>,
    unclear: BTreeSet<Section>,
    parts: VecDeque<(Section, Url)>,
    waiting: Option<Wanted>,
    asked: usize,
    silent: usize,
    stopped: bool,
}

impl Walk {
    /// Starts at the address of a site, for these subsections.
    ///
    /// # Errors
    /// When the address is no http address (`MSK-SITE-17`).
    pub fn new(base: &str, sections: &[Section]) -> Result<Self, Problem> {
        let refused = || Problem::new("MSK-SITE-17").arg("url", base);
        let mut url = Url::parse(base).map_err(|_| refused())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused());
        }
        url.set_fragment(None);
        if !url.path().ends_with('/') && !url.path().contains('.') {
            // Known paths are joined to it; without the slash the last part would be lost.
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self {
            base: url,
            home: false,
            open: sections.iter().copied().collect(),
            links: Vec::new(),
            tried: BTreeSet::new(),
            guesses: BTreeMap::new(),
            found: BTreeSet::new(),
            unclear: BTreeSet::new(),
            parts: VecDeque::new(),
            waiting: None,
            asked: 0,
            silent: 0,
            stopped: false,
        })
    }

    /// The next address, or nothing when the walk is over. Ask for it, then call [`Walk::got`].
    #[expect(
        clippy::should_implement_trait,
        reason = "every step needs the outcome of the one before"
    )]
    pub fn next(&mut self) -> Option<Request> {
        if self.stopped || self.asked >= MAX_REQUESTS {
            return None;
        }
        if !self.home {
            self.home = true;
            return Some(self.ask(self.base.clone(), Wanted::Home));
        }
        while let Some((section, url)) = self.parts.pop_front() {
            if !self.tried.contains(&url) {
                return Some(self.ask(url, Wanted::Part(section)));
            }
        }
        while let Some(section) = self.open.front().copied() {
            let guesses = self.guesses.get(&section).copied().unwrap_or(0);
            let untried = candidates(section, &self.base, &self.links)
                .into_iter()
                .find(|url| !self.tried.contains(url));
            match untried.filter(|_| guesses < MAX_GUESSES) {
                Some(url) => {
                    self.guesses.insert(section, guesses + 1);
                    return Some(self.ask(url, Wanted::Subsection(section)));
                }
                None => {
                    self.open.pop_front();
                }
            }
        }
        None
    }

    fn ask(&mut self, url: Url, wanted: Wanted) -> Request {
        self.asked += 1;
        self.waiting = Some(wanted);
        self.tried.insert(url.clone());
        Request {
            url: url.into(),
            wanted,
        }
    }

    /// Takes the outcome of the last request. True when the page is the subsection it was asked for: then read it.
    pub fn got(&mut self, outcome: Outcome) -> bool {
        let Some(wanted) = self.waiting.take() else {
            return false;
        };
        match outcome {
            Outcome::Silent => {
                self.silent += 1;
                self.stopped |= self.silent >= MAX_SILENT;
                self.unread(wanted)
            }
            Outcome::Blocked => {
                self.stopped = true;
                self.unread(wanted)
            }
            Outcome::Unclear => {
                self.silent = 0;
                self.unread(wanted)
            }
            Outcome::NotThere => {
                self.silent = 0;
                false
            }
            Outcome::Page(leads) => {
                self.silent = 0;
                self.page(wanted, leads)
            }
        }
    }

    /// What could not be read must never turn into «nothing there»; the links of the home page lead to every subsection.
    fn unread(&mut self, wanted: Wanted) -> bool {
        match wanted.section() {
            Some(section) => self.unclear.extend([section]),
            None => self.unclear.extend(&self.open),
        }
        false
    }

    fn page(&mut self, wanted: Wanted, leads: Leads) -> bool {
        if !same_site(&self.base, &leads.url) {
            // The site has moved: what stands elsewhere is not known to be of this school.
            return self.unread(wanted);
        }
        if wanted == Wanted::Home {
            // The site may answer under another scheme or with www; known paths go there.
            if leads.url.path() == self.base.path() {
                self.base = leads.url.clone();
            }
        } else if leads.url == self.base {
            // A redirect to the home page is no subsection.
            return false;
        }
        self.tried.insert(leads.url);
        for link in leads.links {
            if self.links.len() < 500 && !self.links.contains(&link) {
                self.links.push(link);
            }
        }
        let Some(section) = wanted.section().filter(|_| leads.confirmed) else {
            return false;
        };
        self.found.insert(section);
        self.unclear.remove(&section);
        self.open.retain(|open| *open != section);
        if wanted == Wanted::Subsection(section) {
            let own = leads.parts.into_iter().filter(|part| same_site(&self.base, part));
            self.parts.extend(own.map(|part| (section, part)));
        }
        true
    }

    /// True when a guard or silence ended the walk: what was not seen is unknown, not missing.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Facts of the walk as a whole; `filled` are the subsections whose state is `filled`.
    #[must_use]
    pub fn facts(&self, sections: &[Section], filled: usize, unit: &Arc<UnitRef>) -> Vec<Fact> {
        let mut gather = Gather::new(unit, self.base.as_str());
        let place = || Place::path("обход сайта");
        let mandatory = |section: &&Section| **section != Section::Standards;
        let unread = |section: &Section| {
            !self.found.contains(section)
                && (self.stopped || self.unclear.contains(section) || self.asked >= MAX_REQUESTS)
        };
        if self.stopped || sections.iter().filter(mandatory).any(unread) {
            for code in [
                "site_sveden_subsections_present_count",
                "site_sveden_subsections_filled_count",
            ] {
                gather.state(code, FactState::Unknown, Found::Answer, place());
            }
        } else {
            let present = self.found.iter().filter(mandatory).count();
            gather.count("site_sveden_subsections_present_count", present, Found::Answer, place());
            gather.count("site_sveden_subsections_filled_count", filled, Found::Answer, place());
        }
        let mut facts = gather.facts;
        for section in sections.iter().filter(|section| !self.found.contains(section)) {
            let address = candidates(*section, &self.base, &self.links).into_iter().next();
            let url = address.map_or_else(|| self.base.to_string(), String::from);
            let mut gather = Gather::new(unit, &url);
            if unread(section) {
                gather.state("subsection_content_state", FactState::Unknown, Found::Answer, place());
            } else {
                gather.word("subsection_content_state", "not_found", Found::Answer, place());
            }
            facts.append(&mut gather.facts);
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::FactValue;
    use crate::sites::{Answer, read_answer};

    fn answered(request: &Request, url: &str, text: &str) -> Outcome {
        let answer = Answer {
            status: 200,
            headers: &[],
            body: text.as_bytes(),
        };
        read_answer(request.wanted, &answer, url, &Arc::new(UnitRef::default())).outcome
    }

    /// Walks over an invented site: address → text.
    fn walk(pages: &[(&str, &str)], sections: &[Section]) -> (Vec<String>, Vec<Section>, Walk) {
        let mut walk = Walk::new("https://school.example", sections).expect("an address");
        let (mut asked, mut found) = (Vec::new(), Vec::new());
        while let Some(request) = walk.next() {
            asked.push(request.url.clone());
            let page = pages.iter().find(|(url, _)| *url == request.url);
            let outcome = page.map_or(Outcome::NotThere, |(url, text)| answered(&request, url, text));
            if walk.got(outcome) {
                found.extend(request.wanted.section());
            }
        }
        (asked, found, walk)
    }

    #[test]
    fn links_of_the_home_page_come_before_known_paths() {
        let (asked, found, _) = walk(
            &[
                (
                    "https://school.example/",
                    "<a href='/index/0-70'>Основные сведения</a><a href='https://other.example/'>Документы</a>",
                ),
                ("https://school.example/index/0-70", "<h1>Основные сведения</h1>"),
                (
                    "https://school.example/sveden/document",
                    "<h1>Документы</h1><a itemprop=addRef href='more'>ещё</a>",
                ),
                ("https://school.example/sveden/more", "<p>Устав</p>"),
            ],
            &[Section::Common, Section::Document],
        );
        assert_eq!(
            asked,
            [
                "https://school.example/",
                "https://school.example/index/0-70",
                "https://school.example/sveden/document",
                "https://school.example/sveden/more",
            ]
        );
        assert_eq!(found, [Section::Common, Section::Document, Section::Document]);
    }

    #[test]
    fn a_subsection_nowhere_is_not_found_after_a_few_guesses() {
        let (asked, found, walk) = walk(&[("https://school.example/", "<p>Школа</p>")], &[Section::Document]);
        assert_eq!((asked.len(), found.len()), (1 + MAX_GUESSES, 0));
        let facts = walk.facts(&[Section::Document], 0, &Arc::new(UnitRef::default()));
        let state = facts
            .iter()
            .find(|fact| fact.code == "subsection_content_state")
            .expect("a state");
        assert_eq!(state.value, Some(FactValue::Text("not_found".to_owned())));
    }

    #[test]
    fn a_guard_ends_the_walk_and_makes_the_rest_unknown() {
        let mut walk = Walk::new("http://school.example/", &[Section::Common]).expect("an address");
        walk.next().expect("the home page");
        assert!(!walk.got(Outcome::Blocked));
        assert_eq!(walk.next(), None);
        let facts = walk.facts(&[Section::Common], 0, &Arc::new(UnitRef::default()));
        assert!(
            facts.iter().all(|fact| fact.state == Some(FactState::Unknown)),
            "{facts:?}"
        );
    }

    #[test]
    fn what_could_not_be_read_is_unknown_and_never_not_found() {
        let long = format!("<h1>Документы</h1>{}", "<div>".repeat(2_000));
        let login = "<form>Вход <input type='password'></form>";
        let works = "<h1>На сайте ведутся технические работы</h1>";
        let home = "https://school.example/";
        for (home_url, home_text, text) in [
            (home, "<p>Школа</p>", long.as_str()),
            (home, "<p>Школа</p>", login),
            (home, "<p>Школа</p>", works),
            (home, works, "<p>Новости</p>"),
            ("https://moved.example/", "<p>Школа</p>", "<p>Новости</p>"),
        ] {
            let mut walk = Walk::new(home, &[Section::Document]).expect("an address");
            while let Some(request) = walk.next() {
                let outcome = match request.wanted {
                    Wanted::Home => answered(&request, home_url, home_text),
                    _ => answered(&request, &request.url, text),
                };
                assert!(!walk.got(outcome));
            }
            assert!(!walk.is_stopped());
            let facts = walk.facts(&[Section::Document], 0, &Arc::new(UnitRef::default()));
            assert_eq!(facts.len(), 3);
            assert!(
                facts.iter().all(|fact| fact.state == Some(FactState::Unknown)),
                "{home_text} {text}: {facts:?}"
            );
        }
    }

    #[test]
    fn a_part_is_read_although_it_has_no_heading() {
        let answer = Answer {
            status: 200,
            headers: &[],
            body: "<p><a href=u.pdf>Устав школы</a></p>".as_bytes(),
        };
        let unit = Arc::new(UnitRef::default());
        let charter = |wanted| {
            let reading = read_answer(wanted, &answer, "https://school.example/more", &unit);
            reading
                .facts
                .iter()
                .any(|fact| fact.code == "doc_charter_present" && fact.value == Some(FactValue::Bool(true)))
        };
        assert!(charter(Wanted::Part(Section::Document)));
        assert!(!charter(Wanted::Subsection(Section::Document)));
    }

    #[test]
    fn a_page_that_is_another_one_is_not_taken_for_the_subsection() {
        let home = "<h1>Школа № 5</h1><p>Новости</p>";
        let (_, found, _) = walk(
            &[
                ("https://school.example/", home),
                ("https://school.example/sveden/vacant", home),
            ],
            &[Section::Vacant],
        );
        assert_eq!(found, []);
    }

    #[test]
    fn silence_three_times_in_a_row_ends_the_walk() {
        let mut walk = Walk::new("http://school.example/", Section::ALL).expect("an address");
        let mut asked = 0;
        while walk.next().is_some() {
            asked += 1;
            walk.got(Outcome::Silent);
        }
        assert_eq!(asked, MAX_SILENT);
        assert!(walk.is_stopped());
        assert!(Walk::new("ftp://school.example/", &[]).is_err());
    }
}
