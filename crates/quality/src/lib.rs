#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! assess                all of it, in order
//!  ├─ images              missing, saturated, empty, bright and dim planes
//!  ├─ focus               planes and sites out of focus, the worst sites
//!  ├─ layout              edges and stripes of plates, drift between plates
//!  ├─ equal               planes that are the same
//!  ├─ flat_field          dark corners
//!  └─ summary             medians of plates
//! baseline              what a plane is compared with
//! screen                the measures of all planes
//! flag, thresholds      what is found, and when
//! robust                median, deviation, line
//! ```

mod assess;
mod baseline;
mod equal;
mod flag;
mod flat_field;
mod focus;
mod images;
mod layout;
mod robust;
mod screen;
mod summary;
mod thresholds;

pub use self::assess::{Judged, PlaneNumbers, Quality, assess};
pub use self::flag::{Flag, FlagKind};
pub use self::flat_field::{FieldSum, FlatField};
pub use self::focus::FocusRank;
pub use self::screen::{Measure, Screen, ScreenError};
pub use self::summary::{ChannelQuality, Medians, PlateQuality, Spread};
pub use self::thresholds::Thresholds;
