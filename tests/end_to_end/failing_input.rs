//! An INPUT that cannot be read any more while it is converted: the run ends, nothing
//! is blackened, and the same command continues.
#![cfg(target_os = "linux")]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::dataset::{Dataset, files_below};
use super::input::{Input, Spec};
use super::run::{PROGRAM, Run, convert};

/// One shard of all sites, so that the run opens no other file of OUTPUT while it
/// reads. One job makes it last.
const OPTIONS: &str = "--jobs 1 --shard-sites 256";
/// How the error of an INPUT that fails begins.
const INPUT_FAILS: &str = "cannot read INPUT any more, at image ";

fn input() -> Input {
    Input::new(Spec {
        sites: 256,
        channels: vec![1, 2],
        height: 120,
        width: 200,
        ..Spec::default()
    })
}

/// A conversion that is stopped (SIGSTOP) between its first image and its last.
struct Stopped(Child);

impl Stopped {
    /// Converts `source` and stops the process as soon as its shard is begun.
    fn halfway(source: &Path, output: &Path) -> Self {
        let mut command = Command::new(PROGRAM);
        command.arg("convert").arg(source).arg(output);
        command.args(OPTIONS.split_whitespace());
        let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let stopped = Self(pipes.spawn().unwrap());
        let start = Instant::now();
        while !shard_is_begun(output) {
            assert!(start.elapsed() < Duration::from_secs(60), "nothing is done");
            std::thread::sleep(Duration::from_micros(200));
        }
        stopped.signal("STOP");
        let stored = output.join("images.zarr/images/c/0/0/0/0");
        assert!(!stored.exists(), "the run was too fast to be stopped");
        stopped
    }

    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Goes on, and demands that the run ends with these texts, and that no image was
    /// called a bad one.
    fn fails(self, output: &Path, said: &[&str]) -> Run {
        self.signal("CONT");
        let run = Run::from(self.0.wait_with_output().unwrap());
        let run = run.exits_with(1).reports_each(said);
        let run = run.reports_each(&["the same command continues"]);
        assert!(!run.stderr.contains("its pixels will be 0"), "{run:#?}");
        assert!(!Dataset::at(output.to_owned()).is_sealed());
        run
    }
}

/// Whether the shard, which is written under a temporary name, is begun. The journal is
/// written in the same way before.
fn shard_is_begun(output: &Path) -> bool {
    let name = output.file_name().unwrap().to_str().unwrap();
    let work = output.with_file_name(format!("{name}.rxrx2zarr"));
    if !work.join("state.json").exists() {
        return false;
    }
    let names = fs::read_dir(work).unwrap();
    let mut names = names.map(|entry| entry.unwrap().file_name());
    names.any(|name| name.to_string_lossy().ends_with(".tmp"))
}

/// Demands that the same command now ends as one that nothing disturbed.
#[track_caller]
fn continues(source: &Path, input: &Input) {
    let whole = input.beside("whole");
    convert(source, &whole, OPTIONS).exits_with(0);
    convert(source, &input.output(), OPTIONS).exits_with(0);
    assert!(
        files_below(&input.output()) == files_below(&whole),
        "other bytes"
    );
    assert!(!input.beside("out.rxrx2zarr").exists());
}

#[test]
fn a_process_without_file_descriptors_ends_its_run() {
    let input = input();
    let stopped = Stopped::halfway(&input.root(), &input.output());
    // Fewer than are open: no further file can be opened.
    let mut command = Command::new("prlimit");
    command.args(["--pid", &stopped.0.id().to_string(), "--nofile=3:"]);
    if !command.status().is_ok_and(|status| status.success()) {
        println!("skipped: prlimit does not work here");
        stopped.signal("KILL");
        return;
    }
    // INPUT or OUTPUT notices it first.
    stopped.fails(&input.output(), &["Too many open files", "ulimit"]);
    continues(&input.root(), &input);
}

/// Packs all files of the folder of `input`, without compression.
fn zip(input: &Input) -> PathBuf {
    let path = input.beside("in.zip");
    let mut writer = ZipWriter::new(File::create(&path).unwrap());
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in files_below(&input.root()) {
        writer.start_file(name, options).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    writer.finish().unwrap();
    path
}

#[test]
fn an_archive_that_is_cut_ends_the_run() {
    let input = input();
    let archive = zip(&input);
    let copy = input.beside("copy.zip");
    fs::copy(&archive, &copy).unwrap();
    let stopped = Stopped::halfway(&archive, &input.output());
    let open = OpenOptions::new().write(true).open(&archive).unwrap();
    open.set_len(2_000).unwrap();
    let said = "the archive changed while it was read";
    stopped.fails(&input.output(), &[INPUT_FAILS, said]);
    fs::copy(&copy, &archive).unwrap();
    continues(&archive, &input);
}

#[test]
fn a_folder_that_is_removed_ends_the_run() {
    let input = input();
    let stopped = Stopped::halfway(&input.root(), &input.output());
    fs::rename(input.root(), input.beside("elsewhere")).unwrap();
    stopped.fails(&input.output(), &[INPUT_FAILS, "No such file", "unmounted"]);
    fs::rename(input.beside("elsewhere"), input.root()).unwrap();
    continues(&input.root(), &input);
}

/// The file system of INPUT is unmounted while its images are read.
#[test]
fn an_input_that_is_unmounted_ends_the_run() {
    let allowed = Command::new("unshare").args(["-rm", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: unshare -rm is not allowed here, so nothing can be mounted");
        return;
    }
    let input = input();
    let script = r#"
        mkdir "$PLACE/mnt"
        mount --bind "$PLACE/in" "$PLACE/mnt"
        "$PROGRAM" convert "$PLACE/mnt" "$PLACE/out" $OPTIONS 2> "$PLACE/errors" &
        pid=$!
        work="$PLACE/out.rxrx2zarr"
        until [ -e "$work/state.json" ] && ls "$work"/*.tmp; do :; done > /dev/null 2>&1
        kill -STOP $pid
        if [ -e "$PLACE/out/images.zarr/images/c/0/0/0/0" ]; then echo "too fast"; fi
        umount -l "$PLACE/mnt"
        kill -CONT $pid
        code=0
        wait $pid || code=$?
        echo "ended with $code"
        mount --bind "$PLACE/in" "$PLACE/mnt"
        "$PROGRAM" convert "$PLACE/mnt" "$PLACE/out" $OPTIONS 2> "$PLACE/again"
        "$PROGRAM" convert "$PLACE/mnt" "$PLACE/whole" $OPTIONS 2> "$PLACE/again"
    "#;
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-euc", script]);
    command
        .env("PLACE", input.beside(""))
        .env("PROGRAM", PROGRAM);
    let run = Run::of(command.env("OPTIONS", OPTIONS)).exits_with(0);
    assert!(!run.stdout.contains("too fast"), "{run:#?}");
    assert!(run.stdout.contains("ended with 1\n"), "{run:#?}");
    let errors = fs::read_to_string(input.beside("errors")).unwrap();
    for said in [
        "cannot read INPUT any more, at image ",
        "No such file",
        "unmounted",
        "the same command continues",
    ] {
        assert!(errors.contains(said), "no {said:?} in {errors}");
    }
    assert!(!errors.contains("its pixels will be 0"), "{errors}");
    let whole = files_below(&input.beside("whole"));
    assert!(files_below(&input.output()) == whole, "other bytes");
}

#[cfg(target_env = "gnu")]
#[test]
fn an_image_that_the_disk_cannot_read_is_unreadable_and_is_read_again() {
    use super::run::verify;
    use super::system_calls::SystemCalls;

    let (calls, input) = (SystemCalls::new(), Input::of_sites(6));
    let path = input.image(3, 2);
    let name = path.strip_prefix(input.root()).unwrap().to_str().unwrap();
    let faults = [("FAIL_READ", name)];
    let run = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.arg(arguments[0]).args(&arguments[1..]);
        calls.run_with(&mut command, &input.root(), &faults).0
    };
    let (root, output) = (input.root(), input.output());
    let (root, out) = (root.to_str().unwrap(), output.to_str().unwrap());
    let options = ["--shard-sites", "2", "--json"];
    let told = run(&[&["convert", root, out], &options[..]].concat());
    let told = told
        .exits_with(3)
        .reports_each(&["Input/output error"])
        .json();
    assert_eq!(told["planes"]["unreadable"], 1, "{told}");
    assert_eq!(told["planes"]["corrupt"], 0, "{told}");
    assert_eq!(told["refused"][0]["cause"], "unreadable", "{told}");

    let dataset = Dataset::at(output.clone());
    let table = dataset.planes_table();
    let statuses = table.texts("status");
    let row = statuses
        .iter()
        .position(|status| status.as_deref() == Some("unreadable"));
    let row = row.unwrap();
    assert_eq!(table.texts("cause")[row].as_deref(), Some("unreadable"));
    assert!(
        table.texts("error")[row]
            .as_deref()
            .unwrap()
            .contains("os error 5")
    );
    assert_eq!(table.integers("source_bytes")[row], None);
    let others = statuses
        .iter()
        .filter(|status| status.as_deref() == Some("ok"));
    assert_eq!(others.count(), statuses.len() - 1);

    // As recorded while the disk fails; good later.
    verify(&output, "").exits_with(0);
    run(&["verify", out, "--source", root]).exits_with(0);
    let found = verify(&output, &format!("--source {root}")).exits_with(1);
    assert!(
        found.stdout.contains("recorded unreadable, and "),
        "{found:#?}"
    );
    run(&["convert", root, out, "--retry-bad"]).exits_with(3);
    convert(&input.root(), &output, "--retry-bad").exits_with(0);
    let whole = input.beside("whole");
    convert(&input.root(), &whole, "--shard-sites 2").exits_with(0);
    assert_eq!(files_below(&output), files_below(&whole));
}
