//! `[http]`: manners of the daemon on the network.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::paths::{beside, given};
use crate::strict_toml::Section;

/// Defaults for every HTTP source; a source may tighten or widen them by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Who we are, with a contact; the address of the authority's contact when absent.
    pub user_agent: Option<String>,
    /// Pause between two requests to one host.
    pub pace: Duration,
    /// Proxy of the authority's network; the environment's is ignored.
    pub proxy: Option<String>,
    /// Extra certificates, PEM, for every source.
    pub ca_bundle: Option<PathBuf>,
}

impl Http {
    pub(super) fn read(root: &Section<'_>, folder: &Path) -> Self {
        let section = root.section("http");
        let text = |key: &str| section.as_ref().and_then(|section| given(section, key));
        let http = Self {
            user_agent: text("user_agent"),
            pace: section
                .as_ref()
                .and_then(|section| section.duration("pace"))
                .unwrap_or(Duration::from_millis(1500)),
            proxy: text("proxy"),
            ca_bundle: text("ca_bundle").map(|path| beside(folder, &path)),
        };
        if let Some(section) = section {
            section.done();
        }
        http
    }
}
