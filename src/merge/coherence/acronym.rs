//! Is a name beside an acronym of it? `World Health Organization (WHO)` and `WHO (World Health
//! Organization)`.

use crate::span::Span;
use crate::text::Segments;

/// The acronym of the name at `span` that stands beside it, one of the two in brackets.
pub(super) fn beside(span: Span, text: &str, segments: &Segments) -> Option<Span> {
    let name = &segments.words()[segments.words_in(span)];
    if name.len() < 2 {
        return None;
    }
    let is_acronym = |acronym: &Span| is_of(acronym.slice(text).unwrap_or(""), name, text);
    after(span, text, segments).or_else(|| before(span, text, segments)).filter(is_acronym)
}

/// The word in brackets after `span`.
fn after(span: Span, text: &str, segments: &Segments) -> Option<Span> {
    let rest = text.get(span.end..)?;
    let inner = rest.strip_prefix(' ').unwrap_or(rest).strip_prefix('(')?;
    let inner = inner.trim_start();
    let word = word_from(text.len() - inner.len(), segments)?;
    text.get(word.end..)?.trim_start().starts_with(')').then_some(word)
}

/// The word before the bracket in which `span` is.
fn before(span: Span, text: &str, segments: &Segments) -> Option<Span> {
    let ahead = text.get(..span.start)?.trim_end().strip_suffix('(')?.trim_end();
    let closes = text.get(span.end..)?.trim_start().starts_with(')');
    let until = segments.words().partition_point(|word| word.end < ahead.len());
    let word = segments.words().get(until).copied()?;
    (closes && word.end == ahead.len()).then_some(word)
}

/// The word that begins at a byte.
fn word_from(start: usize, segments: &Segments) -> Option<Span> {
    let number = segments.words().partition_point(|word| word.start < start);
    segments.words().get(number).copied().filter(|word| word.start == start)
}

/// Whether an acronym in capitals is made of the first letters of the words, of all or of those with
/// capitals.
fn is_of(acronym: &str, words: &[Span], text: &str) -> bool {
    let letters: Vec<char> = acronym.chars().filter(|c| *c != '.').collect();
    if letters.len() < 2 || !letters.iter().all(|c| c.is_uppercase() || c.is_numeric()) {
        return false;
    }
    let initials = || words.iter().filter_map(|word| word.slice(text)?.chars().next());
    let upper = |c: char| c.to_uppercase().next().unwrap_or(c);
    let all: Vec<char> = initials().filter(|c| c.is_alphanumeric()).map(upper).collect();
    let capitals: Vec<char> = initials().filter(|c| c.is_uppercase()).collect();
    letters == all || letters == capitals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Document;

    fn acronym(text: &str, name: &str) -> Option<String> {
        let document = Document::new("d", text);
        let start = text.find(name).unwrap();
        let span = Span::new(start, start + name.len());
        let found = beside(span, text, &Segments::of(&document))?;
        found.slice(text).map(str::to_owned)
    }

    #[test]
    fn it_stands_in_brackets_after_the_name_or_before_it() {
        let cases = [
            ("The World Health Organization (WHO) said", "World Health Organization", Some("WHO")),
            ("The WHO (World Health Organization) said", "World Health Organization", Some("WHO")),
            ("Bank of England(BOE)", "Bank of England", Some("BOE")),
            ("Bank of England ( BE )", "Bank of England", Some("BE")),
            ("World Health Organization (UN) said", "World Health Organization", None),
            ("World Health Organization WHO said", "World Health Organization", None),
            ("Acme (A)", "Acme", None),
            ("World Health Organization (WHO", "World Health Organization", None),
            ("World Health Organization (", "World Health Organization", None),
        ];
        for (text, name, expected) in cases {
            assert_eq!(acronym(text, name).as_deref(), expected, "{text}");
        }
    }
}
