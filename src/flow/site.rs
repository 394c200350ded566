//! Sites of the register: home page → subsections → facts → load, one walk a site.
//!
//! What is kept of a site is the facts read and the hash of each page, not the pages: they carry names of staff and,
//! by mistake, of pupils (data protection, rule on pages).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::context::{Context, Stop, stopped};
use super::delivery::http_options;
use super::preview::preview_lines;
use super::read::ReadSummary;
use crate::config::Source;
use crate::domain::fact::{Fact, FactValue};
use crate::domain::observation::Batch;
use crate::domain::place::Place;
use crate::domain::unit::{Unit, UnitRef};
use crate::domain::vocabulary::{AliasSystem, FactState};
use crate::fetch::{Fetched, Fetcher, HttpOptions, Outcome, Request, Validators};
use crate::manifest::{Connector, Decode};
use crate::message::{Problem, Problems};
use crate::sites::{self, Answer, Reading, Section, Walk, Wanted};
use crate::snapshot;
use crate::warehouse::load::{HALF, LoadSummary, NewRun, NewSnapshot};
use crate::warehouse::sources::Validators as Remembered;

/// Sites walked side by side; each of them sees one request at a time all the same.
const SIDE_BY_SIDE: usize = 8;

/// What a walk over one site gave.
pub struct Walked {
    /// Whose site it is, as people call it.
    pub title: String,
    /// The counts, when something was loaded.
    pub summary: Option<LoadSummary>,
    /// Why the site gave nothing.
    pub failed: Option<Problem>,
    /// What deserves attention.
    pub warnings: Problems,
}

/// A site to walk.
struct Site {
    unit: Unit,
    base: String,
}

/// Walks the sites of all organisations of the register.
///
/// # Errors
/// When the options of the source cannot be used or the warehouse refuses.
pub async fn walk_all(
    context: &Arc<Context>,
    source: &Source,
    connector: &Connector,
    confirmed: bool,
    stop: &Stop,
) -> Result<Vec<Walked>, Problem> {
    let sections = sections_of(connector);
    let fetcher = Arc::new(Fetcher::new(
        http_options(&context.config, source, HttpOptions::pages)?,
        context.traffic.clone(),
    )?);
    let known = Arc::new(context.warehouse.validators(&source.id).await?);
    let register = context.warehouse.register().await?;
    let mut sites = register
        .units()
        .iter()
        .filter_map(site_of)
        .collect::<Vec<_>>()
        .into_iter();
    let mut tasks = tokio::task::JoinSet::new();
    let mut walked = Vec::new();
    loop {
        while tasks.len() < SIDE_BY_SIDE
            && !stop.asked()
            && let Some(site) = sites.next()
        {
            let visit = Visit {
                context: Arc::clone(context),
                source: source.id.clone(),
                connector: connector.id.clone(),
                fetcher: Arc::clone(&fetcher),
                known: Arc::clone(&known),
                sections: sections.clone(),
                confirmed,
                stop: stop.clone(),
            };
            tasks.spawn(async move { visit.site(&site).await });
        }
        match tasks.join_next().await {
            Some(done) => walked.push(done.map_err(|error| Problem::new("MSK-BUG-01").arg("what", error))??),
            None => break,
        }
    }
    if stop.asked() {
        return Err(stopped());
    }
    walked.sort_by(|left, right| left.title.cmp(&right.title));
    // What this version does not read is the same on every site: once is enough.
    let mut said = BTreeSet::new();
    for one in &mut walked {
        one.warnings
            .retain(|problem| problem.code() != "MSK-SITE-12" || said.insert(problem.ru()));
    }
    Ok(walked)
}

/// The subsections a connector reads.
#[must_use]
pub fn sections_of(connector: &Connector) -> Vec<Section> {
    match &connector.decode {
        Decode::Site(site) => site.sections.iter().filter_map(|name| Section::parse(name)).collect(),
        _ => Vec::new(),
    }
}

fn site_of(unit: &Unit) -> Option<Site> {
    let address = unit.aliases.iter().find(|alias| alias.system == AliasSystem::Site)?;
    let base = if address.value.contains("://") {
        address.value.clone()
    } else {
        format!("https://{}", address.value)
    };
    Some(Site {
        unit: unit.clone(),
        base,
    })
}

/// One walk with everything it needs.
struct Visit {
    context: Arc<Context>,
    source: String,
    connector: String,
    fetcher: Arc<Fetcher>,
    known: Arc<HashMap<String, Remembered>>,
    sections: Vec<Section>,
    confirmed: bool,
    stop: Stop,
}

/// What was seen on the way.
#[derive(Default)]
struct Seen {
    facts: Vec<Fact>,
    warnings: Problems,
    pages: usize,
    filled: BTreeSet<Section>,
    hashes: Vec<String>,
    validators: Vec<(String, Remembered)>,
    first_problem: Option<Problem>,
}

impl Visit {
    /// Walks one site and loads what it says.
    async fn site(&self, site: &Site) -> Result<Walked, Problem> {
        let mut walked = Walked {
            title: site.unit.short_title.clone(),
            summary: None,
            failed: None,
            warnings: Vec::new(),
        };
        if self.nothing_changed(site).await {
            return Ok(walked);
        }
        let unit = Arc::new(UnitRef {
            id: Some(site.unit.id.clone()),
            name: Some(site.unit.short_title.clone()),
            site: Some(site.base.clone()),
            ..UnitRef::default()
        });
        let seen = match self.walk(site, &unit).await {
            Ok(seen) => seen,
            Err(problem) => {
                walked.failed = Some(problem);
                return Ok(walked);
            }
        };
        walked.warnings = seen.warnings;
        if seen.pages == 0 {
            walked.failed = seen
                .first_problem
                .or_else(|| Some(Problem::new("MSK-RUN-16").arg("url", &site.base)));
        }
        let validators = seen.validators;
        match self.load(site, seen.facts, &seen.hashes, seen.pages > 0).await {
            Ok(summary) => walked.summary = summary,
            Err(problem) if self.stop.asked() => return Err(problem),
            // Of one site; the others are walked all the same.
            Err(problem) => {
                walked.failed = Some(problem);
                return Ok(walked);
            }
        }
        if seen.pages > 0 {
            let now = self.context.clock.now();
            self.context
                .warehouse
                .remember_validators(&self.source, validators, now)
                .await?;
        }
        Ok(walked)
    }

    /// Asks again for the pages of the last walk; true when every one of them is as it was.
    async fn nothing_changed(&self, site: &Site) -> bool {
        let mut requests = Vec::new();
        for (url, known) in self.known.iter() {
            if url.starts_with(&site.base) {
                requests.push(Request {
                    url: url.clone(),
                    known: Validators {
                        etag: known.etag.clone(),
                        last_modified: known.last_modified.clone(),
                        hash: known.body_hash.clone(),
                    },
                });
            }
        }
        if requests.is_empty() {
            return false;
        }
        for request in requests {
            if !matches!(self.fetcher.page(&request).await, Ok(Outcome::NotModified { .. })) {
                return false;
            }
        }
        true
    }

    async fn walk(&self, site: &Site, unit: &Arc<UnitRef>) -> Result<Seen, Problem> {
        let mut walk = Walk::new(&site.base, &self.sections)?;
        let mut seen = Seen::default();
        while let Some(request) = walk.next() {
            if self.stop.asked() {
                return Err(stopped());
            }
            let wanted = request.wanted;
            match self.fetcher.page(&Request::new(&request.url)).await {
                Ok(Outcome::Fetched(page)) => {
                    let unit = Arc::clone(unit);
                    // A page may take seconds: never on a thread of the runtime.
                    let read = tokio::task::spawn_blocking(move || (read_fetched(wanted, &page, &unit), page));
                    let (reading, page) = read
                        .await
                        .map_err(|error| Problem::new("MSK-BUG-01").arg("what", error))?;
                    take(&mut walk, &mut seen, wanted, reading, *page);
                }
                Ok(Outcome::NotModified { .. }) => {
                    walk.got(sites::Outcome::NotThere);
                }
                Err(problem) => {
                    walk.got(outcome_of(&problem));
                    if wanted == Wanted::Home {
                        seen.facts.extend(about_failure(&problem, &request.url, unit));
                    }
                    seen.first_problem.get_or_insert(problem);
                }
            }
        }
        seen.facts.extend(walk.facts(&self.sections, seen.filled.len(), unit));
        seen.facts = sites::settle(seen.facts);
        Ok(seen)
    }

    async fn load(
        &self,
        site: &Site,
        facts: Vec<Fact>,
        hashes: &[String],
        readable: bool,
    ) -> Result<Option<LoadSummary>, Problem> {
        let warehouse = &self.context.warehouse;
        let now = self.context.clock.now();
        let batch = Batch {
            rows_read: facts.len() as u64,
            facts,
            ..Batch::default()
        };
        let host = site
            .base
            .split_once("://")
            .map_or(site.base.as_str(), |(_, rest)| rest)
            .trim_end_matches('/');
        let kept = snapshot::keep(
            &self.context.config.paths.snapshots(),
            lines(host, &batch, hashes).as_bytes(),
        )?;
        // A parent and its branch may share a site. A site that is away speaks of its absence in a series of its own
        // and never replaces what it said before.
        let mut series = format!("{}/{host}", site.unit.id.0);
        if !readable {
            series.push_str("/unreachable");
        }
        if warehouse
            .is_loaded(&self.source, &series, &kept.hash, &self.connector)
            .await?
        {
            return Ok(None);
        }
        let snapshot = NewSnapshot {
            hash: kept.hash,
            size: kept.size,
            source: self.source.clone(),
            connector: self.connector.clone(),
            file: series.clone(),
            address: Some(site.base.clone()),
            original_hash: Some(blake3::hash(hashes.join("\n").as_bytes()).to_hex().to_string()),
            ..NewSnapshot::default()
        };
        let run = NewRun {
            source: self.source.clone(),
            series,
            snapshot: warehouse.record_snapshot(snapshot, now).await?,
            manifest: self.connector.clone(),
            scope: None,
            least_of_previous: HALF,
            references: Vec::new(),
        };
        let mut run = warehouse.begin_run(run, now).await?;
        if let Err(problem) = warehouse.stage(&mut run, batch).await {
            warehouse.abandon(run, &problem, now).await?;
            return Err(problem);
        }
        warehouse.publish(run, self.confirmed, now).await.map(Some)
    }
}

fn read_fetched(wanted: Wanted, page: &Fetched<Vec<u8>>, unit: &Arc<UnitRef>) -> Reading {
    let answer = Answer {
        status: page.status,
        headers: &page.headers,
        body: &page.body,
    };
    sites::read_answer(wanted, &answer, &page.final_url, unit)
}

/// The part of an address that stays the same from day to day: a place names an outage, a session does not.
fn address(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Puts the address of the page in front of the place; what this version does not read holds for every page.
fn on_page(problem: Problem, url: &str) -> Problem {
    if problem.code() == "MSK-SITE-12" {
        return problem;
    }
    let place = problem
        .place()
        .map_or_else(|| url.to_owned(), |place| format!("{url}, {place}"));
    problem.at(place)
}

/// Takes what was read of one page into what was seen.
fn take(walk: &mut Walk, seen: &mut Seen, wanted: Wanted, reading: Reading, page: Fetched<Vec<u8>>) {
    seen.warnings.extend(page.tls_fault);
    let is_page = matches!(reading.outcome, sites::Outcome::Page(_));
    let confirmed = walk.got(reading.outcome);
    if confirmed {
        let filled = |fact: &Fact| {
            fact.code == "subsection_content_state" && fact.value == Some(FactValue::Text("filled".to_owned()))
        };
        if reading.facts.iter().any(filled) {
            seen.filled.extend(wanted.section());
        }
        seen.facts.extend(reading.facts);
        let told = reading.problems.into_iter().chain(reading.notes);
        seen.warnings
            .extend(told.map(|problem| on_page(problem, &page.final_url)));
        seen.pages += 1;
    } else {
        // What is no subsection speaks of the site alone; the states of subsections come with the end of the walk.
        seen.facts
            .extend(reading.facts.into_iter().filter(|fact| fact.code.starts_with("site_")));
        if !is_page && seen.first_problem.is_none() {
            seen.first_problem = reading.refused.map(|problem| problem.at(address(&page.final_url)));
        }
    }
    if confirmed || is_page && wanted == Wanted::Home {
        seen.hashes.extend(page.validators.hash.clone());
        let validators = Remembered {
            etag: page.validators.etag,
            last_modified: page.validators.last_modified,
            body_hash: page.validators.hash,
        };
        seen.validators.push((page.final_url, validators));
    }
}

/// The facts as lines of JSON, then the hashes of the pages: the snapshot of a site.
fn lines(host: &str, batch: &Batch, hashes: &[String]) -> String {
    let mut text = String::new();
    for line in preview_lines(host, batch) {
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    for hash in hashes {
        text.push_str(&format!("{{\"kind\":\"page\",\"hash\":\"{hash}\"}}\n"));
    }
    text
}

fn outcome_of(problem: &Problem) -> sites::Outcome {
    match problem.code() {
        "MSK-FET-17" => sites::Outcome::Blocked,
        "MSK-FET-13" | "MSK-FET-16" | "MSK-FET-18" | "MSK-FET-28" => sites::Outcome::NotThere,
        // Access denied, too large, forbidden by robots.txt: something may be there.
        "MSK-FET-14" | "MSK-FET-19" | "MSK-FET-23" => sites::Outcome::Unclear,
        _ => sites::Outcome::Silent,
    }
}

/// What a failed request for the home page says about the site: its certificate, its guard, or only that we do not
/// know. A network that is down is never a failure of the school.
fn about_failure(problem: &Problem, url: &str, unit: &Arc<UnitRef>) -> Vec<Fact> {
    let fact = |code, value: Option<FactValue>, state| Fact {
        unit: Arc::clone(unit),
        code,
        value,
        state,
        unit_of_measure: None,
        as_of: None,
        url: Some(url.to_owned()),
        confidence: 90,
        source_kind: "answer",
        place: Place::path("ответ сервера"),
    };
    let tls = match problem.code() {
        "MSK-FET-08" => Some("expired"),
        "MSK-FET-09" => Some("self_signed"),
        "MSK-FET-10" => Some("name_mismatch"),
        "MSK-FET-11" => Some("unsupported"),
        _ => None,
    };
    let mut facts = vec![fact("site_available", None, Some(FactState::Unknown))];
    if let Some(state) = tls {
        facts.push(fact("site_tls_state", Some(FactValue::Text(state.to_owned())), None));
    }
    if problem.code() == "MSK-FET-17" {
        facts.push(fact("site_blocked", Some(FactValue::Bool(true)), None));
    }
    facts
}

/// Reads one saved page: what `connector preview` and the fixtures of a connector do.
#[must_use]
pub fn read_page(
    section: Section,
    body: &[u8],
    headers: Option<&str>,
    url: &str,
    unit: &Arc<UnitRef>,
) -> (Batch, ReadSummary) {
    let (status, headers) = headers.map_or_else(|| (200, Vec::new()), sites::parse_headers);
    let answer = Answer {
        status,
        headers: &headers,
        body,
    };
    let reading = sites::read_answer(Wanted::Subsection(section), &answer, url, unit);
    let facts = sites::settle(reading.facts);
    let summary = ReadSummary {
        rows_read: u64::from(matches!(reading.outcome, sites::Outcome::Page(_))),
        facts: facts.len() as u64,
        warnings: reading.problems.into_iter().chain(reading.notes).collect(),
        refused: reading.refused,
        ..ReadSummary::default()
    };
    let batch = Batch {
        rows_read: summary.rows_read,
        facts,
        ..Batch::default()
    };
    (batch, summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(url: &str, text: &str) -> Fetched<Vec<u8>> {
        Fetched {
            status: 200,
            final_url: url.to_owned(),
            headers: Vec::new(),
            validators: Validators::default(),
            body: text.as_bytes().to_vec(),
            size: text.len() as u64,
            tls_fault: None,
        }
    }

    fn seen_of(pages: &[(&str, &str)], sections: &[Section]) -> Seen {
        let mut walk = Walk::new("https://school.example/", sections).expect("an address");
        let (mut seen, unit) = (Seen::default(), Arc::new(UnitRef::default()));
        while let Some(request) = walk.next() {
            match pages.iter().find(|(url, _)| *url == request.url) {
                Some((url, text)) => {
                    let page = fetched(url, text);
                    let reading = read_fetched(request.wanted, &page, &unit);
                    take(&mut walk, &mut seen, request.wanted, reading, page);
                }
                None => {
                    walk.got(sites::Outcome::NotThere);
                }
            }
        }
        seen
    }

    #[test]
    fn a_subsection_of_several_pages_is_filled_once() {
        let seen = seen_of(
            &[
                (
                    "https://school.example/sveden/document",
                    "<h1>Документы</h1><a href=u.pdf>Устав</a><a itemprop=addRef href=more>ещё</a>",
                ),
                (
                    "https://school.example/sveden/more",
                    "<a href=p.pdf>Правила приёма обучающихся</a>",
                ),
            ],
            &[Section::Document],
        );
        assert_eq!((seen.pages, seen.filled.len()), (2, 1));
        assert!(
            seen.facts.iter().any(|fact| {
                fact.code == "doc_admission_rules_present" && fact.value == Some(FactValue::Bool(true))
            })
        );
    }

    #[test]
    fn an_unfilled_subsection_is_named_with_its_page() {
        let pages = [("https://school.example/sveden/vacant", "<h1>Вакантные места</h1>")];
        let seen = seen_of(&pages, &[Section::Vacant]);
        let lines: Vec<String> = seen.warnings.iter().map(Problem::ru_line).collect();
        assert_eq!(
            lines,
            [
                "MSK-SITE-18: https://school.example/sveden/vacant: подраздел «Вакантные места» (vacant) не заполнен: только заголовок"
            ]
        );
    }

    #[test]
    fn a_page_that_is_closed_to_programs_is_not_called_missing() {
        for code in ["MSK-FET-14", "MSK-FET-19", "MSK-FET-23"] {
            let outcome = outcome_of(&Problem::new(code));
            assert!(matches!(outcome, sites::Outcome::Unclear), "{code}");
        }
        assert!(matches!(
            outcome_of(&Problem::new("MSK-FET-13")),
            sites::Outcome::NotThere
        ));
    }
}
