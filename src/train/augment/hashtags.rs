//! Entities as hashtags: `New York` becomes `#NewYork`.

use rand::Rng;

use super::Augmentation;
use crate::text::Edit;

pub(super) const JOINED: Augmentation = Augmentation {
    name: "hashtags",
    share: |recipe| recipe.hashtags,
    apply: |document, _, random| {
        let gold = document.gold.iter().flatten();
        let can_be = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace());
        let spans: Vec<_> = gold
            .map(|annotation| annotation.span)
            .filter(|span| span.slice(&document.text).is_some_and(can_be))
            .collect();
        let Some(&span) = spans.get(random.random_range(0..spans.len().max(1))) else {
            return false;
        };
        let joined: String =
            span.slice(&document.text).unwrap_or_default().split_whitespace().collect();
        document.edit(vec![Edit { span, text: format!("#{joined}") }]);
        true
    },
};
