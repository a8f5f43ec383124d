//! A small web server that speaks enough of S3's protocol: ListObjectsV2, HEAD, and GET with ranges. It does what a
//! test tells it to do wrong, and nothing by chance.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// What the server does with a request instead of answering it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    /// Answers as asked: a fault for a later request stands behind it.
    None,
    /// Refuses with a status.
    Status(u16),
    /// Closes the connection after so many bytes of the body.
    Break(usize),
    /// Says that it was asked, and answers when it is told to.
    Hold,
}

/// How objects are served.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    /// Whether parts of an object are given.
    pub ranges: bool,
    /// Whether an answer names the version of the object.
    pub e_tag: bool,
    /// Whether HEAD is answered.
    pub head: bool,
}

/// A server on a port of its own. Objects are named by their paths, `/bucket/key`.
pub(super) struct Server {
    port: u16,
    shared: Arc<Shared>,
    held: Mutex<Receiver<()>>,
}

struct Shared {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    /// What GET meets with, by path, in order; the last stays.
    faults: Mutex<BTreeMap<String, VecDeque<Fault>>>,
    manners: Manners,
    /// Method, path with query, and range of each request.
    log: Mutex<Vec<String>>,
    hold: Sender<()>,
    /// How many of the requests that were held may go on.
    released: Mutex<usize>,
    release: Condvar,
}

/// So many objects are listed on a page.
const PAGE: usize = 2;

impl Server {
    pub(super) fn start() -> Self {
        Self::with(Manners { ranges: true, e_tag: true, head: true })
    }

    pub(super) fn with(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (hold, held) = channel();
        let shared = Arc::new(Shared {
            objects: Mutex::default(),
            faults: Mutex::default(),
            manners,
            log: Mutex::default(),
            hold,
            released: Mutex::default(),
            release: Condvar::new(),
        });
        let served = shared.clone();
        // It ends with the process.
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, shared) = (connection.unwrap(), served.clone());
                thread::spawn(move || shared.serve(connection));
            }
        });
        Self { port, shared, held: Mutex::new(held) }
    }

    /// Where it is, `http://HOST:PORT`.
    pub(super) fn root(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.shared.objects.lock().unwrap().insert(path.to_owned(), bytes.into());
    }

    /// Lets GET of a path meet with these, one after the other; the last stays.
    pub(super) fn fault(&self, path: &str, faults: &[Fault]) {
        let faults = faults.iter().copied().collect();
        self.shared.faults.lock().unwrap().insert(path.to_owned(), faults);
    }

    /// Waits for a request that is held.
    pub(super) fn held(&self) {
        self.held.lock().unwrap().recv().unwrap();
    }

    /// Lets a request that is held go on.
    pub(super) fn release(&self) {
        *self.shared.released.lock().unwrap() += 1;
        self.shared.release.notify_one();
    }

    /// The requests so far.
    pub(super) fn log(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }
}

struct Request {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    /// First byte, and the one behind the last.
    range: Option<(usize, usize)>,
}

impl Shared {
    /// Answers the requests of a connection.
    fn serve(&self, connection: TcpStream) {
        let mut writer = connection.try_clone().unwrap();
        let mut reader = BufReader::new(connection);
        while let Some(request) = self.read(&mut reader) {
            if self.answer(&request, &mut writer).is_none() {
                // Whoever asked may be gone already.
                let _ = writer.shutdown(Shutdown::Both);
                return;
            }
        }
    }

    fn read(&self, reader: &mut impl BufRead) -> Option<Request> {
        let mut first = String::new();
        reader.read_line(&mut first).ok()?;
        let mut words = first.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut range = None;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("range") {
                let (start, end) = value.trim().strip_prefix("bytes=")?.split_once('-')?;
                range = Some((start.parse().ok()?, end.parse::<usize>().ok()? + 1));
            }
        }
        let told = range.map_or(String::new(), |(start, end)| format!(" {start}..{end}"));
        self.log.lock().unwrap().push(format!("{method} {target}{told}"));
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_owned(), decoded(value))
        };
        let query = query.split('&').map(pair).collect();
        Some(Request { method, path: decoded(path), query, range })
    }

    /// Answers; `None` where the connection is to be closed.
    fn answer(&self, request: &Request, writer: &mut impl Write) -> Option<()> {
        let is_head = request.method == "HEAD";
        let fault = if is_head { Fault::None } else { self.next_fault(&request.path) };
        let status = match fault {
            Fault::Status(status) => Some(status),
            _ if is_head && !self.manners.head => Some(403),
            _ => None,
        };
        if let Some(status) = status {
            let body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
            return reply(
                writer,
                status,
                &[],
                body.as_bytes(),
                if is_head { 0 } else { usize::MAX },
            );
        }
        if request.query.contains_key("list-type") {
            return reply(writer, 200, &[], self.list(request).as_bytes(), usize::MAX);
        }
        if fault == Fault::Hold {
            // The test may be over.
            let _ = self.hold.send(());
            let released = self.released.lock().unwrap();
            let mut released = self.release.wait_while(released, |count| *count == 0).unwrap();
            *released -= 1;
        }
        let Some(bytes) = self.objects.lock().unwrap().get(&request.path).cloned() else {
            let body =
                "<Error><Code>NoSuchKey</Code><Message>The key does not exist.</Message></Error>";
            return reply(writer, 404, &[], body.as_bytes(), if is_head { 0 } else { usize::MAX });
        };
        let mut headers = vec!["Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT".to_owned()];
        if self.manners.e_tag {
            headers.push(format!("ETag: \"{}-{}\"", bytes.len(), request.path.len()));
        }
        let (mut status, mut body) = (200, &bytes[..]);
        if let Some((start, end)) = request.range.filter(|_| self.manners.ranges) {
            let end = end.min(bytes.len());
            headers.push(format!("Content-Range: bytes {start}-{}/{}", end - 1, bytes.len()));
            (status, body) = (206, &bytes[start..end]);
        }
        let most = match fault {
            Fault::Break(most) => most,
            _ if is_head => 0,
            _ => usize::MAX,
        };
        reply(writer, status, &headers, body, most)?;
        (most >= body.len() || is_head).then_some(())
    }

    fn next_fault(&self, path: &str) -> Fault {
        let mut faults = self.faults.lock().unwrap();
        match faults.get_mut(path) {
            Some(faults) if faults.len() > 1 => faults.pop_front().unwrap(),
            Some(faults) => faults.front().copied().unwrap_or(Fault::None),
            None => Fault::None,
        }
    }

    /// A page of the objects of a bucket, in reverse: nobody promises an order.
    fn list(&self, request: &Request) -> String {
        let objects = self.objects.lock().unwrap();
        let bucket = format!("{}/", request.path.trim_end_matches('/'));
        let prefix = request.query.get("prefix").map_or("", String::as_str);
        let keys: Vec<(&str, usize)> = objects
            .iter()
            .filter_map(|(path, bytes)| Some((path.strip_prefix(&bucket)?, bytes.len())))
            .filter(|(key, _)| key.starts_with(prefix))
            .rev()
            .collect();
        let from =
            request.query.get("continuation-token").map_or(0, |token| token.parse().unwrap());
        let contents: String = keys
            .iter()
            .skip(from)
            .take(PAGE)
            .map(|(key, size)| {
                format!(
                    "<Contents><Key>{key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>\
                     <ETag>\"{size}\"</ETag><Size>{size}</Size></Contents>"
                )
            })
            .collect();
        let next = from + PAGE;
        let token = match next < keys.len() {
            true => format!("<NextContinuationToken>{next}</NextContinuationToken>"),
            false => String::new(),
        };
        format!("<ListBucketResult>{contents}{token}</ListBucketResult>")
    }
}

/// Writes an answer with at most so many bytes of the body that it announces.
fn reply(
    writer: &mut impl Write,
    status: u16,
    headers: &[String],
    body: &[u8],
    most: usize,
) -> Option<()> {
    let mut head = format!("HTTP/1.1 {status} Status\r\nContent-Length: {}\r\n", body.len());
    headers.iter().for_each(|header| head.push_str(&format!("{header}\r\n")));
    head.push_str("\r\n");
    // Who asked may have had enough.
    writer.write_all(head.as_bytes()).ok()?;
    writer.write_all(&body[..most.min(body.len())]).ok()?;
    writer.flush().ok()
}

/// Without percent-encoding.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let hex =
            after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = &after[if code.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8(bytes).unwrap()
}
