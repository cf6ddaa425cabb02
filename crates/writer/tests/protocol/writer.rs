//! A process: a command as a state machine that sends one request at a time.
//!
//! `Process::step` looks at the store and says what the process does next. It never
//! waits, keeps nothing in mind but the fields of `Process`, and sends one request for
//! each step. What it read may have changed when the request arrives; the conditions of
//! the request are all that protects it.

use super::objects::{Doomed, Nonce, Object, Phase, Plan, Shard, State, Target, Unit};
use super::rules::{Rule, Rules};
use super::store::{Answer, Change, Condition, Key, PROCESSES, Request, Store};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Command {
    Convert(Plan),
    /// `convert` of plan P whose INPUT was repaired since: A has the pixels of R.
    ConvertRepaired,
    Overwrite(Plan),
    /// `convert --retry-bad` of a dataset of plan P.
    Retry,
    Clean,
    /// A worker of a job of plan P that reads these pixels for A: INPUT may have been
    /// repaired after the job was set up.
    Work(Plan),
    Seal,
}

/// Objects in the order in which a dataset is built in place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Piece {
    A,
    B,
    Sums,
    Array,
    Root,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Stage {
    Start,
    RemoveSharedLeases,
    Fence,
    Decide,
    /// Put a marker at the root, where there is no dataset yet.
    GuardRoot,
    /// Build in place: create an object, and look at what lies there if that is refused.
    Build(Piece),
    BuildLook(Piece),
    SetSealed,
    // A run folder.
    CheckRun,
    BuildRun(Unit),
    BuildRunLook(Unit),
    PutRunRoot,
    // The switch.
    StartSwitch,
    MarkRoot,
    MarkArray,
    EmptyOtherRuns,
    Copy(Unit),
    SwitchSums,
    SwitchArray,
    SwitchRoot,
    RemoveRun,
    // `clean`
    Clean,
    // A worker.
    LookForExclusive,
    /// These two only where the rule on the order of leases was taken out.
    LookBeforeLease,
    LateSharedLease,
    Store(Unit),
    StoreLook(Unit),
    Record(Unit, Shard),
    RecordLook(Unit, Shard),
    // The seal.
    CheckUnit(Unit),
    /// Only where the rule on the order of the seal was taken out.
    RemoveRecordsFirst,
    RemoveRecords,
    Ended(Outcome),
}

impl Stage {
    /// Whether a process has not looked yet for others who hold OUTPUT, or has ended.
    pub(crate) const fn is_before_work(self) -> bool {
        matches!(
            self,
            Self::Start
                | Self::RemoveSharedLeases
                | Self::LookForExclusive
                | Self::LookBeforeLease
                | Self::LateSharedLease
                | Self::Ended(_)
        )
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Outcome {
    Success,
    /// The command does not fit the state of OUTPUT.
    NotAllowed,
    /// Another process has taken over.
    LostLease,
    /// The seal found that units are missing.
    UnitsMissing,
    /// A worker left a shard of other bytes alone.
    UnitsLeft,
    /// The run folder lacks what the switch needs.
    SourceGone,
}

/// What a process does next.
pub(crate) enum Step {
    /// Decides something and goes on.
    Think(Process),
    /// Sends a request, and goes on by its answer.
    Send {
        request: Request,
        done: Process,
        refused: Process,
    },
    End(Outcome),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Process {
    pub(crate) id: u8,
    pub(crate) command: Command,
    pub(crate) stage: Stage,
    /// How many nonces it has drawn.
    pub(super) draws: u8,
    /// The state as this process wrote it last.
    pub(super) state: Option<State>,
    /// The run folder that it builds or switches to.
    pub(super) target: Option<Target>,
    /// It drew the name of the run folder, and every request since was answered.
    pub(super) knows_all_requests: bool,
    /// The seal has found that a unit is missing.
    pub(super) is_incomplete: bool,
}

impl Process {
    pub(crate) const fn new(id: u8, command: Command) -> Self {
        Self {
            id,
            command,
            stage: Stage::Start,
            draws: 0,
            state: None,
            target: None,
            knows_all_requests: false,
            is_incomplete: false,
        }
    }

    /// The process after its end, without what it kept in mind.
    pub(crate) const fn ended(self, outcome: Outcome) -> Self {
        Self {
            stage: Stage::Ended(outcome),
            ..Self::new(self.id, self.command)
        }
    }

    pub(super) const fn at(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }

    /// The key and the object of its lease.
    const fn lease(&self) -> (Key, Object) {
        let key = match self.command {
            Command::Work(_) => Key::SharedLease(self.id),
            _ => Key::ExclusiveLease,
        };
        (key, Object::Lease(self.id))
    }

    /// Whether another process has removed or replaced the lease of this one.
    pub(crate) fn has_lost_lease(&self, store: &Store) -> bool {
        let (key, lease) = self.lease();
        let holds_none = matches!(
            self.stage,
            Stage::Start | Stage::LookBeforeLease | Stage::LateSharedLease | Stage::Ended(_)
        );
        !holds_none && store.get(key) != Some(lease)
    }

    /// The process after a request that got no answer: it tries again, and after a change
    /// of the state it first loads the state.
    pub(crate) fn unanswered(self, request: &Request) -> Self {
        let waited = Self {
            knows_all_requests: false,
            ..self
        };
        match request.key {
            // Such a request has at most two nonces: of the state and of a run folder.
            Key::State => Self {
                draws: self.draws + 2,
                ..waited.at(Stage::Fence)
            },
            _ => waited,
        }
    }

    /// Whether it waits until no request that was sent before can be accepted any more.
    /// On S3 this takes 15 minutes.
    pub(crate) fn waits_for_silence(&self, rules: Rules) -> bool {
        self.stage == Stage::Clean && rules.has(Rule::CleanWaits)
    }

    pub(crate) fn step(&self, rules: Rules, store: &Store) -> Step {
        match self.stage {
            Stage::Start => self.take_lease(rules, store),
            Stage::RemoveSharedLeases => self.remove_shared_leases(store),
            Stage::Fence => self.fence(rules, store),
            Stage::Decide => self.decide(rules, store),
            Stage::GuardRoot => self.guard_root(rules, store),
            Stage::Build(piece) => self.build(rules, store, piece),
            Stage::BuildLook(piece) => self.build_look(rules, store, piece),
            Stage::SetSealed => self.set_sealed(rules),
            Stage::Clean => self.clean(rules, store),
            Stage::LateSharedLease => self.late_shared_lease(store),
            Stage::LookForExclusive
            | Stage::LookBeforeLease
            | Stage::Store(_)
            | Stage::StoreLook(_)
            | Stage::Record(..)
            | Stage::RecordLook(..) => self.work(rules, store),
            Stage::CheckUnit(unit) => self.check_unit(rules, store, unit),
            Stage::RemoveRecords | Stage::RemoveRecordsFirst => self.remove_records(store),
            Stage::Ended(outcome) => Step::End(outcome),
            _ => self.switch(rules, store),
        }
    }

    // Requests.

    pub(super) fn send(&self, request: Request, done: Stage, refused: Stage) -> Step {
        Step::Send {
            request,
            done: self.at(done),
            refused: self.at(refused),
        }
    }

    /// A put conditional on what is there now.
    pub(super) fn put_over(
        &self,
        rules: Rules,
        store: &Store,
        key: Key,
        object: Object,
        done: Stage,
    ) -> Step {
        let seen = store.get(key);
        let request = put(rules, key, seen, object);
        self.send(request, done, self.stage)
    }

    /// Removes an object on the condition that it is still the one that is there now.
    pub(super) fn remove(&self, key: Key, seen: Object, done: Stage) -> Step {
        let request = Request {
            key,
            condition: Condition::Is(seen),
            change: Change::Remove,
        };
        self.send(request, done, self.stage)
    }

    /// Changes the state from what this process wrote last.
    pub(super) fn change_state(&self, rules: Rules, state: State, done: Stage) -> Step {
        let (nonce, drawn) = self.state_nonce(rules);
        let state = State { nonce, ..state };
        let request = put(
            rules,
            Key::State,
            self.state.map(Object::State),
            Object::State(state),
        );
        Step::Send {
            request,
            done: Self {
                state: Some(state),
                ..drawn.at(done)
            },
            refused: drawn.at(Stage::Fence),
        }
    }

    pub(super) fn nonce(&self) -> (Nonce, Self) {
        let nonce = Nonce {
            process: self.id,
            draw: self.draws,
        };
        let drawn = Self {
            draws: self.draws + 1,
            ..*self
        };
        (nonce, drawn)
    }

    /// The nonce of a new version of the state.
    fn state_nonce(&self, rules: Rules) -> (Nonce, Self) {
        if rules.has(Rule::FencedState) {
            return self.nonce();
        }
        let none = Nonce {
            process: 0,
            draw: 0,
        };
        (none, *self)
    }

    // The hold.

    fn take_lease(&self, rules: Rules, store: &Store) -> Step {
        let (key, lease) = self.lease();
        let is_worker = matches!(self.command, Command::Work(_));
        if is_worker && !rules.has(Rule::SharedLeaseFirst) {
            return Step::Think(self.at(Stage::LookBeforeLease));
        }
        let next = if is_worker {
            Stage::LookForExclusive
        } else {
            Stage::RemoveSharedLeases
        };
        // Any lease that is there is taken for expired.
        let request = put(Rules::ALL, key, store.get(key), lease);
        self.send(request, next, self.stage)
    }

    fn remove_shared_leases(&self, store: &Store) -> Step {
        for process in 1..=PROCESSES as u8 + 1 {
            let key = Key::SharedLease(process);
            if let Some(lease) = store.get(key) {
                return self.remove(key, lease, self.stage);
            }
        }
        Step::Think(self.at(Stage::Fence))
    }

    /// Loads the state, and rewrites it with a new nonce.
    fn fence(&self, rules: Rules, store: &Store) -> Step {
        let found = store.state();
        let loaded = Self {
            state: found,
            ..*self
        };
        match found {
            Some(state) if rules.has(Rule::FencedState) => {
                loaded.change_state(rules, state, Stage::Decide)
            }
            None if store.root().is_some() => {
                let sealed = State {
                    phase: Phase::Sealed,
                    ..empty_state()
                };
                loaded.change_state(rules, sealed, Stage::Decide)
            }
            _ => Step::Think(loaded.at(Stage::Decide)),
        }
    }
}

pub(super) const fn empty_state() -> State {
    State {
        phase: Phase::Sealed,
        next: None,
        doomed: Doomed::NONE,
        nonce: Nonce {
            process: 0,
            draw: 0,
        },
    }
}

/// A put: If-None-Match if nothing was seen, else If-Match.
pub(super) fn put(rules: Rules, key: Key, seen: Option<Object>, object: Object) -> Request {
    let condition = match seen {
        _ if !rules.has(Rule::ConditionalPuts) => Condition::None,
        None => Condition::Absent,
        Some(seen) => Condition::Is(seen),
    };
    Request {
        key,
        condition,
        change: Change::Put(object),
    }
}

impl Step {
    /// The process after an answer.
    pub(crate) fn answered(done: Process, refused: Process, answer: Answer) -> Process {
        match answer {
            Answer::Done => done,
            Answer::Refused => refused,
        }
    }
}
