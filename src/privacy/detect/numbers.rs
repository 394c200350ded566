//! Numbers that identify a person, told apart by their shape, their check digits and the words beside them.

use std::sync::LazyLock;

use regex::Regex;

use super::{Kind, Trust, names};

/// Digits in a row.
#[derive(Debug, Clone, Copy)]
struct Run<'t> {
    digits: &'t str,
    start: usize,
    end: usize,
}

/// Series and number of a birth certificate: `II-БД № 123456`.
static CERTIFICATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^\p{L}\d])[IVXLCХІУ]{1,5}\s?[-–]\s?[А-ЯЁ]{2}\s*(?:№|N|номер)?\s*\d{6}(?:\D|$)")
        .expect("the pattern is fixed and tested")
});

/// СНИЛС or document number, which refuse the file.
pub(super) fn refusing(text: &str, trust: Trust) -> Option<Kind> {
    let runs = runs(text);
    let bare = trust != Trust::Codes || names_snils(text);
    if (0..runs.len()).any(|at| snils_at(text, &runs[at..], bare)) {
        return Some(Kind::Snils);
    }
    let named = names_document(text);
    let document = (0..runs.len()).any(|at| document_at(text, &runs[at..], named, trust));
    (document || CERTIFICATE.is_match(text)).then_some(Kind::Document)
}

/// `bare` says that eleven digits in a row may be one.
fn snils_at(text: &str, runs: &[Run<'_>], bare: bool) -> bool {
    const SHAPES: &[&[usize]] = &[&[11], &[3, 3, 3, 2], &[3, 3, 5], &[9, 2]];
    SHAPES.iter().any(|shape| {
        let Some(runs) = shaped(runs, shape) else {
            return false;
        };
        if shape.len() == 1 && !(bare && stands_alone(text, runs[0])) {
            return false;
        }
        let separated = gaps(text, runs).all(|gap| {
            (1..=2).contains(&gap.chars().count())
                && gap
                    .chars()
                    .all(|letter| letter.is_whitespace() || matches!(letter, '-' | '‐' | '‑' | '–' | '—' | '_'))
        });
        separated && has_snils_check(&digits(runs))
    })
}

/// The last two of eleven digits are the weighted sum of the first nine modulo 101 (100 counts as 0).
fn has_snils_check(number: &str) -> bool {
    let digits: Vec<u32> = number.chars().filter_map(|letter| letter.to_digit(10)).collect();
    let [body @ .., tens, ones] = digits.as_slice() else {
        return false;
    };
    // Numbers up to 001-001-998 carry no check digits and were never given to people; zeros are a filler.
    if body.len() != 9 || number < "00100199899" {
        return false;
    }
    let sum: u32 = body
        .iter()
        .zip((1..=9).rev())
        .map(|(digit, weight)| digit * weight)
        .sum();
    sum % 101 % 100 == tens * 10 + ones
}

fn document_at(text: &str, runs: &[Run<'_>], named: bool, trust: Trust) -> bool {
    if let Some([run]) = shaped(runs, &[10]) {
        let suspect = trust == Trust::None && plausible_series(run.digits) && !has_inn_check(run.digits);
        return stands_alone(text, *run) && (named || suspect);
    }
    [[2, 2, 6].as_slice(), &[4, 6]].iter().any(|shape| {
        let Some(runs) = shaped(runs, shape) else {
            return false;
        };
        let parted = gaps(text, runs).all(|gap| {
            let gap = gap.trim_matches(|letter: char| letter.is_whitespace() || matches!(letter, '-' | '.' | ','));
            matches!(gap.to_lowercase().as_str(), "" | "№" | "n" | "no" | "номер" | "#")
        });
        let year = runs.len() == 2 && ("1990".."2040").contains(&runs[0].digits);
        parted && (named || (plausible_series(&digits(runs)) && !year))
    })
}

/// Digits three and four of a series are the year its blank was printed, from 1997 on.
fn plausible_series(number: &str) -> bool {
    let year = number.get(2..4).unwrap_or("");
    ("97".."99a").contains(&year) || ("00".."30").contains(&year)
}

fn has_inn_check(number: &str) -> bool {
    let digits: Vec<u32> = number.chars().filter_map(|letter| letter.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .zip([2, 4, 10, 3, 5, 9, 4, 6, 8])
        .map(|(digit, weight)| digit * weight)
        .sum();
    digits.get(9) == Some(&(sum % 11 % 10))
}

fn names_snils(text: &str) -> bool {
    text.to_lowercase().contains("снилс")
}

fn names_document(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["паспорт", "свидетельств", "серия", "серии"]
        .iter()
        .any(|word| lower.contains(word))
}

/// A date of birth: beside the word itself, or beside a surname with a first name.
pub(super) fn birth_date(text: &str) -> bool {
    const SHAPES: &[&[usize]] = &[&[2, 2, 4], &[1, 2, 4], &[1, 1, 4], &[2, 1, 4], &[4, 2, 2]];
    let runs = runs(text);
    let date_at = |at: usize| {
        SHAPES.iter().find_map(|shape| {
            let date = shaped(&runs[at..], shape)?;
            let year = date.iter().find(|run| run.digits.len() == 4)?;
            let separated = gaps(text, date).all(|gap| matches!(gap, "." | "/" | "-"));
            (separated && ("1920".."2040").contains(&year.digits)).then(|| (date[0].start, date[2].end))
        })
    };
    let dates: Vec<(usize, usize)> = (0..runs.len()).filter_map(date_at).collect();
    if dates.is_empty() {
        return false;
    }
    let pairs = names::pairs(text);
    let beside = |(start, end): &(usize, usize)| names::beside_a_pair(text, &pairs, *start, *end);
    says_born(text) || dates.iter().any(beside)
}

fn says_born(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["рожд", "родил", "род.", "г.р", "г. р", "д.р"]
        .iter()
        .any(|word| lower.contains(word))
}

/// A telephone number by its shape; eleven digits in a row only when they look like a mobile one.
pub(super) fn phone(text: &str, trust: Trust) -> bool {
    let runs = runs(text);
    (0..runs.len()).any(|at| {
        let first = runs[at];
        if first.digits.len() == 11 && stands_alone(text, first) {
            let plus = text[..first.start].ends_with('+');
            let mobile = first.digits.starts_with("79") || first.digits.starts_with("89");
            return plus || (mobile && trust != Trust::Codes && trust != Trust::Amounts);
        }
        phone_from(text, &runs[at..])
    })
}

fn phone_from(text: &str, runs: &[Run<'_>]) -> bool {
    let linked = |gap: &str| {
        !gap.is_empty()
            && gap.chars().count() <= 3
            && gap
                .chars()
                .all(|letter| letter.is_whitespace() || matches!(letter, '(' | ')' | '-' | '–' | '.'))
    };
    let mut length = 1;
    // Twelve runs have more digits than any number below.
    while length < 12
        && let Some(pair) = runs.get(length - 1..=length)
        && linked(&text[pair[0].end..pair[1].start])
    {
        length += 1;
    }
    let runs = &runs[..length];
    let number = digits(runs);
    let before = &text[..runs[0].start];
    let bracketed = before.ends_with('(') || gaps(text, runs).any(|gap| gap.contains('('));
    let dashed = gaps(text, runs).any(|gap| gap.contains(['-', '–']));
    let trunk = matches!(runs[0].digits, "7" | "8");
    let national = trunk && length >= 3 && number.len() == 11 && (bracketed || dashed || before.ends_with('+'));
    let spaced_mobile = trunk && length >= 4 && number.len() == 11 && number[1..].starts_with('9');
    let shape: Vec<usize> = runs.iter().map(|run| run.digits.len()).collect();
    let local = number.len() == 10
        && match shape.as_slice() {
            [3, 3, 2, 2] => bracketed || dashed,
            [3, 7] | [4, 6] | [4, 2, 2, 2] | [3, 3, 4] | [5, 1, 2, 2] => bracketed,
            _ => false,
        };
    national || spaced_mobile || local
}

fn runs(text: &str) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let mut start = None;
    for (at, byte) in text.bytes().chain([b' ']).enumerate() {
        match (byte.is_ascii_digit(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                runs.push(Run {
                    digits: &text[from..at],
                    start: from,
                    end: at,
                });
                start = None;
            }
            _ => {}
        }
    }
    runs
}

fn shaped<'r, 't>(runs: &'r [Run<'t>], shape: &[usize]) -> Option<&'r [Run<'t>]> {
    let runs = runs.get(..shape.len())?;
    runs.iter()
        .zip(shape)
        .all(|(run, length)| run.digits.len() == *length)
        .then_some(runs)
}

fn gaps<'a>(text: &'a str, runs: &'a [Run<'a>]) -> impl Iterator<Item = &'a str> {
    runs.windows(2).map(|pair| &text[pair[0].end..pair[1].start])
}

fn digits(runs: &[Run<'_>]) -> String {
    runs.iter().map(|run| run.digits).collect()
}

/// Not part of a longer word, hash or decimal fraction.
fn stands_alone(text: &str, run: Run<'_>) -> bool {
    let before = text[..run.start].chars().next_back();
    let after = text[run.end..].chars().next();
    let glued = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let fraction =
        matches!(before, Some('.' | ',')) && text[..run.start - 1].ends_with(|letter: char| letter.is_ascii_digit());
    let split =
        matches!(after, Some('.' | ',')) && text[run.end + 1..].starts_with(|letter: char| letter.is_ascii_digit());
    !glued(before) && !glued(after) && !fraction && !split
}
