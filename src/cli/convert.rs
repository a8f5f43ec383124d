//! `spanloom convert`: documents with their gold from one format into another. What the formats can say is
//! [`crate::io`]'s business; this says what was changed on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::corpus::CorpusRun;
use super::gold::GoldArgs;
use super::print::on_one_line;
use super::read::{ReadArgs, some_files, tag_names};
use super::tag::offset_unit;
use super::verbosity::Verbosity;
use super::write::{check_output, tag_scheme, without_output, writer};
use crate::error::{Error, ErrorKind, Result};
use crate::io::fit::{Misfit, MisfitKind, Mismatch, fit};
use crate::io::{
    DocumentStream, FORMATS, Format, GoldOptions, Inputs, LabelNames, Marking, ReadOptions,
    TagColumn, WriteOptions, format,
};
use crate::pipeline::Tagged;
use crate::source::BatchLimit;
use crate::span::{Entity, Label, TagScheme};
use crate::text::{Annotation, Document, OffsetUnit};

/// So many examples of what does not fit are shown.
const EXAMPLES: usize = 3;

/// Convert annotated documents from one format into another.
///
/// The entities are those that the inputs say are there (gold); `tag` is what finds some. Documents without
/// any are written without. What only one of the formats knows, such as comments of CoNLL, is lost; other
/// fields of JSON pass through.
///
/// Formats of tokens cannot say everything: an entity may end inside a token, and tags cannot say that two
/// share one. Words are the given tokens, or those of Unicode's rules where a document comes without. By
/// default such an entity makes the run fail, with the number of them and examples; `--mismatch` says what
/// becomes of them instead.
///
/// CoNLL into CoNLL keeps all columns and writes the tags into their own.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom convert train.conll --to spacy -o train.jsonl
  spanloom convert export.json --input-format label-studio --to conll --mismatch expand
  spanloom convert wnut.conll --to conll --scheme bioes --map corporation=ORG,group=ORG --drop product
  spanloom convert train.jsonl --input-format tokens-jsonl --tag-names multinerd --to gliner -o train.json
  spanloom convert corpus/*.ann --to tokens-parquet -o train.parquet --map-file labels.toml")]
pub struct Args {
    /// Files, folders, globs, addresses (`s3://BUCKET/KEY`), or `-` for standard input, which is read too where it is no terminal
    /// and nothing is named.
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The format to write.
    #[arg(long, value_name = "FORMAT", value_parser = format_name())]
    to: &'static Format,
    /// The file to write, compressed if it ends in `.gz`, `.bz2` or `.zst`, or for brat a new folder;
    /// without it standard output. JSON is written as one array where the name ends in `.json`.
    #[arg(short, long, value_name = "FILE", help_heading = "Writing")]
    output: Option<PathBuf>,
    /// What becomes of entities that the format cannot say: all `fail`; they `expand` to the edges of the
    /// tokens they touch, `contract` to those that lie in them, or `drop` out. Of two that share a token,
    /// the first stays.
    #[arg(long, value_name = "WAY", default_value = "fail", help_heading = "Writing",
          value_parser = mismatch())]
    mismatch: Mismatch,
    /// Tags: how they mark where entities begin and end.
    #[arg(long, value_name = "SCHEME", default_value = "bio", help_heading = "Writing",
          value_parser = tag_scheme())]
    scheme: TagScheme,
    /// Write the numbers of these tags instead of their names; as `--tag-names`.
    #[arg(long, value_name = "NAMES", help_heading = "Writing", value_parser = tag_names)]
    tag_numbers: Option<Arc<[String]>>,
    /// What offsets written count, where the format does not say it.
    #[arg(long, value_name = "UNIT", default_value = "char", help_heading = "Writing",
          value_parser = offset_unit())]
    output_offsets: OffsetUnit,
    #[command(flatten)]
    gold: GoldArgs,
    #[command(flatten)]
    read: ReadArgs,
}

fn format_name() -> impl TypedValueParser<Value = &'static Format> {
    PossibleValuesParser::new(FORMATS.iter().filter(|f| f.write.is_some()).map(|f| f.name))
        .map(|name| format(&name).expect("a possible value is the name of a format"))
}

fn mismatch() -> impl TypedValueParser<Value = Mismatch> {
    PossibleValuesParser::new(Mismatch::NAMES)
        .map(|name| name.parse().expect("a possible value is the name of a way"))
}

impl Args {
    /// The inputs as they were named.
    pub(super) fn inputs_mut(&mut self) -> &mut Vec<PathBuf> {
        &mut self.inputs
    }

    fn write_options(&self, gold: GoldOptions) -> WriteOptions {
        WriteOptions {
            offsets: self.output_offsets,
            scheme: self.scheme,
            tag_column: TagColumn::Gold(gold.column, gold.letter),
            tag_names: self.tag_numbers.clone(),
            ..WriteOptions::default()
        }
    }
}

/// Runs the command; the exit code is 1 where a document failed.
///
/// # Errors
/// Where there is nothing to read, an entity does not fit and nothing says what becomes of it, or the output
/// cannot be written; no output file comes to be then.
pub fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    let output = args.output.as_deref();
    check_output(&args.inputs, output)?;
    let inputs = without_output(args.read.expand(&args.inputs), &args.inputs, output);
    let Inputs { files, errors } = some_files(inputs)?;
    let names = args.gold.names()?;
    let gold = GoldOptions { is_optional: true, ..args.gold.options() };
    let stream =
        DocumentStream::new(files, ReadOptions { gold: Some(gold), ..args.read.options() });
    let mut writer = writer(output, args.to, &args.write_options(gold))?;
    let mut corpus = CorpusRun::writing(output, &stream, verbosity);
    errors.iter().for_each(|error| corpus.fail(error));
    let mut seen = Seen::default();
    corpus.each_chunk(stream, BatchLimit::WITHOUT_MODEL, |corpus, documents| {
        for mut document in documents {
            seen.look(&document);
            names.rename(&mut document);
            let entities = entities_of(document.gold.take().unwrap_or_default());
            let (entities, misfits) =
                fit(&document, &entities, args.to.marking, args.scheme, args.mismatch);
            seen.add(&document, misfits);
            // Once one does not fit, documents are read only to count.
            if args.mismatch != Mismatch::Fail || seen.misfits.is_empty() {
                writer.write(&document, &entities)?;
            }
            corpus.count(&document, Ok(Tagged { entities, warnings: Vec::new() }));
        }
        Ok(())
    })?;
    if args.mismatch == Mismatch::Fail
        && let Some(error) = seen.refusal(args.to)
    {
        return Err(error);
    }
    writer.finish()?;
    seen.warn(&mut corpus, &names, args.to);
    Ok(corpus.finish())
}

/// Gold as entities: certain, of no source, in order, each once.
pub(super) fn entities_of(gold: Vec<Annotation>) -> Vec<Entity> {
    let mut gold = gold;
    gold.sort_by(|a, b| {
        (a.span.start, b.span.end, &a.label).cmp(&(b.span.start, a.span.end, &b.label))
    });
    gold.dedup();
    let entity = |Annotation { span, label }| Entity {
        span,
        label: Label::new(&label),
        score: 1.0,
        origins: Vec::new(),
        overruled: Vec::new(),
    };
    gold.into_iter().map(entity).collect()
}

/// What was seen on the way.
#[derive(Default)]
struct Seen {
    documents: usize,
    without_gold: usize,
    entities: usize,
    labels: BTreeSet<String>,
    misfits: BTreeMap<MisfitKind, Misfits>,
}

/// Entities that do not fit for one reason.
#[derive(Default)]
struct Misfits {
    count: usize,
    examples: Vec<String>,
}

impl Seen {
    /// Counts a document as it came.
    fn look(&mut self, document: &Document) {
        self.documents += 1;
        self.without_gold += usize::from(document.gold.is_none());
        for annotation in document.gold.iter().flatten() {
            self.entities += 1;
            if !self.labels.contains(&annotation.label) {
                self.labels.insert(annotation.label.clone());
            }
        }
    }

    /// Counts the entities of a document that do not fit.
    fn add(&mut self, document: &Document, misfits: Vec<Misfit>) {
        for Misfit { entity, kind, written } in misfits {
            let of_kind = self.misfits.entry(kind).or_default();
            of_kind.count += 1;
            if of_kind.examples.len() < EXAMPLES {
                let text = on_one_line(entity.text(&document.text));
                let written = match written.and_then(|span| span.slice(&document.text)) {
                    Some(written) if kind != MisfitKind::Touches => {
                        format!(" became '{}'", on_one_line(written))
                    }
                    _ => String::new(),
                };
                let (label, id) = (&entity.label, &document.id);
                of_kind.examples.push(format!("'{text}' ({label}){written} in document '{id}'"));
            }
        }
    }

    /// What does not fit, reason by reason.
    fn misfits(&self) -> impl Iterator<Item = String> {
        self.misfits.iter().map(|(kind, Misfits { count, examples })| {
            let of = format!("{count} of {}", entities(self.entities));
            format!("{of}: each {kind}, such as {}", examples.join("; "))
        })
    }

    /// That nothing was written, because some entities do not fit.
    fn refusal(&self, format: &Format) -> Option<Error> {
        let reasons: Vec<String> = self.misfits().collect();
        if reasons.is_empty() {
            return None;
        }
        let message = format!(
            "'{}' cannot say all entities as they are: {}",
            format.name,
            reasons.join(". ")
        );
        let help = "`--mismatch expand`, `contract` or `drop` says what becomes of them; a format with \
                    offsets, such as jsonl, takes them all";
        Some(Error::new(ErrorKind::Document, message).with_help(help))
    }

    /// Says what the user may not have meant.
    fn warn(&self, corpus: &mut CorpusRun, names: &LabelNames, format: &Format) {
        let mut warn = |message: String, help: &str| {
            let warning = Error::new(ErrorKind::Document, message).with_help(help);
            corpus.warn(&warning, warning.to_string());
        };
        for reason in self.misfits() {
            let help = match format.marking {
                Marking::Offsets => "",
                Marking::TokenSpans => "a format with offsets takes them all",
                Marking::TokenTags => {
                    "a format with offsets takes them all; `gliner` takes overlaps"
                }
            };
            warn(reason, help);
        }
        if self.without_gold > 0 {
            let count = self.without_gold;
            let message = format!(
                "{count} of {} documents came without gold and have no entities now",
                self.documents
            );
            warn(message, "`spanloom tag` finds entities");
        }
        let made = names.made();
        let unknown: Vec<&str> = names
            .labels()
            .into_iter()
            .filter(|label| !self.labels.contains(*label) && !made.contains(label))
            .collect();
        if !unknown.is_empty() {
            let known: Vec<&str> = self.labels.iter().map(String::as_str).collect();
            let message = format!("no entity has the label {}", unknown.join(", "));
            warn(message, &format!("labels that are there: {}", known.join(", ")));
        }
    }
}

fn entities(count: usize) -> String {
    if count == 1 { "1 entity".to_owned() } else { format!("{count} entities") }
}
