//! Addresses of documents that are no files here: `s3://BUCKET/KEY`, `gs://BUCKET/KEY`, `az://CONTAINER/KEY` and
//! `http(s)://HOST/PATH`. What an address says by itself: the service, and which objects it stands for. What is
//! there, `remote` asks the service.

use std::fmt;
use std::path::Path;

use glob::{MatchOptions, Pattern};

use super::format_of;
use crate::error::{Error, ErrorKind, Result};

/// Who keeps the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3, and whatever speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
    /// A web server.
    Http,
}

/// The schemes, each with its service.
const SCHEMES: [(&str, Service); 5] = [
    ("s3", Service::S3),
    ("gs", Service::Gcs),
    ("az", Service::Azure),
    ("http", Service::Http),
    ("https", Service::Http),
];

/// What makes a key a pattern.
const GLOB: [char; 3] = ['*', '?', '['];

/// As local globs are matched: `*` stays within a folder, and what is hidden is named or passed over.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Which objects an address stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The one with this key.
    One,
    /// All whose keys begin with this one, which ends with `/` or is empty.
    Under,
    /// Those that the key matches as a glob, and all under the folders that it matches.
    Matching(Pattern),
}

/// An address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    service: Service,
    /// Up to the `/` behind the container, that included.
    root: String,
    /// Bucket, container, or host and port.
    container: String,
    key: String,
    /// Of a web server: what stands behind `?`, that included.
    query: String,
    selection: Selection,
}

impl Address {
    /// Takes an input apart that is an address, `SCHEME://…`; `None` where it is a path.
    ///
    /// # Errors
    /// Where the scheme is none of the known ones, a container or key is missing, a glob is none, or a web server
    /// is asked for more than one object; the error names the address and what is expected.
    pub fn parse(written: &Path) -> Option<Result<Self>> {
        let written = written.to_str()?;
        let (scheme, rest) = written.split_once("://")?;
        // One letter is a drive.
        let is_scheme = scheme.len() > 1
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        is_scheme.then(|| Self::of(&scheme.to_ascii_lowercase(), rest))
    }

    /// Whether an input is an address, be it a wrong one.
    pub fn is_address(written: &Path) -> bool {
        Self::parse(written).is_some()
    }

    fn of(scheme: &str, rest: &str) -> Result<Self> {
        let shown = shown(scheme, rest);
        let wrong = |message: &str, help: String| {
            let message = format!("cannot read {scheme}://{shown}: {message}");
            Err(Error::new(ErrorKind::Io, message).with_help(help))
        };
        let Some((_, service)) = SCHEMES.iter().find(|(known, _)| *known == scheme) else {
            let known = SCHEMES.map(|(known, _)| known).join(", ");
            return wrong(&format!("unknown scheme '{scheme}'"), format!("known: {known}"));
        };
        let is_web = *service == Service::Http;
        // In a key of an object, `?` and `#` are letters like any others.
        let (place, query) = match rest.find(['?', '#']).filter(|_| is_web) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        let (container, key) = place.split_once('/').unwrap_or((place, ""));
        if container.is_empty() || container.contains(char::is_whitespace) {
            let expected = if is_web { "HOST/PATH" } else { "BUCKET/KEY" };
            let help = format!("expected {scheme}://{expected}");
            return wrong(
                &format!("expected a name behind '{scheme}://', got '{container}'"),
                help,
            );
        }
        if container.contains('@') {
            return wrong(
                "an address holds no credentials",
                "take out what stands before '@'; of a web server, an address that is signed (`?…`) will do".to_owned(),
            );
        }
        let selection = if key.contains(GLOB) {
            let pattern = Pattern::new(key.trim_end_matches('/'));
            match pattern {
                Ok(pattern) => Selection::Matching(pattern),
                Err(error) => {
                    let message =
                        format!("its key is no glob: {} at character {}", error.msg, error.pos + 1);
                    return wrong(&message, "in a glob, '[' is written '[[]'".to_owned());
                }
            }
        } else if key.is_empty() || key.ends_with('/') {
            Selection::Under
        } else {
            Selection::One
        };
        if is_web && selection != Selection::One {
            return wrong(
                "a web server does not list what is under an address",
                "name each object by its own address".to_owned(),
            );
        }
        Ok(Self {
            service: *service,
            root: format!("{scheme}://{container}/"),
            container: container.to_owned(),
            key: key.to_owned(),
            query: query.split('#').next().unwrap_or("").to_owned(),
            selection,
        })
    }

    /// Who keeps the objects.
    pub fn service(&self) -> Service {
        self.service
    }

    /// The bucket or container; of a web server, host and port.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The address of the container, with a `/` at its end; a key behind it is the name of an object.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The key as it is written; of a web server the path, still percent-encoded.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// All that a web server is asked for. What stands behind `?` often is a signature, and so it is in no name.
    pub fn url(&self) -> String {
        format!("{}{}{}", self.root, self.key, self.query)
    }

    /// Which objects are meant.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// What the keys of all objects that are meant begin with.
    pub fn prefix(&self) -> &str {
        let end = match self.selection {
            Selection::Matching(_) => self.key.find(GLOB),
            Selection::One | Selection::Under => None,
        };
        self.key.get(..end.unwrap_or(self.key.len())).unwrap_or("")
    }

    /// Whether an object is meant. As in folders, what is hidden is passed over, and so is an object without
    /// bytes whose name no format claims: it marks a folder, or says that a job is done (`_SUCCESS`).
    pub fn selects(&self, key: &str, size: u64) -> bool {
        if self.key == key {
            return true;
        }
        let is_chosen = match &self.selection {
            Selection::One => false,
            Selection::Under => key
                .strip_prefix(&*self.key)
                .is_some_and(|rest| !rest.is_empty() && !is_hidden(rest)),
            Selection::Matching(pattern) => {
                let is_file = !self.key.ends_with('/') && pattern.matches_with(key, OPTIONS);
                is_file
                    || key.match_indices('/').any(|(at, _)| {
                        let (folder, rest) = key.split_at(at);
                        pattern.matches_with(folder, OPTIONS) && !is_hidden(rest)
                    })
            }
        };
        is_chosen && (size > 0 || format_of(Path::new(key)).is_some())
    }
}

/// Whether a part of a path, or a folder in it, is hidden.
fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.'))
}

/// What may be shown of what stands behind a scheme: no credentials and, of the web, nothing behind `?`.
fn shown(scheme: &str, rest: &str) -> String {
    let end = rest.find(['?', '#']).filter(|_| scheme.starts_with("http"));
    let rest = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
    let (container, key) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match container.rsplit_once('@') {
        Some((_, container)) => format!("…@{container}{key}"),
        None => rest.to_owned(),
    }
}

impl fmt::Display for Address {
    /// The name: without what stands behind `?` in that of a web server.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.root, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(written: &str) -> Address {
        Address::parse(Path::new(written)).unwrap().unwrap()
    }

    fn chosen<'a>(address: &str, keys: &[&'a str]) -> Vec<&'a str> {
        let address = parse(address);
        let chosen = keys.iter().copied().filter(|key| address.selects(key, 1));
        chosen.inspect(|key| assert!(key.starts_with(address.prefix()), "{key}")).collect()
    }

    #[test]
    fn what_is_no_address_is_a_path() {
        for path in ["a/b.txt", "-", "s3:/b/k", "C://a", "in //x", "://x", "", "a b://x", "7z://x"]
        {
            assert!(Address::parse(Path::new(path)).is_none(), "{path}");
        }
    }

    #[test]
    fn addresses_are_taken_apart() {
        let one = parse("S3://crawl/2024/a b?#.jsonl.gz/");
        assert_eq!((one.service(), one.container()), (Service::S3, "crawl"));
        assert!(matches!(one.selection(), Selection::Matching(_)), "in a key, ? is a glob");
        let one = parse("gs://crawl/2024/a#1.jsonl");
        assert_eq!((one.key(), one.prefix()), ("2024/a#1.jsonl", "2024/a#1.jsonl"));
        assert_eq!((one.selection(), one.service()), (&Selection::One, Service::Gcs));
        for all in ["az://crawl", "az://crawl/"] {
            let all = parse(all);
            assert_eq!((all.selection(), all.prefix()), (&Selection::Under, ""));
            assert_eq!((all.to_string().as_str(), all.service()), ("az://crawl/", Service::Azure));
        }
        let web = parse("https://host:8080/a%20b/c.txt?sig=1/2#part");
        assert_eq!(web.to_string(), "https://host:8080/a%20b/c.txt");
        assert_eq!(web.url(), "https://host:8080/a%20b/c.txt?sig=1/2");
        assert_eq!((web.container(), web.service()), ("host:8080", Service::Http));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (address, expected) in [
            ("s4://b/k", "cannot read s4://b/k: unknown scheme 's4'"),
            ("s3:///k", "cannot read s3:///k: expected a name behind 's3://', got ''"),
            (
                "s3://b/a[",
                "cannot read s3://b/a[: its key is no glob: invalid range pattern at character 2",
            ),
            ("az://c@account/k", "cannot read az://…@account/k: an address holds no credentials"),
            (
                "http://h/a/?k=1",
                "cannot read http://h/a/: a web server does not list what is under an address",
            ),
            (
                "http://h/*.txt",
                "cannot read http://h/*.txt: a web server does not list what is under an address",
            ),
        ] {
            let error = Address::parse(Path::new(address)).unwrap().unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert!(error.help_text().is_some(), "{address}");
        }
    }

    #[test]
    fn objects_are_chosen_as_files_are() {
        let keys = [
            "in/.git/x.txt",
            "in/a-b.txt",
            "in/a/deep/y.txt",
            "in/a/z.txt",
            "in/b[1].txt",
            "in/.c.txt",
            "inner/d.txt",
        ];
        assert_eq!(
            chosen("s3://b/in/", &keys),
            ["in/a-b.txt", "in/a/deep/y.txt", "in/a/z.txt", "in/b[1].txt"]
        );
        assert_eq!(chosen("s3://b/in/a*", &keys), ["in/a-b.txt", "in/a/deep/y.txt", "in/a/z.txt"]);
        assert_eq!(chosen("s3://b/in/a*/", &keys), ["in/a/deep/y.txt", "in/a/z.txt"]);
        assert_eq!(chosen("s3://b/in/*.txt", &keys), ["in/a-b.txt", "in/b[1].txt"]);
        assert_eq!(chosen("s3://b/in/**/*.txt", &keys).len(), 4);
        assert_eq!(chosen("s3://b/in*/?.txt", &keys), ["inner/d.txt"]);
        assert_eq!(chosen("s3://b/in/b[1].txt", &keys), ["in/b[1].txt"], "as it is written");
        assert_eq!(chosen("s3://b/in/.c.txt", &keys), ["in/.c.txt"], "named");
        assert_eq!(chosen("s3://b/in", &keys), Vec::<&str>::new());
    }

    #[test]
    fn objects_without_bytes_are_documents_only_where_their_name_says_so() {
        let address = parse("s3://b/in/");
        let chosen = ["in/_SUCCESS", "in/folder", "in/empty.txt", "in/empty.jsonl.gz"]
            .map(|key| address.selects(key, 0));
        assert_eq!(chosen, [false, false, true, true]);
        assert!(address.selects("in/folder", 1));
    }

    proptest! {
        #[test]
        fn any_text_is_a_path_an_address_or_an_error(text in "\\PC{0,12}(://)?\\PC{0,24}") {
            if let Some(Ok(address)) = Address::parse(Path::new(&text)) {
                // A name stands for the same as the address.
                let again = parse(&address.to_string());
                prop_assert_eq!(again.to_string(), address.to_string());
                prop_assert_eq!(again.selection(), address.selection());
                prop_assert!(address.key().starts_with(address.prefix()));
            }
        }

        #[test]
        fn what_is_chosen_begins_with_the_prefix(
            pattern in "(in/)?[ab*?/.]{1,6}",
            key in "(in/)?[ab/.]{1,6}",
        ) {
            let address = Address::parse(Path::new(&format!("s3://bucket/{pattern}"))).unwrap();
            prop_assume!(address.is_ok(), "`a**` is no glob");
            let address = address.unwrap();
            prop_assert!(!address.selects(&key, 1) || key.starts_with(address.prefix()));
        }
    }
}
