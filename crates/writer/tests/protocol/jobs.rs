//! The workers of a job, and its seal.
//!
//! Many workers hold OUTPUT at once, each with a shared lease. The seal needs the
//! exclusive lease, as every other command does.

use super::objects::{Object, Phase, Plan, Shard, State, Unit};
use super::rules::{Rule, Rules};
use super::store::{Key, Store};
use super::writer::{Command, Outcome, Piece, Process, Stage, Step, put};

impl Process {
    pub(super) fn work(&self, rules: Rules, store: &Store) -> Step {
        match self.stage {
            Stage::LookForExclusive => self.look_for_exclusive(store, Stage::Store(Unit::A)),
            Stage::LookBeforeLease => self.look_for_exclusive(store, Stage::LateSharedLease),
            Stage::Store(unit) => self.store(rules, store, unit),
            Stage::StoreLook(unit) => self.store_look(rules, store, unit),
            Stage::Record(unit, shard) => {
                let request = put(rules, Key::Record(unit), None, Object::Record(shard));
                let look = Stage::RecordLook(unit, shard);
                self.with_unit_done(unit, |done| self.send(request, done, look))
            }
            Stage::RecordLook(unit, shard) => self.record_look(rules, store, unit, shard),
            stage => panic!("{stage:?} is no part of a worker"),
        }
    }

    fn look_for_exclusive(&self, store: &Store, next: Stage) -> Step {
        match store.get(Key::ExclusiveLease) {
            // Any lease that is there is taken for expired.
            Some(lease) => self.remove(Key::ExclusiveLease, lease, self.stage),
            None => Step::Think(self.at(next)),
        }
    }

    /// Takes the shared lease after the look for an exclusive one: the wrong order.
    pub(super) fn late_shared_lease(&self, store: &Store) -> Step {
        let key = Key::SharedLease(self.id);
        let request = put(Rules::ALL, key, store.get(key), Object::Lease(self.id));
        self.send(request, Stage::Store(Unit::A), self.stage)
    }

    /// Goes on after a unit, or ends.
    fn with_unit_done(&self, unit: Unit, go_on: impl Fn(Stage) -> Step) -> Step {
        let end = if self.is_incomplete {
            Outcome::UnitsLeft
        } else {
            Outcome::Success
        };
        match unit {
            Unit::A => go_on(Stage::Store(Unit::B)),
            Unit::B => go_on(Stage::Ended(end)),
        }
    }

    fn unit_done(&self, unit: Unit) -> Step {
        self.with_unit_done(unit, |done| Step::Think(self.at(done)))
    }

    /// Leaves a unit to others: no record of this process would fit.
    fn leave_unit(&self, unit: Unit) -> Step {
        let left = Self {
            is_incomplete: true,
            ..*self
        };
        left.unit_done(unit)
    }

    /// The shard that this worker makes, whatever its part size.
    const fn pixels(&self, unit: Unit) -> Plan {
        match (self.command, unit) {
            (Command::Work(pixels), Unit::A) => pixels,
            _ => Plan::P,
        }
    }

    fn store(&self, rules: Rules, store: &Store, unit: Unit) -> Step {
        let state = match store.state() {
            Some(state) if state.phase == Phase::Building(Plan::P) => state,
            Some(State {
                phase: Phase::Sealed,
                ..
            }) => return Step::End(Outcome::Success),
            _ => return Step::End(Outcome::NotAllowed),
        };
        let loaded = Self {
            state: Some(state),
            ..*self
        };
        if loaded.is_done(rules, store, unit) {
            return self.unit_done(unit);
        }
        let shard = loaded.undoomed(rules, unit, Shard::new(self.pixels(unit)));
        let request = put(rules, Key::Shard(unit), None, Object::Shard(shard));
        self.send(request, Stage::Record(unit, shard), Stage::StoreLook(unit))
    }

    /// A create was refused: a shard of the same pixels is done unless its ETag is doomed,
    /// nothing is created again, and other bytes are left alone.
    fn store_look(&self, rules: Rules, store: &Store, unit: Unit) -> Step {
        let loaded = Self {
            state: store.state(),
            ..*self
        };
        match store.get(Key::Shard(unit)) {
            Some(Object::Shard(shard))
                if shard.pixels == self.pixels(unit) && !loaded.dooms(rules, unit, shard) =>
            {
                Step::Think(self.at(Stage::Record(unit, shard)))
            }
            Some(_) => self.leave_unit(unit),
            None => Step::Think(self.at(Stage::Store(unit))),
        }
    }

    fn record_look(&self, rules: Rules, store: &Store, unit: Unit, shard: Shard) -> Step {
        let key = Key::Record(unit);
        let record = Object::Record(shard);
        match store.get(key) {
            Some(found) if found == record => self.unit_done(unit),
            Some(_) if rules.has(Rule::RecordIsReplaced) => {
                self.with_unit_done(unit, |done| self.put_over(rules, store, key, record, done))
            }
            Some(_) => self.leave_unit(unit),
            None => Step::Think(self.at(Stage::Record(unit, shard))),
        }
    }

    // The seal.

    pub(super) fn decide_seal(&self, store: &Store) -> Step {
        match self.state.map(|state| state.phase) {
            Some(Phase::Sealed) if self.is_converted(store) => Step::End(Outcome::Success),
            Some(Phase::Building(Plan::P)) => Step::Think(self.at(Stage::GuardRoot)),
            _ => Step::End(Outcome::NotAllowed),
        }
    }

    /// Removes what does not fit, and seals if every unit is done.
    pub(super) fn check_unit(&self, rules: Rules, store: &Store, unit: Unit) -> Step {
        let (shard_key, record_key) = (Key::Shard(unit), Key::Record(unit));
        let (found, record) = (store.shard(unit), store.get(record_key));
        let Some(state) = self.state else {
            panic!("{self:?} seals without a state");
        };
        let missing = Self {
            is_incomplete: true,
            ..*self
        };
        if let Some(shard) = found {
            let fits = record == Some(Object::Record(shard));
            let is_doomed = self.dooms(rules, unit, shard);
            if !fits && !is_doomed && rules.has(Rule::DoomedEtags) {
                let doomed = State {
                    doomed: state.doomed.with(unit, shard),
                    ..state
                };
                return self.change_state(rules, doomed, self.stage);
            }
            if !fits || is_doomed {
                return missing.remove(shard_key, Object::Shard(shard), self.stage);
            }
        } else if let Some(record) = record
            && rules.has(Rule::StrayRecordsRemoved)
        {
            return missing.remove(record_key, record, self.stage);
        } else {
            return missing.after_check(rules, unit);
        }
        self.after_check(rules, unit)
    }

    fn after_check(&self, rules: Rules, unit: Unit) -> Step {
        match unit {
            Unit::A => Step::Think(self.at(Stage::CheckUnit(Unit::B))),
            Unit::B if self.is_incomplete => Step::End(Outcome::UnitsMissing),
            Unit::B if rules.has(Rule::RecordsLast) => {
                Step::Think(self.at(Stage::Build(Piece::Sums)))
            }
            Unit::B => Step::Think(self.at(Stage::RemoveRecordsFirst)),
        }
    }

    pub(super) fn remove_records(&self, store: &Store) -> Step {
        for unit in [Unit::A, Unit::B] {
            let key = Key::Record(unit);
            if let Some(record) = store.get(key) {
                return self.remove(key, record, self.stage);
            }
        }
        match self.stage {
            Stage::RemoveRecordsFirst => Step::Think(self.at(Stage::Build(Piece::Sums))),
            _ => Step::End(Outcome::Success),
        }
    }

    /// Whether no worker needs to make this unit any more.
    fn is_done(&self, rules: Rules, store: &Store, unit: Unit) -> bool {
        let Some(Object::Record(recorded)) = store.get(Key::Record(unit)) else {
            return false;
        };
        let fits = store.shard(unit) == Some(recorded);
        (fits || !rules.has(Rule::DoneMeansRecordFits)) && !self.dooms(rules, unit, recorded)
    }
}
