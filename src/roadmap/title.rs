//! What stands between the tables: the number of the annex, the direction, the period of the whole document.

use std::sync::LazyLock;

use regex::Regex;

use super::document::one_line;

/// The title of a roadmap as far as it has been read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Title {
    pub(super) number: Option<u32>,
    pub(super) direction: String,
    announced: bool,
}

#[expect(clippy::expect_used, reason = "the patterns are constants, the tests run them")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

static ANNEX: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^[\s(]*приложение\s*(?:№|N)?\s*(\d{1,3})\s*(?:[.)]*\s*$|к\s)"));
static ANNOUNCED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)^[\s(«]*дорожная карта"));
static DIRECTION: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?is)(?:по направлению|^[\s)]*)\s*«(.+)»"));
static PERIOD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)период\D{0,12}(20\d\d)\s*[-–—]\s*(20\d\d)\s*(?:год|гг)"));

impl Title {
    /// Takes what a paragraph says; later paragraphs do not overwrite earlier ones.
    pub(super) fn note(&mut self, paragraph: &str) {
        let paragraph = one_line(paragraph);
        if let Some(found) = ANNEX.captures(&paragraph) {
            let number = found[1].parse().ok();
            if self.number.is_some() && self.number != number {
                *self = Self::default();
            }
            self.number = number;
            return;
        }
        if ANNOUNCED.is_match(&paragraph) {
            self.announced = true;
        }
        if (self.announced || self.number.is_some())
            && self.direction.is_empty()
            && let Some(found) = DIRECTION.captures(&paragraph)
        {
            self.direction = one_line(&found[1]);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// First and last year of the roadmaps, when a paragraph names them.
pub(super) fn years(paragraph: &str) -> Option<(i32, i32)> {
    let found = PERIOD.captures(paragraph)?;
    let (from, to) = (found[1].parse().ok()?, found[2].parse().ok()?);
    (from <= to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(paragraphs: &[&str]) -> Title {
        let mut title = Title::default();
        for paragraph in paragraphs {
            title.note(paragraph);
        }
        title
    }

    #[test]
    fn a_title_is_read_in_any_order_of_its_lines() {
        for paragraphs in [
            ["Приложение 7.", "Дорожная карта", "по направлению «Сады и «ясли»»"],
            ["Дорожная карта", " (", "Приложение 7."],
            ["Дорожная карта", "« Сады и «ясли»»", "Приложение 7"],
        ] {
            assert_eq!(title(&paragraphs).number, Some(7), "{paragraphs:?}");
        }
        assert_eq!(
            title(&["Приложение № 7 к приказу", "Дорожная карта по направлению «Сады»"]).direction,
            "Сады"
        );
        assert_eq!(
            title(&["Дорожная карта", "« Сады и «ясли»»"]).direction,
            "Сады и «ясли»"
        );
        assert!(title(&["представлены в «дорожной карте» (Приложение 7)."]).is_empty());
    }

    #[test]
    fn the_period_of_the_document_is_read() {
        assert_eq!(years("охватывают период 2020 - 2022 годы."), Some((2020, 2022)));
        assert_eq!(years("на период с 2024–2026 гг."), Some((2024, 2026)));
        assert_eq!(years("за период 2024 год"), None);
    }
}
