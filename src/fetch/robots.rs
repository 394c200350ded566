//! What a site asks of robots.

use std::time::Duration;

use reqwest::Url;
use texting_robots::Robot;

/// A robots.txt is read up to this size (RFC 9309, 2.5 asks for at least 500 KiB).
pub(super) const MAX_ROBOTS: u64 = 512 << 10;
/// A longer Crawl-delay is not waited for: one site would hold its run for days.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// The rules of one host for our agent.
pub(super) enum Rules {
    /// No robots.txt, or something else under its name: nothing is forbidden.
    Open,
    /// A readable robots.txt.
    Written(Box<Robot>),
}

impl Rules {
    /// Reads the body of a robots.txt; a page of the site under that name forbids nothing.
    pub(super) fn read(agent: &str, body: &[u8]) -> Self {
        let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
        if start.starts_with(b"<") {
            return Self::Open;
        }
        Robot::new(agent, body).map_or(Self::Open, |robot| Self::Written(Box::new(robot)))
    }

    pub(super) fn allows(&self, url: &Url) -> bool {
        match self {
            Self::Open => true,
            Self::Written(robot) => robot.allowed(url.as_str()),
        }
    }

    /// The pause the site asks for, within reason.
    pub(super) fn delay(&self) -> Duration {
        let Self::Written(robot) = self else {
            return Duration::ZERO;
        };
        let seconds = robot.delay.filter(|seconds| *seconds > 0.0).unwrap_or_default();
        Duration::try_from_secs_f32(seconds).map_or(LONGEST_DELAY, |delay| delay.min(LONGEST_DELAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_for_our_agent_are_obeyed_and_a_page_under_the_name_forbids_nothing() {
        let rules = Rules::read(
            "msoko",
            b"\xef\xbb\xbfUser-agent: *\nDisallow: /closed\nCrawl-delay: 5\n",
        );
        let url = |path: &str| {
            Url::parse("https://a.example")
                .and_then(|base| base.join(path))
                .expect("an address")
        };
        assert!(!rules.allows(&url("/closed/x")));
        assert!(rules.allows(&url("/sveden")));
        assert_eq!(rules.delay(), Duration::from_secs(5));
        let page = Rules::read("msoko", "<html>User-agent: *\nDisallow: /</html>".as_bytes());
        assert!(page.allows(&url("/")));
    }

    #[test]
    fn an_absurd_crawl_delay_is_bounded() {
        for text in ["86400", "1e30", "inf"] {
            let rules = Rules::read("msoko", format!("User-agent: *\nCrawl-delay: {text}\n").as_bytes());
            assert!(rules.delay() <= LONGEST_DELAY, "{text}");
        }
        let rules = Rules::read("msoko", b"User-agent: *\nCrawl-delay: -3\n");
        assert_eq!(rules.delay(), Duration::ZERO);
    }
}
