//! House rules as tests: the import table of ARCHITECTURE.md, sizes, one crate one room, the glossary, migration
//! pairs, links of the documents, the list of error codes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const MAX_LIVE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 80;
const TESTS_START: &str = "\n#[cfg(test)]\nmod tests {";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                if !path.ends_with("target") && !path.ends_with(".git") {
                    folders.push(path);
                }
            } else if path.to_string_lossy().ends_with(ending) && !is_test(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Test files inside a room: their imports and crates are their own.
fn is_test(path: &Path) -> bool {
    let inside = path.strip_prefix(root().join("src")).unwrap_or(Path::new(""));
    let names = [
        "tests",
        "tests.rs",
        "scripted_server.rs",
        "fixtures.rs",
        "look.rs",
        "samples.rs",
        "district.rs",
    ];
    let demo = inside.starts_with("demo");
    !demo
        && inside
            .components()
            .any(|part| names.iter().any(|name| part.as_os_str() == *name))
}

/// The file without its inline test module and without comment lines.
fn live(source: &str) -> String {
    let end = source.find(TESTS_START).unwrap_or(source.len());
    source[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).expect("a file of src");
    let first = inside.components().next().expect("a name").as_os_str();
    first.to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// Rows of the Markdown table that follows a heading, without header and rule.
fn table(document: &str, heading: &str) -> Vec<Vec<String>> {
    let start = document
        .find(heading)
        .unwrap_or_else(|| panic!("no heading `{heading}`"));
    document[start..]
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect()
}

fn names(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// room → (layer, rooms it may import)
fn import_table() -> BTreeMap<String, (u32, BTreeSet<String>)> {
    let rows = table(&text(&root().join("ARCHITECTURE.md")), "## Rooms");
    let layers: Vec<(String, u32, String)> = rows
        .iter()
        .map(|row| {
            let room = names(&row[1]).into_iter().next().expect("a room in backticks");
            (room, row[0].parse().expect("a layer number"), row[2].clone())
        })
        .collect();
    layers
        .iter()
        .map(|(room, layer, may)| {
            let mut allowed = names(may);
            if may.contains("every lower room") {
                let lower = layers.iter().filter(|(_, other, _)| other < layer);
                allowed.extend(lower.map(|(name, ..)| name.clone()));
            }
            (room.clone(), (*layer, allowed))
        })
        .collect()
}

fn imports() -> BTreeMap<String, BTreeMap<String, PathBuf>> {
    let known: BTreeSet<String> = import_table().into_keys().collect();
    let mut edges: BTreeMap<String, BTreeMap<String, PathBuf>> = BTreeMap::new();
    for path in files(&root().join("src"), ".rs") {
        let room = room_of(&path);
        for part in live(&text(&path)).split("crate::").skip(1) {
            let target: String = part
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .collect();
            if target != room && known.contains(&target) {
                edges.entry(room.clone()).or_default().insert(target, path.clone());
            }
        }
    }
    edges
}

#[test]
fn every_room_imports_only_what_the_architecture_allows() {
    let table = import_table();
    let mut faults = Vec::new();
    for path in files(&root().join("src"), ".rs") {
        let room = room_of(&path);
        if room != "lib" && room != "main" && !table.contains_key(&room) {
            faults.push(format!("room `{room}` is missing from ARCHITECTURE.md"));
        }
    }
    for (room, targets) in imports() {
        let Some((layer, allowed)) = table.get(&room) else {
            continue;
        };
        for (target, path) in targets {
            let file = path.display();
            if !allowed.contains(&target) && target != "message" {
                faults.push(format!("{file}: `{room}` may not import `{target}`"));
            }
            if table[&target].0 > *layer {
                faults.push(format!("{file}: `{room}` (layer {layer}) imports upward `{target}`"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_rooms_import_each_other_in_a_circle() {
    let edges = imports();
    for start in edges.keys() {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&String> = edges[start].keys().collect();
        while let Some(room) = next.pop() {
            assert_ne!(room, start, "`{start}` reaches itself by imports");
            if reached.insert(room)
                && let Some(further) = edges.get(room)
            {
                next.extend(further.keys());
            }
        }
    }
}

#[test]
fn no_file_and_no_function_is_longer_than_agreed() {
    let mut faults = Vec::new();
    for path in files(&root().join("src"), ".rs") {
        let source = text(&path);
        let end = source.find(TESTS_START).unwrap_or(source.len());
        let lines = source[..end].lines().count();
        if lines > MAX_LIVE_LINES {
            faults.push(format!(
                "{}: {lines} live lines, at most {MAX_LIVE_LINES}",
                path.display()
            ));
        }
        for (name, length) in functions(&source[..end]) {
            if length > MAX_FUNCTION_LINES {
                let file = path.display();
                faults.push(format!(
                    "{file}: `{name}` has {length} lines, at most {MAX_FUNCTION_LINES}"
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Functions of a formatted file: name and number of lines from `fn` to the closing brace of the same indentation.
fn functions(source: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let head = trimmed.split(['(', '<']).next().unwrap_or("");
        let Some(position) = head.split_whitespace().position(|word| word == "fn") else {
            continue;
        };
        if trimmed.starts_with("//") || trimmed.ends_with(';') {
            continue;
        }
        let name = head.split_whitespace().nth(position + 1).unwrap_or("").to_owned();
        let closing = format!("{}}}", " ".repeat(line.len() - trimmed.len()));
        if let Some(length) = lines[start..].iter().position(|line| *line == closing) {
            found.push((name, length + 1));
        }
    }
    found
}

#[test]
fn a_crate_is_visible_in_its_room_only() {
    let rows = table(&text(&root().join("ARCHITECTURE.md")), "## One crate, one room");
    let mut faults = Vec::new();
    for path in files(&root().join("src"), ".rs") {
        let room = room_of(&path);
        let source = live(&text(&path));
        for row in rows.iter().filter(|row| !names(&row[1]).contains(&room)) {
            for name in names(&row[0]) {
                let path_form = format!("{}::", name.replace('-', "_"));
                let hit = source.match_indices(&path_form).any(|(at, _)| {
                    let before = source[..at].chars().next_back();
                    !before.is_some_and(|letter| letter.is_alphanumeric() || "_:".contains(letter))
                });
                if hit {
                    faults.push(format!("{}: crate `{name}` belongs to {}", path.display(), row[1]));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_dependency_is_used_somewhere() {
    let manifest = text(&root().join("Cargo.toml"));
    let section = manifest.split("[dependencies]").nth(1).expect("a section");
    let section = section.split("\n[").next().expect("a section");
    let sources: String = files(&root().join("src"), ".rs")
        .iter()
        .map(|path| text(path))
        .collect();
    for line in section
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with('#'))
    {
        let name = line.split('=').next().expect("a name").trim();
        let in_code = name.replace('-', "_");
        let used = sources.contains(&format!("{in_code}::")) || sources.contains(&format!("use {in_code} "));
        assert!(used, "dependency `{name}` is not used");
    }
}

#[test]
fn every_domain_type_stands_in_the_glossary() {
    let glossary = text(&root().join("docs/glossary.md"));
    let mut missing = Vec::new();
    for path in files(&root().join("src/domain"), ".rs") {
        for line in live(&text(&path)).lines() {
            let line = line.trim_start();
            let Some(rest) = ["pub struct ", "pub enum "]
                .iter()
                .find_map(|start| line.strip_prefix(start))
            else {
                continue;
            };
            let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric()).collect();
            if !name.is_empty() && !glossary.contains(&format!("`{name}`")) {
                missing.push(format!("{name} ({})", path.display()));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "missing from docs/glossary.md: {}",
        missing.join(", ")
    );
}

#[test]
fn every_migration_has_its_pair() {
    let list = |database: &str| -> BTreeSet<String> {
        files(&root().join("migrations").join(database), ".sql")
            .iter()
            .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
            .collect()
    };
    let sqlite = list("sqlite");
    assert!(!sqlite.is_empty(), "no migrations");
    assert_eq!(sqlite, list("postgres"));
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let mut broken = Vec::new();
    for path in files(&root(), ".md") {
        let folder = path.parent().expect("a folder");
        let document = text(&path);
        for name in names(&document).iter().filter(|name| name.starts_with("src/")) {
            if !root().join(name).exists() {
                broken.push(format!("{}: `{name}`", path.display()));
            }
        }
        for part in document.split("](").skip(1) {
            let target = part.split([')', ' ', '#']).next().unwrap_or("");
            let outside = ["http:", "https:", "mailto:"]
                .iter()
                .any(|scheme| target.starts_with(scheme));
            if !target.is_empty() && !outside && !folder.join(target).exists() {
                broken.push(format!("{} → {target}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_list_of_error_codes_is_the_one_of_the_catalogue() {
    let mut expected = String::from(
        "# Коды сообщений\n\nТаблица построена из каталога программы (`src/message/catalogue`); обновить: \
         `MSOKO_WRITE_DOCS=1 cargo nextest run --all-features error_codes`.\n\
         То же по одному коду: `msoko explain MSK-DEC-03`.\n\n\
         | код | сообщение | причина | что делать |\n|---|---|---|---|\n",
    );
    for entry in msoko::message::all() {
        let row = format!(
            "| {} | {} | {} | {} |\n",
            entry.code, entry.ru, entry.cause, entry.action
        );
        expected.push_str(&row.replace('{', "‹").replace('}', "›"));
    }
    let path = root().join("docs/errors.md");
    if msoko::config::environment("MSOKO_WRITE_DOCS").is_some() {
        fs::write(&path, &expected).expect("a writable document");
    }
    assert_eq!(text(&path), expected, "docs/errors.md is not up to date");
}
