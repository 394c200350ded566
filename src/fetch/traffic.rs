//! Manners towards a host: one request at a time, a pause after each, its robots.txt read once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Url;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::robots::Rules;

/// The hosts remembered at once; above this the idle ones are forgotten. A region has a few thousand sites.
const MAX_HOSTS: usize = 10_000;
/// How long a robots.txt is believed: longer than any run over one site, shorter than the day of RFC 9309.
const ROBOTS_KEPT: Duration = Duration::from_secs(3600);

/// The hosts we talk to. One value is shared by all fetchers, so that two sources of one host queue up together.
#[derive(Clone)]
pub struct Traffic {
    hosts: Arc<Mutex<HashMap<String, Arc<Host>>>>,
    at_once: usize,
}

impl fmt::Debug for Traffic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Traffic {{ hosts: {}, at_once: {} }}",
            lock(&self.hosts).len(),
            self.at_once
        )
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Traffic {
    /// Starts with no host known; `at_once` requests may run against one host at the same time (in service: 1).
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self {
            hosts: Arc::new(Mutex::new(HashMap::new())),
            at_once: at_once.max(1),
        }
    }

    /// The host of an address. A port of its own makes a host of its own; http and https on their usual ports do not.
    pub(super) fn host(&self, url: &Url) -> Arc<Host> {
        let name = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => String::new(),
        };
        let mut hosts = lock(&self.hosts);
        if hosts.len() >= MAX_HOSTS {
            hosts.retain(|_, host| Arc::strong_count(host) > 1);
        }
        let host = hosts.entry(name).or_insert_with(|| Arc::new(Host::new(self.at_once)));
        Arc::clone(host)
    }
}

pub(super) struct Host {
    gate: Arc<Semaphore>,
    ready_at: Mutex<Instant>,
    robots: tokio::sync::Mutex<Option<(Instant, Arc<Rules>)>>,
}

impl Host {
    fn new(at_once: usize) -> Self {
        Self {
            gate: Arc::new(Semaphore::new(at_once)),
            ready_at: Mutex::new(Instant::now()),
            robots: tokio::sync::Mutex::new(None),
        }
    }

    /// Waits for a free slot and for the pause after the last request.
    pub(super) async fn enter(self: &Arc<Self>, apart: Duration) -> Slot {
        let permit = Arc::clone(&self.gate).acquire_owned().await.ok();
        let now = Instant::now();
        let start = {
            let mut ready_at = lock(&self.ready_at);
            let start = (*ready_at).max(now);
            *ready_at = start + apart;
            start
        };
        // Even a sleep of nothing costs a millisecond, the grain of the timer.
        if start > now {
            tokio::time::sleep_until(start).await;
        }
        Slot {
            host: Arc::clone(self),
            apart,
            _permit: permit,
        }
    }

    /// The rules of this host, fetched by the first who asks while the others wait.
    pub(super) async fn rules(&self, fetch: impl Future<Output = Rules>) -> Arc<Rules> {
        let mut known = self.robots.lock().await;
        if let Some((since, rules)) = known.as_ref()
            && since.elapsed() < ROBOTS_KEPT
        {
            return Arc::clone(rules);
        }
        let rules = Arc::new(fetch.await);
        *known = Some((Instant::now(), Arc::clone(&rules)));
        rules
    }
}

/// The right to talk to a host; the pause begins when it is dropped.
pub(super) struct Slot {
    host: Arc<Host>,
    apart: Duration,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut ready_at = lock(&self.host.ready_at);
        *ready_at = (*ready_at).max(Instant::now() + self.apart);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    #[tokio::test]
    async fn requests_to_one_host_start_one_after_another_with_a_pause_between_them() {
        let traffic = Traffic::default();
        let begin = Instant::now();
        let mut starts = Vec::new();
        for _ in 0..3 {
            let slot = traffic
                .host(&url("http://a.example/"))
                .enter(Duration::from_millis(40))
                .await;
            starts.push(begin.elapsed());
            tokio::time::sleep(Duration::from_millis(10)).await;
            drop(slot);
        }
        assert!(starts[1] >= Duration::from_millis(50), "{starts:?}");
        assert!(starts[2] >= Duration::from_millis(100), "{starts:?}");
    }

    #[tokio::test]
    async fn a_slow_host_costs_only_its_own_slot() {
        let traffic = Traffic::default();
        let slow = traffic.host(&url("https://slow.example/"));
        let held = slow.enter(Duration::ZERO).await;
        let elsewhere = traffic.host(&url("https://quick.example/"));
        let quick = tokio::time::timeout(Duration::from_secs(1), elsewhere.enter(Duration::ZERO)).await;
        assert!(quick.is_ok(), "another host does not wait");
        let same = traffic.host(&url("http://slow.example/x"));
        let second = tokio::time::timeout(Duration::from_millis(20), same.enter(Duration::ZERO)).await;
        assert!(second.is_err(), "http and https of one name are one host");
        drop(held);
    }
}
