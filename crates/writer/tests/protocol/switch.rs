//! A run folder, and the switch to it.

use super::objects::{Generation, Nonce, Object, Phase, Plan, State, Target, Unit};
use super::rules::{Rule, Rules};
use super::store::{Change, Condition, Key, Request, Store};
use super::writer::{Outcome, Process, Stage, Step, put};

impl Process {
    pub(super) fn switch(&self, rules: Rules, store: &Store) -> Step {
        let (Some(target), Some(state)) = (self.target, self.state) else {
            panic!("{self:?} has no run folder");
        };
        match self.stage {
            Stage::CheckRun => self.check_run(rules, store, target),
            Stage::BuildRun(unit) => self.build_run(rules, target, unit),
            Stage::BuildRunLook(unit) => self.build_run_look(rules, store, target, unit),
            Stage::PutRunRoot => {
                let root = Key::RunRoot(target.run);
                match store.get(root) {
                    Some(Object::RunRoot) => Step::Think(self.at(Stage::StartSwitch)),
                    _ => self.put_over(rules, store, root, Object::RunRoot, Stage::StartSwitch),
                }
            }
            Stage::StartSwitch => {
                let switching = State {
                    phase: Phase::Switching(target),
                    next: state.next.filter(|next| *next != target),
                    ..self.keep_doomed(rules, state)
                };
                self.change_state(rules, switching, Stage::MarkRoot)
            }
            Stage::MarkRoot => self.mark(rules, store, target, Key::Root, Stage::MarkArray),
            Stage::MarkArray => self.mark(rules, store, target, Key::Array, Stage::EmptyOtherRuns),
            Stage::EmptyOtherRuns => self.empty_other_runs(rules, store, target, state),
            Stage::Copy(unit) => self.copy(rules, store, target, unit),
            Stage::SwitchSums => self.switch_sums(rules, store),
            Stage::SwitchArray => {
                let array = self.contents(rules, store).array();
                self.replace_marker(rules, store, Key::Array, array, Stage::SwitchRoot)
            }
            Stage::SwitchRoot => {
                let root = self.contents(rules, store).root();
                self.replace_marker(rules, store, Key::Root, root, Stage::SetSealed)
            }
            Stage::RemoveRun => self.remove_run(rules, store, target),
            stage => panic!("{stage:?} is no part of a switch"),
        }
    }

    // The run folder.

    /// Goes on with the run folder of this plan that the state names, or names a new one.
    pub(super) fn begin_run(&self, rules: Rules, state: State, plan: Plan) -> Step {
        if let Some(next) = state.next.filter(|next| next.plan == plan) {
            let going_on = Self {
                target: Some(next),
                ..self.at(Stage::CheckRun)
            };
            return Step::Think(going_on);
        }
        let (run, drawn) = if rules.has(Rule::UniqueRunFolders) {
            self.nonce()
        } else {
            let by_plan = Nonce {
                process: 0,
                draw: plan as u8,
            };
            (by_plan, *self)
        };
        let target = Target { run, plan };
        let named = State {
            next: Some(target),
            ..state
        };
        let drawn = Self {
            target: Some(target),
            knows_all_requests: true,
            ..drawn
        };
        drawn.change_state(rules, named, Stage::CheckRun)
    }

    /// Skips the building if the run folder is whole.
    fn check_run(&self, rules: Rules, store: &Store, target: Target) -> Step {
        let is_whole = if rules.has(Rule::RunRootLast) {
            store.get(Key::RunRoot(target.run)) == Some(Object::RunRoot)
        } else {
            store.get(Key::RunShard(target.run, Unit::A)).is_some()
        };
        let next = if is_whole {
            Stage::StartSwitch
        } else {
            Stage::BuildRun(Unit::A)
        };
        Step::Think(self.at(next))
    }

    const fn after_run_shard(unit: Unit) -> Stage {
        match unit {
            Unit::A => Stage::BuildRun(Unit::B),
            Unit::B => Stage::PutRunRoot,
        }
    }

    fn build_run(&self, rules: Rules, target: Target, unit: Unit) -> Step {
        let next = Self::after_run_shard(unit);
        let Some(shard) = target.plan.builds(unit) else {
            return Step::Think(self.at(next));
        };
        let key = Key::RunShard(target.run, unit);
        let request = put(rules, key, None, Object::Shard(shard));
        self.send(request, next, Stage::BuildRunLook(unit))
    }

    fn build_run_look(&self, rules: Rules, store: &Store, target: Target, unit: Unit) -> Step {
        let next = Self::after_run_shard(unit);
        let Some(shard) = target.plan.builds(unit).map(Object::Shard) else {
            return Step::Think(self.at(next));
        };
        let key = Key::RunShard(target.run, unit);
        match store.get(key) {
            Some(found) if found == shard => Step::Think(self.at(next)),
            Some(_) => self.put_over(rules, store, key, shard, next),
            None => Step::Think(self.at(Stage::BuildRun(unit))),
        }
    }

    // The switch.

    /// Goes on with a switch that another process, or this one, has begun.
    pub(super) fn resume_switch(&self, rules: Rules, store: &Store, target: Target) -> Step {
        let resumed = Self {
            target: Some(target),
            ..*self
        };
        let is_complete = store.root().is_some_and(|root| {
            if rules.has(Rule::SwitchAttribute) {
                root.switch.is_some_and(|switch| switch.run == target.run)
            } else {
                root.is_of(target.plan)
            }
        });
        let next = if is_complete && rules.has(Rule::RootMeansComplete) {
            Stage::SetSealed
        } else {
            Stage::MarkRoot
        };
        Step::Think(resumed.at(next))
    }

    const fn marker(&self, rules: Rules, target: Target) -> Object {
        let holder = if rules.has(Rule::MarkerNamesHolder) {
            self.id
        } else {
            0
        };
        Object::Marker(Generation {
            run: target.run,
            holder,
        })
    }

    fn mark(&self, rules: Rules, store: &Store, target: Target, key: Key, next: Stage) -> Step {
        let marker = self.marker(rules, target);
        match store.get(key) {
            Some(found) if found == marker => Step::Think(self.at(next)),
            None if !rules.has(Rule::MarkerWhereNothingIs) => Step::Think(self.at(next)),
            _ => self.put_over(rules, store, key, marker, next),
        }
    }

    fn empty_other_runs(&self, rules: Rules, store: &Store, target: Target, state: State) -> Step {
        let next = state.next.map(|next| next.run);
        let spared = next.filter(|_| rules.has(Rule::EmptyingSparesNext));
        let others = store
            .runs()
            .filter(|folder| folder.run != target.run && Some(folder.run) != spared);
        let object = others
            .flat_map(|folder| folder.objects().collect::<Vec<_>>())
            .find(|(_, object)| *object != Object::Empty);
        match object {
            Some((key, _)) if rules.has(Rule::EmptiedFormerRuns) => {
                self.put_over(rules, store, key, Object::Empty, self.stage)
            }
            _ => Step::Think(self.at(Stage::Copy(Unit::A))),
        }
    }

    fn copy(&self, rules: Rules, store: &Store, target: Target, unit: Unit) -> Step {
        let next = match unit {
            Unit::A => Stage::Copy(Unit::B),
            Unit::B => Stage::SwitchSums,
        };
        let key = Key::Shard(unit);
        let seen = store.get(key);
        let Some(shard) = target.plan.shard(unit) else {
            return match seen {
                Some(left) if !rules.has(Rule::NoRemovalInSwitch) => self.remove(key, left, next),
                _ => Step::Think(self.at(next)),
            };
        };
        let object = Object::Shard(self.undoomed(rules, unit, shard));
        if seen.is_some_and(|seen| self.is_same(rules, key, seen, object)) {
            return Step::Think(self.at(next));
        }
        let from = Key::RunShard(target.run, unit);
        let source = target.plan.builds(unit).map(Object::Shard);
        if source.is_none() || store.get(from) != source {
            return Step::End(Outcome::SourceGone);
        }
        let request = Request {
            key,
            condition: match seen {
                _ if !rules.has(Rule::CopyNamesDestination) => Condition::None,
                Some(seen) => Condition::Is(seen),
                None => Condition::Absent,
            },
            change: match source {
                Some(source) if rules.has(Rule::CopyNamesSource) => Change::Copy {
                    from,
                    source,
                    object,
                },
                _ => Change::Put(object),
            },
        };
        self.send(request, next, self.stage)
    }

    fn switch_sums(&self, rules: Rules, store: &Store) -> Step {
        let sums = self.contents(rules, store).sums();
        if store.get(Key::Sums) == Some(sums) {
            return Step::Think(self.at(Stage::SwitchArray));
        }
        self.put_over(rules, store, Key::Sums, sums, Stage::SwitchArray)
    }

    /// Puts metadata in place of the marker of this process.
    fn replace_marker(
        &self,
        rules: Rules,
        store: &Store,
        key: Key,
        object: Object,
        next: Stage,
    ) -> Step {
        let Some(target) = self.target else {
            panic!("{self:?} has no run folder");
        };
        let marker = self.marker(rules, target);
        let found = store.get(key);
        if found == Some(object) {
            return Step::Think(self.at(next));
        }
        // Only where the rule on markers was taken out can there be nothing.
        let seen = found.map(|_| marker);
        self.send(put(rules, key, seen, object), next, Stage::MarkRoot)
    }

    /// Removes the run folder after the switch, or leaves empty objects in it.
    ///
    /// An object that is gone could be put again by a late request, and be the source of
    /// a late copy. An empty one refuses both.
    fn remove_run(&self, rules: Rules, store: &Store, target: Target) -> Step {
        let is_emptied = rules.has(Rule::EmptiedRunAfterSwitch) && !self.knows_all_requests;
        let folder = store.runs().find(|folder| folder.run == target.run);
        let object = folder.and_then(|folder| {
            let mut objects = folder.objects();
            objects.find(|(_, object)| !is_emptied || *object != Object::Empty)
        });
        match object {
            Some((key, _)) if is_emptied => {
                self.put_over(rules, store, key, Object::Empty, self.stage)
            }
            Some((key, seen)) => self.remove(key, seen, self.stage),
            None => Step::End(Outcome::Success),
        }
    }
}
