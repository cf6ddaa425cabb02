//! What each command does in each state of OUTPUT, and `clean`.

use super::objects::{Doomed, Phase, Plan, State};
use super::rules::{Rule, Rules};
use super::store::Store;
use super::writer::{Command, Outcome, Piece, Process, Stage, Step, empty_state};

impl Process {
    pub(super) fn decide(&self, rules: Rules, store: &Store) -> Step {
        match self.command {
            Command::Convert(plan) => self.decide_convert(rules, store, plan),
            Command::ConvertRepaired => self.decide_convert(rules, store, Plan::P),
            Command::Overwrite(plan) => self.decide_overwrite(rules, store, plan),
            Command::Retry => self.decide_retry(rules, store),
            Command::Clean => Step::Think(self.at(Stage::Clean)),
            Command::Seal => self.decide_seal(store),
            Command::Work(_) => Step::End(Outcome::NotAllowed),
        }
    }

    fn decide_convert(&self, rules: Rules, store: &Store, plan: Plan) -> Step {
        let Some(state) = self.state else {
            let building = State {
                phase: Phase::Building(plan),
                ..empty_state()
            };
            return self.change_state(rules, building, Stage::Build(Piece::A));
        };
        match state.phase {
            Phase::Building(other) if other != plan => Step::End(Outcome::NotAllowed),
            Phase::Building(_) => Step::Think(self.at(Stage::GuardRoot)),
            Phase::Sealed if self.is_converted(store) => Step::End(Outcome::Success),
            Phase::Sealed | Phase::Switching(_) => Step::End(Outcome::NotAllowed),
        }
    }

    /// Whether the dataset is one that `convert` with this plan makes, whether or not INPUT
    /// was repaired since.
    pub(super) fn is_converted(&self, store: &Store) -> bool {
        store.root().is_some_and(|root| match self.command {
            Command::Convert(Plan::Q) => root.is_of(Plan::Q),
            _ => root.is_of(Plan::P) || root.is_of(Plan::R),
        })
    }

    fn decide_overwrite(&self, rules: Rules, store: &Store, plan: Plan) -> Step {
        let Some(state) = self.state else {
            return self.decide_convert(rules, store, plan);
        };
        if self.has_sealed(state, store) {
            return Step::Think(self.at(Stage::RemoveRun));
        }
        if let Phase::Switching(target) = state.phase
            && target.plan == plan
        {
            return self.resume_switch(rules, store, target);
        }
        self.begin_run(rules, state, plan)
    }

    fn decide_retry(&self, rules: Rules, store: &Store) -> Step {
        match (self.state, store.root()) {
            (Some(state), _) if self.has_sealed(state, store) => {
                Step::Think(self.at(Stage::RemoveRun))
            }
            (Some(state), root) => match (state.phase, root) {
                (Phase::Switching(target), _) if target.plan == Plan::R => {
                    self.resume_switch(rules, store, target)
                }
                (Phase::Sealed, Some(root)) if root.is_of(Plan::P) => {
                    self.begin_run(rules, state, Plan::R)
                }
                (Phase::Sealed, Some(root)) if root.is_of(Plan::R) => Step::End(Outcome::Success),
                _ => Step::End(Outcome::NotAllowed),
            },
            (None, _) => Step::End(Outcome::NotAllowed),
        }
    }

    /// Whether this process has sealed already, and only missed the answer.
    fn has_sealed(&self, state: State, store: &Store) -> bool {
        let switch = store.root().and_then(|root| root.switch);
        let (Some(target), Some(switch)) = (self.target, switch) else {
            return false;
        };
        state.phase == Phase::Sealed && switch.run == target.run
    }

    pub(super) fn set_sealed(&self, rules: Rules) -> Step {
        let state = self.state.unwrap_or(empty_state());
        let sealed = State {
            phase: Phase::Sealed,
            ..self.keep_doomed(rules, state)
        };
        let done = match (self.command, self.target) {
            (Command::Seal, _) => Stage::RemoveRecords,
            (_, Some(_)) => Stage::RemoveRun,
            (_, None) => Stage::Ended(Outcome::Success),
        };
        self.change_state(rules, sealed, done)
    }

    /// The state for another phase: the doomed ETags stay.
    pub(super) fn keep_doomed(&self, rules: Rules, state: State) -> State {
        if rules.has(Rule::DoomedEtagsStay) {
            return state;
        }
        State {
            doomed: Doomed::NONE,
            ..state
        }
    }

    pub(super) fn clean(&self, rules: Rules, store: &Store) -> Step {
        let named = match self.state {
            Some(State {
                phase: Phase::Switching(_),
                ..
            }) => return Step::End(Outcome::NotAllowed),
            Some(state) => state.next.map(|next| next.run),
            None => None,
        };
        let named = named.filter(|_| rules.has(Rule::CleanKeepsNamedRuns));
        let mut runs = store.runs().filter(|folder| Some(folder.run) != named);
        let object = runs.find_map(|folder| folder.objects().next());
        match object {
            Some((key, seen)) => self.remove(key, seen, self.stage),
            None => Step::End(Outcome::Success),
        }
    }
}
