//! Labels with values on pages without marks: two-cell rows, definition lists, «label: value» lines.

use super::names::label_of;
use super::text::{Content, Line, inner};
use super::tree::Page;
use super::words::{flat, fold};

/// Longest label; a longer text before a colon is a sentence.
const MAX_LABEL: usize = 150;
/// Longest value taken.
const MAX_VALUE: usize = 600;

/// A label and the value beside it.
#[derive(Debug)]
pub(crate) struct Pair {
    /// Folded name of the mark the label means; contacts after a founder's label are his.
    pub(crate) name: &'static str,
    /// The value, lines kept.
    pub(crate) value: String,
    /// Line of the source.
    pub(crate) line: u32,
}

/// Every known label of the main content with its value, in document order.
pub(crate) fn pairs(page: &Page, content: &Content) -> Vec<Pair> {
    let mut found = Vec::new();
    let mut founder = false;
    for (position, line) in content.lines.iter().enumerate() {
        let Some((name, value)) = split(&line.text) else {
            founder &= !line.heading || fold(&line.text).contains("учредител");
            continue;
        };
        let value = if value.is_empty() {
            beside(page, content, position, line)
        } else {
            value
        };
        founder = match name {
            "nameuchred" | "fullnameuchred" | "addressuchred" | "teluchred" | "mailuchred" | "websiteuchred" => true,
            "address" | "telephone" | "telephonefax" | "fax" | "email" => founder && !is_own(&line.text),
            _ => false,
        };
        let name = if founder { of_founder(name) } else { Some(name) };
        let is_label = label_of(&fold(&value)).is_some_and(|(_, length)| length + 12 >= fold(&value).len());
        if let Some(name) = name
            && !value.is_empty()
            && !is_label
        {
            found.push(Pair {
                name,
                value,
                line: line.number,
            });
        }
    }
    found
}

/// A bare contact after a founder's label belongs to him; a contact that cannot be told apart is dropped.
fn of_founder(name: &'static str) -> Option<&'static str> {
    match name {
        "telephone" | "telephonefax" => Some("teluchred"),
        "email" => Some("mailuchred"),
        "address" => Some("addressuchred"),
        "fax" => None,
        other => Some(other),
    }
}

fn is_own(label: &str) -> bool {
    let label = fold(label.split(':').next().unwrap_or_default());
    ["школы", "учреждения", "образовательной организации", "оо "]
        .iter()
        .any(|word| label.contains(word))
}

/// Label and value of one line; the value is empty when the whole line is the label.
fn split(text: &str) -> Option<(&'static str, String)> {
    let folded = fold(text);
    let (name, length) = label_of(&folded)?;
    let rest = folded[length..].trim();
    if rest.is_empty() || rest == ":" {
        return Some((name, String::new()));
    }
    let separator = [": ", ":", " – ", " — ", " - "]
        .iter()
        .filter_map(|sign| text.find(sign).map(|at| (at, sign.len())))
        .min()?;
    let (label, value) = (&text[..separator.0], &text[separator.0 + separator.1..]);
    let fits = label.chars().count() <= MAX_LABEL && label_of(&fold(label)).is_some_and(|(known, _)| known == name);
    fits.then(|| (name, value.trim().chars().take(MAX_VALUE).collect()))
}

/// The next cell of the row, the definition of the term, or the next line.
fn beside(page: &Page, content: &Content, position: usize, line: &Line) -> String {
    if page.is(line.block, &["td", "th", "dt"])
        || page
            .parent(line.block)
            .is_some_and(|cell| page.is(cell, &["td", "th", "dt"]))
    {
        let cell = if page.is(line.block, &["td", "th", "dt"]) {
            line.block
        } else {
            page.parent(line.block).unwrap_or(line.block)
        };
        return page
            .following(cell)
            .find(|id| page.is(*id, &["td", "th", "dd"]))
            .map(|next| inner(page, next, MAX_VALUE))
            .unwrap_or_default();
    }
    let next = content
        .lines
        .get(position + 1)
        .filter(|next| !next.heading && split(&next.text).is_none());
    match next {
        Some(next) if line.text.ends_with(':') || line.heading => flat(&next.text).chars().take(MAX_VALUE).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(html: &str) -> Vec<(&'static str, String)> {
        let page = Page::parse(html).expect("small");
        pairs(&page, &Content::of(&page))
            .into_iter()
            .map(|pair| (pair.name, pair.value))
            .collect()
    }

    fn pair(name: &'static str, value: &str) -> (&'static str, String) {
        (name, value.to_owned())
    }

    #[test]
    fn rows_lists_and_lines_give_pairs() {
        assert_eq!(
            found("<table><tr><td>Год создания учреждения<td>1975</table>"),
            [pair("regdate", "1975")]
        );
        assert_eq!(
            found("<table><tr><td>1<td><p>Режим работы:</p><td>8–17</table>"),
            [pair("worktime", "8–17")]
        );
        assert_eq!(
            found("<dl><dt>Адрес<dd>с. Примерное</dl>"),
            [pair("address", "с. Примерное")]
        );
        assert_eq!(
            found("<p><b>E-mail:</b> a@b.example<br>Тел./факс: 1</p>"),
            [pair("email", "a@b.example"), pair("telephonefax", "1")]
        );
    }

    #[test]
    fn contacts_of_the_founder_never_become_contacts_of_the_school() {
        let page = "<p>Учредитель: Администрация района<br>Адрес: с. Другое<br>Телефон: 2</p><h3>Контакты</h3><p>Телефон: 1</p>";
        assert_eq!(
            found(page),
            [
                pair("nameuchred", "Администрация района"),
                pair("addressuchred", "с. Другое"),
                pair("teluchred", "2"),
                pair("telephone", "1"),
            ]
        );
    }

    #[test]
    fn a_heading_row_is_no_pair() {
        let row =
            "<table><tr><th>Наименование учредителя<th>Адрес<th>Контактные телефоны<th>Адрес электронной почты</table>";
        assert_eq!(found(row), []);
    }
}
