//! Two engines over the same documents. Sources that both have run once: those that are written the same
//! in both engine files and read the same files, such as the model where only the merge differs. A source
//! whose entries or rules stand in the engine file itself knows their lines, and is each engine's own.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::build::{Engine, EngineOptions};
use super::proposals::Proposals;
use super::reload::Parts;
use super::store::EvidenceUse;
use crate::error::Result;
use crate::resource::Files;
use crate::source::Source;
use crate::text::Document;

/// Two engines and what they share.
pub struct EnginePair {
    /// The first engine.
    pub first: Engine,
    /// The second engine.
    pub second: Engine,
    shared: BTreeSet<Arc<str>>,
    /// The sources of the second that the first has not, without a merge.
    rest: Engine,
}

impl EnginePair {
    /// The engines of two files, each the built-in one where it is `None`. Sources are shared where both
    /// files stand in one folder.
    ///
    /// # Errors
    /// Everything that is wrong with the first, else with the second.
    pub fn load(
        first: Option<&Path>,
        second: Option<&Path>,
        options: &EngineOptions,
    ) -> Result<Self> {
        let mut parts = Parts::default();
        let one = load(first, options, &mut parts)?;
        let folder = |path: Option<&Path>| path.map(|path| folder_of(path).canonicalize().ok());
        // What is written the same names other files in another folder.
        let mut parts =
            if folder(first) == folder(second) { parts.for_next() } else { Parts::default() };
        let other = load(second, options, &mut parts)?;
        Ok(Self::new(one, other))
    }

    fn new(first: Engine, mut second: Engine) -> Self {
        let is_shared = |source: &&Arc<dyn Source>| {
            first.sources.iter().any(|other| Arc::ptr_eq(source, other))
        };
        let names = second.sources.iter().filter(is_shared).map(|source| source.name().clone());
        let shared: BTreeSet<Arc<str>> = names.collect();
        let (rest, stores) = second
            .sources
            .iter()
            .zip(&mut second.stores)
            .filter(|(source, _)| !is_shared(source))
            .map(|(source, store)| (source.clone(), store.take()))
            .unzip();
        let mut rest = Engine::of_sources(second.labels.clone(), rest);
        rest.stores = stores;
        Self { first, second, shared, rest }
    }

    /// The sources that run once for both, sorted.
    pub fn shared(&self) -> impl Iterator<Item = &str> {
        self.shared.iter().map(|name| &**name)
    }

    /// How many documents [`EnginePair::propose`] likes to get at once.
    pub fn batch_size(&self) -> usize {
        self.first.batch_size().max(self.second.batch_size())
    }

    /// [`Engine::finish_evidence`] of both.
    ///
    /// # Errors
    /// As there.
    pub fn finish_evidence(&self) -> Result<Vec<EvidenceUse>> {
        let mut usage = self.first.finish_evidence()?;
        usage.extend(self.rest.finish_evidence()?);
        Ok(usage)
    }

    /// What the sources of each engine find in each document; a document that failed in one of them does
    /// not touch the others. Warnings of what is shared are the first's.
    pub fn propose(&self, documents: &[Document]) -> Vec<Result<[Proposals; 2]>> {
        let of_first = self.first.propose(documents);
        let of_rest = self.rest.propose(documents);
        let pairs = of_first.into_iter().zip(of_rest);
        pairs
            .map(|(first, rest)| {
                let first = first?;
                let second = self.second_of(&first, rest?);
                Ok([first, second])
            })
            .collect()
    }

    /// What the second finds: of the first's, what comes from sources that both have, and the rest.
    fn second_of(&self, first: &Proposals, rest: Proposals) -> Proposals {
        let place = |name: &Arc<str>| self.second.sources.iter().position(|s| s.name() == name);
        let mentions = first.mentions.iter().filter(|m| self.shared.contains(&m.origin.source));
        let evidence = first.evidence.iter().filter(|e| self.shared.contains(e.source()));
        let mut second = Proposals {
            mentions: mentions.cloned().chain(rest.mentions).collect(),
            evidence: evidence.cloned().chain(rest.evidence).collect(),
            ..Proposals::default()
        };
        second.warnings = rest.warnings;
        second.mentions.sort_by_key(|mention| place(&mention.origin.source));
        second.evidence.sort_by_key(|evidence| place(evidence.source()));
        second
    }
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().unwrap_or(Path::new(""));
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

fn load(path: Option<&Path>, options: &EngineOptions, parts: &mut Parts) -> Result<Engine> {
    match path {
        None => Engine::builtin_with(options),
        Some(path) => {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            Engine::load_from(path, Files::noted(folder), options, parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SHARED: &str = "labels = [\"LOC\", \"PER\"]\n[[source]]\nkind = \"gazetteer\"\n\
                          name = \"places\"\nfiles = [\"places.tsv\"]\nmatch = \"all\"\n";

    fn more(name: &str, surface: &str) -> String {
        format!(
            "[[source]]\nkind = \"gazetteer\"\nname = \"{name}\"\nentries = [[\"{surface}\", \"PER\"]]\n"
        )
    }

    #[test]
    fn a_source_of_both_is_one_and_each_proposes_what_it_would_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("places.tsv"), "Paris\tLOC\n").unwrap();
        let [first, second] = ["a.toml", "b.toml"].map(|name| folder.path().join(name));
        fs::write(&first, format!("{SHARED}{}", more("people", "Ann"))).unwrap();
        // Here the shared source is not the first one.
        let (head, rest) = SHARED.split_once('\n').unwrap();
        fs::write(&second, format!("{head}\n{}{rest}", more("names", "Bob"))).unwrap();
        let options = EngineOptions::default();
        let pair = EnginePair::load(Some(&first), Some(&second), &options).unwrap();
        assert_eq!(pair.shared().collect::<Vec<_>>(), ["places"]);
        let documents = [Document::new("d", "Ann and Bob in Paris"), Document::new("e", "Paris")];
        let both = pair.propose(&documents);
        for (engine, number) in [(&first, 0), (&second, 1)] {
            let alone = Engine::load(engine).unwrap().propose(&documents);
            for (alone, both) in alone.iter().zip(&both) {
                let (alone, both) = (alone.as_ref().unwrap(), &both.as_ref().unwrap()[number]);
                assert_eq!(alone.mentions, both.mentions);
            }
        }
    }

    #[test]
    fn engines_of_two_folders_share_nothing() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let paths = folders.each_ref().map(|folder| folder.path().join("spanloom.toml"));
        for path in &paths {
            fs::write(path, SHARED).unwrap();
            fs::write(path.with_file_name("places.tsv"), "Paris\tLOC\n").unwrap();
        }
        let options = EngineOptions::default();
        let pair = EnginePair::load(Some(&paths[0]), Some(&paths[1]), &options).unwrap();
        assert_eq!(pair.shared().count(), 0);
    }
}
