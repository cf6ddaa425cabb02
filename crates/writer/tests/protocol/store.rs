//! The bucket: a few objects, and requests that the store carries out as a whole.
//!
//! `Condition::Is(object)` is If-Match with the ETag of that object.

use std::fmt;

use super::objects::{Contents, Doomed, Nonce, Object, Phase, Plan, Shard, State, Unit};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Key {
    State,
    ExclusiveLease,
    SharedLease(u8),
    Root,
    Array,
    Sums,
    Shard(Unit),
    Record(Unit),
    RunShard(Nonce, Unit),
    RunRoot(Nonce),
}

impl Key {
    pub(crate) const fn is_lease(self) -> bool {
        matches!(self, Self::ExclusiveLease | Self::SharedLease(_))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Condition {
    None,
    /// If-None-Match: `*`.
    Absent,
    /// If-Match with the ETag of this object.
    Is(Object),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Change {
    Put(Object),
    Remove,
    /// A copy inside the store, conditional on the source. A copy in parts of another size
    /// has the same bytes and another ETag.
    Copy {
        from: Key,
        source: Object,
        object: Object,
    },
}

/// A request as it is sent, with its conditions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) key: Key,
    pub(crate) condition: Condition,
    pub(crate) change: Change,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change {
            Change::Put(object) => write!(f, "put {:?} := {object:?}", self.key)?,
            Change::Remove => write!(f, "remove {:?}", self.key)?,
            Change::Copy {
                from,
                source,
                object,
            } => {
                write!(f, "copy {from:?}, if it is {source:?}, ")?;
                write!(f, "to {:?} := {object:?}", self.key)?;
            }
        }
        match self.condition {
            Condition::None => Ok(()),
            Condition::Absent => write!(f, ", If-None-Match: *"),
            Condition::Is(object) => write!(f, ", If-Match: {object:?}"),
        }
    }
}

/// The answer to a request. A refusal is 412, or 404 for the source of a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    Done,
    Refused,
}

/// The objects of one run folder.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct RunFolder {
    pub(crate) run: Nonce,
    /// Shard A, shard B, root.
    objects: [Option<Object>; 3],
}

impl RunFolder {
    /// The objects that are there.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (Key, Object)> {
        let keys = [
            Key::RunShard(self.run, Unit::A),
            Key::RunShard(self.run, Unit::B),
            Key::RunRoot(self.run),
        ];
        let objects = keys.into_iter().zip(self.objects);
        objects.filter_map(|(key, object)| Some((key, object?)))
    }
}

/// Processes of a scenario, without the one that tries whether a command finishes.
pub(crate) const PROCESSES: usize = 3;
/// Run folders that can be there at once.
const RUN_FOLDERS: usize = 5;
/// Objects outside run folders.
const FIXED: usize = 10 + PROCESSES + 1;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Store {
    fixed: [Option<Object>; FIXED],
    /// In the order of their names, so that equal stores are equal values.
    runs: [Option<RunFolder>; RUN_FOLDERS],
}

impl Store {
    pub(crate) const EMPTY: Self = Self {
        fixed: [None; FIXED],
        runs: [None; RUN_FOLDERS],
    };

    /// A bucket with a complete dataset of plan P, converted in place.
    pub(crate) fn sealed() -> Self {
        let contents = Plan::P.contents(None);
        let mut store = Self::EMPTY;
        store.set(Key::Array, Some(contents.array()));
        store.set(Key::Sums, Some(contents.sums()));
        store.set(Key::Root, Some(contents.root()));
        for unit in [Unit::A, Unit::B] {
            store.set(Key::Shard(unit), Plan::P.shard(unit).map(Object::Shard));
        }
        store
    }

    /// A bucket in which a job of plan P was set up, and nothing is stored.
    pub(crate) fn job() -> Self {
        let mut store = Self::EMPTY;
        let state = State {
            phase: Phase::Building(Plan::P),
            next: None,
            doomed: Doomed::NONE,
            nonce: Nonce {
                process: 0,
                draw: 0,
            },
        };
        store.set(Key::State, Some(Object::State(state)));
        store
    }

    const fn place(key: Key) -> Option<usize> {
        Some(match key {
            Key::State => 0,
            Key::ExclusiveLease => 1,
            Key::Root => 2,
            Key::Array => 3,
            Key::Sums => 4,
            Key::Shard(unit) => 5 + unit as usize,
            Key::Record(unit) => 7 + unit as usize,
            Key::SharedLease(process) => 9 + process as usize,
            Key::RunShard(..) | Key::RunRoot(_) => return None,
        })
    }

    const fn run_and_place(key: Key) -> Option<(Nonce, usize)> {
        match key {
            Key::RunShard(run, unit) => Some((run, unit as usize)),
            Key::RunRoot(run) => Some((run, 2)),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: Key) -> Option<Object> {
        if let Some(place) = Self::place(key) {
            return self.fixed[place];
        }
        let (run, place) = Self::run_and_place(key)?;
        let folder = self.runs().find(|folder| folder.run == run)?;
        folder.objects[place]
    }

    pub(crate) fn set(&mut self, key: Key, object: Option<Object>) {
        if let Some(place) = Self::place(key) {
            self.fixed[place] = object;
        } else if let Some((run, place)) = Self::run_and_place(key) {
            self.set_in_run(run, place, object);
        }
    }

    fn set_in_run(&mut self, run: Nonce, place: usize, object: Option<Object>) {
        let mut folders: Vec<RunFolder> = self.runs().collect();
        if !folders.iter().any(|folder| folder.run == run) {
            folders.push(RunFolder {
                run,
                objects: [None; 3],
            });
        }
        for folder in &mut folders {
            if folder.run == run {
                folder.objects[place] = object;
            }
        }
        folders.retain(|folder| folder.objects.iter().any(Option::is_some));
        folders.sort_by_key(|folder| folder.run);
        assert!(
            folders.len() <= RUN_FOLDERS,
            "more run folders than expected"
        );
        self.runs = [None; RUN_FOLDERS];
        for (slot, folder) in self.runs.iter_mut().zip(folders) {
            *slot = Some(folder);
        }
    }

    pub(crate) fn runs(&self) -> impl Iterator<Item = RunFolder> {
        self.runs.iter().copied().flatten()
    }

    pub(crate) fn state(&self) -> Option<State> {
        match self.fixed[0] {
            Some(Object::State(state)) => Some(state),
            _ => None,
        }
    }

    /// The root, if it is one that readers accept.
    pub(crate) fn root(&self) -> Option<Contents> {
        match self.get(Key::Root) {
            Some(Object::Root(contents)) => Some(contents),
            _ => None,
        }
    }

    pub(crate) fn shard(&self, unit: Unit) -> Option<Shard> {
        match self.get(Key::Shard(unit)) {
            Some(Object::Shard(shard)) => Some(shard),
            _ => None,
        }
    }

    /// Whether there is a root and all that it promises.
    pub(crate) fn is_whole(&self) -> bool {
        self.root().is_some_and(|contents| {
            let shards = [Unit::A, Unit::B].into_iter().all(|unit| {
                let promised = contents.pixels(unit);
                promised.is_none() || self.shard(unit).map(|shard| shard.pixels) == promised
            });
            shards
                && self.get(Key::Array) == Some(contents.array())
                && self.get(Key::Sums) == Some(contents.sums())
        })
    }

    /// Carries out a request, or refuses it.
    pub(crate) fn apply(&mut self, request: &Request) -> Answer {
        let found = self.get(request.key);
        let meets = match request.condition {
            Condition::None => true,
            Condition::Absent => found.is_none(),
            Condition::Is(object) => found == Some(object),
        };
        if !meets {
            return Answer::Refused;
        }
        match request.change {
            Change::Put(object) => self.set(request.key, Some(object)),
            Change::Remove => self.set(request.key, None),
            Change::Copy {
                from,
                source,
                object,
            } => {
                if self.get(from) != Some(source) {
                    return Answer::Refused;
                }
                self.set(request.key, Some(object));
            }
        }
        Answer::Done
    }
}
