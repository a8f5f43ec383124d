//! `spanloom diff`: what two engines make of the same documents, without gold. `text`, `json` and `html`
//! show what differs.

mod html;
mod json;
mod text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use rayon::prelude::*;

use super::corpus::CorpusRun;
use super::decision::{Decision, Decisions, NOT_PROPOSED};
use super::difference::{Difference, Place};
use super::format::FormatArgs;
use super::print::print;
use super::read::{ReadArgs, some_files};
use super::verbosity::Verbosity;
use super::write::check_writable;
use crate::error::Result;
use crate::eval::{Pair, PairKind, align};
use crate::io::{DocumentStream, Output};
use crate::pipeline::{
    Engine, EngineGroup, EngineLoader, EngineOptions, Explanation, Proposals, Tagged, Without,
};
use crate::source::model::DeviceChoice;
use crate::span::Entity;
use crate::text::{Annotation, Document};

/// What stands for the engine inside the program.
const BUILTIN: &str = "builtin";

/// Compare two engines on documents without gold: what one finds and the other does not, and why.
///
/// Each difference is an entity that only A has (`removed`) or only B (`added`), one with another `label`
/// or other `edges`, or `both`. They are grouped by what decided: the step of the engine that does not have
/// it, with the line of its engine file, or that it was not proposed there. Sources that are written the
/// same in both files run once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  spanloom diff spanloom.toml my-engine.toml corpus/
  spanloom diff builtin my-engine.toml letters.jsonl --examples 20
  spanloom diff old.toml new.toml corpus/ --html diff.html
  spanloom diff old.toml new.toml corpus/ --without tagger --format json | jq .counts

Exit codes: 0 both find the same; 1 they differ, or something could not be done; 2 the command line is
wrong.")]
pub struct Args {
    /// The first engine file, or `builtin`.
    #[arg(value_name = "ENGINE_A")]
    first: PathBuf,
    /// The second engine file, or `builtin`.
    #[arg(value_name = "ENGINE_B")]
    second: PathBuf,
    /// Files, folders, globs, addresses (`s3://BUCKET/KEY`), or `-` for standard input.
    #[arg(value_name = "CORPUS", required = true)]
    inputs: Vec<PathBuf>,
    /// How many examples of each group are printed; all are counted.
    #[arg(long, value_name = "NUMBER", default_value = "5")]
    examples: usize,
    #[command(flatten)]
    format: FormatArgs<OutputFormat>,
    /// Write a page, too, that needs nothing else and has all differences.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Switch on sources that the engine files have switched off; names, parted by commas.
    #[arg(long, value_name = "SOURCE", value_delimiter = ',', help_heading = "Engine")]
    with: Vec<String>,
    /// Switch off sources of both engines; names, parted by commas.
    #[arg(long, value_name = "SOURCE", value_delimiter = ',', help_heading = "Engine")]
    without: Vec<String>,
    /// Keep what the sources find in this folder, and run them only for documents that are not in it.
    #[arg(long, value_name = "DIR", help_heading = "Engine")]
    evidence: Option<PathBuf>,
    /// Where models run: `auto`, `cpu`, `cuda` or `cuda:N`; asking for CUDA where there is none is an
    /// error.
    #[arg(long, value_name = "DEVICE", default_value = "auto", help_heading = "Engine")]
    device: DeviceChoice,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutputFormat {
    /// Groups with examples, and counts.
    Text,
    /// One JSON object with all differences.
    Json,
}

/// What came out.
struct Report {
    documents: usize,
    /// Documents with a difference.
    differing: usize,
    /// Entities that both have.
    same: usize,
    /// The first side is A's.
    differences: Vec<Difference>,
}

/// What is the same about a group of differences: who decided, on which line.
type Group<'r> = (&'r str, &'r str);

/// Runs the command; the exit code is 1 where the engines differ or a document failed.
///
/// # Errors
/// Where an engine cannot be loaded, there is nothing to read, or the output cannot be written.
pub fn run(args: &Args, verbosity: Verbosity) -> Result<ExitCode> {
    args.html.as_deref().map_or(Ok(()), check_writable)?;
    let inputs = some_files(args.read.expand(&args.inputs))?;
    let options = EngineOptions {
        device: args.device,
        with: args.with.clone(),
        without: args.without.clone(),
        evidence: args.evidence.clone(),
        ..EngineOptions::default()
    };
    let file = |path: &'_ PathBuf| Some(path.clone()).filter(|path| path != Path::new(BUILTIN));
    let (first, second) = (file(&args.first), file(&args.second));
    let mut loader = EngineLoader::default();
    let engines = [first, second].map(|path| loader.load(path.as_deref(), &options));
    let group = EngineGroup::new(engines.into_iter().collect::<Result<_>>()?);
    tracing::info!("run once for both: {}", group.shared().join(", "));
    let limit = group.batch_limit().expect("there are two engines");
    let stream = DocumentStream::new(inputs.files, args.read.options());
    let mut corpus = CorpusRun::new(&stream, verbosity);
    inputs.errors.iter().for_each(|error| corpus.fail(error));
    let mut report = Report { documents: 0, differing: 0, same: 0, differences: Vec::new() };
    corpus.each_chunk(stream, limit, |corpus, documents| {
        let proposals = group.propose(&documents);
        let both = documents.par_iter().zip(proposals);
        let compared: Vec<Result<(Tagged, Vec<Difference>, usize)>> =
            both.map(|(document, both)| Ok(compare(group.engines(), document, both?))).collect();
        for (document, compared) in documents.iter().zip(compared) {
            let (tagged, differences, same) = match compared {
                Ok((tagged, differences, same)) => (Ok(tagged), differences, same),
                Err(error) => (Err(error), Vec::new(), 0),
            };
            if corpus.count(document, tagged).is_some() {
                report.add(differences, same);
            }
        }
        Ok(())
    })?;
    corpus.keep_evidence(group.finish_evidence());
    let code = corpus.finish();
    let names = [&args.first, &args.second].map(|path| path.display().to_string());
    if let Some(path) = &args.html {
        let mut output = Output::create(path)?;
        output.put(html::render(&report, group.engines(), &names).as_bytes())?;
        output.finish()?;
    }
    print(&match args.format.chosen() {
        OutputFormat::Text => text::render(&report, args.examples),
        OutputFormat::Json => json::render(&report, &names),
    })?;
    Ok(if report.differences.is_empty() { code } else { ExitCode::FAILURE })
}

/// A document's entities in both engines: what the first gives, with the warnings of both, what
/// differs and how many are the same.
fn compare(
    engines: &[Engine],
    document: &Document,
    proposals: Vec<Proposals>,
) -> (Tagged, Vec<Difference>, usize) {
    let engines: &[Engine; 2] = engines.try_into().expect("there are two engines");
    let [mut one, mut other] = <[Proposals; 2]>::try_from(proposals).expect("one of each engine");
    let mut warnings = std::mem::take(&mut one.warnings);
    warnings.append(&mut other.warnings);
    let first = engines[0].merge(document, &one, &Without::NOTHING);
    let second = engines[1].merge(document, &other, &Without::NOTHING);
    warnings.extend(first.warnings);
    warnings.extend(second.warnings);
    let lists = [&first.entities, &second.entities]
        .map(|list| list.iter().map(Annotation::from).collect::<Vec<_>>());
    let pairs = align(&lists[0], &lists[1]);
    let same = pairs.iter().filter(|pair| pair.kind() == PairKind::Right).count();
    let mut differences = Vec::new();
    if same < pairs.len() {
        let explained = [
            (&engines[0], engines[0].explain_merge(document, one)),
            (&engines[1], engines[1].explain_merge(document, other)),
        ];
        let sides = explained.each_ref().map(|(engine, explanation)| SideOf {
            explanation,
            decisions: Decisions::new(engine, document, explanation),
        });
        let place = Place::new(&document.id, &document.text);
        let differing = pairs.iter().filter(|pair| pair.kind() != PairKind::Right);
        differences.extend(differing.map(|pair| difference(&place, pair, &sides)));
    }
    (Tagged { entities: first.entities, warnings }, differences, same)
}

/// What one engine says of a document.
struct SideOf<'a> {
    explanation: &'a Explanation,
    decisions: Decisions<'a>,
}

impl SideOf<'_> {
    fn entity(&self, one: Option<&Annotation>) -> Option<&Entity> {
        let one = one?;
        let is_it = |e: &&Entity| e.span == one.span && e.label.as_str() == one.label;
        self.explanation.entities.iter().find(is_it)
    }
}

/// What differs, and why: what is A's and not B's is told by B, and what is B's alone by A.
fn difference(place: &Place<'_>, pair: &Pair<'_>, sides: &[SideOf<'_>; 2]) -> Difference {
    let entities = [sides[0].entity(pair.gold), sides[1].entity(pair.predicted)];
    let mut difference = place.difference(pair, entities.map(|entity| entity.map(|e| e.score)));
    let sources = entities.into_iter().flatten().flat_map(Entity::sources);
    difference.sources = sources.map(|name| name.to_string()).collect();
    difference.sources.sort();
    difference.sources.dedup();
    let (has_it, has_not, name, one) = match (pair.gold, pair.predicted) {
        (Some(one), _) => (0, 1, "B", one),
        (None, Some(one)) => (1, 0, "A", one),
        (None, None) => return difference,
    };
    let why_not = sides[has_not].decisions.about(one.span, &one.label);
    let why = sides[has_it].decisions.about(one.span, &one.label);
    difference.decision = Some(decision(name, why_not, why));
    difference
}

/// Why the engine `name` has it not, and, where it was not even proposed there, who proposed it in the
/// other.
fn decision(name: &str, why_not: Decision, why: Decision) -> Decision {
    let Decision { step, line, reason, sources } = why_not;
    if step != NOT_PROPOSED {
        return Decision { step: format!("{name}: {step}"), line, reason, sources };
    }
    let other = if name == "A" { "B" } else { "A" };
    let step = format!("{name}: {step} ({other}: {})", why.sources.join(" "));
    Decision { step, reason: format!("{reason}; {other}: {}", why.reason), line, sources }
}

/// What kind of difference this is, as outputs name it.
fn kind_name(difference: &Difference) -> &'static str {
    name_of(difference.kind)
}

fn name_of(kind: PairKind) -> &'static str {
    match kind {
        PairKind::Right => "same",
        PairKind::Missed => "removed",
        PairKind::Spurious => "added",
        PairKind::Boundary => "edges",
        PairKind::Label => "label",
        PairKind::Both => "both",
    }
}

/// The kinds in the order of outputs.
const KINDS: [PairKind; 5] =
    [PairKind::Missed, PairKind::Spurious, PairKind::Label, PairKind::Boundary, PairKind::Both];

impl Report {
    fn add(&mut self, differences: Vec<Difference>, same: usize) {
        self.documents += 1;
        self.differing += usize::from(!differences.is_empty());
        self.same += same;
        self.differences.extend(differences);
    }

    /// The differences by what decided, the largest group first.
    fn groups(&self) -> Vec<(Group<'_>, Vec<&Difference>)> {
        let mut groups: BTreeMap<Group<'_>, Vec<&Difference>> = BTreeMap::new();
        for one in &self.differences {
            let line = one.decision.as_ref().map_or("", |decision| decision.line.as_str());
            groups.entry((one.step(), line)).or_default().push(one);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(group, members)| (std::cmp::Reverse(members.len()), *group));
        groups
    }

    /// How many there are of each kind, in the order of outputs, nought among them.
    fn counts(&self) -> [(PairKind, usize); 5] {
        let count = |kind| self.differences.iter().filter(|one| one.kind == kind).count();
        KINDS.map(|kind| (kind, count(kind)))
    }

    /// How much was compared, in words.
    fn compared(&self) -> String {
        let documents = if self.documents == 1 { "document" } else { "documents" };
        let differ = if self.differing == 1 { "differs" } else { "differ" };
        let entities = if self.same == 1 { "entity" } else { "entities" };
        format!(
            "{} of {} {documents} {differ}; {} {entities} the same in both",
            self.differing, self.documents, self.same
        )
    }
}
