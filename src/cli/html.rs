//! What the program's pages share: a head without anything from elsewhere, colours of labels, and text
//! that cannot break out of where it stands.

pub(super) mod curves;
pub(super) mod drawing;
pub(super) mod list;

use std::collections::BTreeMap;

use serde_json::Value;

use super::print::visible;
use crate::pipeline::Engine;

const STYLE: &str = include_str!("html/base.css");

/// How many colours the style has for labels.
const COLORS: usize = 10;

/// A page as far as its body; `style` is added to what pages share.
pub(super) fn head(title: &str, style: &str) -> String {
    let title = escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n\
         <meta name=\"color-scheme\" content=\"light dark\" />\n\
         <link rel=\"icon\" href=\"data:,\" />\n\
         <title>{title}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n"
    )
}

/// The end of a page, with its script.
pub(super) fn foot(script: &str) -> String {
    format!("<script>\n{script}</script>\n</body>\n</html>\n")
}

/// `text` as it stands in a page: nothing in it is markup or a control character.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Data for the page's script under the name `id`. No text in it can end the element that holds it.
pub(super) fn data(id: &str, value: &Value) -> String {
    let json = value.to_string().replace('<', "\\u003c");
    format!("<script type=\"application/json\" id=\"{id}\">{json}</script>\n")
}

/// The colour of each label.
pub(super) struct Palette(BTreeMap<String, usize>);

impl Palette {
    /// Colours for labels in their order; the same label keeps its first.
    pub(super) fn new<'l>(labels: impl IntoIterator<Item = &'l str>) -> Self {
        let mut colors = BTreeMap::new();
        for label in labels {
            let next = colors.len() % COLORS;
            colors.entry(label.to_owned()).or_insert(next);
        }
        Self(colors)
    }

    /// Those the engine gives, in its order, then the others it knows.
    pub(super) fn of(engine: &Engine) -> Self {
        let known = engine.known_labels();
        Self::new(engine.labels().iter().chain(&known).map(|label| label.as_str()))
    }

    /// The class that gives the colour of a label.
    pub(super) fn class(&self, label: &str) -> String {
        format!("c{}", self.0.get(label).copied().unwrap_or_default())
    }

    /// A label as a small sign in its colour.
    pub(super) fn sign(&self, label: &str) -> String {
        format!("<b class=\"label {}\">{}</b>", self.class(label), escaped(label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_out() {
        assert_eq!(escaped("<b a='\"'>&\u{1b}"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;␛");
        let text = "</script><!-- <script> \u{2028} & é";
        let html = data("d", &Value::from(vec![text]));
        assert_eq!((html.matches('<').count(), html.matches("</script>").count()), (2, 1));
        let json = html.split_once('>').unwrap().1.rsplit_once('<').unwrap().0;
        assert_eq!(serde_json::from_str::<Vec<String>>(json).unwrap(), [text]);
    }

    #[test]
    fn colours_begin_anew_after_the_last() {
        let names: Vec<String> = (0..12).map(|number| format!("L{number}")).collect();
        let palette = Palette::new(names.iter().chain(&names).map(String::as_str));
        assert_eq!([palette.class("L0"), palette.class("L11")], ["c0", "c1"]);
    }
}
