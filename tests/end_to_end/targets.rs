//! OUTPUT in each state that it can be in.

use std::fs;
use std::path::Path;

use super::dataset::{Dataset, files_below};
use super::input::Input;
use super::run::{convert, info, plan};

#[test]
fn an_empty_folder_is_a_free_output() {
    let input = Input::of_sites(1);
    fs::create_dir(input.output()).unwrap();
    convert(&input.root(), &input.output(), "").exits_with(0);
    Dataset::at(input.output()).has_pixels_of(&input);
}

#[test]
fn a_complete_dataset_is_replaced_only_with_overwrite() {
    let input = Input::of_sites(3);
    convert(&input.root(), &input.output(), "--shard-sites 1").exits_with(0);
    let before = files_below(&input.output());
    convert(&input.root(), &input.output(), "")
        .exits_with(1)
        .reports_each(&["complete", "--overwrite"]);
    assert_eq!(files_below(&input.output()), before);

    convert(&input.root(), &input.output(), "--overwrite").exits_with(0);
    convert(&input.root(), &input.beside("fresh"), "").exits_with(0);
    assert_eq!(
        files_below(&input.output()),
        files_below(&input.beside("fresh"))
    );
}

#[test]
fn an_output_inside_a_zarr_store_is_refused() {
    let input = Input::of_sites(1);
    convert(&input.root(), &input.output(), "").exits_with(0);
    let before = files_below(&input.output());
    let other = input.beside("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join(".zgroup"), "{\"zarr_format\": 2}").unwrap();
    let link = input.beside("link");
    std::os::unix::fs::symlink(input.output(), &link).unwrap();
    for inside in [
        input.output().join("new"),
        input.output().join("images.zarr/new"),
        input.output().join("images.zarr/images/a/b"),
        other.join("new"),
        link.join("new"),
    ] {
        convert(&input.root(), &inside, "")
            .exits_with(1)
            .reports_each(&[
                "lies within",
                "which is a Zarr store",
                "choose an output outside it",
            ]);
        plan(&input.root(), &format!("--output {}", inside.display())).exits_with(1);
        assert!(!inside.exists(), "{}", inside.display());
    }
    assert_eq!(files_below(&input.output()), before);
}

#[test]
fn a_refused_input_leaves_the_existing_dataset() {
    let input = Input::of_sites(2);
    convert(&input.root(), &input.output(), "").exits_with(0);
    let before = files_below(&input.output());
    fs::remove_file(input.image(0, 1)).unwrap();
    convert(&input.root(), &input.output(), "--overwrite").exits_with(1);
    input.write_image(0, 1, 5, 5);
    convert(&input.root(), &input.output(), "--overwrite").exits_with(1);
    assert_eq!(files_below(&input.output()), before);
}

/// Leaves what a strict run over a bad image leaves, then mends the image.
pub(super) fn interrupted(input: &Input) {
    let image = input.image(2, 1);
    let png = fs::read(&image).unwrap();
    fs::write(&image, &png[..50]).unwrap();
    convert(
        &input.root(),
        &input.output(),
        "--strict --shard-sites 1 --jobs 1",
    )
    .exits_with(1);
    fs::write(&image, png).unwrap();
    assert!(input.beside("out.rxrx2zarr").is_dir());
}

#[test]
fn an_unfinished_run_can_be_started_over() {
    let input = Input::of_sites(3);
    interrupted(&input);
    convert(&input.root(), &input.output(), "--overwrite").exits_with(0);
    Dataset::at(input.output()).has_pixels_of(&input);
    assert!(!input.beside("out.rxrx2zarr").exists());
}

/// Demands that `--overwrite` touches nothing at `path`.
fn survives_overwrite(input: &Input, path: &Path) {
    let before = files_below(path);
    convert(&input.root(), &input.output(), "--overwrite").exits_with(1);
    assert_eq!(files_below(path), before);
}

#[test]
fn foreign_folders_are_never_touched() {
    let input = Input::of_sites(1);
    let output = input.output();
    fs::create_dir_all(output.join("images.zarr")).unwrap();
    fs::write(
        output.join("images.zarr/zarr.json"),
        r#"{"zarr_format":3,"node_type":"group"}"#,
    )
    .unwrap();
    convert(&input.root(), &output, "")
        .exits_with(1)
        .reports_each(&["not a dataset of rxrx2zarr"]);
    survives_overwrite(&input, &output);

    fs::write(output.join("images.zarr/zarr.json"), "no JSON").unwrap();
    survives_overwrite(&input, &output);

    fs::remove_dir_all(&output).unwrap();
    fs::write(&output, "a file").unwrap();
    convert(&input.root(), &output, "--overwrite").exits_with(1);
    assert_eq!(fs::read_to_string(&output).unwrap(), "a file");
}

#[test]
fn files_of_a_user_in_a_dataset_survive() {
    let input = Input::of_sites(3);
    convert(&input.root(), &input.output(), "").exits_with(0);
    fs::write(input.output().join("notes.tex"), "text of a user").unwrap();
    convert(&input.root(), &input.output(), "--overwrite")
        .exits_with(1)
        .reports_each(&["notes.tex"]);
    survives_overwrite(&input, &input.output());
}

#[test]
fn remains_of_a_run_do_not_allow_a_foreign_folder_to_be_removed() {
    let input = Input::of_sites(3);
    interrupted(&input);
    // It may have failed before it wrote a shard.
    let _ = fs::remove_dir_all(input.output());
    fs::create_dir(input.output()).unwrap();
    fs::write(input.output().join("notes.tex"), "text of a user").unwrap();
    convert(&input.root(), &input.output(), "--overwrite")
        .exits_with(1)
        .reports_each(&["notes.tex"]);
    survives_overwrite(&input, &input.output());
}

#[test]
fn a_dataset_named_as_the_remains_of_a_run_survives() {
    let input = Input::of_sites(1);
    let work = input.beside("out.rxrx2zarr");
    convert(&input.root(), &work, "").exits_with(0);
    convert(&input.root(), &input.output(), "").exits_with(1);
    survives_overwrite(&input, &work);
}

#[test]
fn output_and_input_must_not_contain_each_other() {
    let input = Input::of_sites(1);
    let before = files_below(&input.root());
    for output in [
        input.root(),
        input.root().join("out"),
        input.root().join("images/deep/er"),
        input.beside("in/../in/out"),
        input.beside(""),
    ] {
        for options in ["", "--overwrite"] {
            convert(&input.root(), &output, options).exits_with(1);
            assert_eq!(files_below(&input.root()), before, "{output:?}");
        }
    }
    convert(
        &input.root().join("images"),
        &input.root(),
        "--metadata /dev/null",
    )
    .exits_with(1);
}

#[cfg(unix)]
#[test]
fn a_link_to_the_input_is_the_input() {
    let input = Input::of_sites(1);
    let link = input.beside("link");
    std::os::unix::fs::symlink(input.root(), &link).unwrap();
    convert(&input.root(), &link.join("out"), "")
        .exits_with(1)
        .reports_each(&["must not contain"]);
    convert(&link, &input.output(), "").exits_with(0);
    Dataset::at(input.output()).has_pixels_of(&input);
}

#[test]
fn info_reports_complete_unfinished_and_absent_datasets() {
    let input = Input::of_sites(3);
    let output = input.output();
    info(&output, "")
        .exits_with(1)
        .reports_each(&["there is nothing at", "out"]);
    interrupted(&input);
    let told = info(&output, "").exits_with(1);
    assert!(
        told.stdout.contains("unfinished, no dataset yet"),
        "{told:#?}"
    );
    info(&input.root(), "").exits_with(1);

    let foreign = input.beside("foreign");
    fs::create_dir_all(foreign.join("images.zarr")).unwrap();
    for content in ["{}", "[", r#"{"attributes":{"generator":"rxrx2zarr 0"}}"#] {
        fs::write(foreign.join("images.zarr/zarr.json"), content).unwrap();
        info(&foreign, "")
            .exits_with(1)
            .reports_each(&["not metadata of rxrx2zarr"]);
    }

    convert(
        &input.root(),
        &output,
        "--overwrite --codec zstd --shard-sites 2",
    )
    .exits_with(0);
    let run = info(&output, "").exits_with(0);
    for text in [
        "3 x 6 x 12 x 20",
        "zstd",
        "w6",
        "xr.open_zarr",
        "18 stored, 0 missing, 0 unreadable, 0 corrupt",
        "version 4, a draft",
    ] {
        assert!(run.stdout.contains(text), "{run:#?}");
    }
    let told = info(&output, "--json").exits_with(0).json();
    assert_eq!(told["shape"], serde_json::json!([3, 6, 12, 20]));
    assert_eq!(told["chunk_shape"], serde_json::json!([1, 6, 12, 20]));
    assert_eq!(told["shard_shape"], serde_json::json!([2, 6, 12, 20]));
    assert_eq!(told["data_type"], "uint8");
    assert_eq!(told["raw_bytes"], 3 * 6 * 12 * 20);
    assert_eq!(told["settings"]["codec"], "zstd");
    let objects = files_below(&output);
    assert_eq!(told["objects"], objects.len());
    assert_eq!(told["bytes"], objects.values().map(Vec::len).sum::<usize>());
    let shards = objects.iter().filter(|(key, _)| key.contains("/images/c/"));
    assert_eq!(
        told["image_bytes"],
        shards.map(|(_, bytes)| bytes.len()).sum::<usize>()
    );
}

#[test]
fn info_tells_that_a_copy_lost_shards() {
    let input = Input::of_sites(5);
    let output = input.output();
    convert(&input.root(), &output, "--shard-sites 2").exits_with(0);
    let shards = [1, 2].map(|shard| format!("images.zarr/images/c/{shard}/0/0/0"));
    fs::remove_file(output.join(&shards[0])).unwrap();
    fs::write(output.join(&shards[1]), b"cut").unwrap();
    let told = info(&output, "").exits_with(1);
    assert!(!told.stdout.contains("xr.open_zarr"), "{told:#?}");
    for shard in &shards {
        assert!(told.stdout.contains(shard), "{told:#?}");
    }
    let told = info(&output, "--json").exits_with(1).json();
    assert_eq!(told["missing_objects"]["examples"][0], shards[0]);
    assert_eq!(told["resized_shards"]["examples"][0], shards[1]);
    convert(&input.root(), &output, "--shard-sites 2 --overwrite").exits_with(0);
    info(&output, "").exits_with(0);
}
