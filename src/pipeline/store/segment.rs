//! The files of a store. A segment is a Parquet file in the folder of a source; the keys of its documents
//! stand in another file, in the folder `documents`, which the segments of all sources share that were
//! asked for the same documents. Both are named by the first 16 hexadecimal digits of the SHA-256 of their
//! bytes, and come to be only when they are complete.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::key::DocumentKey;
use super::table::{Columns, GROWING, Rows, SMALL, schema};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::resource::in_hex;
use crate::span::Label;

/// The suffix of a segment.
const SUFFIX: &str = "parquet";

/// The folder of the keys of documents, and the suffix of its files.
const DOCUMENTS: &str = "documents";
const KEYS: &str = "keys";

/// Where a segment says which labels the model of its source knows.
const LABELS: &str = "labels";

/// A segment is closed after so many row groups: what a run that is killed loses of its evidence.
const GROUPS: usize = 4;

/// A segment that is there.
pub(super) struct Segment {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    /// The labels of the model, where the source is one.
    pub(super) labels: Option<Vec<Label>>,
}

/// The paths of the segments in `folder`, in the order of their names; none where there is no folder.
///
/// # Errors
/// Where the folder cannot be read.
pub(super) fn paths(folder: &Path) -> Result<Vec<PathBuf>> {
    let wrong = |error| Error::io("read", folder.display(), error);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(wrong)?.path();
        if path.extension().is_some_and(|suffix| suffix == SUFFIX) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

impl Segment {
    /// Opens a segment of the store at `root` after all its bytes were compared with its name, and gives
    /// the documents of each of its row groups.
    ///
    /// # Errors
    /// Where it cannot be read, is damaged or is none.
    pub(super) fn open(root: &Path, path: PathBuf) -> Result<(Self, Vec<Vec<DocumentKey>>)> {
        checked(&path)?;
        let wrong = |error: ParquetError| damaged(&path, &error.to_string());
        let options = ArrowReaderOptions::new().with_schema(schema());
        let metadata = ArrowReaderMetadata::load(&open(&path)?, options).map_err(wrong)?;
        let mut segment = Self { path, metadata, labels: None };
        segment.labels = segment.read_labels()?;
        let documents = segment.documents(root)?;
        Ok((segment, documents))
    }

    /// What the segment says about itself under `key`.
    fn value(&self, key: &str) -> Option<&str> {
        let values = self.metadata.metadata().file_metadata().key_value_metadata();
        let value = values.into_iter().flatten().find(|value| value.key == key)?;
        value.value.as_deref()
    }

    fn read_labels(&self) -> Result<Option<Vec<Label>>> {
        let Some(written) = self.value(LABELS) else { return Ok(None) };
        let names: Vec<String> = serde_json::from_str(written)
            .map_err(|error| damaged(&self.path, &format!("its labels are no list: {error}")))?;
        Ok(Some(names.iter().map(|name| Label::new(name)).collect()))
    }

    fn documents(&self, root: &Path) -> Result<Vec<Vec<DocumentKey>>> {
        let name = self.value(DOCUMENTS).unwrap_or_default();
        let is_name = name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_name {
            return Err(damaged(&self.path, "it does not name its documents"));
        }
        let bytes = checked(&root.join(DOCUMENTS).join(name).with_extension(KEYS))?;
        let mut keys = bytes.as_chunks().0.iter().map(|bytes| DocumentKey(*bytes));
        let groups = self.metadata.metadata().row_groups().iter();
        let documents: Vec<Vec<DocumentKey>> =
            groups.map(|group| keys.by_ref().take(group.num_rows() as usize).collect()).collect();
        let rows: usize = documents.iter().map(Vec::len).sum();
        if rows * size_of::<DocumentKey>() != bytes.len() {
            return Err(damaged(&self.path, "it has not as many rows as documents"));
        }
        Ok(documents)
    }

    /// The rows of a row group.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn rows(&self, group: usize) -> Result<Rows> {
        let batch = self.read(group)?;
        Rows::new(&batch).ok_or_else(|| damaged(&self.path, "its columns are others"))
    }

    fn read(&self, group: usize) -> Result<RecordBatch> {
        let wrong = |why: String| damaged(&self.path, &why);
        let metadata = self.metadata.metadata();
        let rows = metadata.row_group(group).num_rows() as usize;
        let file = open(&self.path)?;
        let mut reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![group])
                .with_batch_size(rows.max(1))
                .build()
                .map_err(|error| wrong(error.to_string()))?;
        match reader.next() {
            Some(batch) => batch.map_err(|error| wrong(error.to_string())),
            None => Err(wrong("a row group is empty".to_owned())),
        }
    }
}

/// A segment that comes to be.
pub(super) struct SegmentWriter {
    root: PathBuf,
    folder: PathBuf,
    writer: ArrowWriter<NamedTempFile>,
    keys: Vec<u8>,
    groups: usize,
}

impl SegmentWriter {
    /// A segment in `folder` of the store at `root`, of a source whose model knows `labels`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn create(root: &Path, folder: &Path, labels: Option<&[Label]>) -> Result<Self> {
        let file = temporary(folder)?;
        let labels = labels.map(|labels| {
            let names: Vec<&str> = labels.iter().map(Label::as_str).collect();
            KeyValue::new(LABELS.to_owned(), serde_json::json!(names).to_string())
        });
        let level = ZstdLevel::try_new(3).expect("zstd has a level 3");
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .set_key_value_metadata(labels.map(|labels| vec![labels]));
        for (column, encoding) in
            [(GROWING, Encoding::DELTA_BINARY_PACKED), (SMALL, Encoding::BYTE_STREAM_SPLIT)]
        {
            let column: Vec<String> = column.iter().map(|part| (*part).to_owned()).collect();
            let column = ColumnPath::from(column);
            properties = properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, encoding);
        }
        let options = ArrowWriterOptions::new()
            .with_properties(properties.build())
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, schema(), options)
            .map_err(|error| unwritten(folder, &error))?;
        let (root, folder) = (root.to_owned(), folder.to_owned());
        Ok(Self { root, folder, writer, keys: Vec::new(), groups: 0 })
    }

    /// Writes a row group, of these documents.
    ///
    /// # Errors
    /// Where that fails.
    pub(super) fn write(&mut self, documents: &[DocumentKey], columns: Columns) -> Result<()> {
        self.keys.extend(documents.iter().flat_map(|key| key.0));
        let batch = columns.batch().map_err(ParquetError::from);
        batch
            .and_then(|batch| self.writer.write(&batch))
            .and_then(|()| self.writer.flush())
            .map_err(|error| unwritten(&self.folder, &error))?;
        self.groups += 1;
        Ok(())
    }

    /// Whether it is time to finish it.
    pub(super) fn is_full(&self) -> bool {
        self.groups >= GROUPS
    }

    /// Completes the segment; it now has its name.
    ///
    /// # Errors
    /// Where that fails; there is then no such file.
    pub(super) fn finish(mut self) -> Result<()> {
        let documents = self.root.join(DOCUMENTS);
        let mut keys = temporary(&documents)?;
        keys.write_all(&self.keys).map_err(|e| Error::io("write", documents.display(), e))?;
        let documents = publish(keys, &documents, KEYS)?;
        self.writer.append_key_value_metadata(KeyValue::new(DOCUMENTS.to_owned(), documents));
        let file = self.writer.into_inner().map_err(|error| unwritten(&self.folder, &error))?;
        publish(file, &self.folder, SUFFIX)?;
        Ok(())
    }
}

/// A file in `folder`, which is made where it is missing.
fn temporary(folder: &Path) -> Result<NamedTempFile> {
    fs::create_dir_all(folder)
        .and_then(|()| tempfile::Builder::new().prefix(".part-").tempfile_in(folder))
        .map_err(|error| Error::io("write", folder.display(), error))
}

/// Gives a complete file the name of its bytes, and says it.
fn publish(file: NamedTempFile, folder: &Path, suffix: &str) -> Result<String> {
    let wrong = |error| Error::io("write", folder.display(), error);
    file.as_file().sync_all().map_err(wrong)?;
    let name = name(&fs::read(file.path()).map_err(wrong)?);
    file.persist(folder.join(&name).with_extension(suffix)).map_err(|e| wrong(e.error))?;
    Ok(name)
}

/// The bytes of a file that is named by them.
fn checked(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(|error| Error::io("read", path.display(), error))?;
    let got = name(&bytes);
    if path.file_stem().unwrap_or_default() != got.as_str() {
        return Err(damaged(path, &format!("its bytes have the checksum {got}")));
    }
    Ok(bytes)
}

/// The name of a segment that holds `bytes`.
fn name(bytes: &[u8]) -> String {
    in_hex(&Sha256::digest(bytes)[..8])
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| Error::io("read", path.display(), error))
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Io, format!("the evidence is damaged: {why}"))
        .at(Location::file(path.display().to_string()))
        .with_help("delete the file: its documents are then tagged anew")
}

fn unwritten(folder: &Path, error: &ParquetError) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write {}: {error}", folder.display()))
}
