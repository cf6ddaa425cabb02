//! The rules of the protocol. Each can be taken out, to see what it is good for.

/// A rule, named by what holds with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    /// The lease is asked before each try of a request. A process that another one has
    /// taken for dead sends nothing more.
    LeaseAskedBeforeEachTry,
    /// Puts are conditional on what was seen: If-None-Match or If-Match.
    ConditionalPuts,
    /// A copy is made inside the store, on the condition that its source is as it was
    /// seen. Without this rule the bytes are read and put.
    CopyNamesSource,
    /// A copy is conditional on its destination as it was seen.
    CopyNamesDestination,
    /// Each version of the state has a new nonce, and whoever gets the exclusive hold
    /// first rewrites the state.
    FencedState,
    /// A run folder is named by a new nonce, and used only while the state names it.
    UniqueRunFolders,
    /// A run folder is whole when its own root is there, which is put last.
    RunRootLast,
    /// `clean` keeps the run folder that the state names.
    CleanKeepsNamedRuns,
    /// Where there is no root or no `zarr.json`, a marker is put with If-None-Match.
    MarkerWhereNothingIs,
    /// A marker holds the nonce of the holder, so a process that resumes a switch first
    /// replaces each marker by its own.
    MarkerNamesHolder,
    /// What a switch puts has the attribute `switch`: no two generations have one ETag.
    SwitchAttribute,
    /// Before its first copy, a switch replaces the objects of other run folders by
    /// empty ones.
    EmptiedFormerRuns,
    /// The emptying spares the run folder that the state names as `next`.
    EmptyingSparesNext,
    /// After a switch, the objects of its run folder are replaced by empty ones, unless one
    /// process has done everything and every request was answered: then they are removed.
    EmptiedRunAfterSwitch,
    /// `clean` removes nothing while a request sent before can still be accepted.
    CleanWaits,
    /// A switch in a bucket removes nothing.
    NoRemovalInSwitch,
    /// Whoever goes on with a `building` that it did not begin first puts its marker at the
    /// root, so that a late root of the former process is refused.
    MarkerBeforeGoingOn,
    /// A root in `building` or `switching` is complete: whoever finds it sets `sealed`.
    RootMeansComplete,
    /// A shared holder writes its own lease, and then looks for an exclusive one.
    SharedLeaseFirst,
    /// A unit is done if its record fits the object that is there.
    DoneMeansRecordFits,
    /// The seal removes records that fit no object.
    StrayRecordsRemoved,
    /// A worker replaces a record that does not fit the object that it has just stored.
    RecordIsReplaced,
    /// The seal writes an ETag into the state as doomed before it removes the object, and
    /// never seals a doomed ETag. Others store such a shard with another part size.
    DoomedEtags,
    /// The doomed ETags stay in the state in every phase.
    DoomedEtagsStay,
    /// The seal sets `sealed` before it removes the records.
    RecordsLast,
}

impl Rule {
    pub(crate) const EVERY: [Self; 25] = [
        Self::LeaseAskedBeforeEachTry,
        Self::ConditionalPuts,
        Self::CopyNamesSource,
        Self::CopyNamesDestination,
        Self::FencedState,
        Self::UniqueRunFolders,
        Self::RunRootLast,
        Self::CleanKeepsNamedRuns,
        Self::MarkerWhereNothingIs,
        Self::MarkerNamesHolder,
        Self::SwitchAttribute,
        Self::EmptiedFormerRuns,
        Self::EmptyingSparesNext,
        Self::EmptiedRunAfterSwitch,
        Self::CleanWaits,
        Self::NoRemovalInSwitch,
        Self::MarkerBeforeGoingOn,
        Self::RootMeansComplete,
        Self::SharedLeaseFirst,
        Self::DoneMeansRecordFits,
        Self::StrayRecordsRemoved,
        Self::RecordIsReplaced,
        Self::DoomedEtags,
        Self::DoomedEtagsStay,
        Self::RecordsLast,
    ];
}

/// A set of rules.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    taken_out: u32,
}

impl Rules {
    pub(crate) const ALL: Self = Self { taken_out: 0 };

    pub(crate) const fn without(self, rule: Rule) -> Self {
        Self {
            taken_out: self.taken_out | 1 << rule as u32,
        }
    }

    pub(crate) const fn has(self, rule: Rule) -> bool {
        self.taken_out & 1 << rule as u32 == 0
    }
}
