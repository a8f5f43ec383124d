//! Files that `--report` writes: a page, Markdown to paste, or data, by the suffix of the name.

use std::path::{Path, PathBuf};

use super::details::Details;
use super::report::Report;
use super::{html, json, markdown};
use crate::cli::write::check_writable;
use crate::error::Result;
use crate::io::Output;

/// A report to write.
#[derive(Debug, Clone)]
pub(super) struct ReportFile {
    path: PathBuf,
    format: ReportFormat,
}

#[derive(Debug, Clone, Copy)]
enum ReportFormat {
    Html,
    Markdown,
    Json,
}

impl ReportFile {
    /// Reads the name of a file.
    pub(super) fn parse(written: &str) -> std::result::Result<Self, String> {
        let path = PathBuf::from(written);
        let suffix = path.extension().map(|suffix| suffix.to_string_lossy().to_ascii_lowercase());
        let format = match suffix.as_deref() {
            Some("html" | "htm") => ReportFormat::Html,
            Some("md" | "markdown") => ReportFormat::Markdown,
            Some("json") => ReportFormat::Json,
            _ => return Err("expected a name that ends in .html, .md or .json".to_owned()),
        };
        Ok(Self { path, format })
    }

    /// Looks whether it can be written.
    ///
    /// # Errors
    /// Where it cannot.
    pub(super) fn check(&self) -> Result<()> {
        check_writable(&self.path)
    }

    /// Writes the report.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(super) fn write(&self, report: &Report, details: &Details) -> Result<()> {
        let text = match self.format {
            ReportFormat::Html => html::render(report, details),
            ReportFormat::Markdown => markdown::render(report, details),
            ReportFormat::Json => json::render(report, Some(details)),
        };
        write(&self.path, &text)
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let mut output = Output::create(path)?;
    output.put(text.as_bytes())?;
    output.finish()
}
