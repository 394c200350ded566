//! A place in the tokens of a phrase.

use std::ops::RangeInclusive;

use super::token::Token;
use super::words::{month, ordinal};

#[derive(Debug)]
pub(super) struct Cursor<'t> {
    list: &'t [Token],
    at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(list: &'t [Token]) -> Self {
        Self { list, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn back_to(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn peek(&self) -> Option<&'t Token> {
        self.list.get(self.at)
    }

    pub(super) fn next(&mut self) -> Option<&'t Token> {
        let token = self.list.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    pub(super) fn word(&self) -> Option<&'t str> {
        match self.peek()? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    /// Takes one word out of several.
    pub(super) fn take_word(&mut self, words: &[&str]) -> bool {
        let found = self.word().is_some_and(|word| words.contains(&word));
        self.at += usize::from(found);
        found
    }

    /// Takes these words in this order, or nothing.
    pub(super) fn take_words(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        for word in words {
            if !self.take_word(&[word]) {
                self.at = start;
                return false;
            }
        }
        true
    }

    /// Takes a word that begins with one of the stems; a stem of two letters stands for an abbreviation and must be
    /// the whole word.
    pub(super) fn take_stem(&mut self, stems: &[&str]) -> bool {
        let fits = |word: &str, stem: &&str| {
            if stem.chars().count() <= 2 {
                word == *stem
            } else {
                word.starts_with(*stem)
            }
        };
        let found = self
            .word()
            .is_some_and(|word| stems.iter().any(|stem| fits(word, stem)));
        self.at += usize::from(found);
        found
    }

    /// Takes words by their stems in this order, or nothing.
    pub(super) fn take_stems(&mut self, stems: &[&str]) -> bool {
        let start = self.at;
        for stem in stems {
            if !self.take_stem(&[stem]) {
                self.at = start;
                return false;
            }
        }
        true
    }

    pub(super) fn take_any_number(&mut self) -> Option<u32> {
        let Some(Token::Number(number, _)) = self.peek() else {
            return None;
        };
        self.at += 1;
        Some(*number)
    }

    pub(super) fn take_number(&mut self, bounds: RangeInclusive<u32>) -> Option<u32> {
        let start = self.at;
        let number = self.take_any_number().filter(|number| bounds.contains(number));
        if number.is_none() {
            self.at = start;
        }
        number
    }

    /// A year of four digits with its `г.`.
    pub(super) fn take_year(&mut self) -> Option<i32> {
        let Some(Token::Number(year, 4)) = self.peek() else {
            return None;
        };
        let year = i32::try_from(*year).ok().filter(|year| (1990..2100).contains(year))?;
        self.at += 1;
        Some(year)
    }

    /// The year of a month or a quarter; the first of several years («август 2024–2026 гг.») is not its own.
    pub(super) fn take_own_year(&mut self) -> Option<i32> {
        let start = self.at;
        let year = self.take_year()?;
        let alone = self.at;
        self.skip_year_words();
        let several = self.take(&Token::Dash) && self.take_year().is_some() && !self.sees_month();
        self.at = if several { start } else { alone };
        (!several).then_some(year)
    }

    pub(super) fn skip_year_words(&mut self) {
        while self.take_word(&["г", "гг", "год", "года", "году", "годы", "годов"]) {}
    }

    pub(super) fn take_month(&mut self) -> Option<u32> {
        let month = month(self.word()?)?;
        self.at += 1;
        Some(month)
    }

    pub(super) fn sees_month(&self) -> bool {
        self.word().is_some_and(|word| month(word).is_some())
    }

    pub(super) fn take_ordinal(&mut self) -> Option<u32> {
        if let Some(number) = self.take_number(1..=4) {
            return Some(number);
        }
        let number = ordinal(self.word()?)?;
        self.at += 1;
        Some(number)
    }

    pub(super) fn take_date(&mut self) -> Option<(Option<u32>, u32, Option<i32>)> {
        let Some(Token::Date { day, month, year }) = self.peek() else {
            return None;
        };
        self.at += 1;
        Some((*day, *month, *year))
    }

    /// The words up to the next comma or bracket, as a name; a participle after the comma still belongs to it:
    /// «планом-графиком, утверждённым приказом».
    pub(super) fn name(&mut self) -> String {
        let mut words: Vec<String> = Vec::new();
        while let Some(token) = self.peek() {
            match token {
                Token::Word(word) => words.push(word.clone()),
                Token::Number(number, _) => words.push(number.to_string()),
                Token::Comma => {
                    let belongs = self.list.get(self.at + 1).is_some_and(|next| {
                        matches!(next, Token::Word(word) if ["утвержд", "установлен", "определ"].iter().any(|stem| word.starts_with(stem)))
                    });
                    if !belongs {
                        break;
                    }
                }
                Token::Open | Token::Close => break,
                Token::Dash | Token::Slash | Token::Dot | Token::Date { .. } => {}
            }
            self.at += 1;
        }
        words.join(" ")
    }
}
