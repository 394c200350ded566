//! Names of persons: a patronymic beside another capitalised word, or a surname with initials.

use super::exempt::in_title;
use super::{Exempt, Trust};

/// Words after which a name belongs to a title or an address.
const MARKERS: &[&str] = &[
    "им",
    "имени",
    "памяти",
    "ул",
    "улица",
    "улице",
    "улицы",
    "пр",
    "проспект",
    "пер",
    "переулок",
    "площадь",
    "сквер",
];

/// Words of a name at most.
const LONGEST_NAME: usize = 4;

/// Words between a marker and the name: «имени дважды Героя Советского Союза генерала армии Петра…».
const MARKER_REACH: usize = 8;

/// Beginnings of the honours that go on after a comma: «имени Героя Советского Союза, генерала армии…».
const HONOURS: &[&str] = &[
    "геро",
    "дважды",
    "полн",
    "генерал",
    "адмирал",
    "маршал",
    "полковник",
    "академик",
    "профессор",
    "лауреат",
    "заслуженн",
    "народн",
    "кавалер",
    "летчик",
    "лётчик",
    "космонавт",
    "почетн",
    "почётн",
];

/// Words that make a text the title of an organisation.
const ORGANISATIONS: &[&str] = &[
    "школа",
    "школы",
    "школе",
    "школу",
    "сош",
    "оош",
    "нош",
    "гимназия",
    "лицей",
    "интернат",
    "школа-интернат",
    "учреждение",
    "сад",
    "детсад",
    "центр",
    "колледж",
    "техникум",
    "училище",
    "корпус",
    "филиал",
    "дом",
    "станция",
];

/// Words that end like a patronymic and are none.
const NO_PATRONYMICS: &[&str] = &[
    "деревне",
    "царевна",
    "царевны",
    "царевне",
    "царевну",
    "королевна",
    "королевны",
    "королевне",
    "основна",
    "духовна",
    "духовны",
    "условны",
    "верховна",
    "древне",
];

/// Patronymics with an ending too common to go by: only whole words count.
const SHORT_PATRONYMICS: &[&str] = &["ильич", "кузьмич", "лукич", "фомич", "никитич", "саввич", "фокич"];

/// A word of the text. An initial is one capital letter, with a full stop after it or not.
#[derive(Debug, Clone, Copy)]
struct Word<'t> {
    text: &'t str,
    start: usize,
    end: usize,
}

/// True when the text names a person who is not exempt.
pub(super) fn found(text: &str, exempt: &Exempt, trust: Trust) -> bool {
    let words = words(text);
    let (mut of_organisation, mut titles) = (None, None);
    let mut next = 0;
    let mut honoured = 0;
    while next < words.len() {
        let Some(hit) = hit_at(text, &words, next) else {
            next += 1;
            continue;
        };
        let named_after = marked(text, &words[honoured..hit.first])
            // «имени Героев А. С. Громова и Л. А. Лучкина».
            || honoured > 0 && matches!(&words[honoured..hit.first], [and] if and.text == "и");
        let of_title = trust == Trust::Organisations
            && hit.oblique
            && *of_organisation.get_or_insert_with(|| is_organisation(&words));
        let name = &text[words[hit.first].start..words[hit.last].end];
        if !named_after && !of_title {
            let titles = titles.get_or_insert_with(|| exempt.titles_beside(text));
            if !in_title(titles, name) {
                return true;
            }
        }
        // One marker honours one person: what follows the name is looked at afresh.
        honoured = hit.last + 1;
        next = hit.last + 1;
    }
    false
}

/// A name between two words, both included.
struct Hit {
    first: usize,
    last: usize,
    oblique: bool,
}

fn hit_at(text: &str, words: &[Word<'_>], at: usize) -> Option<Hit> {
    initials_at(text, words, at)
        .or_else(|| patronymic_at(text, words, at))
        .or_else(|| transliterated_at(text, words, at))
}

/// The patronymic stands second or third in a name; in the nominative it may stand alone, as in a list of fields.
fn patronymic_at(text: &str, words: &[Word<'_>], at: usize) -> Option<Hit> {
    let run = run_of_names(text, words, at);
    let whole_cell = at == 0 && run < words.len() && words.len() <= 4 && all_joined(text, words);
    let length = if whole_cell { words.len() } else { run };
    let name = words.get(at..at + length)?;
    let (offset, oblique) = name
        .iter()
        .enumerate()
        .find_map(|(offset, word)| patronymic(word.text).map(|oblique| (offset, oblique)))?;
    // In lower case only the nominative counts, and only when the cell holds nothing but the name.
    if whole_cell && (oblique || length < 2 || text.bytes().any(|byte| byte.is_ascii_digit())) {
        return None;
    }
    if length == 1 && (oblique || SHORT_PATRONYMICS.contains(&name[0].text.to_lowercase().as_str())) {
        return None;
    }
    let surname_after = usize::from(offset == 1 && length > 2);
    Some(Hit {
        first: at,
        last: at + offset.max(1).min(length - 1) + surname_after,
        oblique,
    })
}

/// How many capitalised words follow one another from `at`, `оглы` and `кызы` included; no more than a name has.
fn run_of_names(text: &str, words: &[Word<'_>], at: usize) -> usize {
    let mut length = 0;
    while length < LONGEST_NAME
        && let Some(word) = words.get(at + length)
    {
        let linked = length == 0 || joined(text, words[at + length - 1], *word);
        let son_of = length >= 2 && is_son_of(word.text);
        if !linked || !(is_capitalised(word.text) || son_of) {
            break;
        }
        length += 1;
    }
    length
}

fn all_joined(text: &str, words: &[Word<'_>]) -> bool {
    words.windows(2).all(|pair| joined(text, pair[0], pair[1]))
}

fn initials_at(text: &str, words: &[Word<'_>], at: usize) -> Option<Hit> {
    let is_initial = |word: &Word<'_>| {
        let mut letters = word.text.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.next().is_none() && text[word.end..].starts_with('.')
    };
    let three = words
        .get(at..at + 3)
        .filter(|three| joined(text, three[0], three[1]) && joined(text, three[1], three[2]));
    if let Some([first, second, third]) = three {
        let surname_first = is_surname(first.text) && is_initial(second) && is_initial(third);
        let surname_last = is_initial(first) && is_initial(second) && is_surname(third.text);
        if surname_first || surname_last {
            // «Героев Союза А. С. Громова»: the surname is the one after the initials, unless it has its own.
            let next = words
                .get(at + 3)
                .filter(|next| joined(text, *third, **next) && is_surname(next.text));
            let own = words.get(at + 4).is_some_and(is_initial);
            return Some(Hit {
                first: at,
                last: at + 2 + usize::from(surname_first && next.is_some() && !own),
                oblique: true,
            });
        }
    }
    let [surname, initial] = words else { return None };
    let alone = at == 0 && is_initial(initial) && joined(text, *surname, *initial) && ends_like_surname(surname.text);
    alone.then_some(Hit {
        first: 0,
        last: 1,
        oblique: false,
    })
}

fn transliterated_at(text: &str, words: &[Word<'_>], at: usize) -> Option<Hit> {
    let run = run_of_names(text, words, at).min(3);
    if run < 2 {
        return None;
    }
    let patronymic = words[at..at + run].iter().any(|word| {
        let lower = word.text.to_ascii_lowercase();
        lower.is_ascii()
            && ["vich", "ovna", "evna"]
                .iter()
                .any(|ending| lower.ends_with(ending) && lower.len() >= 6)
    });
    patronymic.then_some(Hit {
        first: at,
        last: at + run - 1,
        oblique: false,
    })
}

/// `Some(true)` for a patronymic in an oblique case, `Some(false)` in the nominative.
fn patronymic(word: &str) -> Option<bool> {
    // Six letters are the shortest patronymics with a common ending, five the shortest of the short ones.
    if word.len() < 10 && !is_son_of(word) {
        return None;
    }
    let lower = word.to_lowercase().replace('ё', "е");
    if is_son_of(&lower) {
        return Some(false);
    }
    if NO_PATRONYMICS.contains(&lower.as_str()) {
        return None;
    }
    if SHORT_PATRONYMICS.contains(&lower.as_str()) {
        return Some(false);
    }
    let long = lower.chars().count() >= 6;
    let ends = |endings: &[&str]| long && endings.iter().any(|ending| lower.ends_with(ending));
    if ends(&["ович", "евич", "львич", "овна", "евна", "инична", "китична", "аввична"])
    {
        return Some(false);
    }
    let male = ["овича", "евича", "овичу", "евичу", "овичем", "евичем", "овиче", "евиче"];
    let female = [
        "овны",
        "евны",
        "овне",
        "евне",
        "овну",
        "евну",
        "иничны",
        "иничне",
        "иничну",
    ];
    let short = SHORT_PATRONYMICS.iter().any(|short| {
        lower
            .strip_prefix(short)
            .is_some_and(|case| matches!(case, "а" | "у" | "ем" | "е"))
    });
    (ends(&male) || ends(&female) || short).then_some(true)
}

fn is_son_of(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "оглы" | "оглу" | "угли" | "кызы" | "гызы" | "кизи"
    )
}

fn is_capitalised(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase) && word.chars().nth(1).is_some()
}

fn is_surname(word: &str) -> bool {
    let letters = word.chars().count();
    let known = matches!(
        word.to_lowercase().as_str(),
        "вариант" | "часть" | "класс" | "задание" | "группа" | "раздел"
    );
    is_capitalised(word)
        && letters >= 2
        && !known
        && !(letters <= 4 && ORGANISATIONS.contains(&word.to_lowercase().as_str()))
}

/// Endings of Russian surnames; used where the shape alone says too little.
pub(super) fn ends_like_surname(word: &str) -> bool {
    let lower = word.to_lowercase();
    is_capitalised(word)
        && lower.chars().count() >= 4
        && [
            "ов", "ев", "ин", "ын", "ова", "ева", "ина", "ына", "ский", "ская", "цкий", "цкая", "енко", "чук",
        ]
        .iter()
        .any(|ending| lower.ends_with(ending))
}

/// Places of a surname side by side with another capitalised word, in the order of the text.
pub(super) fn pairs(text: &str) -> Vec<(usize, usize)> {
    let words = words(text);
    let name = |surname: &str, other: &str| {
        ends_like_surname(surname) && is_capitalised(other) && !is_common(other) && !is_common(surname)
    };
    let pairs = words.windows(2).filter(|pair| {
        let (left, right) = (pair[0], pair[1]);
        joined(text, left, right) && (name(left.text, right.text) || name(right.text, left.text))
    });
    pairs.map(|pair| (pair[0].start, pair[1].end)).collect()
}

/// True when one of the pairs stands right before `start` or right after `end`.
pub(super) fn beside_a_pair(text: &str, pairs: &[(usize, usize)], start: usize, end: usize) -> bool {
    let near = |gap: &str| gap.chars().nth(3).is_none() && !gap.contains(char::is_alphanumeric);
    let after = pairs.partition_point(|(_, pair_end)| *pair_end <= start);
    let before = after.checked_sub(1).map(|last| pairs[last].1);
    let next = pairs[after..].iter().find(|(pair_start, _)| *pair_start >= end);
    before.is_some_and(|pair_end| near(&text[pair_end..start]))
        || next.is_some_and(|(pair_start, _)| near(&text[end..*pair_start]))
}

fn is_common(word: &str) -> bool {
    const COMMON: &[&str] = &[
        "район",
        "область",
        "край",
        "округ",
        "город",
        "язык",
        "школа",
        "класс",
        "русский",
        "английский",
        "немецкий",
        "французский",
        "испанский",
        "китайский",
        "математика",
        "история",
        "приказ",
        "протокол",
        "лист",
    ];
    COMMON.contains(&word.to_lowercase().as_str())
}

fn is_organisation(words: &[Word<'_>]) -> bool {
    words.iter().any(|word| {
        let lower = word.text.to_lowercase();
        ORGANISATIONS.contains(&lower.as_str()) || lower.ends_with("оу") && lower.chars().count() <= 6
    })
}

/// True when a marker stands among the last words before a name with no break between them.
fn marked(text: &str, before: &[Word<'_>]) -> bool {
    let mut after = None::<&Word<'_>>;
    for word in before.iter().rev().take(MARKER_REACH + 1) {
        if let Some(after) = after
            && breaks(&text[word.end..after.start], after.text)
        {
            return false;
        }
        if MARKERS.contains(&word.text.to_lowercase().as_str()) {
            return true;
        }
        after = Some(word);
    }
    false
}

fn breaks(gap: &str, after: &str) -> bool {
    let after = after.to_lowercase();
    let goes_on = gap.trim() == "," && HONOURS.iter().any(|honour| after.starts_with(honour));
    !goes_on && gap.contains([',', ';', '(', ')', '»', '|', '\n'])
}

/// True when nothing but blanks, underscores and the stops of initials stands between two words.
fn joined(text: &str, left: Word<'_>, right: Word<'_>) -> bool {
    let gap = &text[left.end..right.start];
    let stop_of_initial = left.text.chars().nth(1).is_none();
    gap.chars()
        .all(|letter| letter.is_whitespace() || letter == '_' || (letter == '.' && stop_of_initial))
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    let letters = text.char_indices().chain([(text.len(), ' ')]);
    for (at, letter) in letters {
        let inside = letter.is_alphabetic() || matches!(letter, '-' | '\'' | '’') && start.is_some();
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let word = text[from..at].trim_end_matches(['-', '\'', '’']);
                words.push(Word {
                    text: word,
                    start: from,
                    end: from + word.len(),
                });
                start = None;
            }
            _ => {}
        }
    }
    words
}
