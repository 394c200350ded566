//! Letters become tokens: dates are recognised, typing mistakes between letters and digits disappear.

/// A piece of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A number and how many digits it was written with.
    Number(u32, usize),
    /// A word in lower case, `ё` as `е`.
    Word(String),
    /// `15.10.2024`, `2024-10-15`, `15.10`, `10.2024`.
    Date {
        day: Option<u32>,
        month: u32,
        year: Option<i32>,
    },
    Dash,
    Slash,
    /// A comma, a semicolon or a colon.
    Comma,
    Open,
    Close,
    Dot,
}

/// What the tokens are and whether a typing mistake had to be read through.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub(super) list: Vec<Token>,
    /// Two years without a dash: `20202022`.
    pub(super) joined_years: Option<String>,
}

pub(super) fn tokens(phrase: &str) -> Tokens {
    let mut out = Tokens::default();
    let lower = phrase.to_lowercase().replace('ё', "е");
    let mut rest = lower.as_str();
    while let Some(letter) = rest.chars().next() {
        let run = |same: fn(char) -> bool| rest.find(|letter| !same(letter)).unwrap_or(rest.len());
        let taken = if letter.is_ascii_digit() {
            let length = run(|letter| letter.is_ascii_digit());
            number(&rest[..length], &mut out);
            length
        } else if letter.is_alphabetic() {
            let length = run(char::is_alphabetic);
            out.list.push(Token::Word(rest[..length].to_owned()));
            length
        } else {
            out.list.extend(sign(letter));
            letter.len_utf8()
        };
        rest = &rest[taken..];
    }
    out.list = without_endings(with_dates(&out.list));
    out
}

fn sign(letter: char) -> Option<Token> {
    match letter {
        '-' | '–' | '—' | '−' | '‑' | '‐' => Some(Token::Dash),
        '/' | '\\' => Some(Token::Slash),
        ',' | ';' | ':' => Some(Token::Comma),
        '(' | '[' => Some(Token::Open),
        ')' | ']' => Some(Token::Close),
        '.' => Some(Token::Dot),
        // Blanks, quotes and marks carry no meaning in a term.
        _ => None,
    }
}

fn number(digits: &str, out: &mut Tokens) {
    let year = |text: &str| text.parse::<u32>().ok().filter(|year| (1990..2100).contains(year));
    if digits.len() == 8
        && let (Some(first), Some(second)) = (year(&digits[..4]), year(&digits[4..]))
        && first <= second
    {
        out.joined_years = Some(digits.to_owned());
        out.list
            .extend([Token::Number(first, 4), Token::Dash, Token::Number(second, 4)]);
        return;
    }
    out.list
        .push(Token::Number(digits.parse().unwrap_or(u32::MAX), digits.len()));
}

/// Folds numeric dates into one token and drops every other dot: it ends an abbreviation.
fn with_dates(list: &[Token]) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = list;
    while let Some(first) = rest.first() {
        if let Some((date, taken)) = date(rest) {
            out.push(date);
            rest = &rest[taken..];
        } else {
            if *first != Token::Dot {
                out.push(first.clone());
            }
            rest = &rest[1..];
        }
    }
    out
}

fn date(list: &[Token]) -> Option<(Token, usize)> {
    use Token::{Dash, Dot, Number};
    let full = |day: u32, month: u32, year: Option<u32>| {
        let possible = (1..=31).contains(&day) && (1..=12).contains(&month);
        possible.then_some(Token::Date {
            day: Some(day),
            month,
            year: year.and_then(|year| i32::try_from(year).ok()),
        })
    };
    match list {
        [Number(day, 1 | 2), Dot, Number(month, 1 | 2), Dot, Number(year, 4), ..] => {
            Some((full(*day, *month, Some(*year))?, 5))
        }
        [Number(day, 1 | 2), Dot, Number(month, 1 | 2), Dot, Number(year, 2), ..] => {
            Some((full(*day, *month, Some(2000 + year))?, 5))
        }
        [Number(year, 4), Dash, Number(month, 2), Dash, Number(day, 2), ..] => {
            Some((full(*day, *month, Some(*year))?, 5))
        }
        [Number(month, 1 | 2), Dot, Number(year, 4), ..] if (1..=12).contains(month) => Some((
            Token::Date {
                day: None,
                month: *month,
                year: i32::try_from(*year).ok(),
            },
            3,
        )),
        [Number(day, 2), Dot, Number(month, 2), ..] => Some((full(*day, *month, None)?, 3)),
        _ => None,
    }
}

/// Drops the ending of an ordinal written in digits: `1-й`, `2-го`.
fn without_endings(list: Vec<Token>) -> Vec<Token> {
    const ENDINGS: [&str; 9] = ["й", "го", "е", "м", "му", "ый", "я", "ом", "ого"];
    let mut out: Vec<Token> = Vec::new();
    let mut list = list.into_iter().peekable();
    while let Some(token) = list.next() {
        let number = matches!(out.last(), Some(Token::Number(..)));
        let ending =
            |token: Option<&Token>| matches!(token, Some(Token::Word(word)) if ENDINGS.contains(&word.as_str()));
        if number && token == Token::Dash && ending(list.peek()) {
            list.next();
        } else if !(number && ending(Some(&token))) {
            out.push(token);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_disappear_and_dates_are_one_token() {
        let shown = |phrase: &str| format!("{:?}", tokens(phrase).list);
        assert_eq!(shown("15декабря"), shown("15 Декабря"));
        assert_eq!(shown("октябрь -декабрь"), shown("октябрь–декабрь"));
        assert_eq!(shown("20202022 гг."), shown("2020-2022 гг."));
        assert_eq!(shown("1-й квартал"), shown("1 квартал"));
        assert_eq!(shown("15.10.2024"), shown("2024-10-15"));
        assert_eq!(shown("15.10.24"), shown("15.10.2024"));
        assert_eq!(tokens("20202022").joined_years.as_deref(), Some("20202022"));
    }
}
