//! The search: every order in which processes send, the store answers, and requests
//! arrive late or lose their answer.
//!
//! The search is breadth first, so the trace to a violation is one of the shortest. Of a
//! state that was seen, only a hash of 128 bits is kept.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hash};

use super::fingerprint::{Fingerprint, TakeAsHash};
use super::invariants::{
    Invariant, check_holders, check_job, check_recovery, check_root, check_success,
};
use super::rules::{Rule, Rules};
use super::store::{Answer, PROCESSES, Request, Store};
use super::writer::{Command, Outcome, Process, Stage, Step};

/// Requests that can be late in one scenario.
const LATE_AT_MOST: usize = 2;

/// A request that was sent and that the store has not carried out yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Late {
    request: Request,
    sender: usize,
    /// How the sender goes on after its answer. None once it has given up waiting.
    then: Option<(Process, Process)>,
}

/// A state of the whole system.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct System {
    store: Store,
    processes: [Option<Process>; PROCESSES],
    late: [Option<Late>; LATE_AT_MOST],
    /// How many more requests may be late.
    may_be_late: u8,
}

/// What happens next. A process that crashes just does nothing more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    /// A process decides, or sends a request that is carried out and answered at once.
    Step(usize),
    /// A process sends a request that is under way for a while.
    SendLate(usize),
    /// A process stops waiting for an answer.
    GiveUp(usize),
    /// A request that was under way arrives.
    Arrive(usize),
}

/// What a scenario starts from, and who takes part.
pub(crate) struct Scenario<'a> {
    pub(crate) rules: Rules,
    pub(crate) store: Store,
    pub(crate) commands: &'a [Command],
    pub(crate) late_requests: u8,
}

/// A broken invariant and the shortest way to it.
pub(crate) struct Violation {
    pub(crate) invariant: Invariant,
    pub(crate) trace: String,
}

pub(crate) struct Searched {
    pub(crate) states: usize,
    /// Which processes end with success in some order of events.
    pub(crate) succeeded: [bool; PROCESSES],
    pub(crate) violation: Option<Violation>,
}

impl System {
    fn begin(scenario: &Scenario<'_>) -> Self {
        let mut processes = [None; PROCESSES];
        for (id, (slot, command)) in processes.iter_mut().zip(scenario.commands).enumerate() {
            *slot = Some(Process::new(id as u8 + 1, *command));
        }
        Self {
            store: scenario.store,
            processes,
            late: [None; LATE_AT_MOST],
            may_be_late: scenario.late_requests,
        }
    }

    fn is_waiting(&self, sender: usize) -> bool {
        let mut late = self.late.iter().flatten();
        late.any(|late| late.sender == sender && late.then.is_some())
    }

    fn events(&self) -> Vec<Event> {
        let mut events = Vec::with_capacity(8);
        for (id, process) in self.processes.iter().enumerate() {
            match process {
                Some(process) if !matches!(process.stage, Stage::Ended(_)) => {
                    if self.is_waiting(id) {
                        events.push(Event::GiveUp(id));
                        continue;
                    }
                    events.push(Event::Step(id));
                    if self.may_be_late > 0 {
                        events.push(Event::SendLate(id));
                    }
                }
                _ => {}
            }
        }
        let late = self.late.iter().enumerate();
        events.extend(late.filter_map(|(place, late)| late.map(|_| Event::Arrive(place))));
        events
    }

    /// The state after an event, and the invariant that the event itself breaks. None
    /// if the event is not possible.
    fn after(&self, rules: Rules, event: Event) -> Option<(Self, Option<Invariant>)> {
        let mut system = *self;
        let mut broken = None;
        match event {
            Event::Step(id) => {
                let process = self.processes[id]?;
                if process.waits_for_silence(rules) {
                    system.late = [None; LATE_AT_MOST];
                }
                let next = match process.step(rules, &self.store) {
                    Step::Think(next) => next,
                    Step::End(outcome) => process.ended(outcome),
                    Step::Send {
                        request,
                        done,
                        refused,
                    } => Step::answered(done, refused, system.store.apply(&request)),
                };
                broken = system.go_on(id, next);
            }
            Event::SendLate(id) => {
                let process = self.processes[id]?;
                let Step::Send {
                    request,
                    done,
                    refused,
                } = process.step(rules, &self.store)
                else {
                    return None;
                };
                if request.key.is_lease() {
                    return None;
                }
                let free = system.late.iter_mut().find(|late| late.is_none())?;
                *free = Some(Late {
                    request,
                    sender: id,
                    then: Some((done, refused)),
                });
                system.may_be_late -= 1;
            }
            Event::GiveUp(id) => {
                let request = system.stop_waiting(id)?;
                system.processes[id] = Some(self.processes[id]?.unanswered(&request));
            }
            Event::Arrive(place) => {
                let late = system.late[place].take()?;
                let answer = system.store.apply(&late.request);
                if let Some((done, refused)) = late.then {
                    let next = Step::answered(done, refused, answer);
                    broken = system.go_on(late.sender, next);
                }
            }
        }
        system.end_those_without_lease(rules);
        system.late.sort_by_key(Option::is_none);
        Some((system, broken))
    }

    fn stop_waiting(&mut self, sender: usize) -> Option<Request> {
        let mut late = self.late.iter_mut().flatten();
        let late = late.find(|late| late.sender == sender && late.then.is_some())?;
        late.then = None;
        Some(late.request)
    }

    fn go_on(&mut self, id: usize, next: Process) -> Option<Invariant> {
        let mut broken = None;
        let mut next = next;
        if let Stage::Ended(outcome) = next.stage {
            if outcome == Outcome::Success {
                broken = check_success(&next, &self.store);
            }
            next = next.ended(outcome);
        }
        self.processes[id] = Some(next);
        broken
    }

    /// Ends the processes that would find, before their next try, that their lease is gone.
    fn end_those_without_lease(&mut self, rules: Rules) {
        if !rules.has(Rule::LeaseAskedBeforeEachTry) {
            return;
        }
        for id in 0..PROCESSES {
            if let Some(process) = self.processes[id]
                && process.has_lost_lease(&self.store)
            {
                self.stop_waiting(id);
                self.processes[id] = Some(process.ended(Outcome::LostLease));
            }
        }
    }

    fn fingerprint(&self) -> u128 {
        let mut hasher = Fingerprint::default();
        self.hash(&mut hasher);
        hasher.finish_wide()
    }

    /// A line of a trace.
    fn describe(&self, rules: Rules, event: Event) -> Option<String> {
        let name = |id: usize| {
            let command = self.processes[id].map(|process| process.command);
            format!("W{}", id + 1)
                + &command.map_or(String::new(), |command| format!(" {command:?}"))
        };
        let answer = |request: &Request| match self.store.clone().apply(request) {
            Answer::Done => "done",
            Answer::Refused => "refused",
        };
        match event {
            Event::Step(id) => match self.processes[id]?.step(rules, &self.store) {
                Step::Think(_) => None,
                Step::End(outcome) => Some(format!("{} ends: {outcome:?}", name(id))),
                Step::Send { request, .. } => {
                    Some(format!("{}: {request:?} -> {}", name(id), answer(&request)))
                }
            },
            Event::SendLate(id) => match self.processes[id]?.step(rules, &self.store) {
                Step::Send { request, .. } => Some(format!("{}: {request:?} -> LATE", name(id))),
                _ => None,
            },
            Event::GiveUp(id) => Some(format!("{} stops waiting", name(id))),
            Event::Arrive(place) => {
                let request = self.late[place]?.request;
                Some(format!("LATE arrives: {request:?} -> {}", answer(&request)))
            }
        }
    }
}

/// The states that were seen, in the order of their numbers.
#[derive(Default)]
struct Seen {
    fingerprints: HashSet<u128, BuildHasherDefault<TakeAsHash>>,
    /// The state from which each was reached, and the event.
    reached: Vec<(u32, Event)>,
}

impl Scenario<'_> {
    pub(crate) fn search(&self) -> Searched {
        let first = System::begin(self);
        let mut seen = Seen::default();
        let mut recovered = HashMap::default();
        seen.fingerprints.insert(first.fingerprint());
        seen.reached.push((0, Event::Step(0)));
        let mut queue = VecDeque::from([(0, first)]);
        let mut succeeded = [false; PROCESSES];
        while let Some((number, system)) = queue.pop_front() {
            for event in system.events() {
                let Some((next, broken)) = system.after(self.rules, event) else {
                    continue;
                };
                if broken.is_none() && !seen.fingerprints.insert(next.fingerprint()) {
                    continue;
                }
                let reached = seen.reached.len() as u32;
                seen.reached.push((number, event));
                let broken = broken.or_else(|| self.check(&next, &mut recovered));
                if let Some(invariant) = broken {
                    let violation = Violation {
                        invariant,
                        trace: self.trace(&seen, reached),
                    };
                    return Searched {
                        states: seen.reached.len(),
                        succeeded,
                        violation: Some(violation),
                    };
                }
                for (has, process) in succeeded.iter_mut().zip(&next.processes) {
                    let stage = process.map(|process| process.stage);
                    *has |= stage == Some(Stage::Ended(Outcome::Success));
                }
                queue.push_back((reached, next));
            }
        }
        Searched {
            states: seen.reached.len(),
            succeeded,
            violation: None,
        }
    }

    fn check(
        &self,
        system: &System,
        recovered: &mut HashMap<u128, Option<Invariant>, BuildHasherDefault<TakeAsHash>>,
    ) -> Option<Invariant> {
        let store = &system.store;
        let holders = check_holders(&system.processes);
        holders.or_else(|| check_root(store)).or_else(|| {
            let mut hasher = Fingerprint::default();
            store.hash(&mut hasher);
            let check = || {
                let is_job = self.commands.contains(&Command::Seal);
                let job = is_job.then(|| check_job(self.rules, store)).flatten();
                job.or_else(|| check_recovery(self.rules, store))
            };
            *recovered.entry(hasher.finish_wide()).or_insert_with(check)
        })
    }

    /// Goes the way to a state again, and describes each step.
    fn trace(&self, seen: &Seen, last: u32) -> String {
        let mut events = Vec::new();
        let mut number = last;
        while number != 0 {
            let (from, event) = seen.reached[number as usize];
            events.push(event);
            number = from;
        }
        let mut system = System::begin(self);
        let mut trace = String::new();
        for event in events.into_iter().rev() {
            if let Some(line) = system.describe(self.rules, event) {
                let _ = writeln!(trace, "  {line}");
            }
            if let Some((next, _)) = system.after(self.rules, event) {
                system = next;
            }
        }
        trace
    }
}
