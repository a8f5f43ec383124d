//! Real corpora through every format and back: texts and entities stay what they were. Skips where the
//! corpora are absent.

use spanloom::io::{
    self, DocumentStream, FORMATS, Format, GoldOptions, Inputs, Output, ReadOptions,
};
use spanloom::span::Entity;
use spanloom::text::Annotation;
use spanloom::{Document, Label};

use crate::corpus::data_file;

/// So many documents of each file are taken.
const DOCUMENTS: usize = 600;

type Content = (String, Vec<(String, String, usize)>);

fn read(path: &std::path::Path, format: &'static Format) -> Vec<Document> {
    let inputs = Inputs::expand(&[path.to_owned()], Some(format));
    let gold = Some(GoldOptions::default());
    let stream = DocumentStream::new(inputs.files, ReadOptions { gold, ..ReadOptions::default() });
    let documents = stream.map(|document| document.unwrap_or_else(|e| panic!("{e}")));
    let documents = documents.filter(|document| !document.text.is_empty()).take(DOCUMENTS);
    documents.map(without_blanks).collect()
}

/// The document with labels that brat can write.
fn without_blanks(mut document: Document) -> Document {
    let labels = document.gold.iter_mut().flatten().map(|annotation| &mut annotation.label);
    labels.for_each(|label| *label = label.replace(' ', "_"));
    document
}

fn content(document: &Document) -> Content {
    let one = |a: &Annotation| {
        let text = a.span.slice(&document.text).expect("a span of the text").to_owned();
        (text, a.label.clone(), a.span.start)
    };
    let mut entities: Vec<_> = document.gold.iter().flatten().map(one).collect();
    // Some corpora have them in no order, and some formats put them into one.
    entities.sort_by_key(|(text, label, start)| (*start, text.clone(), label.clone()));
    (document.text.clone(), entities)
}

fn entities(document: &Document) -> Vec<Entity> {
    let entity = |a: &Annotation| Entity {
        span: a.span,
        label: Label::new(&a.label),
        score: 1.0,
        origins: vec![],
        overruled: vec![],
    };
    document.gold.iter().flatten().map(entity).collect()
}

#[test]
fn real_corpora_go_through_every_format_and_back() {
    let tweets = "idrisi_r_en/gold-random-json/hurricane_maria_2017/dev.jsonl";
    for (name, from) in [
        ("uner_en_ewt/en_ewt-ud-dev.iob2", "conll"),
        ("wnut17/emerging.dev.conll", "conll"),
        (tweets, "idrisi"),
    ] {
        let Some(path) = data_file(name) else { continue };
        let documents = read(&path, io::format(from).expect("a format"));
        assert!(documents.len() > 20, "{name}");
        let expected: Vec<Content> = documents.iter().map(content).collect();
        let folder = tempfile::tempdir().unwrap();
        for format in FORMATS.iter().filter(|f| f.name != "text" && f.write.is_some()) {
            // Tweets come without tokens, and tags of found words may say less than their offsets.
            if from == "idrisi" && format.marking != io::Marking::Offsets {
                continue;
            }
            let path = folder.path().join(format.name);
            let output = match format.companion {
                Some(_) => Output::folder(&path),
                None => Output::create(&path),
            };
            let mut writer = format.writer(output.unwrap(), &io::WriteOptions::default()).unwrap();
            for document in &documents {
                writer.write(document, &entities(document)).unwrap();
            }
            writer.finish().unwrap();
            let mut got: Vec<Content> = read(&path, format).iter().map(content).collect();
            let mut expected = expected.clone();
            if format.companion.is_some() {
                // Files of a folder come in the order of their names.
                got.sort();
                expected.sort();
            }
            assert!(got == expected, "{name} through {}", format.name);
        }
    }
}
