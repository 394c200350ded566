//! Blocks → text twin and HTML, by the one pair of templates.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Value, context};

use super::blocks::Block;
use super::frame::Frame;
use super::wording::{after_colon, line};
use crate::domain::number::NBSP;
use crate::message::Problem;

/// HTML above this is cut by mail programs: Gmail shows 102,400 bytes.
pub(super) const MAX_HTML: usize = 100_000;

/// Steps of the template engine a letter may take: the longest one takes some 30 thousand.
const FUEL: u64 = 500_000;

/// Width of the text twin.
const TEXT_LETTERS: usize = 76;

/// A letter before rendering.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) kind: &'static str,
    pub(super) subject: &'a str,
    pub(super) blocks: &'a [Block],
    pub(super) frame: &'a Frame<'a>,
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_fuel(Some(FUEL));
    templates.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .expect("whitespace options cannot clash"),
    );
    templates.set_auto_escape_callback(|name| {
        if name.ends_with(".txt") {
            AutoEscape::None
        } else {
            AutoEscape::Html
        }
    });
    templates.add_filter("colour", colour);
    templates.add_filter("fold", fold);
    templates.add_filter("cells", cells);
    for (name, source) in [
        ("letter.html", include_str!("templates/letter.html")),
        ("letter.txt", include_str!("templates/letter.txt")),
    ] {
        templates
            .add_template(name, source)
            .expect("the templates are part of the program and rendered by its tests");
    }
    templates
});

/// The text twin and the HTML of a page.
pub(super) fn render(page: &Page<'_>) -> Result<(String, String), Problem> {
    let blocks: Value = page.blocks.iter().map(Block::value).collect();
    let office = page.frame.office;
    let (name, phone) = (line(&office.contact.name), line(&office.phone));
    let phone = if phone.is_empty() {
        phone
    } else {
        format!("тел.{NBSP}{phone}")
    };
    let contact = [name, phone].into_iter().filter(|part| !part.is_empty());
    let footer = context! {
        office => line(&office.title),
        contact => contact.map(|part| part + ", ").collect::<String>(),
        address => line(&office.contact.address),
        lines => page.frame.footer_lines(),
    };
    let preheader = page.blocks.first().and_then(|block| match block {
        Block::Lead(_, text) => Some(line(text)),
        _ => None,
    });
    let context = context! { subject => page.subject, preheader, blocks, footer };
    let fill = |name: &str| {
        TEMPLATES
            .get_template(name)
            .and_then(|template| template.render(context.clone()))
            .map_err(|error| {
                Problem::new("MSK-MAIL-15")
                    .arg("kind", page.kind)
                    .arg("what", name)
                    .because(error)
            })
    };
    let (text, html) = (fill("letter.txt")?, fill("letter.html")?);
    Ok((text, html))
}

/// Colours with a contrast of at least 4.5:1 on white; the dark ones stand in the style sheet of the template.
fn colour(tone: &str, plain: Option<String>) -> String {
    match tone {
        "alarm" => "#b42318".to_owned(),
        "warn" => "#8a5300".to_owned(),
        "good" => "#1b6e3c".to_owned(),
        _ => plain.unwrap_or_else(|| "#1f2933".to_owned()),
    }
}

/// Wraps a line at words; the first line starts with `first`, the others are indented as far.
fn fold(text: &str, first: Option<String>) -> String {
    let first = first.unwrap_or_default();
    let indent = " ".repeat(first.chars().count());
    let mut folded = first;
    let mut width = indent.len();
    for (position, word) in text.split(' ').enumerate() {
        let letters = word.chars().count();
        if position > 0 && width + 1 + letters > TEXT_LETTERS {
            folded.push('\n');
            folded.push_str(&indent);
            width = indent.len();
        } else if position > 0 {
            folded.push(' ');
            width += 1;
        }
        folded.push_str(word);
        width += letters;
    }
    folded
}

/// A row of a table as a phrase: `МКОУ «СОШ № 2» — участники: 57; успеваемость, %: 94,7`.
fn cells(row: &Value, columns: &Value) -> Result<String, minijinja::Error> {
    let mut phrase = String::new();
    for (position, (cell, column)) in row.try_iter()?.zip(columns.try_iter()?).enumerate() {
        let title = after_colon(&column.get_attr("title")?.to_string());
        match position {
            0 => phrase.push_str(&cell.to_string()),
            1 => phrase.push_str(&format!(" — {title}: {cell}")),
            _ => phrase.push_str(&format!("; {title}: {cell}")),
        }
    }
    Ok(phrase)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn the_footer_names_only_what_the_office_has_given() {
        let mut office = samples::office();
        office.phone.clear();
        let footer = |office: &_| {
            let letter = samples::proof(office).render().expect("a template");
            let text = letter.text.replace('\n', " ");
            assert!(letter.html.contains("href=\"mailto:ocenka@edu.example\""));
            text.split("Вопросы: ").nth(1).expect("a contact").to_owned()
        };
        assert!(footer(&office).starts_with("Отдел оценки качества образования, ocenka@edu.example."));
        office.contact.name.clear();
        assert!(footer(&office).starts_with("ocenka@edu.example."));
    }

    #[test]
    fn the_text_twin_wraps_at_words_and_keeps_numbers_with_their_nouns() {
        let text = format!("{} 4{NBSP}рабочих{NBSP}дня", "слово ".repeat(12).trim_end());
        let folded = fold(&text, Some(" – ".to_owned()));
        assert_eq!(folded.lines().count(), 2);
        assert_eq!(folded.lines().last(), Some("   4\u{a0}рабочих\u{a0}дня"));
    }
}
