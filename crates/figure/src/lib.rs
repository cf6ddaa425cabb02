#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! sheet                 legend, panels, labels, licence
//!  ├─ layout              where each of them is
//!  ├─ light               samples -> colours
//!  ├─ scale_bar           a round length
//!  └─ canvas              pixels, text, rectangles
//! encode                PNG with text chunks
//! error                 what cannot be drawn
//! ```

mod canvas;
mod encode;
mod error;
mod layout;
mod light;
mod scale_bar;
mod sheet;

pub use self::error::{FigureError, LARGEST};
pub use self::light::ShownChannel;
pub use self::sheet::{Panel, Sheet, SheetSpec};
