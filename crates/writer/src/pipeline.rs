//! Runs the units of a plan on all cores.
//!
//! ```text
//!           readers                    workers                          storers
//! chunks ─> image files ─(read ahead)─> decode, measure, encode ─┐ in
//! in array  image files ─────────────-> decode, measure, encode ─┼─array─> one object,
//! order     …                           …                        ┘ order   one record a unit
//! ```
//!
//! Readers, workers and storers are threads. The chunks of all units form one queue in
//! array order, so that a unit of 64 chunks keeps 64 cores busy and no core waits for
//! another at the end of a unit.
//!
//! - A *reader* ([`read`]) fetches the image files of the next chunks. Readers mostly
//!   wait for a disk or a network, so the source decides how many there are
//!   ([`ReadHints`]). Where larger reads are faster, each takes several chunks of a unit
//!   at once.
//! - A *worker* ([`chunk`]) decodes each plane into the memory of the encoder, computes its
//!   overview and encodes it while it is in cache, where the codec allows that. Whole raw shards
//!   never exist. There are `--jobs` workers. No other thread of the pipeline
//!   decodes or encodes, but for the overviews of a unit, a hundredth of its pixels, which its
//!   storer encodes when it has all of them.
//! - A *storer* ([`storer`]) writes each chunk as soon as those before it in the shard
//!   are written, so it never holds a shard. Storers hash what they write, and mostly
//!   wait: a disk has two, so that one shard is written while another is flushed; an
//!   object store, which answers late but many at once, has more ([`Store::writers`]).
//!
//! # Memory
//!
//! No number of sites and no size of shards changes these limits. All buffers are used
//! again; each grows to the largest content it ever had, which is up to half as much
//! again as in the table where some images are larger than others. The example is
//! RxRx1 from a disk with 2 jobs: 8 readers, 22 chunks in flight; a chunk has 0.5 MB of
//! PNG, 0.75 MB encoded, 1.5 MB of pixels.
//!
//! | buffer | how many | bytes each | RxRx1 |
//! |---|---|---|---:|
//! | image files: taken by a reader or a worker, or between them | 2 x jobs + readers chunks | the files of a chunk | 12 x 0.5 = 6 MB |
//! | encoded chunks | in flight: 3 x jobs + 2 x readers chunks | a chunk, encoded | 22 x 0.75 = 17 MB |
//! | pixels | jobs | a plane (Blosc), or a chunk (Zstd) | 2 x 0.26 to 2 x 1.5 = 1 to 3 MB |
//! | tables of a compressor | jobs | 0.5 MB and a plane of sorted bits | 2 x 0.8 = 2 MB |
//! | overviews of a chunk | in flight, as encoded chunks | 4 kB a plane | 22 x 0.02 = 0.5 MB |
//! | overviews of a unit, and their object | storers | 4 kB a plane, twice | 2 x 3.2 = 6 MB |
//! | what a store holds of an object | storers | see the store | |
//!
//! Where the calls of a source differ in time, or a reader takes several chunks at once,
//! `2 x readers` becomes `2 x n x readers`, with n = 3 or the chunks of a read,
//! whichever is more, and image files can be held for all chunks in flight. An archive
//! behind an address has 16 readers that take 5 chunks of RxRx1 at once: 166 x (0.5 +
//! 0.75) = 208 MB, and 16 x 2 x 2.5 = 80 MB for what is just arriving. `Capacity`
//! computes all numbers.
//!
//! `--memory` bounds the sum, where each buffer counts with its largest size: `Capacity`
//! gives up chunks under way first, then threads, until the sum fits. An image
//! file that is larger than its pixels, and than twice the mean, is not read ahead: the
//! worker reads it when it decodes it. One such file at a time comes on top.
//!
//! # Why it cannot deadlock
//!
//! All state that threads wait for is behind one mutex, in [`progress`]. It is held for
//! a few statements: never during a read, a send, a put, or while another lock is
//! taken. Each condition is checked under the mutex, and each change that can make one
//! true is followed by `notify_all`, so no wake-up is lost. (A worker that decodes a large image file holds another mutex
//! meanwhile; it waits for the source alone.) Threads wait in four places:
//!
//! | who | waits | for |
//! |---|---|---|
//! | reader | in `take_chunks` | a storer: `end <= written + in_flight` |
//! | reader | in `send` | a worker: the channel is full |
//! | worker | in `recv` | a reader: the channel is empty |
//! | storer | in `take_unit`, `take_encoded` | a worker: the chunk is encoded |
//!
//! Let c be the first chunk, in array order, that is wanted and not written.
//!
//! 1. *c is taken.* Readers take chunks in order. If c is the next one, all c chunks
//!    before it are written, and a read of c takes at most half of `in_flight`: the
//!    first condition holds. A reader that is in `send` meanwhile waits for step 2 only.
//! 2. *c is encoded.* A worker waits for nothing but the channel: the map of encoded
//!    chunks has no limit of its own (`in_flight` bounds it). So the channel drains, no
//!    `send` waits for ever, and c arrives.
//! 3. *c is written.* Storers take units in order and finish each before the next. So
//!    the unit of c is taken by a storer, which waits for c alone, or it is the next
//!    one, and a storer is free or stores a later unit. It cannot be that all store later
//!    units, since those are taken later.
//!
//! So c is written, and the argument starts again with the next chunk. The run ends when
//! all chunks are taken, when the caller sets `stop`, or when a unit fails. A thread that
//! waits for nothing but the end of the run gives up all units a while after `stop`
//! (`grace`). The number
//! of wanted units then only falls, which wakes all storers; a storer whose unit is no
//! longer wanted gives up, a worker skips such chunks, a reader takes no more. Readers
//! that end close the channel, which ends the workers. A thread that panics sets a flag
//! that ends all others (`StopOnPanic`).
//!
//! The only atomic is `stop`. It is a request that orders no other memory, so `Relaxed`
//! is enough: whoever sees it late begins one unit more.
//!
//! [`ReadHints`]: rxrx_input::ReadHints
//! [`Store::writers`]: rxrx_storage::Store::writers

mod buffers;
mod capacity;
mod chunk;
mod chunks;
mod error;
mod first_images;
mod inputs;
mod progress;
mod read;
mod run;
mod shared;
mod storer;
#[cfg(test)]
mod tests;

pub(crate) use self::capacity::{BufferSizes, Capacity};
pub use self::error::PipelineError;
pub(crate) use self::inputs::Pipeline;
