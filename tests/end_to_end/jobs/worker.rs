//! What a worker does on its machine: its instructions, temporary files, and scratch.

use std::fs;
use std::time::{Duration, Instant};

use super::super::input::{Input, Spec};
use super::super::run::Run;
use super::{command, converted, ends, is_whole, job, levels, long_input, start, start_at};

#[test]
fn workers_held_to_other_instructions_give_the_bytes_of_one_conversion() {
    let levels = levels();
    assert!(levels.contains(&"baseline"), "{levels:?}");
    for (options, sixteen_bit) in [
        ("--shard-sites 1", false),
        ("--shard-sites 1 --codec blosc-lz4", true),
        ("--shard-sites 1 --codec delta-zstd", false),
    ] {
        // So large that each way to compute has work.
        let input = Input::new(Spec {
            sites: 6,
            channels: vec![1, 2],
            height: 90,
            width: 130,
            sixteen_bit,
            ..Spec::default()
        });
        let whole = converted(&input, options, 0);
        job(&input, "init", &format!("{options} --parts 6")).exits_with(0);
        for part in 0..6 {
            let level = levels[part % levels.len()];
            ends(start_at(&input, &part.to_string(), level)).exits_with(0);
        }
        job(&input, "seal", "").exits_with(0);
        is_whole(&input, &whole);
    }
    let input = Input::of_sites(2);
    let mut unknown = command(&input, "status", "");
    Run::of(unknown.env("RXRX2ZARR_CPU", "sse5"))
        .exits_with(2)
        .reports_each(&["RXRX2ZARR_CPU=sse5", "baseline, avx2 and avx512"]);
}

#[test]
fn temporary_files_of_a_killed_worker_go_when_the_next_one_begins() {
    let input = long_input();
    let whole = converted(&input, "--shard-sites 1", 0);
    job(&input, "init", "--shard-sites 1 --parts 2").exits_with(0);
    let work = input.beside("out.rxrx2zarr");
    let temporary = || {
        let names = fs::read_dir(&work).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("object-")).count()
    };
    // Killed at a moment at which it has one.
    let begun = Instant::now();
    loop {
        let mut worker = start(&input, "0 --jobs 1");
        while worker.try_wait().unwrap().is_none() && temporary() == 0 {}
        worker.kill().unwrap();
        worker.wait().unwrap();
        if temporary() > 0 {
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it writes nothing"
        );
    }
    // Any worker removes them, and leaves those of one that runs.
    job(&input, "run", "1 --jobs 1").exits_with(0);
    assert_eq!(temporary(), 0);
    job(&input, "run", "0").exits_with(0);
    job(&input, "seal", "").exits_with(0);
    is_whole(&input, &whole);
}

#[test]
fn shards_are_written_on_a_local_disk_first() {
    let input = Input::of_sites(8);
    let whole = converted(&input, "--shard-sites 2", 0);
    job(&input, "init", "--shard-sites 2 --parts 2").exits_with(0);
    let scratch = input.beside("scratch");
    let options = format!("0-1 --scratch {}", scratch.display());
    job(&input, "run", &options)
        .exits_with(1)
        .reports_each(&["--scratch", "scratch"]);
    fs::create_dir(&scratch).unwrap();
    job(&input, "run", &options).exits_with(0);
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    job(&input, "seal", "").exits_with(0);
    is_whole(&input, &whole);
}
