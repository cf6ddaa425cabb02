//! Walks a folder tree level by level. Threads share the folders of a level,
//! because reading them takes most of the time.
//!
//! The `ignore` crate also walks in parallel. But it follows a link to a folder
//! above the root (such as `/`) through the whole file system until it meets the
//! root again; this module skips such a link.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

use super::error::DiscoverError;
use crate::path::{PathParts, image_extension};

/// Fewest threads: network file systems answer slowly, but many requests at once.
const FEWEST_THREADS: usize = 4;
/// Most folders that are reached through links. A chain of folders, each with
/// several links to the next, has exponentially many paths.
const MOST_LINKED_FOLDERS: usize = 100_000;

/// The files of a folder tree.
#[derive(Default)]
pub(super) struct Tree {
    /// Paths inside the root, `/` between components.
    pub(super) files: Vec<Box<str>>,
    /// Paths of files and folders whose name is not UTF-8, as far as it can be shown.
    pub(super) unreadable_names: Vec<String>,
}

/// A folder still to be read.
struct Folder {
    /// Path inside the root, ending in `/` unless it is the root.
    inside: String,
    /// Its path without links.
    real: PathBuf,
    /// Paths without links of the folders whose links lead to it.
    links_in: Vec<PathBuf>,
}

/// The content of one folder.
#[derive(Default)]
struct Content {
    files: Names,
    folders: Vec<Folder>,
    unreadable_names: Vec<String>,
}

/// Names of files in one allocation. With an allocation for each name, the heap of
/// the thread that read it would keep the memory after use.
#[derive(Default)]
struct Names {
    text: String,
    /// Position of each name in `text`.
    ranges: Vec<Range<usize>>,
}

impl Names {
    fn push(&mut self, name: &str) {
        let start = self.text.len();
        self.text.push_str(name);
        self.ranges.push(start..self.text.len());
    }

    fn sort(&mut self) {
        let Self { text, ranges } = self;
        ranges.sort_unstable_by_key(|range| text.get(range.clone()));
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let ranges = self.ranges.iter();
        ranges.filter_map(|range| self.text.get(range.clone()))
    }
}

/// Lists all files below `root`.
pub(super) fn walk(root: &Path) -> Result<Tree, DiscoverError> {
    let real = fs::canonicalize(root).map_err(|source| DiscoverError::Folder {
        path: root.to_owned(),
        source,
    })?;
    if !real.is_dir() {
        return Err(DiscoverError::NotAFolder {
            path: root.to_owned(),
        });
    }
    let mut tree = Tree::default();
    let mut level = vec![Folder {
        inside: String::new(),
        real,
        links_in: Vec::new(),
    }];
    let mut linked = 0;
    while !level.is_empty() {
        linked += level.iter().filter(|f| !f.links_in.is_empty()).count();
        if linked > MOST_LINKED_FOLDERS {
            return Err(DiscoverError::TooManyLinks {
                path: root.to_owned(),
                limit: MOST_LINKED_FOLDERS,
            });
        }
        let mut below = Vec::new();
        for (folder, content) in level.iter().zip(read_level(root, &level)?) {
            tree.files
                .extend(content.files.iter().map(|name| folder.file(name)));
            tree.unreadable_names.extend(content.unreadable_names);
            below.extend(content.folders);
        }
        level = below;
    }
    tree.unreadable_names.sort();
    Ok(tree)
}

/// Reads the content of each folder of a level, in their order.
fn read_level(root: &Path, level: &[Folder]) -> Result<Vec<Content>, DiscoverError> {
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .max(FEWEST_THREADS)
        .min(level.len());
    let next = AtomicUsize::new(0);
    let read = || {
        let mut contents = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(folder) = level.get(at) else {
                return contents;
            };
            contents.push((at, folder.read(root)));
        }
    };
    let mut contents = thread::scope(|scope| {
        // If the system gives fewer threads, those that there are read all folders.
        let threads = (1..threads).map_while(|_| Builder::new().spawn_scoped(scope, read).ok());
        let threads: Vec<_> = threads.collect();
        let mut contents = read();
        for thread in threads {
            match thread.join() {
                Ok(others) => contents.extend(others),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        contents
    });
    contents.sort_by_key(|(at, _)| *at);
    contents.into_iter().map(|(_, content)| content).collect()
}

impl Folder {
    /// Reads the content of the folder.
    fn read(&self, root: &Path) -> Result<Content, DiscoverError> {
        let path = || root.join(&self.inside);
        let failed = |source| DiscoverError::Folder {
            path: path(),
            source,
        };
        let mut content = Content::default();
        for entry in fs::read_dir(&self.real).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let name = name.to_string_lossy();
                content
                    .unreadable_names
                    .push(format!("{}{name}", self.inside));
                continue;
            };
            let unclear = |source| DiscoverError::Entry {
                path: path().join(name),
                source,
            };
            let kind = entry.file_type().map_err(unclear)?;
            if kind.is_symlink() {
                match fs::metadata(entry.path()) {
                    Ok(target) if target.is_dir() && !self.is_image(name) => {
                        let real = fs::canonicalize(entry.path()).map_err(unclear)?;
                        content.folders.extend(self.behind_link(name, real));
                    }
                    Err(error) if !self.is_image(name) => return Err(unclear(error)),
                    _ => content.files.push(name),
                }
            } else if kind.is_dir() && !self.is_image(name) {
                content.folders.push(self.below(name, self.real.join(name)));
            } else {
                // Also pipes, sockets and devices, and folders named as images:
                // reading them reports what is wrong.
                content.files.push(name);
            }
        }
        content.files.sort();
        content
            .folders
            .sort_unstable_by(|a, b| a.inside.cmp(&b.inside));
        Ok(content)
    }

    /// Returns the folder to which a link leads; `None` if that folder holds the
    /// link, so that following it would not end.
    fn behind_link(&self, name: &str, real: PathBuf) -> Option<Self> {
        let mut inside = std::iter::once(&self.real).chain(&self.links_in);
        if inside.any(|folder| folder.starts_with(&real)) {
            return None;
        }
        let mut folder = self.below(name, real);
        folder.links_in.push(self.real.clone());
        Some(folder)
    }

    /// Returns a folder inside this one.
    fn below(&self, name: &str, real: PathBuf) -> Self {
        Self {
            inside: format!("{}{name}/", self.inside),
            real,
            links_in: self.links_in.clone(),
        }
    }

    /// Whether `name` in this folder is named as an image.
    fn is_image(&self, name: &str) -> bool {
        // The end of the name decides most cases without making a path.
        image_extension(name).is_some() && PathParts::parse(&self.file(name)).is_some()
    }

    /// Path of a file of this folder inside the root.
    fn file(&self, name: &str) -> Box<str> {
        [&self.inside, name].concat().into_boxed_str()
    }
}
