//! Check digits of ИНН and ОГРН.

/// True when a number of 10 or 12 digits (ИНН) or of 13 or 15 digits (ОГРН, ОГРНИП) has its check digits.
pub(super) fn are_right(text: &str) -> bool {
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
    use super::are_right;

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
}
