//! Small trees that look like published data sets.

use std::fs;
use std::path::{Path, PathBuf};

use image::{ImageBuffer, Luma};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::end_to_end::dataset::Dataset;
use crate::end_to_end::run::{convert, plan, verify};

/// A small tree that looks like a published data set.
pub(super) struct LookAlike {
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

pub(super) const RXRX1: LookAlike = LookAlike {
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

pub(super) const RXRX2: LookAlike = LookAlike {
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

pub(super) const RXRX19A: LookAlike = LookAlike {
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

pub(super) const RXRX19B: LookAlike = LookAlike {
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
pub(super) const RXRX3: LookAlike = LookAlike {
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
    pub(super) fn write(&self, root: &Path) {
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

    pub(super) fn image(&self, root: &Path, site: u32, channel: u32) -> PathBuf {
        let (experiment, well) = (self.experiment, 2 + site);
        root.join(format!(
            "images/{experiment}/Plate1/B{well:02}_s1_w{channel}.png"
        ))
    }

    /// The value of a plane: w1 is the darkest, and site 1 is the brighter one.
    pub(super) fn value(&self, site: u32, channel: u32) -> u32 {
        let step = if self.bits == 16 { 1000 } else { 20 };
        channel * step + site * 5
    }

    /// The display window of a channel. Of two flat planes the data give both values.
    pub(super) fn window(&self, channel: u32) -> Value {
        let (start, end) = match self.ends {
            Some(ends) => (0, ends[channel as usize - 1]),
            None => (self.value(0, channel), self.value(1, channel)),
        };
        let max = (1u32 << self.bits) - 1;
        json!({"start": start, "end": end, "min": 0, "max": max})
    }

    pub(super) fn folders(&self) -> (TempDir, PathBuf, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let (input, output) = (place.path().join("in"), place.path().join("out"));
        self.write(&input);
        (place, input, output)
    }

    /// Converts the tree with one command, and compares what the dataset says of itself.
    pub(super) fn is_described(&self) -> (TempDir, Dataset) {
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
        let said = dataset.attributes();
        assert_eq!(said["title"], self.name);
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
    pub(super) fn column_is_described(&self, dataset: &Dataset) {
        let (column, text, units) = self.column;
        let label = dataset.json(&format!("images.zarr/{column}/zarr.json"));
        assert_eq!(label["attributes"]["description"], text);
        assert_eq!(label["attributes"]["units"], json!(units));
        let schema = dataset.sites_table().rows.schema();
        let notes = schema.field_with_name(column).unwrap().metadata().clone();
        assert_eq!(notes.get("description").map(String::as_str), Some(text));
        assert_eq!(notes.get("units").map(String::as_str), units);
        let croissant = dataset.json("croissant.json");
        let sets = croissant["recordSet"].as_array().unwrap();
        let sites = sets.iter().find(|set| set["name"] == "sites").unwrap();
        let fields = sites["field"].as_array().unwrap();
        let field = fields
            .iter()
            .find(|field| field["name"] == format!("sites/{column}"));
        assert_eq!(field.unwrap()["description"], text);
        let card = fs::read_to_string(dataset.path("README.md")).unwrap();
        let row = format!("| `{column}` | {text} | {} |", units.unwrap_or(""));
        assert!(card.contains(&row), "{card}");
    }
}
