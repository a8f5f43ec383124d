//! Texts in one case, so that a lower-cased text is still tagged.

use super::Augmentation;

pub(super) const LOWER: Augmentation = Augmentation {
    name: "lower-case",
    share: |recipe| recipe.lower_case,
    apply: |document, _, _| {
        let before = document.text.clone();
        document.lowercase();
        document.text != before
    },
};

pub(super) const UPPER: Augmentation = Augmentation {
    name: "upper-case",
    share: |recipe| recipe.upper_case,
    apply: |document, _, _| {
        let before = document.text.clone();
        document.uppercase();
        document.text != before
    },
};
