//! The invented sites and the feed, served on loopback.

use std::collections::BTreeMap;
use std::time::Duration;

use super::SPRINGS;
use super::district::{SCHOOLS, School, SiteKind};
use super::feed::feed;
use super::pages::{pages, soft_not_found};
use crate::loopback::{Certificate, Response, Server, Site};
use crate::message::Problem;

/// How long the slow site thinks about every page.
const SLOW: Duration = Duration::from_millis(150);

/// Servers of the demonstration.
pub(super) struct District {
    sites: BTreeMap<&'static str, Server>,
    feed: Server,
}

impl District {
    /// Starts a server for each site and one for the feed.
    pub(super) async fn start() -> Result<Self, Problem> {
        let mut sites = BTreeMap::new();
        for school in SCHOOLS {
            let site = site_of(school);
            let server = match school.site {
                SiteKind::BadCertificate => Server::start_tls(site, Certificate::Expired).await,
                _ => Server::start(site).await,
            };
            sites.insert(school.id, server.map_err(unstarted)?);
        }
        let body = feed(SPRINGS);
        let response = Response::page("application/xml", body).header("ETag", "\"demo-1\"");
        let feed = Server::start(Site::new().route("/export.xml", response))
            .await
            .map_err(unstarted)?;
        Ok(Self { sites, feed })
    }

    /// Address of a school's site.
    pub(super) fn site(&self, school: &School) -> String {
        self.sites
            .get(school.id)
            .map_or_else(String::new, |server| server.url("/"))
    }

    /// Address of the feed.
    pub(super) fn feed(&self) -> String {
        self.feed.url("/export.xml")
    }

    /// Stops all servers.
    pub(super) async fn stop(self) {
        for (_, server) in self.sites {
            server.stop().await;
        }
        self.feed.stop().await;
    }
}

fn unstarted(error: std::io::Error) -> Problem {
    Problem::new("MSK-BUG-01")
        .arg("what", "a loopback server")
        .because(error)
}

fn site_of(school: &School) -> Site {
    if school.site == SiteKind::SoftNotFound {
        let body = soft_not_found(school);
        return [
            "/",
            "/sveden/common",
            "/sveden/document",
            "/sveden/education",
            "/sveden/employees",
            "/sveden/vacant",
        ]
        .into_iter()
        .fold(Site::new(), |site, path| {
            site.route(path, Response::page("text/html; charset=utf-8", body.clone()))
        });
    }
    pages(school).into_iter().fold(Site::new(), |site, page| {
        let etag = format!("\"{:016x}\"", length_and_sum(&page.html));
        let response = match school.site {
            // The server says nothing about the encoding: only the page does.
            SiteKind::Cp1251 => Response::page("text/html", cp1251(&page.html)),
            SiteKind::Slow => Response::page("text/html; charset=utf-8", page.html).after(SLOW),
            _ => Response::page("text/html; charset=utf-8", page.html),
        };
        site.route(page.path, response.header("ETag", &etag))
    })
}

fn cp1251(text: &str) -> Vec<u8> {
    encoding_rs::WINDOWS_1251.encode(text).0.into_owned()
}

fn length_and_sum(text: &str) -> u64 {
    text.bytes().fold(text.len() as u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    })
}
