//! A conversion in parts, by any number of processes on any number of machines.
//!
//! [`init_job`] plans once and stores the plan beside OUTPUT, cut into parts. [`run_part`] runs
//! the units of a part that are not done: it reads its part of the plan, and neither lists INPUT
//! nor reads the table. [`seal_job`] demands that all units are done, and seals.
//!
//! Workers hold the lock of OUTPUT together; whoever plans or seals holds it alone. A part
//! may run twice, at once or later. A record names
//! the file that its worker has put, so that a record and a shard of two workers are never taken
//! for one. A run of one process can go on with the units of a job, and seals them.

mod error;
mod found;
mod init;
mod part_input;
mod part_list;
mod progress;
mod run;
mod seal;
mod status;

pub use self::error::JobError;
pub use self::init::{JobStarted, init_job};
pub use self::part_input::JobInput;
pub use self::run::{PartRun, run_part};
pub use self::seal::{JobSealed, seal_job};
pub use self::status::{JobStatus, PartStatus, WorkerStatus, job_status};
