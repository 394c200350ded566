//! What the line needs to know about one authority, put together by `app`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono_tz::Tz;

use crate::calendar::Calendar;
use crate::clock::Clock;
use crate::config::{Config, Source};
use crate::deadlines::terms::Known;
use crate::domain::roadmap::Roadmap;
use crate::domain::scale::Scales;
use crate::domain::subjects::Subjects;
use crate::fetch::Traffic;
use crate::letters::Office;
use crate::mail::{Sender, Transport};
use crate::manifest::Connector;
use crate::message::Problem;
use crate::warehouse::Warehouse;
use crate::warehouse::references::Reference;

/// Configuration, knowledge and connections of one authority (окружение).
pub struct Context {
    /// The files of the administrator.
    pub config: Config,
    /// Now.
    pub clock: Clock,
    /// The numbers.
    pub warehouse: Warehouse,
    /// Shipped connectors, with the administrator's own in front.
    pub connectors: Vec<Connector>,
    /// Working days.
    pub calendar: Calendar,
    /// Subjects with their names.
    pub subjects: Subjects,
    /// Scales of works.
    pub scales: Scales,
    /// The texts of subjects and scales, whose versions are kept with what was loaded by them.
    pub references: Vec<Reference>,
    /// Dates of schedules and events that roadmap rows wait for.
    pub known: Known,
    /// Roadmaps in force.
    pub roadmaps: Vec<Roadmap>,
    /// Slots and pauses per host, shared by all fetchers.
    pub traffic: Traffic,
    /// The way letters leave.
    pub transport: Transport,
}

impl Context {
    /// A connector by its id.
    ///
    /// # Errors
    /// `MSK-RUN-12` lists the known ones.
    pub fn connector(&self, id: &str) -> Result<&Connector, Problem> {
        self.connectors
            .iter()
            .find(|connector| connector.id == id)
            .ok_or_else(|| unknown_connector(id, &self.connectors))
    }

    /// The connectors of a source.
    ///
    /// # Errors
    /// `MSK-RUN-12` for the first that is unknown.
    pub fn connectors_of(&self, source: &Source) -> Result<Vec<&Connector>, Problem> {
        source.connectors.value.iter().map(|id| self.connector(id)).collect()
    }

    /// The municipality's zone.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.config.authority.zone
    }

    /// The office as letters name it.
    #[must_use]
    pub fn office(&self) -> Office {
        office(&self.config, &self.clock)
    }

    /// The sender of every letter.
    #[must_use]
    pub fn sender(&self) -> Sender {
        sender(&self.config)
    }
}

/// The office as letters name it.
#[must_use]
pub fn office(config: &Config, clock: &Clock) -> Office {
    let authority = &config.authority;
    let offset = clock.local().offset().local_minus_utc() / 3600;
    let zone = if authority.zone == Tz::Europe__Moscow {
        format!("МСК (UTC+{offset})")
    } else {
        format!("UTC{offset:+}")
    };
    Office {
        title: authority.name.clone(),
        contact: authority.contact.clone(),
        phone: authority.contact_phone.clone(),
        zone,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The sender of every letter.
#[must_use]
pub fn sender(config: &Config) -> Sender {
    Sender::new(&config.mail.from.name, &config.mail.from.address)
}

/// `MSK-RUN-12` with the list of known connectors.
#[must_use]
pub fn unknown_connector(id: &str, connectors: &[Connector]) -> Problem {
    let known: Vec<&str> = connectors.iter().map(|connector| connector.id.as_str()).collect();
    Problem::new("MSK-RUN-12").arg("id", id).arg("known", known.join(", "))
}

/// Asks the line to end at its next safe point.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks to stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once somebody asked.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The problem with which a reading ends when it is asked to stop.
#[must_use]
pub fn stopped() -> Problem {
    Problem::new("MSK-RUN-11")
}
