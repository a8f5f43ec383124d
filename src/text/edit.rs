//! Changes to the text of a document that keep its tokens and entities in their places.

use super::{Annotation, Document, Span, Token};

/// A stretch of a document's text and what is to stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The stretch, on char boundaries; may be empty.
    pub span: Span,
    /// What is to stand there.
    pub text: String,
}

impl Document {
    /// Makes these edits, which must not overlap. Tokens and entities move with the text: one that holds an
    /// edit holds what stands there now, one that is left with nothing goes. A fixed token that holds white
    /// space now becomes several, and loses its line, as all do that were changed.
    pub fn edit(&mut self, mut edits: Vec<Edit>) {
        if edits.is_empty() {
            return;
        }
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let mut text = String::with_capacity(self.text.len());
        let mut read = 0;
        for Edit { span, text: new } in &edits {
            debug_assert!(read <= span.start, "edits do not overlap");
            text.push_str(Span::new(read, span.start).slice(&self.text).unwrap_or_default());
            text.push_str(new);
            read = span.end;
        }
        text.push_str(self.text.get(read..).unwrap_or_default());
        let moved =
            |span: Span| Span::new(moved(&edits, span.start, true), moved(&edits, span.end, false));
        if let Some(tokens) = &mut self.tokens {
            let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
            for token in tokens.drain(..) {
                let span = moved(token.span);
                let is_same = text.get(span.start..span.end) == token.span.slice(&self.text);
                match kept.last_mut().filter(|last| span.start < last.span.end) {
                    Some(last) => last.span.end = last.span.end.max(span.end),
                    None if is_same => kept.push(Token { span, ..token }),
                    None => kept.push(Token { span, line: String::new() }),
                }
            }
            let parts = |token: Token| {
                let words = words(&text, token.span).into_iter();
                words.map(move |span| Token { span, line: token.line.clone() })
            };
            *tokens = kept.into_iter().flat_map(parts).collect();
        }
        if let Some(gold) = &mut self.gold {
            gold.retain_mut(|annotation: &mut Annotation| {
                annotation.span = moved(annotation.span).trim(&text);
                !annotation.span.is_empty()
            });
        }
        self.text = text;
    }
}

impl Document {
    /// Leaves out the words that `is_removed` names, with the white space after each. An entity that is made
    /// of such words alone goes.
    pub fn remove_words(&mut self, is_removed: impl Fn(&str) -> bool) {
        let words = self.words();
        let mut edits: Vec<Edit> = Vec::new();
        for word in words {
            let Some(text) = word.slice(&self.text).filter(|text| is_removed(text)) else {
                continue;
            };
            debug_assert!(!text.is_empty());
            let after = self.text.get(word.end..).unwrap_or_default();
            let space = after.len() - after.trim_start().len();
            edits.push(Edit { span: Span::new(word.start, word.end + space), text: String::new() });
        }
        self.edit(edits);
    }
}

impl Document {
    /// Widens entities that cut a word, such as `Rome` in `#Rome`, to the whole of it.
    pub fn widen_to_words(&mut self) {
        let words = self.words();
        for Annotation { span, .. } in self.gold.iter_mut().flatten() {
            let first = words.partition_point(|word| word.end <= span.start);
            let last = words.partition_point(|word| word.start < span.end);
            if let Some([first, ..]) = words.get(first..last) {
                *span = Span::new(first.start.min(span.start), words[last - 1].end.max(span.end));
            }
        }
    }
}

/// Where a place of the old text is in the new. Inside an edit it is the beginning or the end of what
/// stands there now; what is added where a stretch begins belongs to it.
fn moved(edits: &[Edit], place: usize, is_start: bool) -> usize {
    let mut by = 0isize;
    for Edit { span, text } in edits {
        let is_before = span.end < place || (span.end == place && !span.is_empty());
        if is_before {
            by += text.len() as isize - span.len() as isize;
        } else if span.start < place {
            let start = span.start.saturating_add_signed(by);
            return if is_start { start } else { start + text.len() };
        }
    }
    place.saturating_add_signed(by)
}

/// The stretches of a span without white space.
fn words(text: &str, span: Span) -> Vec<Span> {
    let slice = span.slice(text).unwrap_or_default();
    let parts = slice.split_whitespace();
    parts
        .map(|part| {
            let start = span.start + (part.as_ptr() as usize - slice.as_ptr() as usize);
            Span::new(start, start + part.len())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let mut document = Document::from_words("d", ["in", "New", "York", "with", "Ann", "."]);
        let entity = |start, end, label: &str| Annotation {
            span: Span::new(start, end),
            label: label.to_owned(),
        };
        document.gold = Some(vec![entity(3, 11, "LOC"), entity(17, 20, "PER")]);
        document
    }

    fn edited(edits: &[(usize, usize, &str)]) -> (String, Vec<String>, Vec<String>) {
        let mut document = document();
        document.edit(
            edits
                .iter()
                .map(|(start, end, text)| Edit {
                    span: Span::new(*start, *end),
                    text: (*text).to_owned(),
                })
                .collect(),
        );
        let slice = |span: Span| span.slice(&document.text).unwrap().to_owned();
        let tokens = document.token_spans().unwrap().into_iter().map(slice).collect();
        let gold = document.gold.as_ref().unwrap().iter().map(|a| slice(a.span)).collect();
        (document.text.clone(), tokens, gold)
    }

    #[test]
    fn tokens_and_entities_move_with_the_text() {
        let (text, tokens, gold) = edited(&[(3, 11, "Rio de Janeiro"), (17, 20, "Bo")]);
        assert_eq!(text, "in Rio de Janeiro with Bo .");
        assert_eq!(tokens, ["in", "Rio", "de", "Janeiro", "with", "Bo", "."]);
        assert_eq!(gold, ["Rio de Janeiro", "Bo"]);
    }

    #[test]
    fn what_is_left_with_nothing_goes() {
        let (text, tokens, gold) = edited(&[(0, 3, ""), (17, 21, "")]);
        assert_eq!(text, "New York with .");
        assert_eq!(tokens, ["New", "York", "with", "."]);
        assert_eq!(gold, ["New York"]);
    }

    #[test]
    fn words_are_left_out() {
        let mut document = document();
        document.remove_words(|word| ["new", "ann", "."].contains(&word.to_lowercase().as_str()));
        assert_eq!(document.text, "in York with ");
        assert_eq!(document.token_spans().unwrap().len(), 3);
        assert_eq!(document.gold.as_ref().unwrap().len(), 1);
        let mut text = Document::new("t", "What is #Rome?");
        text.remove_words(|word| word == "is" || word == "?");
        assert_eq!(text.text, "What #Rome");
    }

    #[test]
    fn entities_are_widened_to_whole_words() {
        let mut document = Document::new("t", "In #Rome, New York and Paris");
        let entity =
            |start, end| Annotation { span: Span::new(start, end), label: "LOC".to_owned() };
        document.gold = Some(vec![entity(4, 8), entity(12, 16), entity(23, 28)]);
        document.widen_to_words();
        let gold = document.gold.iter().flatten();
        let texts: Vec<_> = gold.map(|a| a.span.slice(&document.text).unwrap()).collect();
        assert_eq!(texts, ["#Rome", "New York", "Paris"]);
    }

    #[test]
    fn letters_inside_a_token_change_it_alone() {
        let (text, tokens, gold) = edited(&[(3, 3, "#"), (6, 7, ""), (18, 19, "")]);
        assert_eq!(text, "in #NewYork with An .");
        assert_eq!(gold, ["#NewYork", "An"]);
        assert_eq!(tokens, ["in", "#New", "York", "with", "An", "."]);
    }
}
