//! The test letter of `mail test` (проверка почты).

use super::blocks::{Block, Tone};
use super::frame::Frame;
use super::wording::line;
use crate::domain::letter::Letter;
use crate::message::Problem;

/// Shows that letters arrive and how they look.
#[derive(Debug, Clone)]
pub struct Proof<'a> {
    /// Who, to whom, when.
    pub frame: Frame<'a>,
    /// The way it went: `почтовый сервер mail.edu.example, порт 587, STARTTLS`.
    pub way: String,
}

impl Proof<'_> {
    /// The letter.
    ///
    /// # Errors
    /// `MSK-MAIL-15` when a template fails.
    pub fn render(self) -> Result<Letter, Problem> {
        let blocks = [
            Block::Lead(
                Tone::Good,
                "Проверка почты: письмо дошло, делать ничего не нужно.".to_owned(),
            ),
            Block::Paragraph(format!("Путь письма: {}.", line(&self.way).trim_end_matches('.'))),
            Block::Paragraph(
                "Если письмо попало в нежелательную почту, добавьте адрес отправителя в адресную книгу и сообщите об \
                 этом администратору почты."
                    .to_owned(),
            ),
            Block::Paragraph("Ответ на это письмо должен прийти по адресу, который указан ниже.".to_owned()),
        ];
        self.frame.letter("test", "Проверка почты: письмо дошло", None, &blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;

    #[test]
    fn the_test_letter_says_which_way_it_came() {
        let office = samples::office();
        let letter = samples::proof(&office).render().expect("a template");
        insta::assert_snapshot!("proof", samples::shown(&letter));
    }
}
