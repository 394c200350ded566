//! Where a value stands in the file somebody sent.

use std::fmt;

/// A place (место): text that a person can follow into the file, for example `Протокол!F17`,
/// `Протокол!F2:F275`, `строка 17, столбец «Балл»`, `/rsoko/observation[12]/@value`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(String);

impl Place {
    /// A cell of a workbook; `row` and `column` count from one.
    #[must_use]
    pub fn cell(sheet: &str, row: u32, column: u32) -> Self {
        Self(format!("{sheet}!{}{row}", column_letters(column)))
    }

    /// Rows of one column of a workbook, the place of a folded number.
    #[must_use]
    pub fn cells(sheet: &str, first: u32, last: u32, column: u32) -> Self {
        let letters = column_letters(column);
        Self(format!("{sheet}!{letters}{first}:{letters}{last}"))
    }

    /// A field of a text table; `line` counts from one.
    #[must_use]
    pub fn field(line: u32, column: &str) -> Self {
        Self(format!("строка {line}, столбец «{column}»"))
    }

    /// Lines of a text table, the place of a folded number.
    #[must_use]
    pub fn fields(first: u32, last: u32, column: &str) -> Self {
        Self(format!("строки {first}–{last}, столбец «{column}»"))
    }

    /// An element or attribute of an XML, JSON or HTML document, already written as a path.
    #[must_use]
    pub fn path(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The text of the place.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Letters of a spreadsheet column counted from one: 1 is `A`, 27 is `AA`.
#[must_use]
pub fn column_letters(column: u32) -> String {
    let mut rest = column;
    let mut letters = Vec::new();
    while rest > 0 {
        let digit = (rest - 1) % 26;
        letters.push(char::from(b'A' + u8::try_from(digit).unwrap_or(0)));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_lettered_as_in_a_spreadsheet() {
        for (column, letters) in [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (703, "AAA")] {
            assert_eq!(column_letters(column), letters);
        }
        assert_eq!(Place::cells("Протокол", 2, 275, 6).as_str(), "Протокол!F2:F275");
    }
}
