//! Compressed files, known by their suffix: `.gz` and `.bz2` (of any number of members)
//! and `.zst` (of any number of frames). What is inside is the formats' concern.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use bzip2::bufread::MultiBzDecoder;
use bzip2::write::BzEncoder;
use flate2::write::GzEncoder;

use super::gzip::Members;

const BUFFER: usize = 64 << 10;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// A path without its suffix of compression, and what that says.
    pub fn split(path: &Path) -> (PathBuf, Self) {
        let suffix = path.extension().and_then(|s| s.to_str()).unwrap_or("").to_lowercase();
        let mut known = [Self::Gzip, Self::Bzip2, Self::Zstd].into_iter();
        match known.find(|known| known.suffix().strip_prefix('.') == Some(&*suffix)) {
            Some(found) => (path.with_extension(""), found),
            None => (path.to_owned(), Self::None),
        }
    }

    /// What it adds to the name of a file.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Bzip2 => ".bz2",
            Self::Zstd => ".zst",
        }
    }

    /// Reads what `reader` holds compressed. Bytes that break off or are of another kind are an error
    /// when they are read; in gzip, what comes after it can be read (`gzip.rs`).
    ///
    /// # Errors
    /// Where the decoder cannot be set up.
    pub fn reader(self, reader: impl Read + Send + 'static) -> io::Result<Box<dyn BufRead + Send>> {
        let reader = BufReader::with_capacity(BUFFER, reader);
        Ok(match self {
            Self::None => Box::new(reader),
            Self::Gzip => Box::new(BufReader::with_capacity(BUFFER, Members::new(reader))),
            Self::Bzip2 => Box::new(BufReader::with_capacity(BUFFER, MultiBzDecoder::new(reader))),
            Self::Zstd => {
                let decoder = zstd::Decoder::with_buffer(reader)?;
                Box::new(BufReader::with_capacity(BUFFER, decoder))
            }
        })
    }

    /// Compresses onto `writer`.
    ///
    /// # Errors
    /// Where the encoder cannot be set up.
    pub fn writer(self, writer: Box<dyn Write + Send>) -> io::Result<Compressor> {
        let writer = BufWriter::with_capacity(BUFFER, writer);
        Ok(Compressor(match self {
            Self::None => Encoder::None(writer),
            Self::Gzip => Encoder::Gzip(GzEncoder::new(writer, flate2::Compression::default())),
            Self::Bzip2 => Encoder::Bzip2(BzEncoder::new(writer, bzip2::Compression::default())),
            Self::Zstd => {
                Encoder::Zstd(zstd::Encoder::new(writer, zstd::DEFAULT_COMPRESSION_LEVEL)?)
            }
        }))
    }
}

type Buffered = BufWriter<Box<dyn Write + Send>>;

/// A buffered writer that compresses; it is complete only after [`Compressor::finish`].
pub struct Compressor(Encoder);

enum Encoder {
    None(Buffered),
    Gzip(GzEncoder<Buffered>),
    Bzip2(BzEncoder<Buffered>),
    Zstd(zstd::Encoder<'static, Buffered>),
}

impl Compressor {
    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.0 {
            Encoder::None(writer) => writer,
            Encoder::Gzip(writer) => writer,
            Encoder::Bzip2(writer) => writer,
            Encoder::Zstd(writer) => writer,
        }
    }

    /// Writes the end of the compressed data and hands everything on.
    ///
    /// # Errors
    /// Where the underlying writer fails.
    pub fn finish(self) -> io::Result<()> {
        let mut writer = match self.0 {
            Encoder::None(writer) => writer,
            Encoder::Gzip(writer) => writer.finish()?,
            Encoder::Bzip2(writer) => writer.finish()?,
            Encoder::Zstd(writer) => writer.finish()?,
        };
        writer.flush()
    }
}

impl Write for Compressor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn bzip2(text: &str) -> Vec<u8> {
        let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn read(compression: Compression, bytes: Vec<u8>) -> io::Result<String> {
        let mut text = String::new();
        compression.reader(Cursor::new(bytes))?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn all_members_and_frames_are_read() {
        let members = [gzip("Paris "), gzip("is "), gzip("far")].concat();
        assert_eq!(read(Compression::Gzip, members).unwrap(), "Paris is far");
        let members = [bzip2("Paris "), bzip2("is far")].concat();
        assert_eq!(read(Compression::Bzip2, members).unwrap(), "Paris is far");
        let frames = ["Paris ", "is far"].map(|t| zstd::encode_all(t.as_bytes(), 1).unwrap());
        assert_eq!(read(Compression::Zstd, frames.concat()).unwrap(), "Paris is far");
    }

    #[test]
    fn what_breaks_off_is_an_error() {
        let text = "Paris is far away. ".repeat(50);
        let gz = gzip(&text);
        assert!(read(Compression::Gzip, gz[..gz.len() - 3].to_vec()).is_err());
        let bz2 = bzip2(&text);
        assert!(read(Compression::Bzip2, bz2[..bz2.len() - 3].to_vec()).is_err());
        let zst = zstd::encode_all(text.as_bytes(), 1).unwrap();
        assert!(read(Compression::Zstd, zst[..zst.len() - 3].to_vec()).is_err());
        assert!(read(Compression::Gzip, b"plain text".to_vec()).is_err());
        assert!(read(Compression::Bzip2, b"plain text".to_vec()).is_err());
        assert!(read(Compression::Zstd, b"plain text".to_vec()).is_err());
    }

    #[test]
    fn suffixes_tell_the_compression() {
        let split = |path: &str| {
            let (path, compression) = Compression::split(Path::new(path));
            (path.to_str().unwrap().to_owned(), compression)
        };
        assert_eq!(split("a/b.txt.GZ"), ("a/b.txt".to_owned(), Compression::Gzip));
        assert_eq!(split("b.json.bz2"), ("b.json".to_owned(), Compression::Bzip2));
        assert_eq!(split("b.zst"), ("b".to_owned(), Compression::Zstd));
        assert_eq!(split("b.txt"), ("b.txt".to_owned(), Compression::None));
        assert_eq!(split(".gz"), (".gz".to_owned(), Compression::None));
    }
}
