//! What can go wrong, and where: one error type that names file, line and column and carries the
//! offending piece of text for a code frame. Printing is the command line's work, not this file's.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of thing went wrong; decides nothing by itself but lets a caller tell cases apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file or stream could not be read or written.
    Io,
    /// An engine file, rule file or option is wrong.
    Config,
    /// A gazetteer file is wrong.
    Gazetteer,
    /// A rule is wrong, or failed while matching.
    Rule,
    /// A model folder is missing something or holds something wrong.
    Model,
    /// An object behind an address could not be reached, or was refused; another time it may be read.
    Remote,
    /// A device that was asked for is not there, or failed.
    Device,
    /// An input document cannot be read as what it claims to be.
    Document,
    /// Several errors at once; see [`Error::related`].
    Several,
}

impl ErrorKind {
    /// The kebab-case name of this kind, as shown in front of messages.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Io => "io",
            ErrorKind::Config => "config",
            ErrorKind::Gazetteer => "gazetteer",
            ErrorKind::Rule => "rule",
            ErrorKind::Model => "model",
            ErrorKind::Remote => "remote",
            ErrorKind::Device => "device",
            ErrorKind::Document => "document",
            ErrorKind::Several => "several",
        }
    }
}

/// A place in a file: 1-based line and column (column in code points), and the text around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as the user would name it.
    pub file: String,
    /// 1-based line; 0 where the whole file is meant.
    pub line: usize,
    /// 1-based column in code points; 0 where the whole line or file is meant.
    pub column: usize,
    frame: Option<(Arc<str>, Range<usize>)>,
}

impl Location {
    /// A whole file.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), line: 0, column: 0, frame: None }
    }

    /// A line of a file whose text is not kept (a large data file). `column` is 0 for the whole line.
    pub fn line(file: impl Into<String>, line: usize, column: usize) -> Self {
        Self { file: file.into(), line, column, frame: None }
    }

    /// A byte range of a file whose text is at hand; line and column are counted from it.
    ///
    /// The range is clamped to the text and to char boundaries.
    pub fn range(file: impl Into<String>, text: Arc<str>, range: Range<usize>) -> Self {
        let start = floor_char_boundary(&text, range.start);
        let end = floor_char_boundary(&text, range.end).max(start);
        let before = text.get(..start).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Self { file: file.into(), line, column, frame: Some((text, start..end)) }
    }

    /// The file and the line: `spanloom.toml:42`; the file alone where all of it is meant.
    pub fn file_and_line(&self) -> String {
        match self.line {
            0 => self.file.clone(),
            line => format!("{}:{line}", self.file),
        }
    }
}

fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        Ok(())
    }
}

/// An error with its place and, where one is known, a way out of it.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    location: Option<Location>,
    help: Option<String>,
    related: Vec<Error>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a kind with a message: lower case, one sentence, got and expected.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            location: None,
            help: None,
            related: Vec::new(),
            source: None,
        }))
    }

    /// A file or stream that could not be used: `action` is what was tried ("read", "write").
    pub fn io(action: &str, path: impl fmt::Display, error: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {action} {path}: {error}")).with_source(error)
    }

    /// `what` ("source kind") named `got` is none of `known`; suggests the nearest one.
    pub fn unknown(what: &str, got: &str, known: &[&str]) -> Self {
        let error = Self::new(ErrorKind::Config, format!("unknown {what} '{got}'"));
        let list = known.join(", ");
        match nearest(got, known) {
            Some(near) => error.with_help(format!("did you mean '{near}'? known: {list}")),
            None if known.is_empty() => error,
            None => error.with_help(format!("known: {list}")),
        }
    }

    /// All of `errors` as one: none gives `None`, one is itself.
    pub fn several(mut errors: Vec<Error>) -> Option<Self> {
        match errors.len() {
            0 => None,
            1 => errors.pop(),
            n => {
                let mut error = Self::new(ErrorKind::Several, format!("{n} problems"));
                error.0.related = errors;
                Some(error)
            }
        }
    }

    /// Adds the place; an error that has one already keeps the first, which is the more precise.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.0.location.get_or_insert(location);
        self
    }

    /// Adds advice on what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message without its place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened, if that is a place in a file.
    pub fn location(&self) -> Option<&Location> {
        self.0.location.as_ref()
    }

    /// What to do about it.
    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The single errors of an error that stands for several, else empty.
    pub fn related(&self) -> &[Error] {
        &self.0.related
    }

    /// This error as a list: its parts where it stands for several, else itself.
    pub fn into_list(mut self) -> Vec<Error> {
        if self.0.related.is_empty() { vec![self] } else { std::mem::take(&mut self.0.related) }
    }
}

/// The known name nearest to `got` by edit distance, if it is near enough to be a typing error.
fn nearest<'a>(got: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = (got.chars().count() / 3).max(1);
    known
        .iter()
        .map(|k| (edit_distance(got, k), *k))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, k)| k)
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.0.location {
            write!(f, "{location}: ")?;
        }
        write!(f, "{}", self.0.message)?;
        for error in &self.0.related {
            write!(f, "\n  {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

impl miette::Diagnostic for Error {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.kind.name()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help.as_ref().map(|h| Box::new(h) as _)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        let (text, _) = self.0.location.as_ref()?.frame.as_ref()?;
        Some(text as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let (_, range) = self.0.location.as_ref()?.frame.as_ref()?;
        let label = miette::LabeledSpan::new(Some("here".to_owned()), range.start, range.len());
        Some(Box::new(std::iter::once(label)))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        if self.0.related.is_empty() {
            return None;
        }
        Some(Box::new(self.0.related.iter().map(|e| e as &dyn miette::Diagnostic)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_counts_lines_and_code_points() {
        let text: Arc<str> = "ab\ncdé = x\n".into();
        let location = Location::range("f.toml", text, 9..10);
        assert_eq!(location.to_string(), "f.toml:2:6");
    }

    #[test]
    fn location_outside_the_text_is_clamped() {
        let location = Location::range("f.toml", "é".into(), 1..99);
        assert_eq!((location.line, location.column), (1, 1));
    }

    #[test]
    fn a_typing_error_gets_a_suggestion() {
        let error = Error::unknown("pass", "longset", &["longest", "score"]);
        assert_eq!(error.help_text(), Some("did you mean 'longest'? known: longest, score"));
        let error = Error::unknown("pass", "banana", &["longest", "score"]);
        assert_eq!(error.help_text(), Some("known: longest, score"));
    }

    #[test]
    fn one_error_stays_itself_and_several_list_their_parts() {
        let make = || Error::new(ErrorKind::Config, "bad").at(Location::line("a", 1, 2));
        assert!(Error::several(vec![]).is_none());
        assert_eq!(Error::several(vec![make()]).unwrap().to_string(), "a:1:2: bad");
        let several = Error::several(vec![make(), make()]).unwrap();
        assert_eq!(several.to_string(), "2 problems\n  a:1:2: bad\n  a:1:2: bad");
        assert_eq!(several.into_list().len(), 2);
    }
}
