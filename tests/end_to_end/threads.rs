//! Threads that the system does not give: a command does its work with fewer, or ends
//! with an error, and never waits for a thread that was not made.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::input::Input;
use super::run::{PROGRAM, Run, convert, verify};

/// Refuses threads as a limit of the system does, and makes the file `REFUSED` then: from
/// the thread number `REFUSE_FROM` on, or as long as so many live if `ALIVE` is set.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
static atomic_int count;
struct work { void *(*run)(void *); void *argument; };
static void *run_work(void *argument) {
    struct work work = *(struct work *)argument;
    free(argument);
    void *result = work.run(work.argument);
    if (getenv("ALIVE")) atomic_fetch_sub(&count, 1);
    return result;
}
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    if (atomic_fetch_add(&count, 1) + 1 >= atoi(getenv("REFUSE_FROM"))) {
        if (getenv("ALIVE")) atomic_fetch_sub(&count, 1);
        close(open(getenv("REFUSED"), O_CREAT | O_WRONLY, 0600));
        return EAGAIN;
    }
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
    struct work *work = malloc(sizeof *work);
    *work = (struct work){run, argument};
    return real(thread, attributes, run_work, work);
}
"#;

/// The shim, compiled in a folder of its own.
struct Shim {
    folder: tempfile::TempDir,
    /// Whether threads that have ended count no more.
    alive: bool,
}

impl Shim {
    fn compile(alive: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("shim.c");
        fs::write(&source, SHIM).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]);
        compiler.arg(folder.path().join("shim.so")).arg(&source);
        let compiled = compiler.arg("-ldl").status().unwrap();
        assert!(compiled.success());
        Self { folder, alive }
    }

    /// Runs the program with `arguments` and fewer than `refuse_from` further threads.
    /// Returns also whether a thread was refused. A program that does not end is killed.
    fn run(&self, refuse_from: usize, arguments: &[&str]) -> (Run, bool) {
        let refused = self.folder.path().join("refused");
        let _ = fs::remove_file(&refused);
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", "120", "env"]);
        command.arg(format!(
            "LD_PRELOAD={}",
            self.folder.path().join("shim.so").display()
        ));
        command.arg(PROGRAM).args(arguments);
        command.env("REFUSED", &refused);
        if self.alive {
            command.env("ALIVE", "1");
        }
        command.env("REFUSE_FROM", refuse_from.to_string());
        (Run::of(&mut command), refused.exists())
    }

    /// Runs the program with one more thread each time, until it has all that it wants.
    /// It must end each time, with `ended` or an error about threads. Returns how often
    /// it had this error.
    fn run_all(&self, arguments: &[&str], ended: i32, mut before: impl FnMut()) -> usize {
        let (mut errors, mut refuse_from) = (0, 0);
        loop {
            refuse_from += 1;
            before();
            let (run, refused) = self.run(refuse_from, arguments);
            assert!(!run.stderr.contains("panicked"), "{refuse_from}: {run:#?}");
            if run.code == Some(1) && run.stderr.contains("thread") {
                errors += 1;
            } else {
                let run = run.exits_with(ended);
                assert!(!run.stderr.contains("cannot start"), "{run:#?}");
            }
            if !refused {
                return errors;
            }
        }
    }
}

/// Removes an output and its journal.
fn remove(output: &Path) {
    let work: PathBuf = output.with_extension("rxrx2zarr");
    let _ = fs::remove_dir_all(output);
    let _ = fs::remove_dir_all(work);
}

#[test]
fn no_command_waits_for_a_thread_that_was_not_made() {
    let shim = Shim::compile(false);
    let input = Input::of_sites(6);
    let (root, output) = (input.root(), input.output());
    let (root, output) = (root.to_str().unwrap(), output.to_str().unwrap());

    assert_eq!(
        shim.run_all(&["plan", root], 0, || {}),
        0,
        "it reads with one thread"
    );
    let arguments = ["convert", root, output, "--shard-sites", "2", "--jobs", "3"];
    let errors = shim.run_all(&arguments, 0, || remove(&input.output()));
    assert!(errors > 3, "{errors}");
    let errors = shim.run_all(&["verify", output, "--jobs", "3"], 0, || {});
    assert!(errors > 3, "{errors}");
    let errors = shim.run_all(&["verify", output, "--source", root], 0, || {});
    assert!(errors > 3, "{errors}");
    let sample = input.beside("sample");
    let arguments = [
        "sample",
        sample.to_str().unwrap(),
        "--sites",
        "2",
        "--size",
        "48",
        "--jobs",
        "3",
    ];
    let errors = shim.run_all(&arguments, 0, || {
        let _ = fs::remove_dir_all(&sample);
    });
    assert!(errors > 0, "{errors}");
}

#[test]
fn a_run_without_threads_leaves_nothing_that_hinders_the_next() {
    let shim = Shim::compile(false);
    let input = Input::of_sites(6);
    let (root, output) = (input.root(), input.output());
    let options = "--shard-sites 2 --jobs 3";
    let arguments = ["convert", root.to_str().unwrap(), output.to_str().unwrap()].into_iter();
    let arguments: Vec<&str> = arguments.chain(options.split_whitespace()).collect();
    let mut refuse_from = 1;
    while shim.run(refuse_from, &arguments).0.code == Some(0) {
        remove(&output);
        refuse_from += 1;
        assert!(refuse_from < 100);
    }
    convert(&root, &output, options).exits_with(0);
    verify(&output, "").exits_with(0);
}

#[test]
fn a_store_is_not_asked_without_threads() {
    let shim = Shim::compile(true);
    // Nobody listens there.
    let mut arguments = vec!["info", "s3://bucket/x", "--store-option", "max_retries=0"];
    for option in [
        "endpoint=http://localhost:9",
        "retry_timeout=0",
        "skip_signature=true",
    ] {
        arguments.extend(["--store-option", option]);
    }
    for refuse_from in 1..=3 {
        let (run, refused) = shim.run(refuse_from, &arguments);
        assert!(refused);
        assert!(!run.stderr.contains("panicked"), "{run:#?}");
        run.exits_with(1)
            .reports_each(&["cannot start the threads"]);
    }
    let errors = shim.run_all(&arguments, 1, || {});
    assert!(errors >= 3, "{errors}");
}
