//! A disk that may lose what was not flushed.
//!
//! The model is that of POSIX, which is weaker than any file system in use: `fsync` of
//! a file keeps its bytes, `fsync` of a folder keeps its names, and nothing else keeps
//! anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::super::system_calls::Call;

/// Files with their bytes, and folders (`None`), by path.
pub(super) type Files = BTreeMap<String, Option<Vec<u8>>>;

/// The fate of what was not flushed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unflushed {
    /// Names and bytes are those of the last flush.
    Lost,
    /// Names are there, bytes are those of the last flush.
    OnlyNames,
    /// A coin decides for each name and each file.
    Random,
}

#[derive(Clone, Default)]
struct Node {
    is_folder: bool,
    names: BTreeMap<String, usize>,
    flushed_names: BTreeMap<String, usize>,
    /// Changes of names since the last flush, in order: a name that was removed has
    /// no number.
    changes: Vec<(String, Option<usize>)>,
    bytes: Vec<u8>,
    flushed_bytes: Vec<u8>,
}

/// A folder and everything below it.
#[derive(Clone)]
pub(super) struct Disk {
    nodes: Vec<Node>,
}

impl Disk {
    /// Returns a disk with those files, all of them flushed.
    pub(super) fn holding(files: &Files) -> Self {
        let root = Node {
            is_folder: true,
            ..Node::default()
        };
        let mut disk = Self { nodes: vec![root] };
        for (path, bytes) in files {
            disk.add(path, bytes.is_none());
            if let Some(bytes) = bytes {
                disk.apply(&Call::Write(path.clone(), 0, bytes.clone()));
            }
            disk.apply(&Call::Flush(path.clone()));
        }
        for path in files.keys().map(|path| parent(path).0) {
            disk.apply(&Call::Flush(path.to_owned()));
        }
        disk
    }

    /// Changes the disk as a call does.
    pub(super) fn apply(&mut self, call: &Call) {
        match call {
            Call::Fail(_) => {}
            Call::Create(path) => self.add(path, false),
            Call::Mkdir(path) => self.add(path, true),
            Call::Unlink(path) => self.name(path, None),
            Call::Rename(old, new) => {
                let node = self.find(old).unwrap();
                self.name(old, None);
                self.name(new, Some(node));
            }
            Call::Link(old, new) => {
                let node = self.find(old);
                self.name(new, node);
            }
            Call::Write(path, offset, bytes) => {
                // A file without a name has no number.
                let Some(node) = self.find(path) else { return };
                let file = &mut self.nodes[node].bytes;
                let end = offset + bytes.len();
                file.resize(file.len().max(end), 0);
                file[*offset..end].copy_from_slice(bytes);
            }
            Call::Length(path, length) => {
                let Some(node) = self.find(path) else { return };
                self.nodes[node].bytes.resize(*length, 0);
            }
            Call::Flush(path) => {
                let Some(node) = self.find(path) else { return };
                let node = &mut self.nodes[node];
                node.flushed_names.clone_from(&node.names);
                node.flushed_bytes.clone_from(&node.bytes);
                node.changes.clear();
            }
        }
    }

    fn find(&self, path: &str) -> Option<usize> {
        let mut names = path.split('/').filter(|name| !name.is_empty());
        names.try_fold(0, |node, name| self.nodes[node].names.get(name).copied())
    }

    fn add(&mut self, path: &str, is_folder: bool) {
        self.nodes.push(Node {
            is_folder,
            ..Node::default()
        });
        self.name(path, Some(self.nodes.len() - 1));
    }

    fn name(&mut self, path: &str, node: Option<usize>) {
        let (folder, name) = parent(path);
        let folder = self.find(folder).unwrap();
        let folder = &mut self.nodes[folder];
        match node {
            Some(node) => folder.names.insert(name.to_owned(), node),
            None => folder.names.remove(name),
        };
        folder.changes.push((name.to_owned(), node));
    }

    /// Returns the files as a program sees them.
    pub(super) fn now(&self) -> Files {
        self.files(|node| node.names.clone(), |node| node.bytes.clone())
    }

    /// Returns the files after a loss of power.
    pub(super) fn after_power_loss(&self, unflushed: Unflushed, random: &mut ChaCha8Rng) -> Files {
        let mut random_bytes = random.clone();
        let names = |node: &Node| match unflushed {
            Unflushed::Lost => node.flushed_names.clone(),
            Unflushed::OnlyNames => node.names.clone(),
            Unflushed::Random => {
                let mut names = node.flushed_names.clone();
                for (name, node) in &node.changes {
                    match node {
                        _ if random.random_bool(0.5) => {}
                        Some(node) => drop(names.insert(name.clone(), *node)),
                        None => drop(names.remove(name)),
                    }
                }
                names
            }
        };
        let bytes = |node: &Node| {
            if unflushed != Unflushed::Random || node.bytes == node.flushed_bytes {
                return node.flushed_bytes.clone();
            }
            let bytes = &node.bytes;
            match random_bytes.random_range(0..4) {
                0 => node.flushed_bytes.clone(),
                1 => bytes[..random_bytes.random_range(0..=bytes.len())].to_vec(),
                2 => bytes.clone(),
                _ => vec![0; bytes.len()],
            }
        };
        self.files(names, bytes)
    }

    fn files(
        &self,
        mut names: impl FnMut(&Node) -> BTreeMap<String, usize>,
        mut bytes: impl FnMut(&Node) -> Vec<u8>,
    ) -> Files {
        let mut files = Files::new();
        let mut folders = vec![(String::new(), 0)];
        while let Some((path, folder)) = folders.pop() {
            for (name, node) in names(&self.nodes[folder]) {
                let path = match path.as_str() {
                    "" => name,
                    path => format!("{path}/{name}"),
                };
                if self.nodes[node].is_folder {
                    folders.push((path.clone(), node));
                    files.insert(path, None);
                } else {
                    files.insert(path, Some(bytes(&self.nodes[node])));
                }
            }
        }
        files
    }
}

/// Splits a path into its folder and its name.
fn parent(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Returns the files and folders below `root`.
pub(super) fn files_in(root: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let key = path.strip_prefix(root).unwrap().to_str().unwrap();
            if path.is_dir() {
                files.insert(key.to_owned(), None);
                folders.push(path);
            } else {
                files.insert(key.to_owned(), Some(fs::read(&path).unwrap()));
            }
        }
    }
    files
}

/// Empties `root` and writes the files into it.
pub(super) fn write_files(files: &Files, root: &Path) {
    let _ = fs::remove_dir_all(root);
    fs::create_dir(root).unwrap();
    for (path, bytes) in files {
        match bytes {
            None => fs::create_dir(root.join(path)).unwrap(),
            Some(bytes) => fs::write(root.join(path), bytes).unwrap(),
        }
    }
}
