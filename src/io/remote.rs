//! Objects behind addresses, by the crate `object_store`: which there are, and their bytes as a reader. What an
//! address means is `address`'s concern, what the bytes mean that of compression and formats.
//!
//! Credentials and endpoints come from the environment, as `object_store` reads it. An object is read in parts of
//! [`PART`] bytes, each a request of its own: a reader that is slow holds no connection open, and each part is tried
//! again by `object_store` as its defaults say (at most 10 times within three minutes, with growing pauses, after a
//! 5xx, 408 or 429, a connection that fails or breaks off, or 30 seconds; an answer that breaks off goes on where
//! it was if the service names the version of the object by an ETag). A web server may take its time, as long as it
//! gives something.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::path::Path as FilePath;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::{HttpClient, HttpConnector, HttpError, ReqwestConnector};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{ClientOptions, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::address::{Address, Selection, Service};
use crate::error::{Error, ErrorKind, Result};

/// So many bytes of an object are asked for at once. A reader holds at most three parts: the one it reads, one that
/// waits, and one that arrives.
const PART: u64 = 4 << 20;

/// A web server that gives nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A part of an object, or why there is none.
type Part = std::result::Result<Bytes, Problem>;

/// All requests of the process run on one thread. It lives as long as the process, since readers may outlive
/// whoever opened them.
static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(1).thread_name("remote").enable_all().build()
});

fn runtime() -> Result<&'static Runtime> {
    RUNTIME.as_ref().map_err(|error| {
        Error::new(ErrorKind::Remote, format!("cannot start a thread for requests: {error}"))
    })
}

/// The services that addresses name, each opened once.
#[derive(Default)]
pub(super) struct Remote {
    stores: BTreeMap<String, Arc<Store>>,
    web: Web,
}

/// A bucket or container, or one object of a web server.
struct Store {
    service: Service,
    /// What the name of an object begins with.
    root: String,
    objects: Arc<dyn ObjectStore>,
    /// Lists what is there; a web server cannot.
    lister: Option<Arc<dyn PaginatedListStore>>,
}

/// An object behind an address.
#[derive(Clone)]
pub struct RemoteObject {
    store: Arc<Store>,
    key: Path,
    size: u64,
}

/// What can go wrong with an object.
#[derive(Debug)]
enum Problem {
    Store(object_store::Error),
    /// It was listed with the first size, and has the second.
    Size(u64, u64),
    /// Between two parts it became another.
    Version,
}

impl From<object_store::Error> for Problem {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

impl Remote {
    /// The objects that an address stands for, sorted as files are.
    ///
    /// # Errors
    /// Where there is none, or the service cannot be asked; the error names the address.
    pub(super) fn find(&mut self, address: &Address) -> Result<Vec<RemoteObject>> {
        let told = |problem: Problem| problem.told(&address.to_string(), address.service());
        let store = self.store(address).map_err(|error| told(error.into()))?;
        let runtime = runtime()?;
        let found = match address.selection() {
            Selection::One => {
                let key = match address.service() {
                    Service::Http => Ok(Path::ROOT),
                    _ => Path::parse(address.key()),
                };
                let key = key.map_err(|error| told(Problem::Store(error.into())))?;
                runtime.block_on(look(&*store.objects, &key)).map(|meta| vec![(key, meta.size)])
            }
            Selection::Under | Selection::Matching(_) => runtime.block_on(list(&store, address)),
        };
        let mut found = found.map_err(|error| told(error.into()))?;
        if found.is_empty() {
            let what = match address.selection() {
                Selection::Matching(_) => "matches",
                Selection::Under | Selection::One => "is under",
            };
            return Err(Error::new(ErrorKind::Io, format!("no object {what} '{address}'")));
        }
        found.sort_by(|(a, _), (b, _)| FilePath::new(a.as_ref()).cmp(FilePath::new(b.as_ref())));
        let object = |(key, size)| RemoteObject { store: store.clone(), key, size };
        Ok(found.into_iter().map(object).collect())
    }

    fn store(&mut self, address: &Address) -> object_store::Result<Arc<Store>> {
        let (service, container) = (address.service(), address.container());
        // A web server knows whole addresses only, which may not be written as keys are.
        let root = match service {
            Service::Http => address.to_string(),
            _ => address.root().to_owned(),
        };
        let known = self.stores.get(&root).filter(|_| service != Service::Http);
        if let Some(store) = known {
            return Ok(store.clone());
        }
        let (objects, lister): (Arc<dyn ObjectStore>, Option<Arc<dyn PaginatedListStore>>) =
            match service {
                Service::S3 => {
                    let store = AmazonS3Builder::from_env().with_bucket_name(container).build()?;
                    listed(store)
                }
                Service::Gcs => {
                    let store = GoogleCloudStorageBuilder::from_env().with_bucket_name(container);
                    listed(store.build()?)
                }
                Service::Azure => {
                    let store = MicrosoftAzureBuilder::from_env().with_container_name(container);
                    listed(store.build()?)
                }
                Service::Http => (Arc::new(self.web.store(address)?), None),
            };
        let store = Arc::new(Store { service, root: root.clone(), objects, lister });
        if service != Service::Http {
            self.stores.insert(root, store.clone());
        }
        Ok(store)
    }
}

fn listed<S: ObjectStore + PaginatedListStore>(
    store: S,
) -> (Arc<dyn ObjectStore>, Option<Arc<dyn PaginatedListStore>>) {
    let store = Arc::new(store);
    (store.clone(), Some(store))
}

/// One client for each of the schemes of the web, so that addresses share connections.
#[derive(Default)]
struct Web {
    clients: BTreeMap<bool, HttpClient>,
}

impl Web {
    fn store(&mut self, address: &Address) -> object_store::Result<object_store::http::HttpStore> {
        let is_plain = address.root().starts_with("http:");
        let options = ClientOptions::new()
            .with_allow_http(is_plain)
            .with_timeout_disabled()
            .with_read_timeout(PATIENCE);
        let client = match self.clients.get(&is_plain) {
            Some(client) => client.clone(),
            None => {
                let client = ReqwestConnector::default().connect(&options)?;
                self.clients.entry(is_plain).or_insert(client).clone()
            }
        };
        let builder = HttpBuilder::new().with_url(address.url()).with_client_options(options);
        builder.with_http_connector(Connected(client)).build()
    }
}

/// Gives a client that is there.
#[derive(Debug)]
struct Connected(HttpClient);

impl HttpConnector for Connected {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

/// What is known of one object. Some web servers, and addresses that are signed for reading, refuse to tell it
/// without its bytes: then the beginning of an answer that is not read on tells it.
async fn look(store: &dyn ObjectStore, key: &Path) -> object_store::Result<ObjectMeta> {
    match store.head(key).await {
        Err(error) if *key == Path::ROOT && is_answer(&error) => Ok(store.get(key).await?.meta),
        looked => looked,
    }
}

/// Whether a service has answered, be it that it will not.
fn is_answer(error: &object_store::Error) -> bool {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |e| e.source());
    causes.into_iter().all(|cause| !cause.is::<HttpError>())
}

/// The keys and sizes of all objects that are meant.
async fn list(store: &Store, address: &Address) -> object_store::Result<Vec<(Path, u64)>> {
    let Some(lister) = &store.lister else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut page_token = None;
    loop {
        let prefix = Some(address.prefix()).filter(|prefix| !prefix.is_empty());
        let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
        let page = lister.list_paginated(prefix, options).await?;
        let objects = page.result.objects.into_iter().map(|object| (object.location, object.size));
        found.extend(objects.filter(|(key, size)| address.selects(key.as_ref(), *size)));
        page_token = page.page_token.filter(|token| !token.is_empty());
        if page_token.is_none() {
            break;
        }
    }
    // A key with brackets is an object where there is one.
    if let Some(at) = found.iter().position(|(key, _)| key.as_ref() == address.key()) {
        return Ok(vec![found.swap_remove(at)]);
    }
    Ok(found)
}

impl RemoteObject {
    /// What to call it: its address.
    pub fn name(&self) -> String {
        format!("{}{}", self.store.root, self.key)
    }

    /// Its size in bytes, as the service stated it.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its bytes. Requests begin now, on the thread for them.
    pub(super) fn open(&self) -> Box<dyn Read + Send> {
        let (sender, parts) = channel(1);
        match runtime() {
            Ok(runtime) => {
                let object = self.clone();
                runtime.spawn(async move {
                    if let Err(problem) = object.send(&sender).await {
                        // Nobody reads any more.
                        let _ = sender.send(Err(problem)).await;
                    }
                });
                Box::new(Reader { object: self.clone(), parts, part: Bytes::new() })
            }
            Err(error) => Box::new(Broken(Some(error))),
        }
    }

    /// Sends all parts, until nobody takes them.
    async fn send(&self, parts: &Sender<Part>) -> std::result::Result<(), Problem> {
        let (mut start, mut version) = (0, None);
        while start < self.size {
            let end = self.size.min(start + PART);
            let options = GetOptions { range: Some((start..end).into()), ..GetOptions::default() };
            let answer = match self.store.objects.get_opts(&self.key, options).await {
                Err(object_store::Error::NotSupported { .. }) if start == 0 => {
                    return self.send_whole(parts).await;
                }
                answer => answer?,
            };
            if answer.meta.size != self.size {
                return Err(Problem::Size(self.size, answer.meta.size));
            }
            let is_other = version.as_ref().is_some_and(|version| *version != answer.meta.e_tag);
            if is_other {
                return Err(Problem::Version);
            }
            version = Some(answer.meta.e_tag.clone());
            let bytes = answer.bytes().await?;
            start += bytes.len() as u64;
            if start != end {
                return Err(Problem::Size(self.size, start));
            }
            if parts.send(Ok(bytes)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Sends what a server gives that knows no parts, in one answer.
    async fn send_whole(&self, parts: &Sender<Part>) -> std::result::Result<(), Problem> {
        let mut bytes = self.store.objects.get(&self.key).await?.into_stream();
        let mut size = 0;
        while let Some(part) = bytes.try_next().await? {
            size += part.len() as u64;
            if parts.send(Ok(part)).await.is_err() {
                return Ok(());
            }
        }
        if size == self.size { Ok(()) } else { Err(Problem::Size(self.size, size)) }
    }
}

impl fmt::Debug for RemoteObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteObject").field(&self.name()).field(&self.size).finish()
    }
}

/// Reads parts as they come.
struct Reader {
    object: RemoteObject,
    parts: Receiver<Part>,
    part: Bytes,
}

impl Read for Reader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.parts.blocking_recv() {
                None => return Ok(0),
                Some(Ok(part)) => self.part = part,
                Some(Err(problem)) => {
                    let error = problem.told(&self.object.name(), self.object.store.service);
                    return Err(io::Error::other(error));
                }
            }
        }
        let count = bytes.len().min(self.part.len());
        let read = self.part.split_to(count);
        bytes[..count].copy_from_slice(&read);
        Ok(count)
    }
}

/// Nothing but an error.
struct Broken(Option<Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), |error| Err(io::Error::other(error)))
    }
}

/// So much of what a service says of an error is shown, in characters.
const SHOWN: usize = 200;

impl Problem {
    /// As an error of the object, or address, of this name.
    fn told(&self, name: &str, service: Service) -> Error {
        let error = match self {
            Self::Store(error) => error,
            Self::Size(listed, found) => {
                let message = format!(
                    "cannot read {name}: it had {listed} bytes when the run began, and has {found}"
                );
                return Error::new(ErrorKind::Remote, message).with_help("run it again");
            }
            Self::Version => {
                let message = format!("cannot read {name}: it was replaced while it was read");
                return Error::new(ErrorKind::Remote, message).with_help("run it again");
            }
        };
        let reason = reason(error);
        if matches!(error, object_store::Error::NotFound { .. }) || reason.starts_with("404") {
            let message = format!("cannot read {name}: there is no such object ({reason})");
            return Error::new(ErrorKind::Io, message).with_help(match service {
                Service::Http => "the address is that of one object",
                _ => "an address that ends with '/' stands for all objects under it, one with '*', '?' or '[' for all that match",
            });
        }
        let message = format!("cannot read {name}: {reason}");
        Error::new(ErrorKind::Remote, message).with_help(advice(service))
    }
}

/// What is behind an error: what the service answered, or why there is no answer.
fn reason(error: &object_store::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let reason = deepest.to_string();
    let Some((_, answer)) = reason.split_once("non-2xx status code: ") else {
        return shortened(&reason);
    };
    let (status, body) = answer.split_once(": ").unwrap_or((answer, ""));
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        Some(rest.split_once('<')?.0)
    };
    let told: Vec<&str> = ["Code", "Message"].into_iter().filter_map(element).collect();
    let body = if told.is_empty() { shortened(body) } else { shortened(&told.join(": ")) };
    if body.is_empty() { status.to_owned() } else { format!("{status}: {body}") }
}

/// The beginning of a text, in one line.
fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(SHOWN).collect()
}

/// What can be set where a service does not answer, or refuses.
fn advice(service: Service) -> &'static str {
    match service {
        Service::S3 => {
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION say who asks and where; AWS_SKIP_SIGNATURE=true asks \
             for a public bucket, AWS_ENDPOINT names another service, AWS_ALLOW_HTTP=true allows one without TLS"
        }
        Service::Gcs => {
            "GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS names a file with credentials; \
             GOOGLE_SKIP_SIGNATURE=true asks for a public bucket"
        }
        Service::Azure => {
            "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY (or AZURE_STORAGE_SAS_KEY) say who asks; \
             AZURE_SKIP_SIGNATURE=true asks for a public container"
        }
        Service::Http => "no credentials are sent; an address that is signed (`?…`) may be read",
    }
}
