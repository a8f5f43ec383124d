//! How many documents go through an engine at once.

/// How much is handed on at once, of which the documents are spread over threads, or go through a model in batches. It does not
/// depend on the machine, so that a model gets the same batches on any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimit {
    /// So many documents at most.
    pub documents: usize,
    /// No document more, once their texts have so many bytes.
    pub bytes: usize,
}

impl BatchLimit {
    /// Where no model is asked: enough short documents that threads are seldom waited for, enough long ones that each of several
    /// threads has one, and little enough that progress shows and memory is bounded.
    pub const WITHOUT_MODEL: Self = Self { documents: 512, bytes: 16 << 20 };

    /// Of a model that likes to get so many short documents: some seconds of a processor's work.
    pub const fn of_model(documents: usize) -> Self {
        Self { documents, bytes: 64 << 10 }
    }

    /// Whether what is handed on is enough.
    pub fn is_reached(self, documents: usize, bytes: usize) -> bool {
        documents >= self.documents || bytes >= self.bytes
    }

    /// What is enough for both.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { documents: self.documents.max(other.documents), bytes: self.bytes.max(other.bytes) }
    }
}
