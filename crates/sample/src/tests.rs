//! Tests of the promises that a sample makes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufReader;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use rayon::prelude::*;

use super::drawing::draw;
use super::wells::{self, Site};
use super::*;

/// A specification of small images, which a build without optimisation draws fast.
fn small(sites: usize) -> SampleSpec {
    SampleSpec {
        sites,
        seed: 7,
        size: 64,
        flaws: false,
    }
}

/// Writes a sample with two threads.
fn try_write(dest: &Path, spec: &SampleSpec) -> Result<SampleSummary, SampleError> {
    write_sample(dest, spec, jobs(2), &|_, _| {})
}

fn write(dest: &Path, spec: &SampleSpec) -> SampleSummary {
    try_write(dest, spec).unwrap()
}

/// Draws a site without flaws.
fn draw_clean(site: &Site, spec: &SampleSpec) -> [Vec<u8>; stain::CHANNELS] {
    draw(site, spec, &Default::default(), true)
}

fn jobs(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// Reads all files below `root`, by their relative path.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap();
                let name = name.to_str().unwrap().replace('\\', "/");
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn sites(count: usize) -> Vec<Site> {
    wells::sites(NonZeroUsize::new(count).unwrap(), 1)
}

#[test]
fn same_seed_same_bytes_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, threads: usize, seed: u64| {
        let dest = folder.path().join(name);
        let spec = SampleSpec { seed, ..small(5) };
        write_sample(&dest, &spec, jobs(threads), &|_, _| {}).unwrap();
        files(&dest)
    };
    let first = run("a", 1, 7);
    assert_eq!(first.len(), 5 * 6 + 1);
    for threads in [2, 7] {
        assert!(
            first == run(&format!("b{threads}"), threads, 7),
            "{threads} threads draw other bytes than one"
        );
    }
    let other = run("c", 2, 8);
    assert!(first.iter().all(|(name, bytes)| {
        !name.ends_with(".png") || other.get(name).is_none_or(|others| others != bytes)
    }));
}

#[test]
fn a_sample_uses_as_many_threads_as_it_may() {
    let folder = tempfile::tempdir().unwrap();
    for count in [1, 3] {
        let names = Mutex::new(BTreeSet::new());
        let progress = |_, _| {
            let name = thread::current().name().map(str::to_owned);
            names.lock().unwrap().insert(name);
        };
        let dest = folder.path().join(count.to_string());
        write_sample(&dest, &small(4), jobs(count), &progress).unwrap();
        let allowed = (0..count).map(|number| Some(format!("sample {number}")));
        let allowed: BTreeSet<Option<String>> = allowed.collect();
        let names = names.into_inner().unwrap();
        assert!(!names.is_empty() && names.is_subset(&allowed), "{names:?}");
    }
}

#[test]
fn pixels_are_the_same_on_every_platform() {
    // After a change to the drawing, put the number here that the failure prints.
    // A failure without such a change means that the platform computes other
    // pixels, which this module excludes.
    const PIXELS: u64 = 0x84d4_0a5b_22de_1c36;
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in draw_clean(&sites(16)[0], &small(16)).into_iter().flatten() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    assert_eq!(hash, PIXELS, "{hash:#x}");
}

#[test]
fn mean_and_spread_are_near_those_of_the_real_data() {
    // A quarter of a field and two sites of each cell type are enough, and fast
    // without optimisation.
    let spec = SampleSpec {
        size: 256,
        ..SampleSpec::default()
    };
    let sites = sites(spec.sites);
    let mut by_type: BTreeMap<&str, Vec<&Site>> = BTreeMap::new();
    for site in &sites {
        by_type.entry(site.cell_type.name()).or_default().push(site);
    }
    assert_eq!(by_type.len(), 4);
    let few: Vec<&Site> = by_type
        .values()
        .flat_map(|sites| sites.iter().step_by(7).take(2))
        .copied()
        .collect();
    let planes: Vec<_> = few.par_iter().map(|site| draw_clean(site, &spec)).collect();
    for channel in 0..stain::CHANNELS {
        let [mut mean, mut deviation] = [0.0, 0.0];
        for site in &planes {
            let (m, d) = mean_and_deviation(&site[channel]);
            mean += m / planes.len() as f64;
            deviation += d / planes.len() as f64;
        }
        let mean = mean / f64::from(camera::MEAN[channel]);
        let deviation = deviation / f64::from(camera::DEVIATION[channel]);
        assert!(
            (0.85..1.15).contains(&mean),
            "w{}: mean {mean} times the real",
            channel + 1
        );
        assert!(
            (0.75..1.25).contains(&deviation),
            "w{}: std {deviation} times the real",
            channel + 1
        );
    }
    for site in &planes {
        nuclei_show_in_every_channel(site);
    }
}

fn mean_and_deviation(pixels: &[u8]) -> (f64, f64) {
    let count = pixels.len() as f64;
    let mean = pixels.iter().copied().map(f64::from).sum::<f64>() / count;
    let variance = pixels
        .iter()
        .map(|&pixel| (f64::from(pixel) - mean).powi(2))
        .sum::<f64>()
        / count;
    (mean, variance.sqrt())
}

/// Demands that RNA (`w4`) and membranes (`w6`) are brighter than average where
/// the nuclei (`w1`) are.
fn nuclei_show_in_every_channel(planes: &[Vec<u8>; 6]) {
    let (mean, deviation) = mean_and_deviation(&planes[0]);
    let inside: Vec<usize> = (0..planes[0].len())
        .filter(|&index| f64::from(planes[0][index]) > mean + 1.5 * deviation)
        .collect();
    assert!(inside.len() > 300, "only {} pixels of nuclei", inside.len());
    for channel in [3, 5] {
        let (all, _) = mean_and_deviation(&planes[channel]);
        let nuclei: Vec<u8> = inside.iter().map(|&index| planes[channel][index]).collect();
        let (nuclei, _) = mean_and_deviation(&nuclei);
        assert!(
            nuclei > 1.1 * all,
            "w{}: {nuclei} in nuclei, {all} overall",
            channel + 1
        );
    }
}

#[test]
fn the_two_sites_of_a_well_differ() {
    let sites = sites(16);
    let [first, second] = [0, 1].map(|index| draw_clean(&sites[index], &small(16)));
    assert_eq!(
        sites[0].id()[..sites[0].id().len() - 1],
        sites[1].id()[..sites[1].id().len() - 1]
    );
    assert!((0..6).all(|channel| first[channel] != second[channel]));
}

#[test]
fn counts_are_exact_and_plates_ragged() {
    for count in (1..=120).chain([616, 5000, 9999, 20_001]) {
        let sites = sites(count);
        assert_eq!(sites.len(), count);
        let ids: BTreeSet<String> = sites.iter().map(Site::id).collect();
        assert_eq!(ids.len(), count, "ids repeat");

        let mut plates: BTreeMap<String, usize> = BTreeMap::new();
        for site in &sites {
            *plates.entry(site.folder()).or_default() += 1;
        }
        assert!(plates.values().all(|&sites| sites <= 616));
        if count >= 16 {
            let experiments: BTreeSet<&str> =
                sites.iter().map(|site| site.experiment.as_str()).collect();
            assert!(
                experiments.len() >= 2 && plates.len() >= 4,
                "{count}: {plates:?}"
            );
            for experiment in experiments {
                let sizes: BTreeSet<usize> = plates
                    .iter()
                    .filter(|(folder, _)| folder.starts_with(experiment))
                    .map(|(_, &size)| size)
                    .collect();
                assert!(sizes.len() > 1, "{count}: {experiment} is not ragged");
            }
            let train = sites
                .iter()
                .filter(|site| site.row().contains(",train,"))
                .count();
            assert!(train > 0 && train < count);
        }
    }
}

#[test]
fn metadata_has_the_real_columns_and_values() {
    assert_eq!(
        wells::HEADER,
        "site_id,well_id,cell_type,dataset,experiment,plate,well,site,well_type,sirna,sirna_id"
    );
    for count in [48, 5000] {
        let mut blank = 0;
        let mut kinds = BTreeSet::new();
        for row in sites(count).iter().map(Site::row) {
            let columns: Vec<&str> = row.split(',').collect();
            let [
                site_id,
                well_id,
                cell_type,
                dataset,
                experiment,
                plate,
                well,
                site,
                kind,
                sirna,
                id,
            ] = columns[..]
            else {
                panic!("{row}")
            };
            assert_eq!(well_id, format!("{experiment}_{plate}_{well}"));
            assert_eq!(site_id, format!("{well_id}_{site}"));
            assert!(experiment.starts_with(&format!("{cell_type}-")));
            assert!(["train", "test"].contains(&dataset));
            assert!((1..=4).contains(&plate.parse::<u32>().unwrap()));
            assert!(("B".."P").contains(&&well[..1]), "{well}");
            assert!(
                (2..=23).contains(&well[1..].parse::<u32>().unwrap()),
                "{well}"
            );
            let ids = match kind {
                "treatment" => 0..1108,
                "positive_control" => 1108..1138,
                _ => 1138..1139,
            };
            if id.is_empty() {
                assert_eq!((dataset, kind, sirna), ("test", "treatment", ""));
                blank += 1;
            } else {
                assert!(ids.contains(&id.parse().unwrap()), "{row}");
                assert_eq!(sirna == "EMPTY", kind == "negative_control");
            }
            kinds.insert(kind.to_owned());
        }
        assert_eq!(kinds.len(), 3);
        assert!(blank > 0, "the table names the siRNA of each test well");
    }
}

#[test]
fn an_experiment_uses_no_sirna_twice_before_all() {
    let all = sites(9000);
    let treatments: Vec<usize> = all
        .iter()
        .filter(|site| site.experiment == "HUVEC-01" && site.id().ends_with("_1"))
        .filter_map(|site| site.treatment.filter(|&id| id < 1108))
        .collect();
    assert!(treatments.len() > 900);
    let distinct: BTreeSet<&usize> = treatments.iter().collect();
    assert_eq!(distinct.len(), treatments.len());
}

#[test]
fn the_tree_is_laid_out_as_the_release() {
    let folder = tempfile::tempdir().unwrap();
    let dest = folder.path().join("new/sample");
    let calls = Mutex::new(Vec::new());
    let progress = |done, of| calls.lock().unwrap().push((done, of));
    let summary = write_sample(&dest, &small(17), jobs(2), &progress).unwrap();
    let mut calls = calls.into_inner().unwrap();
    calls.sort_unstable();
    assert!(calls.iter().copied().eq((1..=102).map(|done| (done, 102))));

    let mut found = files(&dest);
    let table = String::from_utf8(found.remove("metadata.csv").unwrap()).unwrap();
    assert_eq!((summary.sites, summary.files, found.len()), (17, 102, 102));
    assert_eq!(
        summary.bytes,
        found.values().map(|png| png.len() as u64).sum::<u64>()
    );
    assert_eq!(table.lines().next(), Some(wells::HEADER));

    let mut expected = BTreeSet::new();
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split(',').collect();
        for channel in 1..=6 {
            let [experiment, plate, well, site] = [4, 5, 6, 7].map(|index| columns[index]);
            expected.insert(format!(
                "images/{experiment}/Plate{plate}/{well}_s{site}_w{channel}.png"
            ));
        }
    }
    assert!(
        found.keys().eq(&expected),
        "images without rows or rows without images"
    );
}

#[test]
fn images_are_8_bit_grey_and_not_interlaced() {
    let folder = tempfile::tempdir().unwrap();
    let dest = folder.path().join("sample");
    write(&dest, &small(1));
    let images = files(&dest.join("images"));
    assert_eq!(images.len(), 6);
    for (name, bytes) in &images {
        let file = File::open(dest.join("images").join(name)).unwrap();
        let mut reader = png::Decoder::new(BufReader::new(file)).read_info().unwrap();
        let info = reader.info();
        assert_eq!((info.width, info.height), (64, 64));
        assert_eq!(info.color_type, png::ColorType::Grayscale);
        assert_eq!(info.bit_depth, png::BitDepth::Eight);
        assert!(!info.interlaced);
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let image = image::load_from_memory(bytes).unwrap();
        assert_eq!(image.as_luma8().unwrap().as_raw(), &pixels);
        // The zlib header says "slowest algorithm": levels 7 to 9.
        let data = bytes.windows(4).position(|name| name == b"IDAT").unwrap() + 4;
        assert_eq!(bytes[data..data + 2], [0x78, 0xda]);
    }
}

#[test]
fn a_destination_that_is_not_empty_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "precious").unwrap();
    let error = try_write(folder.path(), &small(1)).unwrap_err();
    assert!(matches!(error, SampleError::NotEmpty { .. }));
    assert!(error.to_string().contains("name a new folder"));
    assert_eq!(files(folder.path()).len(), 1);

    let file = folder.path().join("thesis.txt");
    let error = try_write(&file, &small(1)).unwrap_err();
    assert!(matches!(error, SampleError::List { .. }));

    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(write(&empty, &small(1)).files, 6);
}

#[test]
fn specifications_out_of_range_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let dest = folder.path().join("sample");
    let refused = |spec| try_write(&dest, &spec).unwrap_err();
    assert!(matches!(refused(small(0)), SampleError::NoSites));
    for size in [0, 15, 4097] {
        let spec = SampleSpec { size, ..small(1) };
        assert!(matches!(refused(spec), SampleError::Size { .. }));
    }
    assert!(!dest.exists());
    write(
        &dest,
        &SampleSpec {
            size: 16,
            ..small(1)
        },
    );
}

#[test]
fn a_sample_with_flaws_has_each_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let spec = SampleSpec {
        flaws: true,
        ..small(48)
    };
    let dest = folder.path().join("flawed");
    let summary = write(&dest, &spec);
    assert_eq!((summary.files, summary.flaws.len()), (48 * 6 - 1, 7));
    let files = files(&dest);
    assert_eq!(files.len(), summary.files + 1);
    let bytes = |name: &str| files.get(&format!("images/HUVEC-01/{name}"));
    assert!(bytes("Plate1/D04_s2_w3.png").is_none());
    let [first, second] = ["Plate1/D05_s1_w2.png", "Plate1/B03_s1_w2.png"].map(bytes);
    assert!(first.is_some() && first == second);
    let few = SampleSpec { sites: 47, ..spec };
    let error = try_write(&folder.path().join("few"), &few).unwrap_err();
    assert!(error.to_string().contains("48 sites or more"), "{error}");
}
