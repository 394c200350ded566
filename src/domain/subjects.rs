//! School subjects and the many names files give them.

use std::collections::HashMap;
use std::sync::Arc;

/// A subject (предмет).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Stable slug, `math`.
    pub slug: String,
    /// Russian title for people.
    pub title: String,
    /// Codes and further titles.
    pub names: Vec<String>,
}

/// The list of subjects (перечень предметов) with an index over all names.
#[derive(Debug, Clone, Default)]
pub struct Subjects {
    subjects: Vec<Subject>,
    by_name: HashMap<String, Arc<str>>,
}

impl Subjects {
    /// Indexes the list. The second value names every name carried by two subjects, with both slugs; the first one
    /// keeps it.
    #[must_use]
    pub fn new(subjects: Vec<Subject>) -> (Self, Vec<(String, String, String)>) {
        let mut by_name: HashMap<String, Arc<str>> = HashMap::new();
        let mut doubled = Vec::new();
        for subject in &subjects {
            let slug: Arc<str> = Arc::from(subject.slug.as_str());
            for name in [&subject.slug, &subject.title].into_iter().chain(&subject.names) {
                let key = fold_text(name);
                match by_name.get(&key) {
                    Some(known) if *known != slug => {
                        doubled.push((name.clone(), known.to_string(), subject.slug.clone()));
                    }
                    _ => {
                        by_name.insert(key, Arc::clone(&slug));
                    }
                }
            }
        }
        (Self { subjects, by_name }, doubled)
    }

    /// The slug of a code, title or alias; blanks, case and look-alike letters do not matter.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Arc<str>> {
        let key = fold_text(name);
        let known = self.by_name.get(&key).or_else(|| {
            // `1` and `01` are the same code of the РИС.
            let short = key.len() == 1 && key.bytes().all(|byte| byte.is_ascii_digit());
            short.then(|| self.by_name.get(&format!("0{key}"))).flatten()
        });
        known.cloned()
    }

    /// The Russian title of a slug.
    #[must_use]
    pub fn title(&self, slug: &str) -> Option<&str> {
        let subject = self.subjects.iter().find(|subject| subject.slug == slug)?;
        Some(&subject.title)
    }

    /// All subjects in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Subject] {
        &self.subjects
    }
}

/// The form in which headers, marks of emptiness and titles are compared: lower case, `ё` as `е`, one blank between
/// words, Latin letters that look like Cyrillic ones replaced (`X` typed in either alphabet is the same word).
#[must_use]
pub fn fold_text(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split(|letter: char| letter.is_whitespace() || letter == '\u{feff}') {
        if word.is_empty() {
            continue;
        }
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase).map(look_alike));
    }
    folded
}

fn look_alike(letter: char) -> char {
    match letter {
        'ё' => 'е',
        'a' => 'а',
        'c' => 'с',
        'e' => 'е',
        'k' => 'к',
        'm' => 'м',
        'h' => 'н',
        'o' => 'о',
        'p' => 'р',
        't' => 'т',
        'x' => 'х',
        'y' => 'у',
        'b' => 'в',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_found_by_code_and_title_in_any_spelling() {
        let (subjects, doubled) = Subjects::new(vec![Subject {
            slug: "math".into(),
            title: "Математика".into(),
            names: vec!["02".into(), "математика (профильная)".into()],
        }]);
        assert!(doubled.is_empty());
        for name in ["math", "МАТЕМАТИКА", "2", "02", "Математика\u{a0}(профильная)"] {
            assert_eq!(subjects.find(name).as_deref(), Some("math"), "{name}");
        }
        assert_eq!(subjects.find("Мат"), None);
        assert_eq!(subjects.title("math"), Some("Математика"));
    }

    #[test]
    fn words_typed_in_two_alphabets_are_one_word() {
        assert_eq!(fold_text(" Kод\u{a0} OO "), fold_text("код оо"));
        assert_eq!(fold_text("X"), fold_text("х"));
    }
}
