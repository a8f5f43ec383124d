//! Several engines over the same documents. Sources that more than one has run once: those that are
//! written the same in the engine files and read the same files, such as the model where only the merge
//! differs. A source whose entries or rules stand in the engine file itself knows their lines, and is each
//! engine's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build::{Engine, EngineOptions};
use super::proposals::Proposals;
use super::reload::Parts;
use super::store::EvidenceUse;
use crate::error::Result;
use crate::resource::Files;
use crate::source::{BatchLimit, Source};
use crate::text::Document;

/// Loads engines one after another; a later one takes over the sources of those before it. All of them are
/// loaded for one device.
#[derive(Default)]
pub struct EngineLoader {
    /// The sources so far, by the folder of their engine files: what is written the same names other files
    /// in another folder.
    parts: BTreeMap<PathBuf, Parts>,
}

impl EngineLoader {
    /// The engine of a file, or the built-in one where it is `None`. Sources are taken over from files of
    /// the same folder.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&mut self, path: Option<&Path>, options: &EngineOptions) -> Result<Engine> {
        let Some(path) = path else { return Engine::builtin_with(options) };
        let folder = path.parent().unwrap_or(Path::new(""));
        let real = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // What has no folder fails below.
        let parts = self.parts.entry(real.canonicalize().unwrap_or_default()).or_default();
        parts.begin_next();
        Engine::load_from(path, Files::noted(folder.to_owned()), options, parts)
    }
}

/// Engines and what they share.
pub struct EngineGroup {
    engines: Vec<Engine>,
    /// For each engine those of its sources that no engine before it has, without a merge.
    runners: Vec<Engine>,
    /// For each source of each engine the number of the runner that has it.
    owners: Vec<Vec<usize>>,
}

impl EngineGroup {
    /// These engines, which share what an [`EngineLoader`] made them share.
    pub fn new(mut engines: Vec<Engine>) -> Self {
        let owner = |source: &Arc<dyn Source>| {
            let has = |engine: &Engine| engine.sources.iter().any(|own| Arc::ptr_eq(own, source));
            engines.iter().position(has).expect("an engine has it")
        };
        let owners: Vec<Vec<usize>> =
            engines.iter().map(|engine| engine.sources.iter().map(owner).collect()).collect();
        let runner = |(number, (engine, owners)): (usize, (&mut Engine, &Vec<usize>))| {
            // Nothing is kept of what another keeps already.
            let stores = engine.stores.iter_mut().map(Option::take);
            let (sources, stores) = engine
                .sources
                .iter()
                .zip(stores)
                .zip(owners)
                .filter(|(_, owner)| **owner == number)
                .map(|((source, store), _)| (source.clone(), store))
                .unzip();
            let mut runner = Engine::of_sources(engine.labels.clone(), sources);
            runner.stores = stores;
            runner
        };
        let runners = engines.iter_mut().zip(&owners).enumerate().map(runner).collect();
        Self { engines, runners, owners }
    }

    /// The engines, in order.
    pub fn engines(&self) -> &[Engine] {
        &self.engines
    }

    /// The names of the sources that run once for several engines, sorted.
    pub fn shared(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (number, (engine, owners)) in self.engines.iter().zip(&self.owners).enumerate() {
            let sources = engine.sources.iter().zip(owners);
            let others = sources.filter(|(_, owner)| **owner != number);
            names.extend(others.map(|(source, _)| &**source.name()));
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// How much [`EngineGroup::propose`] likes to get at once; `None` where there is no engine.
    pub fn batch_limit(&self) -> Option<BatchLimit> {
        self.engines.iter().map(Engine::batch_limit).reduce(BatchLimit::max)
    }

    /// [`Engine::finish_evidence`] of all.
    ///
    /// # Errors
    /// As there.
    pub fn finish_evidence(&self) -> Result<Vec<EvidenceUse>> {
        let usage: Vec<Vec<EvidenceUse>> =
            self.runners.iter().map(Engine::finish_evidence).collect::<Result<_>>()?;
        Ok(usage.into_iter().flatten().collect())
    }

    /// What the sources of each engine find in each document; a document that failed in one of them does
    /// not touch the others. Warnings of what is shared are those of the first engine that has it.
    pub fn propose(&self, documents: &[Document]) -> Vec<Result<Vec<Proposals>>> {
        let mut found: Vec<_> =
            self.runners.iter().map(|runner| runner.propose(documents).into_iter()).collect();
        let of_document = |_: &Document| {
            // All are asked, so that each goes on to the next document.
            let found: Vec<Result<Proposals>> =
                found.iter_mut().filter_map(Iterator::next).collect();
            Ok(self.share(found.into_iter().collect::<Result<_>>()?))
        };
        documents.iter().map(of_document).collect()
    }

    /// What each engine finds, of what each runner found.
    fn share(&self, found: Vec<Proposals>) -> Vec<Proposals> {
        let shared: Vec<Option<Proposals>> =
            (0..self.engines.len()).map(|number| self.gathered(number, &found)).collect();
        let both = found.into_iter().zip(shared);
        both.map(|(own, gathered)| match gathered {
            Some(gathered) => Proposals { warnings: own.warnings, ..gathered },
            None => own,
        })
        .collect()
    }

    /// What engine `number` finds, source after source, without warnings; `None` where its own runner found
    /// all of it.
    fn gathered(&self, number: usize, found: &[Proposals]) -> Option<Proposals> {
        let owners = &self.owners[number];
        if owners.iter().all(|owner| *owner == number) {
            return None;
        }
        let mut all = Proposals::default();
        for (source, owner) in self.engines[number].sources.iter().zip(owners) {
            let found = &found[*owner];
            let mentions = found.mentions.iter().filter(|m| m.origin.source == *source.name());
            all.mentions.extend(mentions.cloned());
            let evidence = found.evidence.iter().filter(|e| e.source() == source.name());
            all.evidence.extend(evidence.cloned());
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::source::Found;
    use crate::span::Label;

    const SHARED: &str = "labels = [\"LOC\", \"PER\"]\n[[source]]\nkind = \"gazetteer\"\n\
                          name = \"places\"\nfiles = [\"places.tsv\"]\nmatch = \"all\"\n";

    fn more(name: &str, surface: &str) -> String {
        format!(
            "[[source]]\nkind = \"gazetteer\"\nname = \"{name}\"\nentries = [[\"{surface}\", \"PER\"]]\n"
        )
    }

    fn group(paths: &[PathBuf]) -> EngineGroup {
        let mut loader = EngineLoader::default();
        let options = EngineOptions::default();
        let load = |path: &PathBuf| loader.load(Some(path), &options).unwrap();
        EngineGroup::new(paths.iter().map(load).collect())
    }

    #[test]
    fn a_source_of_several_is_one_and_each_proposes_what_it_would_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("places.tsv"), "Paris\tLOC\n").unwrap();
        fs::write(folder.path().join("towns.tsv"), "Paris\tPER\n").unwrap();
        let (head, rest) = SHARED.split_once('\n').unwrap();
        let engines = [
            format!("{SHARED}{}", more("people", "Ann")),
            // Here the shared source is not the first one.
            format!("{head}\n{}{rest}", more("names", "Bob")),
            // A source of the same name with another file.
            SHARED.replace("places.tsv", "towns.tsv"),
            // What the first has and not the one before.
            SHARED.to_owned(),
        ];
        let write = |(number, text): (usize, &String)| {
            let path = folder.path().join(format!("{number}.toml"));
            fs::write(&path, text).unwrap();
            path
        };
        let paths: Vec<PathBuf> = engines.iter().enumerate().map(write).collect();
        let group = group(&paths);
        assert_eq!(group.shared(), ["places"]);
        assert_eq!(group.owners, [vec![0, 0], vec![1, 0], vec![2], vec![0]]);
        let documents = [Document::new("d", "Ann and Bob in Paris"), Document::new("e", "Paris")];
        let all = group.propose(&documents);
        for (number, path) in paths.iter().enumerate() {
            let alone = Engine::load(path).unwrap().propose(&documents);
            for (alone, all) in alone.iter().zip(&all) {
                let (alone, all) = (alone.as_ref().unwrap(), &all.as_ref().unwrap()[number]);
                assert_eq!(alone.mentions, all.mentions, "engine {number}");
            }
        }
    }

    /// Counts how often it is asked, and finds nothing.
    struct Counting(Arc<str>, AtomicUsize);

    impl Source for Counting {
        fn name(&self) -> &Arc<str> {
            &self.0
        }

        fn labels(&self) -> Vec<Label> {
            Vec::new()
        }

        fn find(&self, _: &Document) -> Result<Found> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok(Found::default())
        }
    }

    #[test]
    fn what_several_engines_have_is_asked_once_a_document() {
        let source = |name: &str| Arc::new(Counting(name.into(), AtomicUsize::new(0)));
        let (common, own) = (source("common"), source("own"));
        let engine = |sources: &[&Arc<Counting>]| {
            let sources = sources.iter().map(|source| Arc::clone(source) as Arc<dyn Source>);
            Engine::of_sources(Vec::new(), sources.collect())
        };
        let engines = vec![engine(&[&common]), engine(&[&own, &common]), engine(&[&common])];
        let group = EngineGroup::new(engines);
        assert_eq!(group.shared(), ["common"]);
        let documents = [Document::new("d", "a"), Document::new("e", "b")];
        assert!(group.propose(&documents).iter().all(|all| all.as_ref().unwrap().len() == 3));
        assert_eq!([&common, &own].map(|one| one.1.load(Ordering::Relaxed)), [2, 2]);
    }

    #[test]
    fn engines_of_two_folders_share_nothing() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let paths = folders.each_ref().map(|folder| folder.path().join("spanloom.toml"));
        for path in &paths {
            fs::write(path, SHARED).unwrap();
            fs::write(path.with_file_name("places.tsv"), "Paris\tLOC\n").unwrap();
        }
        assert!(group(&paths).shared().is_empty());
    }

    #[test]
    fn no_engine_proposes_nothing() {
        let group = EngineGroup::new(Vec::new());
        assert_eq!(group.batch_limit(), None);
        let all = group.propose(&[Document::new("d", "Paris")]);
        assert!(matches!(all[..], [Ok(ref all)] if all.is_empty()));
    }
}
