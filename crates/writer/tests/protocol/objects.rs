//! The values of the model: plans, shards, the state, and the objects in the bucket.
//!
//! An object stands for its bytes. An ETag is a hash of the bytes, so two equal objects
//! have one ETag.

use std::fmt;

/// A random number of the real protocol: the process that drew it, and which of its
/// draws it was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Nonce {
    pub(crate) process: u8,
    pub(crate) draw: u8,
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.process, self.draw)
    }
}

/// What a run is to produce.
///
/// `P` has the shards A and B. `Q` has other pixels in A, and no B. `R` is a retry of P:
/// it has other pixels in A, and keeps B and the metadata of the array.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Plan {
    P,
    Q,
    R,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Unit {
    A,
    B,
}

/// The bytes of a shard: its pixels, and the size of its parts, which changes the ETag
/// of an upload in parts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shard {
    pub(crate) pixels: Plan,
    pub(crate) part_size: u8,
}

impl Shard {
    pub(crate) const fn new(pixels: Plan) -> Self {
        Self {
            pixels,
            part_size: 0,
        }
    }
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pixels of {:?}", self.pixels)?;
        match self.part_size {
            0 => Ok(()),
            size => write!(f, " in parts of size {size}"),
        }
    }
}

impl Plan {
    /// The shard of a unit in a complete dataset of this plan.
    pub(crate) const fn shard(self, unit: Unit) -> Option<Shard> {
        match (self, unit) {
            (Self::Q, Unit::B) => None,
            (_, Unit::B) => Some(Shard::new(Self::P)),
            (plan, Unit::A) => Some(Shard::new(plan)),
        }
    }

    /// The shard of a unit if this plan makes it anew. A retry keeps B.
    pub(crate) const fn builds(self, unit: Unit) -> Option<Shard> {
        match (self, unit) {
            (Self::R, Unit::B) => None,
            (plan, unit) => plan.shard(unit),
        }
    }

    pub(crate) const fn contents(self, switch: Option<Generation>) -> Contents {
        Contents {
            a: self,
            has_b: self.shard(Unit::B).is_some(),
            switch,
        }
    }
}

/// The attribute `switch`: the run folder, and the process that held OUTPUT.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Generation {
    pub(crate) run: Nonce,
    pub(crate) holder: u8,
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run folder {:?}, holder {}", self.run, self.holder)
    }
}

/// What a root promises: hashes of the pixels, whatever the ETags. The metadata of the
/// array and `SHA256SUMS` follow from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Contents {
    pub(crate) a: Plan,
    pub(crate) has_b: bool,
    pub(crate) switch: Option<Generation>,
}

impl Contents {
    pub(crate) const fn pixels(&self, unit: Unit) -> Option<Plan> {
        match unit {
            Unit::A => Some(self.a),
            Unit::B if self.has_b => Some(Plan::P),
            Unit::B => None,
        }
    }

    /// The array's `zarr.json`. It has the shape, so a retry does not change it.
    pub(crate) const fn array(&self) -> Object {
        Object::Array {
            has_b: self.has_b,
            switch: self.switch,
        }
    }

    pub(crate) const fn sums(&self) -> Object {
        Object::Sums(*self)
    }

    pub(crate) const fn root(&self) -> Object {
        Object::Root(*self)
    }

    /// Whether it is a dataset of this plan.
    pub(crate) fn is_of(&self, plan: Plan) -> bool {
        self.a == plan && self.has_b == plan.shard(Unit::B).is_some()
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A of {:?}", self.a)?;
        if self.has_b {
            write!(f, ", B")?;
        }
        match self.switch {
            Some(switch) => write!(f, ", switch: {switch:?}"),
            None => Ok(()),
        }
    }
}

/// A run folder and the plan that is built in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Target {
    pub(crate) run: Nonce,
    pub(crate) plan: Plan,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Phase {
    Building(Plan),
    Sealed,
    Switching(Target),
}

/// ETags of shards that a removal under way may still hit: one bit for a unit, pixels
/// and a part size.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Doomed(u32);

impl Doomed {
    pub(crate) const NONE: Self = Self(0);

    /// The part sizes that a writer can choose from.
    pub(crate) const PART_SIZES: u8 = 4;

    const fn bit(unit: Unit, shard: Shard) -> u32 {
        let kind = (unit as u32) * 3 + shard.pixels as u32;
        1 << (kind * Self::PART_SIZES as u32 + shard.part_size as u32)
    }

    pub(crate) const fn contains(self, unit: Unit, shard: Shard) -> bool {
        self.0 & Self::bit(unit, shard) != 0
    }

    pub(crate) const fn with(self, unit: Unit, shard: Shard) -> Self {
        Self(self.0 | Self::bit(unit, shard))
    }
}

impl fmt::Debug for Doomed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_set();
        for unit in [Unit::A, Unit::B] {
            for pixels in [Plan::P, Plan::Q, Plan::R] {
                for part_size in 0..Self::PART_SIZES {
                    let shard = Shard { pixels, part_size };
                    if self.contains(unit, shard) {
                        set.entry(&(unit, shard));
                    }
                }
            }
        }
        set.finish()
    }
}

/// The state object of OUTPUT.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    pub(crate) next: Option<Target>,
    pub(crate) doomed: Doomed,
    pub(crate) nonce: Nonce,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.phase)?;
        if let Some(next) = self.next {
            write!(f, ", next {next:?}")?;
        }
        if self.doomed != Doomed::NONE {
            write!(f, ", doomed {:?}", self.doomed)?;
        }
        write!(f, ", nonce {:?}", self.nonce)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Object {
    State(State),
    /// A lease of a process, exclusive or shared by its key.
    Lease(u8),
    Root(Contents),
    Array {
        has_b: bool,
        switch: Option<Generation>,
    },
    Sums(Contents),
    Shard(Shard),
    /// The record of a unit, with the ETag of the shard that it describes.
    Record(Shard),
    /// Stands where a root or a `zarr.json` was while a switch lasts.
    Marker(Generation),
    /// The root of a run folder, put last.
    RunRoot,
    /// The empty object that replaces those of a run folder which was given up.
    Empty,
}
