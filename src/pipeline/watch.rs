//! When files change, an engine follows: the folders that hold its files are watched, and what is heard
//! of them within a moment is one change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use notify::{Config, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use super::build::{Engine, EngineOptions};
use super::reload::{Reload, Reloader};
use crate::error::{Error, ErrorKind, Result};

/// A change is over when nothing has been heard for so long …
const QUIET: Duration = Duration::from_millis(80);

/// … or this long after its first sign.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often to look where the system tells nothing of changes.
const POLL: Duration = Duration::from_secs(2);

/// An engine that is built again when one of its files changes, a file comes to match one of its globs,
/// or one goes. A model, a gazetteer or rules whose section and files are as they were are taken over,
/// not loaded again. Where the files are wrong, the engine before goes on.
pub struct Watched {
    reloader: Arc<Reloader>,
    reloads: Mutex<Receiver<Reload>>,
    /// The thread ends when this is dropped.
    _folders: Arc<Mutex<Folders>>,
}

impl Engine {
    /// The engine of the file at `path`, which follows its files from now on.
    ///
    /// # Errors
    /// As [`Engine::load_with`], and where the folders of its files cannot be watched.
    pub fn watch(path: impl AsRef<Path>, options: EngineOptions) -> Result<Watched> {
        let reloader = Arc::new(Reloader::new(path.as_ref(), options)?);
        let (signs, heard) = channel();
        let mut folders = Folders::new(signs.clone())?;
        folders.set(&reloader.folders())?;
        // What changed after it was read and before it was watched has given no sign.
        let _ = signs.send(());
        drop(signs);
        let folders = Arc::new(Mutex::new(folders));
        let (sender, reloads) = channel();
        let follow = Follow {
            reloader: Arc::downgrade(&reloader),
            folders: Arc::downgrade(&folders),
            sender,
        };
        thread::spawn(move || follow.run(&heard));
        Ok(Watched { reloader, reloads: Mutex::new(reloads), _folders: folders })
    }
}

impl Watched {
    /// The engine as of now. Whoever works on a document holds on to it: the next reload does not change
    /// it under their hands.
    pub fn engine(&self) -> Arc<Engine> {
        self.reloader.engine()
    }

    /// The next thing that became of a change, in order; waits for it as long as `timeout`. Each broken
    /// edit is told once.
    pub fn next(&self, timeout: Duration) -> Option<Reload> {
        self.reloads.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(timeout).ok()
    }

    /// Looks at the files now, without waiting for a sign. What became of it is told here and not again by
    /// [`Watched::next`].
    pub fn refresh(&self) -> Option<Reload> {
        self.reloader.refresh()
    }
}

/// What the thread needs: it keeps nothing alive.
struct Follow {
    reloader: Weak<Reloader>,
    folders: Weak<Mutex<Folders>>,
    sender: Sender<Reload>,
}

impl Follow {
    fn run(&self, heard: &Receiver<()>) {
        while heard.recv().is_ok() {
            settle(heard);
            let (Some(reloader), Some(folders)) = (self.reloader.upgrade(), self.folders.upgrade())
            else {
                return;
            };
            let Some(reload) = reloader.refresh() else { continue };
            let set =
                folders.lock().unwrap_or_else(PoisonError::into_inner).set(&reloader.folders());
            if let Err(error) = set {
                tracing::warn!("{error}");
            }
            if self.sender.send(reload).is_err() {
                return;
            }
        }
    }
}

/// Waits until nothing more is heard.
fn settle(heard: &Receiver<()>) {
    let first = Instant::now();
    while first.elapsed() < PATIENCE {
        match heard.recv_timeout(QUIET) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Folders that are watched. A sign says that something in one of them may have changed, not what.
pub struct Folders {
    watcher: Box<dyn Watcher + Send>,
    watched: BTreeMap<PathBuf, bool>,
}

impl Folders {
    /// None yet; what is heard of them goes to `signs`. Where the system tells nothing of changes, it
    /// is asked every two seconds.
    ///
    /// # Errors
    /// Where neither can be done.
    pub fn new(signs: Sender<()>) -> Result<Self> {
        let hear = move |event: notify::Result<notify::Event>| {
            // To be read is no change; an error may hide one.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                // Where nobody listens any more, nobody misses it.
                let _ = signs.send(());
            }
        };
        let watcher: Box<dyn Watcher + Send> =
            match RecommendedWatcher::new(hear.clone(), Config::default()) {
                Ok(watcher) => Box::new(watcher),
                Err(_) => {
                    let config = Config::default().with_poll_interval(POLL);
                    Box::new(
                        PollWatcher::new(hear, config).map_err(|e| failed(Path::new("."), &e))?,
                    )
                }
            };
        Ok(Self { watcher, watched: BTreeMap::new() })
    }

    /// Watches these folders, deeply where the value says so, and no others.
    ///
    /// # Errors
    /// Where one cannot be watched.
    pub fn set(&mut self, wanted: &BTreeMap<PathBuf, bool>) -> Result<()> {
        let gone = self.watched.iter().filter(|(folder, deep)| wanted.get(*folder) != Some(*deep));
        let gone: Vec<PathBuf> = gone.map(|(folder, _)| folder.clone()).collect();
        for folder in gone {
            // A folder that was removed is watched no more.
            let _ = self.watcher.unwatch(&folder);
            self.watched.remove(&folder);
        }
        for (folder, is_deep) in wanted {
            if self.watched.contains_key(folder) {
                continue;
            }
            let mode =
                if *is_deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            self.watcher.watch(folder, mode).map_err(|e| failed(folder, &e))?;
            self.watched.insert(folder.clone(), *is_deep);
        }
        Ok(())
    }
}

fn failed(folder: &Path, error: &notify::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot watch {}: {error}", folder.display()))
}
