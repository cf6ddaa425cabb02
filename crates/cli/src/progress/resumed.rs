//! Text about a run that is continued.

use rxrx_writer::{Resumed, SourceChanges};

use crate::report::Console;

/// Number of examples of each change.
const EXAMPLES: usize = 3;

/// Prints the progress of the earlier run, and what must be converted again.
pub(super) fn resumed(console: Console<'_>, resumed: &Resumed) {
    let Resumed { done, units, .. } = resumed;
    console.line(format_args!(
        "continuing: {done} of {units} shards are done"
    ));
    for (change, examples, count) in [
        (
            "records are damaged; their shards are converted again",
            &resumed.damaged_records,
            resumed.damaged_records.len(),
        ),
        (
            "shards are missing or damaged and are converted again",
            &resumed.damaged_shards,
            resumed.damaged_shards.len(),
        ),
        (
            "images changed since they were read, or could not be read; their shards are converted again",
            &resumed.changed_images.examples,
            resumed.changed_images.count,
        ),
        (
            "images were added; their shards are converted again",
            &resumed.added_images.examples,
            resumed.added_images.count,
        ),
    ] {
        warn(console, count, change, examples);
    }
}

/// Prints that images changed since a job was planned.
pub(super) fn changed(console: Console<'_>, images: &SourceChanges) {
    let change = "images have another size or time than when the job was planned; they are \
                  converted as they are";
    warn(console, images.count, change, &images.examples);
}

fn warn(console: Console<'_>, count: usize, change: &str, examples: &[String]) {
    if count > 0 {
        let examples = examples.iter().take(EXAMPLES);
        let examples: Vec<&str> = examples.map(String::as_str).collect();
        console.warning(&format!("{count} {change}: {}", examples.join(", ")));
    }
}
