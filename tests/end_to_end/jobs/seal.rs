//! What a seal takes as done, and what it does not.

use std::fs;

use super::super::dataset::files_below;
use super::super::input::Input;
use super::super::run::verify;
use super::{converted, is_whole, job, status};

#[test]
fn a_shard_that_is_another_file_is_read_before_it_is_sealed() {
    let input = Input::of_sites(8);
    let whole = converted(&input, "--shard-sites 2", 0);
    job(&input, "init", "--shard-sites 2 --parts 4").exits_with(0);
    job(&input, "run", "0-3").exits_with(0);
    let shard = |number: usize| {
        input
            .output()
            .join(format!("images.zarr/images/c/{number}/0/0/0"))
    };
    let damaged = || {
        let mut bytes = fs::read(shard(2)).unwrap();
        bytes[9] ^= 1;
        bytes
    };
    // The same bytes in another file, damaged ones, none.
    let same = fs::read(shard(1)).unwrap();
    fs::remove_file(shard(1)).unwrap();
    fs::write(shard(1), same).unwrap();
    fs::write(shard(2), damaged()).unwrap();
    fs::remove_file(shard(3)).unwrap();
    job(&input, "seal", "")
        .exits_with(1)
        .reports_each(&["2 of 4 shards are missing", "parts again: 2-3"]);
    job(&input, "run", "2-3").exits_with(0).prints("1 shard");
    job(&input, "seal", "").exits_with(0);
    is_whole(&input, &whole);
}

#[test]
fn records_of_another_job_are_none() {
    let input = Input::of_sites(8);
    job(&input, "init", "--shard-sites 4 --parts 2").exits_with(0);
    job(&input, "run", "0-1").exits_with(0);
    // As an old worker stores them in a new job.
    let (units, shards) = (input.beside("out.rxrx2zarr/units"), input.output());
    let kept = [&units, &shards].map(|folder| files_below(folder));
    for folder in [&input.output(), &input.beside("out.rxrx2zarr")] {
        fs::remove_dir_all(folder).unwrap();
    }
    job(&input, "init", "--shard-sites 4 --parts 2 --codec zstd").exits_with(0);
    for (folder, files) in [&units, &shards].into_iter().zip(kept) {
        for (key, bytes) in files {
            let path = folder.join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    assert_eq!(status(&input)["units_done"], 0);
    job(&input, "seal", "")
        .exits_with(1)
        .reports_each(&["parts again: 0-1"]);
    job(&input, "run", "0-1").exits_with(0);
    job(&input, "seal", "").exits_with(0);
    verify(&input.output(), "").exits_with(0);
}

#[test]
fn a_part_whose_shard_is_gone_is_missing() {
    let input = Input::of_sites(8);
    job(&input, "init", "--shard-sites 2 --parts 4").exits_with(0);
    job(&input, "run", "0-3").exits_with(0);
    fs::remove_dir_all(input.output().join("images.zarr/images/c/2")).unwrap();
    assert_eq!(status(&input)["missing_parts"], "2");
    job(&input, "run", "2").exits_with(0).reports_each(&["1 "]);
    job(&input, "seal", "").exits_with(0);
}
