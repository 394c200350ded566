//! `[node]` and what several nodes on one server need: a shared store of snapshots, folders that say who sees them.

use super::load::Config;
use super::paths::given;
use super::sources::{Origin, Source};
use crate::message::{Problem, Problems};
use crate::strict_toml::Section;

/// What a source writes for a folder that every node sees.
const EVERY: &str = "*";

/// Longest name of a node; a host name has at most 64 letters.
const LONGEST: usize = 64;

/// This process among others on one server (узел).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Name, of the machine unless the file gives another; empty where the machine keeps it to itself.
    pub name: String,
}

impl Node {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let Some(section) = root.section("node") else {
            return Self { name: machine() };
        };
        let name = given(&section, "name");
        if name.as_deref().is_some_and(|name| !is_name(name)) {
            section.refuse(
                "name",
                "имя узла — до 64 букв, цифр, точек и дефисов, как у имени машины",
            );
        }
        section.done();
        Self {
            name: name.unwrap_or_else(machine),
        }
    }
}

fn is_name(name: &str) -> bool {
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
    name.chars().count() <= LONGEST && !name.is_empty() && name.chars().all(fits)
}

/// The cage of the unit hides the second of these files; what a person calls beside the service reads the same one.
fn machine() -> String {
    ["/etc/hostname", "/proc/sys/kernel/hostname"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .map(|name| name.trim().to_owned())
        .find(|name| is_name(name))
        .unwrap_or_default()
}

impl Source {
    /// The only node that pulls this source; absent when any may.
    #[must_use]
    pub fn own_node(&self) -> Option<&str> {
        self.node
            .as_ref()
            .map(|node| node.value.as_str())
            .filter(|node| *node != EVERY)
    }
}

impl Config {
    /// True when other machines may work on the same warehouse.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        !self.paths.database.starts_with("sqlite:") && !self.paths.single_node
    }

    /// True when this node may pull the source.
    #[must_use]
    pub fn is_ours(&self, source: &Source) -> bool {
        source.own_node().is_none_or(|node| node == self.node.name)
    }
}

/// What the sections do not see by themselves: whether files are where every node finds them.
pub(super) fn check(config: &Config, problems: &mut Problems) {
    let paths = &config.paths;
    let (shared, store) = (config.is_shared(), paths.snapshots());
    if shared && store.starts_with(&paths.state) {
        problems.push(
            Problem::new("MSK-CFG-09")
                .arg("path", store.display())
                .at(config.path.display()),
        );
    }
    if shared && config.node.name.is_empty() {
        problems.push(
            Problem::new("MSK-CFG-03")
                .arg("key", "name")
                .arg("section", "[node]")
                .arg("expected", "имя этого узла; имени машины службе не видно")
                .at(config.path.display()),
        );
    }
    for source in &config.sources {
        match (&source.node, &source.origin) {
            (Some(node), _) if !shared => problems.push(
                Problem::new("MSK-CFG-05")
                    .arg("key", "node")
                    .arg("section", format!("источнике «{}»", source.id))
                    .arg("reason", "узел один, называть его источнику незачем")
                    .arg("found", format!("«{}»", node.value))
                    .at(&node.place),
            ),
            (None, Origin::Folder(folder)) if shared && source.enabled => problems.push(
                Problem::new("MSK-CFG-10")
                    .arg("source", &source.id)
                    .arg("path", folder.display())
                    .at(&source.place),
            ),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;

    const MAIN: &str = "[authority]\nname='А'\nmunicipality='Б'\nregion='В'\nzone='Europe/Moscow'\n\
                        contact_address='a@uo.example'\n[mail]\nfrom_address='b@uo.example'\ntransport='file'\n";
    const SOURCES: &str = "[[source]]\nid='inbox'\nconnector='rsoko-feed'\nfolder='inbox'\n";
    const SERVER: &str = "[database]\nurl='postgres://msoko@db/msoko'\n";

    /// Codes and texts with the folder taken away.
    fn told(main: &str, sources: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("msoko.toml", format!("{MAIN}{main}")),
            ("sources.toml", sources.to_owned()),
            ("recipients.toml", String::new()),
        ] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        let problems = load(&folder.path().join("msoko.toml")).err().unwrap_or_default();
        let shown = folder.path().display().to_string();
        problems
            .iter()
            .map(|problem| problem.ru_line().replace(&shown, ""))
            .collect()
    }

    #[test]
    fn a_server_without_a_shared_store_is_refused_unless_the_node_is_the_only_one() {
        let bare = told(SERVER, "");
        assert!(
            bare.len() == 1 && bare[0].starts_with("MSK-CFG-09: /msoko.toml") && bare[0].contains("/state/snapshots"),
            "{bare:?}"
        );
        let inside = told(&format!("{SERVER}[paths]\nsnapshots='state/snapshots'\n"), "");
        assert!(inside.len() == 1 && inside[0].starts_with("MSK-CFG-09"), "{inside:?}");
        for fine in [
            format!("{SERVER}single_node=true\n"),
            format!("{SERVER}[paths]\nsnapshots='/srv/msoko/snapshots'\n"),
            String::new(),
        ] {
            assert_eq!(told(&fine, ""), [""; 0], "{fine}");
        }
    }

    #[test]
    fn a_folder_says_which_node_sees_it_when_there_may_be_several() {
        let shared = format!("{SERVER}[paths]\nsnapshots='/srv/msoko/snapshots'\n");
        let silent = told(&shared, SOURCES);
        assert!(
            silent.len() == 1 && silent[0].starts_with("MSK-CFG-10: /sources.toml:2"),
            "{silent:?}"
        );
        for node in ["node='b'", "node='*'"] {
            assert_eq!(told(&shared, &format!("{SOURCES}{node}\n")), [""; 0]);
        }
        for alone in ["", &format!("{SERVER}single_node=true\n")] {
            assert_eq!(told(alone, SOURCES), [""; 0]);
            let named = told(alone, &format!("{SOURCES}node='b'\n"));
            assert!(
                named.len() == 1 && named[0].starts_with("MSK-CFG-05: /sources.toml:5"),
                "{named:?}"
            );
        }
    }

    #[test]
    fn a_name_of_a_node_is_like_one_of_a_machine() {
        assert!(is_name("uo-2.example") && is_name("Школьный_сервер"));
        for wrong in ["", "*", "a, b", "a\u{7}", &"x".repeat(65)] {
            assert!(!is_name(wrong), "{wrong}");
        }
        let told = told("[node]\nname='*'\n", "");
        assert!(told.len() == 1 && told[0].starts_with("MSK-CFG-05"), "{told:?}");
    }
}
