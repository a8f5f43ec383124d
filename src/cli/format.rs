//! What commands print that print for people or as data.

use clap::ValueEnum;
use clap::builder::EnumValueParser;

/// `--format` and `--json` of a command; one of its formats `F` is `json`.
#[derive(Debug, clap::Args)]
pub(super) struct FormatArgs<F: ValueEnum + Send + Sync + 'static> {
    /// The format to print.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = EnumValueParser::<F>::new())]
    format: F,
    /// Short for `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl<F: ValueEnum + Send + Sync + 'static> FormatArgs<F> {
    /// The format that is asked for.
    pub(super) fn chosen(&self) -> F {
        match self.json {
            true => F::from_str("json", false).expect("one of the formats is json"),
            false => self.format.clone(),
        }
    }
}
