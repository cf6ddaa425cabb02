//! What must hold in every state that can be reached.

use super::objects::{Object, Phase, Plan, Unit};
use super::rules::Rules;
use super::store::{Key, PROCESSES, Store};
use super::writer::{Command, Outcome, Process, Step};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Invariant {
    /// I1: a valid root, or the state `sealed`, means that every object of one plan is
    /// there.
    RootMeansWhole,
    /// I2: during a switch, the old dataset or the run folder of the new one is whole.
    NothingIsLost,
    /// I3: a command that reports success leaves the dataset that it was asked for.
    NoFalseSuccess,
    /// A shared and an exclusive holder never both work.
    HoldersExclude,
    /// I4: some command finishes what was begun, if nobody disturbs it.
    CanBeFinished,
}

/// I1.
pub(crate) fn check_root(store: &Store) -> Option<Invariant> {
    let is_sealed = store
        .state()
        .is_some_and(|state| state.phase == Phase::Sealed);
    let promises = is_sealed || store.root().is_some();
    (promises && !store.is_whole()).then_some(Invariant::RootMeansWhole)
}

/// Whether a worker and an exclusive holder have both looked for each other, and go on.
pub(crate) fn check_holders(processes: &[Option<Process>]) -> Option<Invariant> {
    let works = |process: &Process| !process.stage.is_before_work();
    let is_worker = |process: &&Process| matches!(process.command, Command::Work(_));
    let working = || processes.iter().flatten().filter(|process| works(process));
    let both = working().any(|process| is_worker(&process))
        && working().any(|process| !is_worker(&process));
    both.then_some(Invariant::HoldersExclude)
}

/// I3, asked when a process ends with success.
pub(crate) fn check_success(process: &Process, store: &Store) -> Option<Invariant> {
    let is_of = |plan| store.root().is_some_and(|root| root.is_of(plan));
    let holds = match process.command {
        Command::Convert(_) | Command::ConvertRepaired => process.is_converted(store),
        Command::Overwrite(plan) => is_of(plan),
        Command::Retry => is_of(Plan::R),
        Command::Seal => is_of(Plan::P) || is_of(Plan::R),
        Command::Clean | Command::Work(_) => return None,
    };
    let holds = holds && store.is_whole();
    (!holds).then_some(Invariant::NoFalseSuccess)
}

/// I2 and I4.
pub(crate) fn check_recovery(rules: Rules, store: &Store) -> Option<Invariant> {
    let state = store.state()?;
    match state.phase {
        Phase::Sealed => None,
        Phase::Switching(target) => {
            let shards = [Unit::A, Unit::B].into_iter().all(|unit| {
                let built = target.plan.builds(unit).map(Object::Shard);
                built.is_none() || store.get(Key::RunShard(target.run, unit)) == built
            });
            if !store.is_whole() && !shards {
                return Some(Invariant::NothingIsLost);
            }
            let same = match target.plan {
                Plan::R => Command::Retry,
                plan => Command::Overwrite(plan),
            };
            let finishes = |command| matches!(run_alone(rules, store, command), (Outcome::Success, store) if store.is_whole());
            let all = [
                same,
                Command::Overwrite(Plan::P),
                Command::Overwrite(Plan::Q),
            ];
            (!all.into_iter().all(finishes)).then_some(Invariant::CanBeFinished)
        }
        Phase::Building(plan) => {
            let (outcome, built) = run_alone(rules, store, Command::Convert(plan));
            let finishes = outcome == Outcome::Success && built.is_whole();
            (!finishes).then_some(Invariant::CanBeFinished)
        }
    }
}

/// I4 of a job: workers and the seal, repeated, finish it, whichever bytes INPUT has.
pub(crate) fn check_job(rules: Rules, store: &Store) -> Option<Invariant> {
    let state = store.state()?;
    if state.phase != Phase::Building(Plan::P) {
        return None;
    }
    let finishes = |pixels| {
        let mut store = *store;
        for _ in 0..3 {
            (_, store) = run_alone(rules, &store, Command::Work(pixels));
            (_, store) = run_alone(rules, &store, Command::Seal);
        }
        store.is_whole()
    };
    (!(finishes(Plan::P) && finishes(Plan::R))).then_some(Invariant::CanBeFinished)
}

/// Runs a command alone to its end, without late requests.
fn run_alone(rules: Rules, store: &Store, command: Command) -> (Outcome, Store) {
    let mut store = *store;
    let mut process = Process::new(PROCESSES as u8 + 1, command);
    for _ in 0..200 {
        process = match process.step(rules, &store) {
            Step::End(outcome) => return (outcome, store),
            Step::Think(process) => process,
            Step::Send {
                request,
                done,
                refused,
            } => Step::answered(done, refused, store.apply(&request)),
        };
    }
    panic!("{command:?} does not end: {process:?}\n{store:?}");
}
