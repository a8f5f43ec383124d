//! The curves of a run as TensorBoard reads them: a file of records, each a protocol buffer `Event` with one
//! number, framed by its length and checksums (the format TFRecord). Only what is needed of either is here.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::log::open_after;
use crate::error::{Error, Result};

/// An open file of events.
pub struct Events {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Events {
    /// Opens the file at `path` and keeps its first `bytes`, which end with a record.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn open(path: &Path, bytes: u64) -> Result<Self> {
        let (file, bytes) = open_after(path, bytes)?;
        let mut events = Self { path: path.to_owned(), file, bytes };
        if bytes == 0 {
            let mut event = Message::now(0);
            event.bytes(3, b"brain.Event:2");
            events.put(&event.0)?;
        }
        Ok(events)
    }

    /// Adds a point to the curve `tag`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) -> Result<()> {
        let (mut point, mut summary, mut event) =
            (Message::default(), Message::default(), Message::now(step));
        point.bytes(1, tag.as_bytes());
        point.float(2, value as f32);
        summary.bytes(1, &point.0);
        event.bytes(5, &summary.0);
        self.put(&event.0)
    }

    fn put(&mut self, record: &[u8]) -> Result<()> {
        let record = framed(record);
        self.file.write_all(&record).map_err(|e| Error::io("write", self.path.display(), e))?;
        self.bytes += record.len() as u64;
        Ok(())
    }

    /// How long the file is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A record: its length, the length's checksum, the bytes, their checksum.
fn framed(record: &[u8]) -> Vec<u8> {
    let length = (record.len() as u64).to_le_bytes();
    let mut framed = length.to_vec();
    framed.extend(masked(crc32c(&length)).to_le_bytes());
    framed.extend(record);
    framed.extend(masked(crc32c(record)).to_le_bytes());
    framed
}

/// CRC-32C (Castagnoli), bit by bit: records are short.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    };
    !bytes.iter().fold(!0, step)
}

/// A checksum as TFRecord stores it, so that one of checksums is no trouble.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A protocol buffer in the making.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    /// An event of this moment: field 1 is the time in seconds, field 2 the step.
    fn now(step: u64) -> Self {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut event = Self::default();
        event.0.push(1 << 3 | 1);
        event.0.extend(time.as_secs_f64().to_le_bytes());
        event.0.push(2 << 3);
        event.varint(step);
        event
    }

    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn bytes(&mut self, field: u8, bytes: &[u8]) {
        self.0.push(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn float(&mut self, field: u8, value: f32) {
        self.0.push(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, appendix B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(masked(0), 0xa282_ead8);
    }

    #[test]
    fn numbers_are_written_as_protocol_buffers_say() {
        let mut message = Message::default();
        message.varint(300);
        assert_eq!(message.0, [0xac, 0x02]);
        let mut message = Message::default();
        message.bytes(5, b"ab");
        message.float(2, 1.0);
        assert_eq!(message.0, [0x2a, 2, b'a', b'b', 0x15, 0, 0, 0x80, 0x3f]);
    }

    #[test]
    fn what_came_after_a_checkpoint_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut events = Events::open(&path, 0).unwrap();
        events.scalar("loss", 1, 0.5).unwrap();
        let bytes = events.bytes();
        events.scalar("loss", 2, 0.4).unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() > bytes);
        assert_eq!(Events::open(&path, bytes).unwrap().bytes(), bytes);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), bytes);
    }
}
