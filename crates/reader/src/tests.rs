//! Tests over whole datasets: the kept one of format 3, and small ones made here.

mod damage;
mod far;
mod fixture;
mod format_3;
mod info;
mod layouts;
mod replaced;
mod requests;

use crate::dataset::Dataset;

#[test]
fn threads_may_share_a_dataset() {
    fn shared<T: Send + Sync>() {}
    shared::<Dataset>();
}
