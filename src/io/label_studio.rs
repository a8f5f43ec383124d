//! Label Studio: an array of tasks with what annotators marked in them. Offsets count UTF-16 code units, as
//! JavaScript does.

use serde_json::{Map, Value, json};

use super::gold::{Places, asked, each, kind};
use super::json::{
    self, Draft, Problem, Reader, Writer, id, missing, object, pass_through, take_text,
};
use super::{Documents, Format, Marking, ReadOptions, WriteOptions, options};
use crate::resource::OptionDoc;
use crate::span::Entity;
use crate::text::{Annotation, Document, OffsetUnit};

/// The format `label-studio`.
pub const FORMAT: Format = Format {
    name: "label-studio",
    doc: "Label Studio: an array of tasks, `{\"data\": {\"text\"}, \"annotations\": [{\"result\": [{\"value\": {\"start\", \
          \"end\", \"labels\"}}]}]}`, offsets in UTF-16. Of several annotations the first that was not cancelled is \
          read, `predictions` where there is none; read also in the short form, `{\"text\", \"label\": [{\"start\", \
          \"end\", \"labels\"}]}`.",
    suffixes: &[],
    extension: "json",
    marking: Marking::Offsets,
    companion: None,
    recognises,
    options: &[
        OptionDoc {
            name: "text-field",
            value: "string, text",
            doc: "Read: the field of `data` that holds the text.",
        },
        OptionDoc {
            name: "id-field",
            value: "string, id",
            doc: "Read: the field of `data` that holds the id; else the number of the task.",
        },
        options::MAX_ELEMENT_BYTES,
    ],
    read: |input, options| Box::new(Reader::new(input, options, document)) as Documents,
    write: Some(|output, options| Box::new(Writer::array(output, options, value))),
};

const DATA: &str = "data";
/// The names of the tags in the labelling configuration of Label Studio's template for entities.
const FROM_NAME: &str = "label";
const TO_NAME: &str = "text";
/// What Label Studio shows as the origin of predictions.
const MODEL_VERSION: &str = "spanloom";

fn recognises(value: &Value) -> bool {
    let lists = ["annotations", "predictions", "completions"];
    let short = value["label"].as_array().and_then(|list| list.first());
    (value[DATA].is_object() && lists.iter().any(|list| value[list].is_array()))
        || short.is_some_and(|one| one["labels"].is_array())
}

fn document(value: Value, options: &ReadOptions) -> Result<Draft, Problem> {
    let mut task = object(value)?;
    if !task.contains_key(DATA) {
        return short(task, options);
    }
    let mut data = match task.shift_remove(DATA) {
        Some(Value::Object(data)) => data,
        other => {
            let got = other.as_ref().map_or("nothing", kind);
            return Err(format!("expected an object in field 'data', got {got}").into());
        }
    };
    let text = take_text(&mut data, &options.text_field)?;
    let missing = "no annotation and no prediction with the gold";
    let gold = asked(options, missing, |_| {
        let places = Places::new(&text, OffsetUnit::Utf16);
        let results = ["annotations", "completions", "predictions"].iter().find_map(|field| {
            let list = task.get(*field)?.as_array()?;
            list.iter().find(|one| one["was_cancelled"] != Value::Bool(true))?.get("result")
        });
        results.map(|results| regions(results, &places)).transpose()
    })?;
    let own = data.get(&options.id_field).or_else(|| task.get(json::ID)).cloned();
    data.shift_remove(&options.id_field);
    let id = own.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    Ok(Draft { id, text, gold, fields: data, ..Draft::default() })
}

/// A task of the short form, which Label Studio calls JSON_MIN.
fn short(mut task: Map<String, Value>, options: &ReadOptions) -> Result<Draft, Problem> {
    if !task.contains_key(&options.text_field) {
        return Err(missing(&task, "no field 'data' with the text".to_owned()));
    }
    let text = take_text(&mut task, &options.text_field)?;
    let list = task.shift_remove("label");
    let gold = asked(options, "no field 'label' with the gold", |_| {
        let places = Places::new(&text, OffsetUnit::Utf16);
        let regions =
            list.as_ref().map(|list| each("label", list, |one| region(one, one, &places)));
        Ok(regions.transpose()?.map(|regions| regions.concat()))
    })?;
    let id = json::take_id(&mut task, &options.id_field);
    Ok(Draft { id, text, gold, fields: task, ..Draft::default() })
}

/// The entities of a list of results; results that mark no text (choices, relations) are passed over.
fn regions(results: &Value, places: &Places<'_>) -> Result<Vec<Annotation>, String> {
    let marks = |result: &Value| result["value"]["labels"].is_array();
    let one = |result: &Value| {
        if marks(result) { region(&result["value"], result, places) } else { Ok(Vec::new()) }
    };
    Ok(each("result", results, one)?.concat())
}

/// The entities of one region, of which each label makes one.
fn region(value: &Value, result: &Value, places: &Places<'_>) -> Result<Vec<Annotation>, String> {
    let of =
        |key: &str| value.get(key).ok_or_else(|| format!("no field '{key}' in {}", shown(result)));
    let span = places.span(("start", of("start")?), ("end", of("end")?))?;
    if let Some(said) = value["text"].as_str() {
        places.check(span, said)?;
    }
    let labels = super::tokens::strings("labels", of("labels")?)?;
    Ok(labels.into_iter().map(|label| Annotation { span, label }).collect())
}

/// What a region that is wrong is called.
fn shown(result: &Value) -> String {
    result["id"].as_str().map_or_else(|| "the region".to_owned(), |id| format!("region '{id}'"))
}

fn value(
    document: &Document,
    entities: &[Entity],
    options: &WriteOptions,
) -> Result<Value, String> {
    let places = Places::new(&document.text, OffsetUnit::Utf16);
    let result = |(number, entity): (usize, &Entity)| {
        json!({
            "id": format!("e{}", number + 1),
            "from_name": FROM_NAME,
            "to_name": TO_NAME,
            "type": "labels",
            "value": {
                "start": places.offset(entity.span.start),
                "end": places.offset(entity.span.end),
                "text": entity.text(&document.text),
                "labels": [entity.label.as_str()],
            },
        })
    };
    let results: Value = entities.iter().enumerate().map(result).collect();
    let mut data = Map::new();
    data.insert(json::ID.to_owned(), id(document));
    data.insert("text".to_owned(), document.text.as_str().into());
    pass_through(document, &mut data);
    Ok(if options.is_task {
        json!({ DATA: data, "predictions": [{ "model_version": MODEL_VERSION, "result": results }] })
    } else {
        json!({ DATA: data, "annotations": [{ "result": results }] })
    })
}
