//! Published data sets: each is recognised by its table and images, and the dataset says of
//! itself what its owners say of it.

use std::fs;
use std::path::{Path, PathBuf};

use image::{ImageBuffer, Luma};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::dataset::Dataset;
use super::run::{convert, info, plan, verify};

/// A small tree that looks like a published data set.
struct LookAlike {
    /// Name of its profile.
    profile: &'static str,
    name: &'static str,
    license: &'static str,
    /// A part of the citation.
    citation: &'static str,
    header: &'static str,
    /// Two rows of plate 1 of the experiment, for the wells B02 and B03, site 1.
    rows: [&'static str; 2],
    experiment: &'static str,
    /// Rows and columns of pixels.
    side: u32,
    bits: u32,
    /// The stain of each channel; empty where nobody has published it.
    stains: &'static [&'static str],
    /// End of the window of each channel, if the profile gives it.
    ends: Option<[u32; 6]>,
    /// Column, text and unit.
    column: (&'static str, &'static str, Option<&'static str>),
}

const RXRX1: LookAlike = LookAlike {
    profile: "rxrx1",
    name: "RxRx1",
    license: "CC-BY-NC-SA-4.0",
    citation: "Sypetkowski et al.",
    header: "site_id,well_id,cell_type,dataset,experiment,plate,well,site,well_type,sirna,sirna_id",
    rows: [
        "U2OS-03_1_B02_1,U2OS-03_1_B02,U2OS,test,U2OS-03,1,B02,1,negative_control,EMPTY,1138",
        "U2OS-03_1_B03_1,U2OS-03_1_B03,U2OS,test,U2OS-03,1,B03,1,treatment,s21721,101",
    ],
    experiment: "U2OS-03",
    side: 512,
    bits: 8,
    stains: &[
        "Hoechst",
        "Concanavalin A",
        "Phalloidin",
        "Syto14",
        "MitoTracker",
        "WGA",
    ],
    ends: Some([51, 107, 64, 191, 89, 191]),
    column: (
        "sirna_id",
        "Number of the siRNA, the class to predict",
        None,
    ),
};

const RXRX2: LookAlike = LookAlike {
    profile: "rxrx2",
    name: "RxRx2",
    license: "CC-BY-NC-SA-4.0",
    citation: "10.1101/2020.08.02.233064",
    header: "site_id,well_id,cell_type,experiment,plate,well,site,treatment,treatment_conc",
    rows: [
        "HUVEC-1_1_B02_1,HUVEC-1_1_B02,HUVEC,HUVEC-1,1,B02,1,TNF,0.0001",
        "HUVEC-1_1_B03_1,HUVEC-1_1_B03,HUVEC,HUVEC-1,1,B03,1,,",
    ],
    experiment: "HUVEC-1",
    side: 1024,
    bits: 8,
    stains: &["", "", "", "", "", ""],
    ends: None,
    column: (
        "treatment_conc",
        "Concentration of the soluble factor, in mg/mL",
        Some("mg/mL"),
    ),
};

const RXRX19A: LookAlike = LookAlike {
    profile: "rxrx19a",
    name: "RxRx19a",
    license: "CC-BY-4.0",
    citation: "10.1101/2020.04.21.054387",
    header: "site_id,well_id,cell_type,experiment,plate,well,site,disease_condition,treatment,\
             treatment_conc,SMILES",
    rows: [
        "VERO-1_1_B02_1,VERO-1_1_B02,VERO,VERO-1,1,B02,1,Active SARS-CoV-2,Dequalinium,0.3,CCO",
        "VERO-1_1_B03_1,VERO-1_1_B03,VERO,VERO-1,1,B03,1,Mock,,,",
    ],
    experiment: "VERO-1",
    side: 1024,
    bits: 8,
    stains: &[
        "Hoechst 33342",
        "Concanavalin A",
        "Phalloidin",
        "Syto14",
        "WGA",
    ],
    ends: None,
    column: (
        "treatment_conc",
        "Concentration of the compound, in µM",
        Some("µM"),
    ),
};

const RXRX19B: LookAlike = LookAlike {
    profile: "rxrx19b",
    name: "RxRx19b",
    license: "CC-BY-4.0",
    citation: "10.1101/2020.08.02.233064",
    header: RXRX19A.header,
    rows: [
        "HUVEC-1_1_B02_1,HUVEC-1_1_B02,HUVEC,HUVEC-1,1,B02,1,storm-severe,Dequalinium,0.3,CCO",
        "HUVEC-1_1_B03_1,HUVEC-1_1_B03,HUVEC,HUVEC-1,1,B03,1,,,,",
    ],
    experiment: "HUVEC-1",
    side: 2048,
    bits: 8,
    stains: RXRX1.stains,
    ends: None,
    column: (
        "disease_condition",
        "Cytokines in the well: healthy (healthy cocktail), storm-severe (severe cytokine storm \
         cocktail), or blank (none)",
        None,
    ),
};

/// The table as published, one row a well; the images in folders.
const RXRX3: LookAlike = LookAlike {
    profile: "rxrx3",
    name: "RxRx3",
    license: "Recursion Non-Commercial End User License Agreement",
    citation: "Fay et al. (2023)",
    header: "well_id,experiment_name,plate,address,gene,treatment,SMILES,concentration,\
             perturbation_type,cell_type",
    rows: [
        "gene-088_1_B02,gene-088,1,B02,RPLP2,RPLP2_guide_4,,,CRISPR,HUVEC",
        "gene-088_1_B03,gene-088,1,B03,EMPTY_control,EMPTY_control,,,CRISPR,HUVEC",
    ],
    experiment: "gene-088",
    side: 2048,
    bits: 16,
    stains: RXRX2.stains,
    ends: None,
    column: (
        "concentration",
        "Concentration of the compound, in µM",
        Some("µM"),
    ),
};

impl LookAlike {
    /// Writes the tree. Each plane has one value in all of its pixels.
    fn write(&self, root: &Path) {
        for site in 0..2 {
            for channel in 1..=self.stains.len() as u32 {
                let path = self.image(root, site, channel);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let value = self.value(site, channel);
                if self.bits == 16 {
                    let pixel = Luma([value as u16]);
                    let image = ImageBuffer::from_pixel(self.side, self.side, pixel);
                    image.save(path).unwrap();
                } else {
                    let pixel = Luma([value as u8]);
                    let image = ImageBuffer::from_pixel(self.side, self.side, pixel);
                    image.save(path).unwrap();
                }
            }
        }
        let table = [self.header, self.rows[0], self.rows[1], ""].join("\n");
        fs::write(root.join("metadata.csv"), table).unwrap();
    }

    fn image(&self, root: &Path, site: u32, channel: u32) -> PathBuf {
        let (experiment, well) = (self.experiment, 2 + site);
        root.join(format!(
            "images/{experiment}/Plate1/B{well:02}_s1_w{channel}.png"
        ))
    }

    /// The value of a plane: w1 is the darkest, and site 1 is the brighter one.
    fn value(&self, site: u32, channel: u32) -> u32 {
        let step = if self.bits == 16 { 1000 } else { 20 };
        channel * step + site * 5
    }

    /// The display window of a channel. Of two flat planes the data give both values.
    fn window(&self, channel: u32) -> Value {
        let (start, end) = match self.ends {
            Some(ends) => (0, ends[channel as usize - 1]),
            None => (self.value(0, channel), self.value(1, channel)),
        };
        let max = (1u32 << self.bits) - 1;
        json!({"start": start, "end": end, "min": 0, "max": max})
    }

    fn folders(&self) -> (TempDir, PathBuf, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let (input, output) = (place.path().join("in"), place.path().join("out"));
        self.write(&input);
        (place, input, output)
    }

    /// Converts the tree with one command, and compares what the dataset says of itself.
    fn is_described(&self) -> (TempDir, Dataset) {
        let (place, input, output) = self.folders();
        let planned = plan(&input, "--json").exits_with(0).json();
        assert_eq!(planned["profile"]["name"], self.profile);
        assert_eq!(planned["profile"]["by"], "evidence");
        let channels = self.stains.len();
        let shape = json!([2, channels, self.side, self.side]);
        assert_eq!(planned["shape"], shape);

        let run = convert(&input, &output, "--jobs 2").exits_with(0);
        assert!(!run.stderr.contains("warning"), "{run:?}");
        let dataset = Dataset::at(&output);
        let root = dataset.json("images.zarr/zarr.json");
        let said = &root["attributes"];
        assert_eq!(said["name"], self.name);
        assert_eq!(said["license"], self.license);
        assert_eq!(said["profile"], self.profile);
        assert_eq!(planned["description"]["license"], self.license);
        let citation = said["citation"].as_str().unwrap();
        assert!(citation.contains(self.citation), "{citation}");
        assert_eq!(dataset.label::<String>("stain"), self.stains);
        for (channel, stain) in (1..).zip(self.stains) {
            let said = &said["channels"][channel as usize - 1];
            assert_eq!(said["stain"], *stain);
            assert_eq!(said["window"], self.window(channel), "w{channel}");
            let from = if self.ends.is_some() { "given" } else { "data" };
            assert_eq!(said["window_from"], from, "w{channel}");
        }
        assert_eq!(
            root["consolidated_metadata"]["metadata"]["images"]["shape"],
            shape
        );
        self.column_is_described(&dataset);

        let card = fs::read_to_string(dataset.path("README.md")).unwrap();
        assert!(
            card.contains(&format!("- Licence: {}", self.license)),
            "{card}"
        );
        assert!(
            card.contains(&format!("- Cite and credit: {citation}")),
            "{card}"
        );
        for stain in self.stains {
            assert!(card.contains(&format!("| {stain} |")), "{card}");
        }
        let croissant = dataset.json("croissant.json");
        assert_eq!(croissant["name"], self.name);
        let license = croissant["license"].as_str().unwrap();
        assert!(license.contains(self.license), "{license}");
        assert_eq!(croissant["citeAs"], citation);

        let source = format!("--source {}", input.display());
        verify(&output, &source).exits_with(0);
        // The same command again finds nothing that it would say otherwise.
        let again = convert(&input, &output, "--json").exits_with(0).json();
        assert_eq!(again["described_otherwise"], json!([]));
        (place, dataset)
    }

    /// The text and the unit of a column in Zarr, Parquet, Croissant and the card.
    fn column_is_described(&self, dataset: &Dataset) {
        let (column, text, units) = self.column;
        let label = dataset.json(&format!("images.zarr/{column}/zarr.json"));
        assert_eq!(label["attributes"]["description"], text);
        assert_eq!(label["attributes"]["units"], json!(units));
        let schema = dataset.sites_table().rows.schema();
        let notes = schema.field_with_name(column).unwrap().metadata().clone();
        assert_eq!(notes.get("description").map(String::as_str), Some(text));
        assert_eq!(notes.get("units").map(String::as_str), units);
        let croissant = dataset.json("croissant.json");
        let fields = croissant["recordSet"][0]["field"].as_array().unwrap();
        let field = fields
            .iter()
            .find(|field| field["name"] == format!("sites/{column}"));
        assert_eq!(field.unwrap()["description"], text);
        let card = fs::read_to_string(dataset.path("README.md")).unwrap();
        let row = format!("| `{column}` | {text} | {} |", units.unwrap_or(""));
        assert!(card.contains(&row), "{card}");
    }
}

#[test]
fn rxrx1_is_described() {
    RXRX1.is_described();
}

#[test]
fn rxrx2_is_described() {
    RXRX2.is_described();
}

#[test]
fn rxrx19a_is_described() {
    RXRX19A.is_described();
}

#[test]
fn rxrx19b_is_described() {
    RXRX19B.is_described();
}

#[test]
fn rxrx3_is_described_and_its_table_of_wells_is_read_as_published() {
    let (_place, dataset) = RXRX3.is_described();
    let ids = ["gene-088_1_B02_1", "gene-088_1_B03_1"];
    assert_eq!(dataset.label::<String>("site"), ids);
    assert_eq!(dataset.label::<String>("well"), ["B02", "B03"]);
    assert_eq!(dataset.label::<i64>("site_number"), [1, 1]);
    assert_eq!(dataset.label::<String>("experiment"), ["gene-088"; 2]);
    let card = fs::read_to_string(dataset.path("README.md")).unwrap();
    assert!(
        card.contains("- About the licence: RxRx3 is licensed under"),
        "{card}"
    );
    assert!(card.contains("@article{fay2023rxrx3"), "{card}");
}

#[test]
fn a_data_set_that_is_not_recognised_is_given_nothing_and_says_what_settles_it() {
    let (_place, input, output) = RXRX19A.folders();
    for site in 0..2 {
        fs::remove_file(RXRX19A.image(&input, site, 5)).unwrap();
    }
    let reasons = "the nearest is rxrx19a, but: 4 channels (expected 5)";
    let planned = plan(&input, "").exits_with(0);
    for text in [
        reasons,
        "licence     not stated",
        "stains      not stated",
        "--profile (rxrx1",
    ] {
        assert!(planned.stdout.contains(text), "{text}: {planned:?}");
    }
    let planned = plan(&input, "--json").exits_with(0).json();
    assert_eq!(planned["profile"]["name"], Value::Null);
    assert_eq!(planned["profile"]["reasons"], json!([reasons]));
    convert(&input, &output, "").exits_with(0).reports_each(&[
        reasons,
        "no licence, no citation and no stains",
        "--profile (rxrx1",
        "--license",
        "rxrx2zarr.json",
    ]);
    let dataset = Dataset::at(&output);
    let root = dataset.json("images.zarr/zarr.json");
    let said = &root["attributes"];
    for field in [
        "license", "citation", "url", "creator", "profile", "columns",
    ] {
        assert!(said.get(field).is_none(), "{field}: {said}");
    }
    assert_eq!(dataset.label::<String>("stain"), [""; 4]);
    for channel in 1..=4 {
        let window = &said["channels"][channel as usize - 1]["window"];
        assert_eq!(*window, RXRX19A.window(channel));
    }
    assert!(dataset.json("croissant.json").get("license").is_none());
    let notes = dataset.sites_table().notes;
    assert!(!notes.contains_key("license") && !notes.contains_key("citation"));
    let told = info(&output, "").exits_with(0).stdout;
    assert!(told.contains("licence     not stated"), "{told}");
    verify(&output, "").exits_with(0);
}

#[test]
fn the_option_goes_before_the_file_in_input_and_that_before_the_evidence() {
    let (place, input, output) = RXRX1.folders();
    let described = |options: &str| {
        convert(&input, &output, &format!("--overwrite {options}")).exits_with(0);
        let root = Dataset::at(&output).json("images.zarr/zarr.json");
        root["attributes"].clone()
    };
    let said = described("--profile rxrx19b");
    assert_eq!(
        (&said["name"], &said["license"]),
        (&json!("RxRx19b"), &json!("CC-BY-4.0"))
    );

    let mine = place.path().join("mine.toml");
    let text = "name = \"mine\"\ntitle = \"Mine\"\nlicense = \"MIT\"\n\n[[channels]]\n\
                name = \"w2\"\nstain = \"DAPI\"\nwindow = [7, 70]\n";
    fs::write(&mine, text).unwrap();
    let said = described(&format!("--profile {}", mine.display()));
    assert_eq!(
        (&said["name"], &said["license"]),
        (&json!("Mine"), &json!("MIT"))
    );
    let channel = &said["channels"][1];
    assert_eq!(
        (&channel["stain"], &channel["window"]["end"]),
        (&json!("DAPI"), &json!(70))
    );
    assert_eq!(said["channels"][0]["stain"], "");

    let said = described("--profile none");
    assert!(said.get("license").is_none(), "{said}");

    let file = input.join("rxrx2zarr.json");
    let text =
        r#"{"citation": "me", "channels": [{"name": "w5", "stain": "WGA"}, {"name": "w7"}]}"#;
    fs::write(&file, text).unwrap();
    let problems = plan(&input, "--json").exits_with(0).json()["problems"].clone();
    assert_eq!(problems[0]["kind"], "described_channels");
    assert_eq!(problems[0]["examples"], json!(["w7"]));
    let said = described("--license CC0-1.0");
    assert_eq!(
        (&said["license"], &said["citation"]),
        (&json!("CC0-1.0"), &json!("me"))
    );
    assert_eq!(said["name"], "RxRx1");
    let stains = |at: usize| said["channels"][at]["stain"].clone();
    assert_eq!((stains(4), stains(5)), (json!("WGA"), json!("WGA")));

    for (text, reason) in [
        (r#"{"licence": "MIT"}"#, "unknown field `licence`"),
        (
            r#"{"channels": [{"name": "w1", "colour": "red"}]}"#,
            "unknown field `colour`",
        ),
        (r#"{"profile": "rxrx4"}"#, "\"rxrx4\" is no profile"),
    ] {
        fs::write(&file, text).unwrap();
        for run in [convert(&input, &output, "--overwrite"), plan(&input, "")] {
            run.exits_with(1).reports_each(&["rxrx2zarr.json", reason]);
        }
    }
    convert(&input, &output, "--profile rxrx4")
        .exits_with(2)
        .reports_each(&["\"rxrx4\" is no profile", "rxrx3-core"]);
    fs::write(&mine, "name = \"mine\"\ntitel = \"Mine\"\n").unwrap();
    plan(&input, &format!("--profile {}", mine.display()))
        .exits_with(2)
        .reports_each(&["mine.toml", "unknown field `titel`"]);
}

#[test]
fn a_complete_dataset_that_would_be_described_otherwise_stays_and_is_told_of() {
    let (_place, input, output) = RXRX19A.folders();
    convert(&input, &output, "--profile rxrx1").exits_with(0);
    let before = Dataset::at(&output).objects();
    let run = convert(&input, &output, "--json")
        .exits_with(0)
        .reports_each(&[
            "complete already",
            r#"the licence is "CC-BY-NC-SA-4.0" and would be "CC-BY-4.0""#,
            r#"the stain of w5 is "MitoTracker" and would be "WGA""#,
            r#"the profile is "rxrx1" and would be "rxrx19a""#,
            "--overwrite",
        ]);
    let told = run.json()["described_otherwise"].clone();
    assert!(told.as_array().unwrap().len() > 5, "{told}");
    assert_eq!(Dataset::at(&output).objects(), before);
    convert(&input, &output, "--profile rxrx1 --license MIT")
        .exits_with(0)
        .reports_each(&[r#"the licence is "CC-BY-NC-SA-4.0" and would be "MIT""#]);
    assert_eq!(Dataset::at(&output).objects(), before);
    convert(&input, &output, "--overwrite").exits_with(0);
    let root = Dataset::at(&output).json("images.zarr/zarr.json");
    assert_eq!(root["attributes"]["channels"][4]["stain"], "WGA");
}

#[test]
fn a_retry_keeps_the_description_and_finds_the_windows_anew() {
    let (place, input, output) = RXRX19A.folders();
    let bright = RXRX19A.image(&input, 1, 2);
    let away = place.path().join("away.png");
    fs::rename(&bright, &away).unwrap();
    let options = "--allow-missing --license MIT --dataset-name Mine";
    convert(&input, &output, options).exits_with(3);
    let said = || Dataset::at(&output).json("images.zarr/zarr.json")["attributes"].clone();
    let dark = RXRX19A.value(0, 2);
    let window = said()["channels"][1]["window"].clone();
    assert_eq!(
        (&window["start"], &window["end"]),
        (&json!(dark), &json!(dark + 1))
    );

    fs::rename(&away, &bright).unwrap();
    convert(&input, &output, "--retry-bad").exits_with(0);
    let said = said();
    assert_eq!(
        (&said["name"], &said["license"]),
        (&json!("Mine"), &json!("MIT"))
    );
    assert_eq!(said["channels"][4]["stain"], "WGA");
    assert_eq!(said["channels"][1]["window"], RXRX19A.window(2));
    assert_eq!(said["columns"]["treatment_conc"]["units"], "µM");
    verify(&output, "").exits_with(0);
}
