//! An exhaustive model of the protocol by which processes write to one OUTPUT in a bucket.
//!
//! A request that was sent may be carried out by the store at any later time, also when its
//! sender has given up, has been taken for dead, or has ended. The protocol must keep a
//! dataset whole in spite of that. This test goes through every order of events of a few
//! processes and late requests. It checks the rules of the protocol, not the code of the
//! program. `docs/reliability.md`, section "The protocol of writers", lists each rule with
//! the hole that it closes.
//!
//! # The store
//!
//! One request changes one object, as a whole or not at all. It can demand that the object
//! is absent (If-None-Match) or has an ETag (If-Match). An ETag is a hash of the bytes: two
//! equal objects of different times cannot be told apart. A copy inside the store is
//! conditional on its source and on its destination.
//!
//! # The hold
//!
//! - A lease names its holder by a random number (a nonce). A process that finds a lease
//!   watches it, and takes it over when it does not change. The model lets a process take
//!   over at any time.
//! - Before each try of a request a process asks whether it still has its lease.
//! - Workers of one job have a shared lease each; all other commands need the exclusive one.
//!   A worker writes its own lease first, and then looks for an exclusive one. An exclusive
//!   holder writes its own, and then removes the shared ones.
//!
//! # The state of OUTPUT
//!
//! One object: `building(plan)`, `sealed` or `switching(run folder, plan)`. Each may name a
//! `next(run folder, plan)`, and each may hold doomed ETags (see below). Every version has a
//! new nonce, and a change is conditional on the version before. Whoever gets the exclusive
//! hold first rewrites the state with a new nonce; after a change without an answer it does
//! so again. A root without a state means `sealed`.
//!
//! # A conversion, in place
//!
//! It creates shards, `SHA256SUMS`, the `zarr.json` of the array, and last the root; then it
//! sets `sealed`. Whoever goes on with a run that another process began takes a root for the
//! end of the run, and sets `sealed`; where there is no root, it first puts its own marker
//! there. A create that is refused looks at what lies there: the same is done, nothing is
//! created again, other bytes are replaced.
//!
//! # An overwrite or a retry
//!
//! 1. The state names a new run folder as `next`. The new shards are put there, and the run
//!    folder's own root last, which makes the run folder whole.
//! 2. The state becomes `switching`.
//! 3. The root, and then the `zarr.json` of the array, are replaced by markers with the names
//!    of the run folder and of the holder; where nothing is, the marker is created.
//! 4. The objects of other run folders are replaced by empty ones, except those of `next`.
//! 5. Shards are copied from the run folder inside the store. Nothing is removed.
//! 6. `SHA256SUMS`, the `zarr.json` and the root are put. Each of the last two replaces the
//!    marker of this process, and has the attribute `switch`: run folder and holder.
//! 7. The state becomes `sealed`.
//! 8. The objects of the run folder are removed if this process has made it and every
//!    request was answered. Otherwise they are replaced by empty ones. `clean` removes run
//!    folders that the state does not name when no older request can be accepted any more.
//!
//! The same command, or an overwrite, goes on with a broken switch: at 7 if the root of its
//! run folder is there, else at 3. An overwrite by another plan names its own run folder as
//! `next` and goes through 1 to 8 with it.
//!
//! # A job
//!
//! A worker creates a shard, and then a record with its ETag. A refused create is treated as
//! above, except that other bytes are left alone. A record that does not fit the shard just
//! stored is replaced. A unit is done if its record fits the shard that is there.
//!
//! The seal removes shards that no record fits, and records that fit no shard. Before it
//! removes a shard, it adds the ETag to the doomed ones in the state. A doomed ETag is never
//! sealed; who needs a shard with these bytes stores it in parts of another size, which
//! gives another ETag. When every unit is done, the seal puts `SHA256SUMS`, the `zarr.json`
//! and the root, sets `sealed`, and removes the records.
//!
//! # Reading the model
//!
//! | module | holds |
//! |---|---|
//! | `objects` | plans, shards, roots, the state |
//! | `store` | the bucket, requests and their conditions |
//! | `rules` | the rules, each of which can be taken out |
//! | `writer` | a process, its steps, and the hold |
//! | `commands`, `in_place`, `switch`, `jobs` | the steps of the commands |
//! | `invariants` | what must hold in every state |
//! | `search`, `fingerprint` | all orders of events, breadth first |
//! | `rules_hold` | scenarios in which nothing is broken |
//! | `rules_taken_out` | for each rule, a scenario in which something is broken without it |
//!
//! A process crashes by doing nothing more, which every state of the search allows.
//!
//! The model has one array, two shards and small run folders. It leaves out disks, clocks,
//! `publish`, tables, attached columns, and more late requests than the scenarios state.

#[cfg(test)] // clippy.toml allows tests to unwrap, and this is how it knows them
mod protocol {
    mod commands;
    mod fingerprint;
    mod in_place;
    mod invariants;
    mod jobs;
    mod objects;
    mod rules;
    mod search;
    mod store;
    mod switch;
    mod writer;

    mod rules_hold;
    mod rules_taken_out;
}
