//! Progress on standard error: bars on a terminal, otherwise a line from time to
//! time, nothing with `--quiet`.

mod bar;
mod files;
mod kept;
mod objects;
mod resumed;
mod sites;

pub(crate) use files::FileProgress;
pub(crate) use objects::ObjectProgress;
pub(crate) use sites::SiteProgress;
