//! Nothing that a source wrote may change the shape of a message (promise P13).

use crate::message::Problem;

/// Longest value of a header that comes from data: ten folded lines; no subject of ours is longer.
const HEADER_LETTERS: usize = 400;
/// Longest name of an attachment: mail programs and file systems take 255 bytes, a Russian letter has two.
const NAME_LETTERS: usize = 100;

/// True for marks that turn the direction of writing or cannot be seen: with them `gpj.exe` reads as `exe.jpg`.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{ad}' | '\u{feff}')
}

/// One line of visible text: control characters and line ends become single blanks, direction marks go.
pub(super) fn header_text(value: &str) -> String {
    let mut text = String::new();
    for letter in value.chars().filter(|letter| !is_invisible(*letter)) {
        let blank = letter.is_control() || matches!(letter, ' ' | '\u{2028}' | '\u{2029}');
        if !blank {
            text.push(letter);
        } else if !text.is_empty() && !text.ends_with(' ') {
            text.push(' ');
        }
    }
    text.trim_end().chars().take(HEADER_LETTERS).collect()
}

/// A name that every mail program and file system takes; the extension survives cutting.
pub(super) fn file_name(value: &str) -> String {
    let name: String = header_text(value)
        .chars()
        .map(|letter| match letter {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            letter => letter,
        })
        .collect();
    let name = name.trim_matches(['.', ' ']);
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.chars().count() <= 10 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let stem: String = stem.chars().take(NAME_LETTERS - extension.chars().count()).collect();
    if stem.is_empty() {
        format!("вложение{extension}")
    } else {
        stem + &extension
    }
}

/// An address that any server takes: ASCII, one `@`, no blanks or control characters.
pub(super) fn address(field: &str, value: &str) -> Result<lettre::Address, Problem> {
    let refused = || {
        Problem::new("MSK-MAIL-01")
            .arg("field", field)
            .arg("found", header_text(value))
    };
    if !value.is_ascii() || value.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
        return Err(refused());
    }
    value.parse().map_err(|_| refused())
}

/// Every kind of line end becomes CRLF.
pub(super) fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

/// True when the bytes can be sent as they are: ASCII, no CR or LF alone, no line above 998 bytes.
///
/// A server that takes a bare LF for a line end would end the letter at `\n.` and read the rest as commands
/// (RUSTSEC-2026-0561: the client library does not look at them before its version 0.11.24).
pub(super) fn is_sendable(bytes: &[u8]) -> bool {
    let Some(lines) = bytes.strip_suffix(b"\r\n").filter(|_| bytes.is_ascii()) else {
        return false;
    };
    let mut lines = lines.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        let Some(line) = (if is_last { Some(line) } else { line.strip_suffix(b"\r") }) else {
            return false;
        };
        if line.len() > 998 || line.contains(&b'\r') {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_from_a_source_stays_one_visible_line() {
        assert_eq!(header_text("МКОУ\r\nBcc: all@x.example"), "МКОУ Bcc: all@x.example");
        assert_eq!(header_text("справка\u{202e}xcod\u{2066}.exe"), "справкаxcod.exe");
        assert_eq!(header_text(" \u{2028}а\0\tб "), "а б");
        assert_eq!(header_text("до 1\u{a0}марта"), "до 1\u{a0}марта");
    }

    #[test]
    fn a_file_name_leads_nowhere() {
        assert_eq!(file_name("../../etc/справка: ВПР.docx"), "_.._etc_справка_ ВПР.docx");
        assert_eq!(file_name("..."), "вложение");
        let long = file_name(&format!("{}.docx", "я".repeat(300)));
        assert_eq!(long.chars().count(), NAME_LETTERS);
        assert!(long.ends_with(".docx"));
    }

    #[test]
    fn an_address_is_refused_rather_than_mended() {
        assert!(address("to", "office@edu.example").is_ok());
        for bad in [
            "",
            "office",
            "a@b\r\nRCPT TO:<c@d.example>",
            "a b@c.example",
            "офис@edu.example",
            "a@школа.рф",
        ] {
            assert_eq!(address("to", bad).expect_err(bad).code(), "MSK-MAIL-01");
        }
    }

    #[test]
    fn a_bare_line_end_never_leaves_the_machine() {
        assert!(is_sendable(b"a: b\r\n\r\nc\r\n"));
        for bad in [
            "a\n.\r\n",
            "a\r.\r\n",
            "a\r\n.\n",
            "a",
            "a\r\r\n",
            "\n\n.\r\n",
            "\u{e9}\r\n",
        ] {
            assert!(!is_sendable(bad.as_bytes()), "{bad:?}");
        }
        assert!(!is_sendable(format!("{}\r\n", "a".repeat(999)).as_bytes()));
    }

    proptest! {
        #[test]
        fn bodies_of_any_line_ends_become_sendable(text in "[a-z\r\n.]{0,60}") {
            let body = crlf(&text) + "\r\n";
            prop_assert!(is_sendable(body.as_bytes()));
        }
    }
}
