//! Bytes of an answer → text, and what the bytes are when they are no text.
//!
//! Order: byte-order mark, charset of the HTTP header, meta of the first kilobytes, then a check of the result;
//! old school sites announce one encoding and send another.

use encoding_rs::{Encoding, IBM866, KOI8_R, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251};

/// Largest html page read: pages of sites are tens of kilobytes, more is an archive or an attack.
pub(crate) const MAX_HTML_BYTES: usize = 2 * 1024 * 1024;

/// Meta elements are looked for in this many bytes.
const META_WINDOW: usize = 4_096;
/// So many characters are enough to judge an encoding.
const SAMPLE: usize = 20_000;

/// What the first bytes say (сигнатура файла).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// A page, or text that may be one.
    Html,
    /// A file of this format.
    File(&'static str),
    /// Nothing at all.
    Empty,
}

/// Looks at the first bytes; the header's Content-Type is not believed.
#[must_use]
pub(crate) fn sniff(body: &[u8]) -> Content {
    const SIGNATURES: &[(&[u8], &str)] = &[
        (b"%PDF-", "pdf"),
        (b"PK\x03\x04", "zip"),
        (b"\xd0\xcf\x11\xe0", "ole"),
        (b"Rar!", "rar"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"\xff\xd8\xff", "jpeg"),
        (b"\x89PNG", "png"),
        (b"GIF8", "gif"),
        (b"{\\rtf", "rtf"),
        (b"\x1f\x8b", "gzip"),
    ];
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace());
    let Some(start) = start else {
        return Content::Empty;
    };
    let trimmed = &body[start..];
    SIGNATURES
        .iter()
        .find(|(signature, _)| trimmed.starts_with(signature))
        .map_or(Content::Html, |(_, name)| Content::File(name))
}

/// Text of a page and the encoding it was read in (`UTF-8`, `windows-1251`…).
#[must_use]
pub(crate) fn decode(body: &[u8], content_type: Option<&str>) -> (String, &'static str) {
    let body = &body[..body.len().min(MAX_HTML_BYTES)];
    if let Some((encoding, length)) = Encoding::for_bom(body) {
        return (read(encoding, &body[length..]), encoding.name());
    }
    let announced = content_type
        .and_then(charset_of_header)
        .or_else(|| charset_of_meta(body));
    let encoding = match announced {
        // A meta in single bytes cannot be right about UTF-16.
        Some(encoding) if encoding != UTF_16LE && encoding != UTF_16BE => check(body, encoding),
        _ => guess(body),
    };
    let text = read(encoding, body);
    mend(text, encoding.name())
}

fn read(encoding: &'static Encoding, body: &[u8]) -> String {
    encoding.decode_without_bom_handling(body).0.into_owned()
}

fn charset_of_header(value: &str) -> Option<&'static Encoding> {
    label_after(&value.to_ascii_lowercase(), "charset")
}

fn charset_of_meta(body: &[u8]) -> Option<&'static Encoding> {
    let head = &body[..body.len().min(META_WINDOW)];
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    text.split("<meta")
        .skip(1)
        .find_map(|meta| label_after(meta.split('>').next().unwrap_or_default(), "charset"))
}

fn label_after(text: &str, key: &str) -> Option<&'static Encoding> {
    let (_, rest) = text.split_once(key)?;
    let label = rest
        .trim_start_matches(|letter: char| letter == '=' || letter.is_whitespace() || letter == '"' || letter == '\'')
        .split(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')))
        .next()?;
    Encoding::for_label(label.as_bytes())
}

/// The announced encoding, unless the bytes speak against it.
fn check(body: &[u8], announced: &'static Encoding) -> &'static Encoding {
    if announced == UTF_8 {
        return if is_utf8(body) { UTF_8 } else { guess(body) };
    }
    if is_utf8(body) && body.iter().any(|byte| *byte >= 0x80) {
        // Valid multi-byte UTF-8 does not happen by chance in single-byte Cyrillic.
        return UTF_8;
    }
    let sample = &body[..body.len().min(SAMPLE)];
    if score(&read(announced, sample)) * 2 >= score(&read(guess(body), sample)) {
        announced
    } else {
        guess(body)
    }
}

/// UTF-8, also when a cap cut the last character.
fn is_utf8(body: &[u8]) -> bool {
    match std::str::from_utf8(body) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

fn guess(body: &[u8]) -> &'static Encoding {
    if is_utf8(body) {
        return UTF_8;
    }
    let sample = &body[..body.len().min(SAMPLE)];
    // windows-1251 first: at equal scores it is by far the most frequent.
    let mut best = (WINDOWS_1251, score(&read(WINDOWS_1251, sample)));
    for encoding in [KOI8_R, IBM866] {
        let points = score(&read(encoding, sample));
        if points > best.1 {
            best = (encoding, points);
        }
    }
    best.0
}

/// How much a text looks Russian: small letters inside words for it; boxes, replacement marks and capitals
/// after small letters (KOI8-R and windows-1251 swap cases) against it.
fn score(text: &str) -> i64 {
    let mut points = 0;
    let mut small_before = false;
    for letter in text.chars() {
        let small = matches!(letter, 'а'..='я' | 'ё');
        points += match letter {
            'о' | 'е' | 'а' | 'и' | 'н' | 'т' | 'с' | 'р' => 3,
            'ё' | 'а'..='я' => 1,
            'А'..='Я' if small_before => -3,
            '\u{fffd}' | '\u{2500}'..='\u{259f}' | '\u{80}'..='\u{9f}' => -5,
            _ => 0,
        };
        small_before = small;
    }
    points
}

/// UTF-8 that was read as windows-1251 and saved so: «Р°», «вЂ» instead of letters and dashes.
fn mend(text: String, name: &'static str) -> (String, &'static str) {
    let sample: String = text.chars().take(SAMPLE).collect();
    let pairs = sample.matches(['Р', 'С']).count();
    let signs = ["Р°", "Рѕ", "Рµ", "Рё", "вЂ", "в„–", "СЏ", "СЂ"]
        .iter()
        .map(|sign| sample.matches(sign).count())
        .sum::<usize>();
    let cyrillic = sample.chars().filter(|letter| ('А'..='ё').contains(letter)).count();
    if signs < 5 || signs * 8 < cyrillic || pairs * 3 < cyrillic {
        return (text, name);
    }
    let (bytes, _, unmappable) = WINDOWS_1251.encode(&text);
    let mended = String::from_utf8_lossy(&bytes);
    if unmappable || score(&mended) <= score(&text) {
        return (text, name);
    }
    (mended.into_owned(), "UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "<html><head></head><body>Основные сведения об образовательной организации — № 5, ёлка</body></html>";

    fn check_all(encoding: &'static Encoding, content_type: Option<&str>) {
        let (bytes, _, _) = encoding.encode(TEXT);
        let (text, name) = decode(&bytes, content_type);
        assert_eq!(name, encoding.name(), "{content_type:?}");
        assert!(text.contains("Основные сведения об образовательной"), "{text}");
    }

    #[test]
    fn the_encoding_is_found_with_a_right_header_a_wrong_one_and_none() {
        for content_type in [
            None,
            Some("text/html"),
            Some("text/html; charset=utf-8"),
            Some("text/html; charset=windows-1251"),
        ] {
            check_all(WINDOWS_1251, content_type);
            check_all(UTF_8, content_type);
        }
        check_all(KOI8_R, None);
        check_all(KOI8_R, Some("text/html; charset=windows-1251"));
        check_all(IBM866, None);
        check_all(KOI8_R, Some("text/html; charset=koi8-r"));
    }

    #[test]
    fn a_meta_in_the_first_kilobytes_and_a_byte_order_mark_are_heard() {
        let page = format!("<meta http-equiv=Content-Type content='text/html; charset=windows-1251'>{TEXT}");
        assert_eq!(decode(&WINDOWS_1251.encode(&page).0, None).1, "windows-1251");
        let mut bytes = vec![0xef, 0xbb, 0xbf];
        bytes.extend_from_slice(TEXT.as_bytes());
        assert_eq!(
            decode(&bytes, Some("text/html; charset=windows-1251")),
            (TEXT.to_owned(), "UTF-8")
        );
    }

    #[test]
    fn text_that_was_read_twice_is_mended() {
        let spoilt = WINDOWS_1251.decode_without_bom_handling(TEXT.as_bytes()).0.into_owned();
        assert_eq!(decode(spoilt.as_bytes(), None).0, TEXT);
    }

    #[test]
    fn files_are_known_by_their_first_bytes() {
        assert_eq!(sniff(b"\n%PDF-1.4"), Content::File("pdf"));
        assert_eq!(sniff(b"PK\x03\x04..."), Content::File("zip"));
        assert_eq!(sniff(b" \r\n "), Content::Empty);
        assert_eq!(sniff("<p>да".as_bytes()), Content::Html);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_stop_the_decoder(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2_000)) {
            let (text, _) = decode(&bytes, None);
            proptest::prop_assert!(text.len() <= bytes.len() * 3 + 3);
        }
    }
}
