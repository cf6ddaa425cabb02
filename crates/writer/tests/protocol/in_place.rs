//! Building in place, where there is no dataset yet.

use super::objects::{Contents, Doomed, Generation, Nonce, Object, Plan, Shard, Unit};
use super::rules::{Rule, Rules};
use super::store::{Key, Store};
use super::writer::{Command, Piece, Process, Stage, Step, put};

impl Process {
    /// Goes on with a run that is building: it is complete if there is a root.
    pub(super) fn guard_root(&self, rules: Rules, store: &Store) -> Step {
        let begin = match self.command {
            Command::Seal => Stage::CheckUnit(Unit::A),
            _ => Stage::Build(Piece::A),
        };
        if rules.has(Rule::RootMeansComplete) && store.root().is_some() {
            return Step::Think(self.at(Stage::SetSealed));
        }
        let is_guarded = store.get(Key::Root) == Some(self.marker_in_place());
        if is_guarded || !rules.has(Rule::MarkerBeforeGoingOn) {
            return Step::Think(self.at(begin));
        }
        self.put_over(rules, store, Key::Root, self.marker_in_place(), begin)
    }

    /// The marker of a process that builds in place.
    const fn marker_in_place(&self) -> Object {
        Object::Marker(Generation {
            run: Nonce {
                process: 0,
                draw: 0,
            },
            holder: self.id,
        })
    }

    pub(super) fn build(&self, rules: Rules, store: &Store, piece: Piece) -> Step {
        let Some((key, object)) = self.piece(rules, store, piece) else {
            return Step::Think(self.at(self.after(piece)));
        };
        let marker = self.marker_in_place();
        let is_guarded = piece == Piece::Root && store.get(key) == Some(marker);
        let request = put(rules, key, is_guarded.then_some(marker), object);
        self.send(request, self.after(piece), Stage::BuildLook(piece))
    }

    /// A create was refused: the same contents are done, nothing is created again, and
    /// other bytes are replaced.
    pub(super) fn build_look(&self, rules: Rules, store: &Store, piece: Piece) -> Step {
        let Some((key, object)) = self.piece(rules, store, piece) else {
            return Step::Think(self.at(self.after(piece)));
        };
        match store.get(key) {
            Some(found) if self.is_same(rules, key, found, object) => {
                Step::Think(self.at(self.after(piece)))
            }
            Some(_) if piece == Piece::Root && rules.has(Rule::MarkerBeforeGoingOn) => {
                Step::Think(self.at(Stage::GuardRoot))
            }
            Some(_) => self.put_over(rules, store, key, object, self.after(piece)),
            None => Step::Think(self.at(Stage::Build(piece))),
        }
    }

    /// Whether the object that is there serves as well: it is equal, or a shard with the
    /// same pixels whose ETag is not doomed.
    pub(super) fn is_same(&self, rules: Rules, key: Key, found: Object, wanted: Object) -> bool {
        match (key, found, wanted) {
            (Key::Shard(unit), Object::Shard(found), Object::Shard(wanted)) => {
                found.pixels == wanted.pixels && !self.dooms(rules, unit, found)
            }
            _ => found == wanted,
        }
    }

    fn piece(&self, rules: Rules, store: &Store, piece: Piece) -> Option<(Key, Object)> {
        let contents = self.contents(rules, store);
        let shard = |unit| {
            let pixels = contents.pixels(unit)?;
            let shard = self.undoomed(rules, unit, Shard::new(pixels));
            Some((Key::Shard(unit), Object::Shard(shard)))
        };
        match piece {
            Piece::A => shard(Unit::A),
            Piece::B => shard(Unit::B),
            Piece::Sums => Some((Key::Sums, contents.sums())),
            Piece::Array => Some((Key::Array, contents.array())),
            Piece::Root => Some((Key::Root, contents.root())),
        }
    }

    const fn after(&self, piece: Piece) -> Stage {
        match piece {
            Piece::A => Stage::Build(Piece::B),
            Piece::B => Stage::Build(Piece::Sums),
            Piece::Sums => Stage::Build(Piece::Array),
            Piece::Array => Stage::Build(Piece::Root),
            Piece::Root => Stage::SetSealed,
        }
    }

    /// What the root of this process will promise.
    pub(super) fn contents(&self, rules: Rules, store: &Store) -> Contents {
        let plan = match (self.command, self.target) {
            (_, Some(target)) => target.plan,
            (Command::Convert(plan) | Command::Overwrite(plan), None) => plan,
            (Command::Retry, None) => Plan::R,
            (_, None) => Plan::P,
        };
        let mut contents = plan.contents(self.switch_attribute(rules));
        match self.command {
            Command::ConvertRepaired => contents.a = Plan::R,
            Command::Seal => contents.a = store.shard(Unit::A).map_or(plan, |a| a.pixels),
            _ => {}
        }
        contents
    }

    fn switch_attribute(&self, rules: Rules) -> Option<Generation> {
        let target = self.target?;
        rules.has(Rule::SwitchAttribute).then_some(Generation {
            run: target.run,
            holder: self.id,
        })
    }

    /// The shard with the first part size whose ETag is not doomed.
    pub(super) fn undoomed(&self, rules: Rules, unit: Unit, shard: Shard) -> Shard {
        (0..Doomed::PART_SIZES)
            .map(|part_size| Shard { part_size, ..shard })
            .find(|shard| !self.dooms(rules, unit, *shard))
            .expect("more part sizes than removals")
    }

    /// Whether the state, as this process knows it, has this ETag as doomed.
    pub(super) fn dooms(&self, rules: Rules, unit: Unit, shard: Shard) -> bool {
        let doomed = self.state.map_or(Doomed::NONE, |state| state.doomed);
        rules.has(Rule::DoomedEtags) && doomed.contains(unit, shard)
    }
}
