//! Cells of Arrow as text and as JSON.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, make_array};
use arrow_json::writer::{EncoderOptions, make_encoder};
use arrow_schema::{ArrowError, DataType, FieldRef};
use serde_json::Value;

/// A string or a whole number, as a text; `None` for nothing and for other types.
pub(in crate::io) fn text(values: &ArrayRef, index: usize) -> Option<String> {
    if values.is_null(index) {
        return None;
    }
    Some(match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value(index).to_owned(),
        DataType::LargeUtf8 => values.as_string::<i64>().value(index).to_owned(),
        DataType::Utf8View => values.as_string_view().value(index).to_owned(),
        DataType::Int8 => values.as_primitive::<Int8Type>().value(index).to_string(),
        DataType::Int16 => values.as_primitive::<Int16Type>().value(index).to_string(),
        DataType::Int32 => values.as_primitive::<Int32Type>().value(index).to_string(),
        DataType::Int64 => values.as_primitive::<Int64Type>().value(index).to_string(),
        DataType::UInt8 => values.as_primitive::<UInt8Type>().value(index).to_string(),
        DataType::UInt16 => values.as_primitive::<UInt16Type>().value(index).to_string(),
        DataType::UInt32 => values.as_primitive::<UInt32Type>().value(index).to_string(),
        DataType::UInt64 => values.as_primitive::<UInt64Type>().value(index).to_string(),
        DataType::Dictionary(..) => {
            let dictionary = values.as_any_dictionary_opt()?;
            let key = *dictionary.normalized_keys().get(index)?;
            return text(dictionary.values(), key);
        }
        _ => return None,
    })
}

/// Whether cells of a type have a form in JSON. Bytes have none, and neither have a union and, inside of another
/// type, times of a zone that has a name.
pub(in crate::io) fn has_json_form(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..)) || is_encoded(data_type)
}

/// Whether the library can write cells of a type, and should.
fn is_encoded(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(_, Some(zone)) => zone.starts_with(['+', '-']),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_)
        | DataType::Union(..) => false,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::RunEndEncoded(_, item) => is_encoded(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_encoded(field.data_type())),
        // A map is an object, whose keys are strings.
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => match &fields[..] {
                [key, value] => {
                    matches!(key.data_type(), DataType::Utf8 | DataType::LargeUtf8)
                        && is_encoded(value.data_type())
                }
                _ => false,
            },
            _ => false,
        },
        DataType::Dictionary(_, values) => is_encoded(values),
        _ => true,
    }
}

/// A column with times in UTC, which is how they lie there, instead of a zone that has a name.
fn in_utc(column: &ArrayRef) -> Result<Option<ArrayRef>, ArrowError> {
    let DataType::Timestamp(unit, Some(zone)) = column.data_type() else { return Ok(None) };
    if is_encoded(column.data_type()) || zone.is_empty() {
        return Ok(None);
    }
    let utc = DataType::Timestamp(*unit, Some("+00:00".into()));
    Ok(Some(make_array(column.to_data().into_builder().data_type(utc).build()?)))
}

/// All cells of a column as JSON: dates and times as ISO 8601 has them (those of a zone that has a name in UTC),
/// numbers that JSON has not as null.
///
/// # Errors
/// Where the library knows no form of the type.
pub(in crate::io) fn json(field: &FieldRef, column: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
    if matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        let cell = |index| text(column, index).map_or(Value::Null, Value::String);
        let is_json = field.extension_type_name() == Some(JSON_EXTENSION);
        let parsed = |cell: Value| match cell {
            Value::String(json) if is_json => {
                serde_json::from_str(&json).unwrap_or(Value::String(json))
            }
            cell => cell,
        };
        return Ok((0..column.len()).map(cell).map(parsed).collect());
    }
    let in_utc = in_utc(column)?;
    let column = in_utc.as_ref().unwrap_or(column);
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(field, column, &options)?;
    let mut bytes = Vec::new();
    let mut cells = Vec::with_capacity(column.len());
    for index in 0..column.len() {
        bytes.clear();
        if encoder.is_null(index) {
            cells.push(Value::Null);
            continue;
        }
        encoder.encode(index, &mut bytes);
        let cell = serde_json::from_slice(&bytes)
            .map_err(|error| ArrowError::JsonError(error.to_string()))?;
        cells.push(cell);
    }
    Ok(cells)
}

/// What Arrow calls strings that are JSON.
pub(in crate::io) const JSON_EXTENSION: &str = "arrow.json";

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{
        BinaryArray, BooleanArray, Date32Array, Float64Array, TimestampMicrosecondArray,
    };
    use arrow_schema::Field;
    use serde_json::json;
    use std::sync::Arc;

    fn cells(column: ArrayRef) -> Vec<Value> {
        let field = Arc::new(Field::new("x", column.data_type().clone(), true));
        json(&field, &column).unwrap()
    }

    #[test]
    fn cells_have_their_form_in_json() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("a\""), None]);
        lists.append_null();
        let columns: [(ArrayRef, Value); 5] = [
            (Arc::new(BooleanArray::from(vec![Some(true), None])), json!([true, null])),
            (Arc::new(Float64Array::from(vec![0.1, f64::NAN])), json!([0.1, null])),
            (Arc::new(Date32Array::from(vec![0, 19_000])), json!(["1970-01-01", "2022-01-08"])),
            (
                Arc::new(TimestampMicrosecondArray::from(vec![1_500_000]).with_timezone("UTC")),
                json!(["1970-01-01T00:00:01.500Z"]),
            ),
            (Arc::new(lists.finish()), json!([["a\"", null], null])),
        ];
        for (column, expected) in columns {
            let name = column.data_type().to_string();
            assert_eq!(Value::Array(cells(column)), expected, "{name}");
        }
    }

    #[test]
    fn bytes_have_no_form_in_json_at_any_depth() {
        let binary = BinaryArray::from(vec![&b"x"[..]]);
        let list = |kind| DataType::List(Arc::new(Field::new_list_field(kind, true)));
        assert!(!has_json_form(binary.data_type()));
        assert!(!has_json_form(&list(DataType::Binary)));
        assert!(has_json_form(&list(DataType::Int8)));
        let time = DataType::Timestamp(arrow_schema::TimeUnit::Second, Some("Europe/Rome".into()));
        assert!(has_json_form(&time) && !has_json_form(&list(time)));
    }
}
