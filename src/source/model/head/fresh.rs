//! New weights of a head, where training begins with none.

/// A weight that a head needs.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWeight {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The numbers it begins with.
    pub start: Start,
    /// Whether it belongs to the tags: other tags need a new one.
    pub is_of_tags: bool,
}

/// The numbers that a weight begins with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// Drawn from a normal distribution around 0, as wide as `initializer_range` of `config.json` says.
    Normal,
    /// Drawn from all numbers between these two alike.
    Uniform(f64),
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
}

impl NewWeight {
    /// A weight that belongs to the tags.
    pub(in crate::source::model) fn of_tags(name: &str, shape: &[usize], start: Start) -> Self {
        Self { name: name.to_owned(), shape: shape.to_vec(), start, is_of_tags: true }
    }

    /// One that does not.
    pub(super) fn of_head(name: &str, shape: &[usize], start: Start) -> Self {
        Self { is_of_tags: false, ..Self::of_tags(name, shape, start) }
    }

    /// The same weight as one of the tags.
    pub(in crate::source::model) fn that_belongs_to_tags(self) -> Self {
        Self { is_of_tags: true, ..self }
    }

    /// Weight and bias of a linear layer from so many numbers to so many, as PyTorch begins one; they do not belong
    /// to the tags.
    pub(in crate::source::model) fn linear(name: &str, inputs: usize, outputs: usize) -> [Self; 2] {
        let start = Start::Uniform(1.0 / (inputs.max(1) as f64).sqrt());
        let of =
            |part: &str, shape: &[usize]| Self::of_head(&format!("{name}.{part}"), shape, start);
        [of("weight", &[outputs, inputs]), of("bias", &[outputs])]
    }
}

/// The classifier as `transformers` begins one.
pub(super) fn classifier(inputs: usize, tags: usize) -> Vec<NewWeight> {
    vec![
        NewWeight::of_tags("classifier.weight", &[tags, inputs], Start::Normal),
        NewWeight::of_tags("classifier.bias", &[tags], Start::Zeros),
    ]
}
