//! The tokens of documents: those that an input gives, those that are found where it gives none, and
//! what entities cover of them. What columns and fields they come from is the formats' business.

use std::ops::Range;

use serde_json::Value;

use super::gold::kind;
use crate::span::scheme::{LetterPlace, TaggedRange, decode_at};
use crate::span::{Entity, Label, Span, TagScheme};
use crate::text::{Annotation, Document, Token, segment};

/// What stands in the text for a token that is empty (lines such as `<TAB>O` occur): the Unicode
/// replacement character.
pub(super) const EMPTY_TOKEN: &str = "\u{FFFD}";

/// The text and tokens of words: `text`, where they stand there in order with nothing but white space
/// between them, else the words joined by single spaces.
pub(super) fn of_words(words: &[String], text: Option<&str>) -> (String, Vec<Token>) {
    if let Some(text) = text
        && let Some(tokens) = find(words, text)
    {
        return (text.to_owned(), tokens);
    }
    let word = |word: &'_ String| {
        if word.trim().is_empty() { EMPTY_TOKEN.to_owned() } else { word.clone() }
    };
    let words: Vec<String> = words.iter().map(word).collect();
    let document = Document::from_words("", words.iter().map(String::as_str));
    (document.text, document.tokens.unwrap_or_default())
}

fn find(words: &[String], text: &str) -> Option<Vec<Token>> {
    let mut at = 0;
    let mut tokens = Vec::with_capacity(words.len());
    for word in words {
        let rest = text.get(at..)?;
        let start = at + (rest.len() - rest.trim_start().len());
        if word.trim().is_empty() || !text.get(start..)?.starts_with(word.as_str()) {
            return None;
        }
        at = start + word.len();
        tokens.push(Token { span: Span::new(start, at), line: String::new() });
    }
    text.get(at..)?.trim().is_empty().then_some(tokens)
}

/// The tokens of a document: those that are given, else the words of its sentences.
pub(super) fn words(document: &Document) -> Vec<Span> {
    document.token_spans().unwrap_or_else(|| sentence_words(&document.text).0)
}

/// The words of a text's sentences, and of each whether a sentence ends with it.
pub(super) fn sentence_words(text: &str) -> (Vec<Span>, Vec<bool>) {
    let (mut words, mut ends) = (Vec::new(), Vec::new());
    for sentence in segment::sentences(text) {
        let inside = sentence.slice(text).unwrap_or("");
        let shifted = |w: Span| Span::new(w.start + sentence.start, w.end + sentence.start);
        words.extend(segment::words(inside).into_iter().map(shifted));
        ends.resize(words.len(), false);
        ends.last_mut().into_iter().for_each(|end| *end = true);
    }
    (words, ends)
}

/// What stands at each of `words`.
pub(super) fn texts<'t>(document: &'t Document, words: &[Span]) -> Vec<&'t str> {
    words.iter().map(|word| word.slice(&document.text).unwrap_or("")).collect()
}

/// A document's text, where its words joined by single spaces are not that text.
pub(super) fn text_beyond<'t>(document: &'t Document, words: &[&str]) -> Option<&'t str> {
    (words.join(" ") != document.text).then_some(document.text.as_str())
}

/// The words that a span touches; empty where it touches none.
pub(super) fn covered(words: &[Span], span: Span) -> Range<usize> {
    let first = words.partition_point(|word| word.end <= span.start);
    let last = words.partition_point(|word| word.start < span.end);
    first..last.max(first)
}

/// The tag of each of `words`. An entity reaches out to the edges of the words that it touches; one that
/// touches none is left out, and so is one that shares a word with an earlier one.
pub(super) fn tags(scheme: TagScheme, words: &[Span], entities: &[Entity]) -> Vec<String> {
    scheme.encode(&tagged_ranges(words, entities), words.len())
}

/// The words that each entity touches; one that touches none is left out.
pub(super) fn tagged_ranges(words: &[Span], entities: &[Entity]) -> Vec<TaggedRange> {
    let range = |entity: &Entity| (covered(words, entity.span), entity.label.clone());
    entities.iter().map(range).filter(|(range, _)| !range.is_empty()).collect()
}

/// The entities that tags mark, one tag a token, of any scheme, by
/// [`decode`](crate::span::scheme::decode). A tag such as `B-O`, which some corpora write for outside, is
/// outside.
pub(super) fn of_tags(tags: &[&str], letter: LetterPlace, tokens: &[Token]) -> Vec<(Span, Label)> {
    let outside = |tag: &&str| {
        tag.split_once('-').is_some_and(|parts| match letter {
            LetterPlace::First => parts.1 == "O",
            LetterPlace::Last => parts.0 == "O",
        })
    };
    let tags: Vec<&str> = tags.iter().map(|tag| if outside(tag) { "O" } else { *tag }).collect();
    let span = |range: Range<usize>| {
        Span::new(tokens[range.start].span.start, tokens[range.end - 1].span.end)
    };
    decode_at(letter, &tags).into_iter().map(|(range, label)| (span(range), label)).collect()
}

/// [`of_tags`], as gold.
///
/// # Errors
/// Where there is not one tag a token, or one is none.
pub(super) fn gold_of_tags<S: AsRef<str>>(
    tags: &[S],
    tokens: &[Token],
) -> Result<Vec<Annotation>, String> {
    if tags.len() != tokens.len() {
        return Err(format!("expected {} tags, one a token, got {}", tokens.len(), tags.len()));
    }
    let tags: Vec<&str> = tags.iter().map(AsRef::as_ref).collect();
    for (number, tag) in tags.iter().enumerate() {
        check_tag(tag, LetterPlace::First)
            .map_err(|message| format!("token {}: {message}", number + 1))?;
    }
    let gold = of_tags(&tags, LetterPlace::First, tokens).into_iter();
    Ok(gold.map(|(span, label)| Annotation { span, label: label.as_str().to_owned() }).collect())
}

/// Looks whether `tag` is one that has its letter at `place`.
///
/// # Errors
/// Where it is none, or several in one.
pub(super) fn check_tag(tag: &str, place: LetterPlace) -> Result<(), String> {
    let several =
        tag.contains(',') && tag.split(',').all(|part| place.is_tag(part) && part.len() > 1);
    if several {
        return Err(format!("expected one label a token, got several: '{tag}'"));
    }
    if place.is_tag(tag) {
        return Ok(());
    }
    let example = match place {
        LetterPlace::First => "B-PER",
        LetterPlace::Last => "PER-B",
    };
    Err(format!("expected a tag such as O or {example}, got '{tag}'"))
}

/// The strings of a list; `field` is what the input calls it.
///
/// # Errors
/// Where it is no list of strings.
pub(super) fn strings(field: &str, value: &Value) -> Result<Vec<String>, String> {
    let Value::Array(list) = value else {
        return Err(format!("expected a list of strings in field '{field}', got {}", kind(value)));
    };
    let one = |(number, value): (usize, &Value)| match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(format!(
            "expected a string at place {} of field '{field}', got {}",
            number + 1,
            kind(other)
        )),
    };
    list.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_are_found_in_their_text_or_joined() {
        let shown = |words: &[&str], text| {
            let (text, tokens) = of_words(&owned(words), text);
            let places: Vec<String> =
                tokens.iter().map(|t| format!("{}-{}", t.span.start, t.span.end)).collect();
            format!("{text}|{}", places.join(" "))
        };
        assert_eq!(shown(&["do", "n't", "go"], Some("don't\n go ")), "don't\n go |0-2 2-5 7-9");
        assert_eq!(shown(&["do", "not"], Some("don't")), "do not|0-2 3-6");
        assert_eq!(shown(&["a"], Some("a b")), "a|0-1");
        assert_eq!(shown(&["a", ""], None), "a \u{fffd}|0-1 2-5");
        assert_eq!(shown(&[], Some("")), "|");
    }

    #[test]
    fn tags_mark_entities_and_some_mark_nothing() {
        let (text, tokens) = of_words(&owned(&["a", "b", "c"]), None);
        let gold = |tags: &[&str]| {
            let gold = gold_of_tags(tags, &tokens)?;
            let shown = |a: &Annotation| format!("{} {}", a.span.slice(&text).unwrap(), a.label);
            Ok::<Vec<String>, String>(gold.iter().map(shown).collect())
        };
        assert_eq!(gold(&["B-X", "I-X", "B-O"]), Ok(owned(&["a b X"])));
        assert_eq!(gold(&["O", "B-O", "I-O"]), Ok(vec![]));
        let wrong = |tags: &[&str]| gold(tags).unwrap_err();
        assert_eq!(wrong(&["O"]), "expected 3 tags, one a token, got 1");
        assert_eq!(wrong(&["O", "x", "O"]), "token 2: expected a tag such as O or B-PER, got 'x'");
        let several = "token 1: expected one label a token, got several: 'B-X,B-Y'";
        assert_eq!(wrong(&["B-X,B-Y", "O", "O"]), several);
    }

    #[test]
    fn an_entity_covers_the_words_it_touches() {
        let words = [Span::new(0, 2), Span::new(2, 5), Span::new(7, 9)];
        for (span, expected) in [((0, 2), 0..1), ((1, 3), 0..2), ((5, 7), 2..2), ((8, 20), 2..3)] {
            assert_eq!(covered(&words, Span::new(span.0, span.1)), expected);
        }
    }
}
