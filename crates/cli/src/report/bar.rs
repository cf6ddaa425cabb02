//! The bar that is drawn now, which messages of signals must not tear.

use std::sync::Mutex;

use indicatif::ProgressBar;

static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Names the bar that is drawn now.
pub(crate) fn set_bar(bar: Option<ProgressBar>) {
    if let Ok(mut drawn) = BAR.lock() {
        *drawn = bar;
    }
}

/// Removes the bar that is drawn now: the process ends.
pub(crate) fn clear_bar() {
    let bar = BAR.lock().ok().and_then(|bar| bar.clone());
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}
