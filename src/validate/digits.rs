//! Check digits of ИНН and ОГРН.

/// What is wrong with an ИНН or an ОГРН.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not a number of the right length, or its check digits do not follow from the others.
    Wrong,
    /// With zeros put before it, as given here, the number is right: a spreadsheet has taken it for an amount.
    LostZeros(String),
}

/// The fault of a number of 10 or 12 digits (ИНН) or of 13 or 15 digits (ОГРН, ОГРНИП).
pub(super) fn fault(text: &str) -> Option<Fault> {
    if are_right(text) {
        return None;
    }
    // A region number begins with one zero at most, so that an ИНН loses one digit and an ОГРН none.
    let whole = format!("0{text}");
    let lost = matches!(text.len(), 9 | 11) && are_right(&whole);
    Some(if lost { Fault::LostZeros(whole) } else { Fault::Wrong })
}

fn are_right(text: &str) -> bool {
    let mut digits = [0; 15];
    if text.len() > digits.len() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    for (digit, byte) in digits.iter_mut().zip(text.bytes()) {
        *digit = u64::from(byte - b'0');
    }
    let digits = &digits[..text.len()];
    match digits.len() {
        10 => inn(digits, &[2, 4, 10, 3, 5, 9, 4, 6, 8]),
        12 => inn(&digits[..11], &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) && inn(digits, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]),
        13 => ogrn(digits, 11),
        15 => ogrn(digits, 13),
        _ => false,
    }
}

fn inn(digits: &[u64], weights: &[u64]) -> bool {
    let sum: u64 = weights.iter().zip(digits).map(|(weight, digit)| weight * digit).sum();
    digits.last() == Some(&(sum % 11 % 10))
}

fn ogrn(digits: &[u64], modulus: u64) -> bool {
    let (last, body) = match digits.split_last() {
        Some((last, body)) => (*last, body),
        None => return false,
    };
    let rest = body.iter().fold(0, |rest, digit| (rest * 10 + digit) % modulus);
    rest % 10 == last
}

#[cfg(test)]
mod tests {
    use super::{Fault, are_right, fault};

    #[test]
    fn numbers_with_a_wrong_digit_are_found() {
        // Numbers of public bodies, as published by the tax service.
        for (number, right) in [
            ("7707083893", true),
            ("7707083894", false),
            ("1027700132195", true),
            ("1027700132196", false),
            ("500100732259", true),
            ("50010073225", false),
            ("", false),
            ("770708389X", false),
        ] {
            assert_eq!(are_right(number), right, "{number}");
        }
    }

    #[test]
    fn a_zero_that_a_spreadsheet_took_is_told_apart() {
        // Invented, with right check digits.
        assert_eq!(fault("0599000005"), None);
        assert_eq!(fault("599000005"), Some(Fault::LostZeros("0599000005".to_owned())));
        assert_eq!(fault("599000006"), Some(Fault::Wrong));
        assert_eq!(fault("1,03E+12"), Some(Fault::Wrong));
    }
}
