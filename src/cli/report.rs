//! Errors on standard error, each with its code frame and advice; colours where there is a terminal.

use std::io::{self, IsTerminal, Write};

use anstream::ColorChoice;
use miette::{GraphicalReportHandler, GraphicalTheme, Severity};

use crate::error::{Error, ErrorKind};
use crate::pipeline::Finding;

/// How many errors about documents are shown in full; the others are counted.
const SHOWN: usize = 20;

/// Whether `error` says that the reader of our output has gone.
pub fn is_broken_pipe(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    source
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Reports an error; one that stands for several as its parts and their number.
pub fn report(error: &Error) {
    write(&rendered(error));
}

/// The report of an error.
pub(super) fn rendered(error: &Error) -> String {
    if error.kind() != ErrorKind::Several {
        return rendered_as(error, Severity::Error);
    }
    let parts = error.related().iter().map(|part| rendered_as(part, Severity::Error));
    format!("{}\n{}\n", parts.collect::<String>(), error.message())
}

/// The report of something that is wrong and left out.
pub(super) fn rendered_as_warning(error: &Error) -> String {
    rendered_as(error, Severity::Warning)
}

/// What a finding of `spanloom lint` weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    Error,
    Warning,
    Note,
}

impl Weight {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// The report of a finding, for standard output.
pub(super) fn rendered_finding(finding: &Finding, weight: Weight) -> String {
    let mut advice = finding.advice.clone();
    for other in &finding.others {
        advice.push_str(&format!("\nsee {other}"));
    }
    let error = Error::new(ErrorKind::Config, &*finding.message).at(finding.place.clone());
    let severity = match weight {
        Weight::Error => Severity::Error,
        Weight::Warning => Severity::Warning,
        Weight::Note => Severity::Advice,
    };
    let shown = AtSeverity { error: &error.with_help(advice), severity, code: Some(finding.lint) };
    let stdout = io::stdout();
    render(&shown, anstream::AutoStream::choice(&stdout), stdout.is_terminal())
}

fn rendered_as(error: &Error, severity: Severity) -> String {
    let stderr = io::stderr();
    let shown = AtSeverity { error, severity, code: None };
    render(&shown, anstream::AutoStream::choice(&stderr), stderr.is_terminal())
}

fn render(shown: &AtSeverity<'_>, colours: ColorChoice, is_terminal: bool) -> String {
    let is_coloured = colours != ColorChoice::Never;
    let theme =
        if is_coloured { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut handler =
        GraphicalReportHandler::new_themed(theme).without_cause_chain().with_links(false);
    if !is_terminal {
        // Whoever searches a log wants a message on one line.
        handler = handler.with_wrap_lines(false);
    }
    let mut text = String::new();
    handler.render_report(&mut text, shown).expect("a string takes everything");
    text
}

/// Writes to standard error, without styles where it is no terminal; nobody is left to tell where that
/// fails.
pub(super) fn write(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// An error shown as what it is here: the same text is an error in one place and a warning in another.
#[derive(Debug)]
struct AtSeverity<'e> {
    error: &'e Error,
    severity: Severity,
    /// What it is called instead of the kind of the error.
    code: Option<&'static str>,
}

impl std::fmt::Display for AtSeverity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.error.to_string();
        f.write_str(&super::print::visible(&shown))
    }
}

impl std::error::Error for AtSeverity<'_> {}

impl miette::Diagnostic for AtSeverity<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        match self.code {
            Some(code) => Some(Box::new(code)),
            None => self.error.code(),
        }
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.error.help()
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.error.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        self.error.labels()
    }
}

/// What went wrong with single documents while the run went on: the first few are shown at once.
#[derive(Debug, Default)]
pub(super) struct Failures {
    failed: usize,
    warned: usize,
}

impl Failures {
    /// The report of a document that failed; nothing where enough were shown.
    pub(super) fn failed(&mut self, error: &Error) -> Option<String> {
        self.failed += 1;
        (self.failed <= SHOWN).then(|| rendered_as(error, Severity::Error))
    }

    /// The report of a warning; nothing where enough were shown.
    pub(super) fn warned(&mut self, warning: &Error) -> Option<String> {
        self.warned += 1;
        (self.warned <= SHOWN).then(|| rendered_as(warning, Severity::Warning))
    }

    /// Whether a document failed.
    pub(super) fn any(&self) -> bool {
        self.failed > 0
    }

    /// The closing line, where there is something to say.
    pub(super) fn summary(&self) -> Option<String> {
        let part = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            n if n > SHOWN => Some(format!("{n} {what}s ({SHOWN} shown)")),
            n => Some(format!("{n} {what}s")),
        };
        let parts = [part(self.failed, "error"), part(self.warned, "warning")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| format!("{}\n", parts.join(", ")))
    }
}
