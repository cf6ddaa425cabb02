//! An OUTPUT on a file system without locks.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::dataset::{Dataset, files_below};
use super::input::{Input, Spec};
use super::run::{PROGRAM, Run, convert, info};
use super::system_calls::SystemCalls;

/// The number of ENOSYS: the kernel has no flock for this file system.
const NO_LOCKS: (&str, &str) = ("FAIL_FLOCK", "38");

/// Returns the command that converts `input`, where `faults` happen.
fn command(calls: &SystemCalls, input: &Input, options: &str, faults: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("convert").arg(input.root()).arg(input.output());
    command.args(options.split_whitespace());
    calls.fail(&mut command, input.root().parent().unwrap(), faults);
    command
}

#[test]
fn a_file_system_without_locks_is_refused_unless_a_lease_is_asked_for() {
    let calls = SystemCalls::new();
    let input = Input::of_sites(5);
    for number in ["38", "9", "37", "95"] {
        let faults = [("FAIL_FLOCK", number)];
        let refused = Run::of(&mut command(&calls, &input, "--json", &faults)).exits_with(1);
        let refused = refused.reports_each(&["has no locks (flock)", "--lock lease"]);
        assert_eq!(refused.json()["error"]["kind"], "output");
        assert!(!input.output().exists() && !input.beside("out.rxrx2zarr").exists());
    }
    let faults = [NO_LOCKS];
    Run::of(&mut command(&calls, &input, "--lock lease", &faults)).exits_with(0);
    assert!(!input.beside("out.rxrx2zarr").exists());
    Dataset::at(input.output()).has_pixels_of(&input);
    info(&input.output(), "").exits_with(0);
    let options = "--lock lease --overwrite --codec zstd";
    Run::of(&mut command(&calls, &input, options, &faults)).exits_with(0);
    // Where there are locks, the lease is one more.
    convert(&input.root(), &input.output(), "--lock lease --overwrite").exits_with(0);
    assert!(!input.beside("out.rxrx2zarr").exists());
    Dataset::at(input.output()).has_pixels_of(&input);
    convert(&input.root(), &input.output(), "--lock flock").exits_with(2);
}

/// A process that is killed at the end of the test, if it still runs.
struct Running(Child);

impl Running {
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until the run at `work` is described.
fn wait_until_begun(running: &mut Running, work: &Path) {
    let begun = Instant::now();
    while !work.join("state.json").exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "not begun");
        assert!(running.0.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_second_process_is_refused_and_goes_on_when_the_first_one_was_killed() {
    let calls = SystemCalls::new();
    let input = Input::new(Spec {
        sites: 40,
        channels: vec![1, 2],
        ..Spec::default()
    });
    let options = "--lock lease --shard-sites 2 --jobs 2";
    let whole = input.beside("whole");
    convert(&input.root(), &whole, "--shard-sites 2").exits_with(0);

    // Slow enough to run until it is killed.
    let slow = [NO_LOCKS, ("DELAY_WRITE", "2000")];
    let mut first = command(&calls, &input, options, &slow);
    let first = first.stdout(Stdio::null()).stderr(Stdio::null());
    let mut first = Running(first.spawn().unwrap());
    let work = input.beside("out.rxrx2zarr");
    wait_until_begun(&mut first, &work);
    let holder = format!("process {} on ", first.0.id());
    let told = info(&input.output(), "").exits_with(1);
    assert!(told.stdout.contains(&holder), "{told:#?}");
    let second = Run::of(&mut command(&calls, &input, options, &[NO_LOCKS]));
    second
        .exits_with(1)
        .reports_each(&["is being written by", &holder]);
    // A run that has locks, on another mount of the same folder, is refused, too.
    let locked = convert(&input.root(), &input.output(), "--shard-sites 2").exits_with(1);
    locked.reports_each(&["is being written by", &holder, "--lock lease"]);
    assert!(first.0.try_wait().unwrap().is_none(), "it has ended");

    first.kill();
    assert!(fs::read_dir(work.join("claims")).unwrap().count() > 0);
    Run::of(&mut command(&calls, &input, options, &[NO_LOCKS])).exits_with(0);
    assert_eq!(files_below(&input.output()), files_below(&whole));
    assert!(!work.exists());
}
