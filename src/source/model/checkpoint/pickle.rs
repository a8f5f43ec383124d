//! Reading pickles as data: a machine that knows what the dictionaries of tensors that PyTorch saves are
//! made of, and calls nothing. (Python's `pickletools` documents the operations.)
//!
//! Every operation takes a byte and makes at most one value, and a value names those it holds by
//! number. So memory is bounded by the bytes read, however the values are nested or repeated.

use std::collections::HashMap;

/// The number of a value.
pub(super) type Id = usize;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// `None`, truth values, floating-point numbers and byte strings: nothing that is asked for.
    Other,
    Integer(i64),
    Text(String),
    /// A name in a module: `torch._utils _rebuild_tensor_v2`.
    Global(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dictionary(Vec<(Id, Id)>),
    /// What the file holds outside the pickle, by what it is called there.
    Persistent(Id),
    /// A call that was not made: the function and its arguments.
    Call(Id, Id),
}

/// The values of a pickle.
pub(super) struct Pickle {
    values: Vec<Value>,
    top: Id,
}

impl Pickle {
    /// Reads one pickle from the start of `bytes`; gives it and the number of bytes it takes.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize), String> {
        let mut machine = Machine { bytes, ..Machine::default() };
        let top = machine.run()?;
        Ok((Self { values: machine.values, top }, machine.at))
    }

    /// The value that the pickle is.
    pub(super) fn top(&self) -> &Value {
        self.value(self.top)
    }

    pub(super) fn value(&self, id: Id) -> &Value {
        self.values.get(id).unwrap_or(&Value::Other)
    }
}

#[derive(Default)]
struct Machine<'b> {
    bytes: &'b [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memory: HashMap<u64, Id>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Id, String> {
        loop {
            let code = self.take(1)?[0];
            if code == b'.' {
                return self.pop();
            }
            self.step(code)?;
        }
    }

    fn step(&mut self, code: u8) -> Result<(), String> {
        match code {
            // Protocol and frames say nothing of the values.
            0x80 => self.take(1).map(|_| ()),
            0x95 => self.take(8).map(|_| ()),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(|_| ()),
            b'1' => self.pop_to_mark().map(|_| ()),
            b'2' => {
                let top = self.last()?;
                self.stack.push(top);
                Ok(())
            }
            b'N' | 0x88 | 0x89 => self.push(Value::Other),
            b'G' => self.skip(8),
            b'K' | b'M' | b'J' | 0x8a | b'I' | b'L' => self.integer(code),
            b'X' | 0x8c | b'U' | b'T' | b'C' | b'B' => self.string(code),
            b'c' | 0x93 => self.global(code),
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.memory(code),
            _ => self.container(code),
        }
    }

    fn container(&mut self, code: u8) -> Result<(), String> {
        match code {
            b')' => self.push(Value::Tuple(Vec::new())),
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let first = self.height_above_mark(count)?;
                let items = self.stack.split_off(first);
                self.push(Value::Tuple(items))
            }
            b't' | b'l' => {
                let items = self.pop_to_mark()?;
                self.push(if code == b't' { Value::Tuple(items) } else { Value::List(items) })
            }
            b'd' => {
                let pairs = pairs(&self.pop_to_mark()?)?;
                self.push(Value::Dictionary(pairs))
            }
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dictionary(Vec::new())),
            b'a' | b'e' => {
                let items = if code == b'a' { vec![self.pop()?] } else { self.pop_to_mark()? };
                let list = self.last()?;
                match &mut self.values[list] {
                    Value::List(list) => list.extend(items),
                    _ => return Err("something is appended to what is no list".to_owned()),
                }
                Ok(())
            }
            b's' | b'u' => {
                let items = if code == b's' {
                    let value = self.pop()?;
                    vec![self.pop()?, value]
                } else {
                    self.pop_to_mark()?
                };
                let items = pairs(&items)?;
                let dictionary = self.last()?;
                match &mut self.values[dictionary] {
                    Value::Dictionary(dictionary) => dictionary.extend(items),
                    _ => return Err("something is set in what is no dictionary".to_owned()),
                }
                Ok(())
            }
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                let is_dictionary = matches!(
                    &self.values[function],
                    Value::Global(name) if name == "collections OrderedDict"
                );
                self.push(if is_dictionary {
                    Value::Dictionary(Vec::new())
                } else {
                    Value::Call(function, arguments)
                })
            }
            // The state of an object; that of a dictionary of tensors is metadata.
            b'b' => self.pop().map(|_| ()),
            b'Q' => {
                let name = self.pop()?;
                self.push(Value::Persistent(name))
            }
            _ => Err(format!("operation {code:#04x} of a pickle is not one that weights need")),
        }
    }

    fn integer(&mut self, code: u8) -> Result<(), String> {
        let number = match code {
            b'K' => little_endian(self.take(1)?),
            b'M' => little_endian(self.take(2)?),
            b'J' => i64::from(little_endian(self.take(4)?) as i32),
            0x8a => {
                let length = usize::from(self.take(1)?[0]);
                let bytes = self.take(length)?;
                match length {
                    0 => 0,
                    1..=8 => {
                        let unused = 64 - 8 * length as u32;
                        (little_endian(bytes) << unused) >> unused
                    }
                    // The number that says "a file of an old PyTorch", and nothing else that is asked for.
                    _ => return self.push(Value::Other),
                }
            }
            _ => {
                let line = self.line()?;
                let digits = line.trim_end_matches('L');
                digits.parse().map_err(|_| format!("'{line}' is no whole number"))?
            }
        };
        self.push(Value::Integer(number))
    }

    fn string(&mut self, code: u8) -> Result<(), String> {
        let width = if matches!(code, b'X' | b'T' | b'B') { 4 } else { 1 };
        let length = little_endian(self.take(width)?);
        let length = usize::try_from(length).map_err(|_| "a string is too long")?;
        let bytes = self.take(length)?;
        let value = match code {
            b'C' | b'B' => Value::Other,
            _ => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        };
        self.push(value)
    }

    fn global(&mut self, code: u8) -> Result<(), String> {
        let (module, name) = if code == b'c' {
            (self.line()?, self.line()?)
        } else {
            let name = self.pop()?;
            let module = self.pop()?;
            match (&self.values[module], &self.values[name]) {
                (Value::Text(module), Value::Text(name)) => (module.clone(), name.clone()),
                _ => return Err("the name of a function is no text".to_owned()),
            }
        };
        self.push(Value::Global(format!("{module} {name}")))
    }

    fn memory(&mut self, code: u8) -> Result<(), String> {
        let key = match code {
            b'q' | b'h' => little_endian(self.take(1)?) as u64,
            b'r' | b'j' => little_endian(self.take(4)?) as u64,
            _ => self.memory.len() as u64,
        };
        if matches!(code, b'h' | b'j') {
            let known = self.memory.get(&key).copied();
            self.stack.push(known.ok_or_else(|| format!("value {key} was never remembered"))?);
        } else {
            let top = self.last()?;
            self.memory.insert(key, top);
        }
        Ok(())
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    /// Passes over the bytes of a value that nothing asks for.
    fn skip(&mut self, count: usize) -> Result<(), String> {
        self.take(count)?;
        self.push(Value::Other)
    }

    /// Where the topmost `count` values begin, none of them below the last mark.
    fn height_above_mark(&self, count: usize) -> Result<usize, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let first = self.stack.len().checked_sub(count).filter(|first| *first >= floor);
        first.ok_or_else(|| "a pickle takes more values than it has".to_owned())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let top = self.height_above_mark(1)?;
        let id = self.stack[top];
        self.stack.truncate(top);
        Ok(id)
    }

    fn last(&self) -> Result<Id, String> {
        self.height_above_mark(1).map(|top| self.stack[top])
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("a pickle has no mark where it needs one")?;
        Ok(self.stack.split_off(mark))
    }

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or("a pickle is cut off")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|b| *b == b'\n').ok_or("a pickle is cut off")?;
        let line = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length + 1;
        Ok(line)
    }
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, String> {
    if !items.len().is_multiple_of(2) {
        return Err("a dictionary has a key without a value".to_owned());
    }
    Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

/// The number in up to eight bytes.
fn little_endian(bytes: &[u8]) -> i64 {
    bytes.iter().rev().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_read_and_nothing_is_called() {
        // {'a': (1, -2), 'b': os.system('x')}, then more bytes.
        let bytes =
            b"\x80\x02}q\x00(X\x01\x00\x00\x00aK\x01J\xfe\xff\xff\xff\x86q\x01X\x01\x00\x00\
            \x00bcos\nsystem\nX\x01\x00\x00\x00x\x85Ru.rest";
        let (pickle, length) = Pickle::read(bytes).unwrap();
        assert_eq!(&bytes[length..], b"rest");
        let Value::Dictionary(pairs) = pickle.top() else { panic!("{:?}", pickle.top()) };
        let Value::Tuple(numbers) = pickle.value(pairs[0].1) else { panic!("no tuple") };
        assert_eq!(pickle.value(numbers[1]), &Value::Integer(-2));
        let Value::Call(function, _) = pickle.value(pairs[1].1) else { panic!("no call") };
        assert_eq!(pickle.value(*function), &Value::Global("os system".to_owned()));
    }

    #[test]
    fn what_doubles_again_and_again_stays_small() {
        let mut bytes = b"\x80\x02K\x01q\x00".to_vec();
        for _ in 0..10_000 {
            bytes.extend(b"h\x00h\x00\x86q\x00");
        }
        bytes.push(b'.');
        let (pickle, _) = Pickle::read(&bytes).unwrap();
        assert!(pickle.values.len() <= bytes.len());
        let deep = [b"K\x01".as_slice(), &[0x85; 1_000_000], b"."].concat();
        assert!(Pickle::read(&deep).is_ok());
    }

    #[test]
    fn mistakes_are_told() {
        let cases: [(&[u8], &str); 9] = [
            (b"", "cut off"),
            (b".", "more values than it has"),
            (b"K", "cut off"),
            (b"X\xff\xff\xff\x7fabc", "cut off"),
            (b"h\x07", "never remembered"),
            (b"K\x01K\x01u", "no mark"),
            (b"}(K\x01u", "without a value"),
            (b"K\x01K\x01a", "no list"),
            (b"\xee", "0xee"),
        ];
        for (bytes, expected) in cases {
            let error = Pickle::read(bytes).err().unwrap();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Pickle::read(&bytes);
        }
    }
}
