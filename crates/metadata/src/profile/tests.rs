use super::channel::ChannelProfile;
use super::choice::ProfileChoice;
use super::definition::Profile;
use super::evidence::Observed;
use super::input_description::InputDescription;
use super::recognise::{Recognised, RecognisedBy};
use super::texts;
use crate::table::metadata_table::MetadataTable;
use crate::table::options::TableOptions;

const RXRX1: &str =
    "site_id,well_id,cell_type,dataset,experiment,plate,well,site,well_type,sirna,sirna_id";
const RXRX2: &str = "site_id,well_id,cell_type,experiment,plate,well,site,treatment,treatment_conc";
const RXRX19: &str = "site_id,well_id,cell_type,experiment,plate,well,site,disease_condition,\
                      treatment,treatment_conc,SMILES";
/// As published: one row a well.
const RXRX3: &str = "well_id,experiment_name,plate,address,gene,treatment,SMILES,concentration,\
                     perturbation_type,cell_type";
/// With the names that the program gives the columns.
const RXRX3_READ: &str = "site_id,well_id,experiment,plate,well,gene,treatment,SMILES,\
                          concentration,perturbation_type,cell_type,site";
const KAGGLE: &str = "site_id,id_code,experiment,plate,well,sirna,site";

/// What is seen of `channels` channels of `side` x `side` pixels.
fn seen(header: &str, channels: usize, side: usize, bits: u32, experiment: &str) -> Observed {
    let cell_type = experiment.split_once('-').unwrap().0;
    let cell_type = match cell_type {
        "gene" | "compound" => "HUVEC",
        cell_type => cell_type,
    };
    let columns = header.split(',').map(str::to_owned).collect();
    let has_cell_type = header.contains("cell_type");
    Observed {
        columns,
        channels,
        height: side,
        width: side,
        bits,
        cell_types: has_cell_type
            .then(|| cell_type.to_owned())
            .into_iter()
            .collect(),
        experiments: [experiment.to_owned()].into(),
    }
}

fn recognised(seen: &Observed) -> Recognised {
    Recognised::new(&ProfileChoice::ByEvidence, RecognisedBy::Evidence, seen)
}

fn table(csv: &str) -> MetadataTable {
    let options = TableOptions::default().aliases(ProfileChoice::ByEvidence.table_aliases());
    options.read("metadata.csv", csv.as_bytes()).unwrap()
}

#[test]
fn every_built_in_profile_is_whole_and_called_as_its_file() {
    for (name, text) in texts::TEXTS {
        let profile: Profile = text
            .parse()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(profile.name, name);
        assert!(
            profile.license.is_some() && profile.citation.is_some(),
            "{name}"
        );
        assert!(
            profile.url.is_some() && !profile.evidence.is_empty(),
            "{name}"
        );
        assert!(profile.images.pattern.is_some(), "{name}");
        for evidence in &profile.evidence {
            assert_eq!(evidence.channels, profile.channels.len(), "{name}");
        }
        // A description names the unit, because Croissant has no field for it.
        for (column, text) in &profile.columns {
            let units = text.units.as_deref().unwrap_or("");
            assert!(text.description.contains(units), "{name} {column}");
        }
        // 8-bit windows were measured for RxRx1 only.
        let has_windows = profile
            .channels
            .iter()
            .all(|channel| channel.window.is_some());
        assert_eq!(has_windows, name == "rxrx1", "{name}");
    }
    assert_eq!(Profile::built_in().len(), texts::TEXTS.len());
}

#[test]
fn each_data_set_is_recognised_by_its_table_and_images_alone() {
    let sets = [
        ("rxrx1", seen(RXRX1, 6, 512, 8, "U2OS-03")),
        ("rxrx1", seen(KAGGLE, 6, 512, 8, "HEPG2-01")),
        ("rxrx2", seen(RXRX2, 6, 1024, 8, "HUVEC-1")),
        ("rxrx19a", seen(RXRX19, 5, 1024, 8, "HRCE-1")),
        ("rxrx19a", seen(RXRX19, 5, 1024, 8, "VERO-1")),
        ("rxrx19b", seen(RXRX19, 6, 2048, 8, "HUVEC-1")),
        ("rxrx3", seen(RXRX3_READ, 6, 2048, 16, "gene-088")),
        ("rxrx3-core", seen(RXRX3_READ, 6, 512, 8, "compound-004")),
    ];
    for (name, seen) in sets {
        let found = recognised(&seen);
        assert_eq!(
            found.profile.map(|profile| profile.name).as_deref(),
            Some(name)
        );
        assert_eq!(found.by, RecognisedBy::Evidence);
        let reasons = found.reasons.join("; ");
        for reason in [
            format!("{} channels", seen.channels),
            format!("{0} x {0} pixels", seen.height),
            format!("{} bit", seen.bits),
        ] {
            assert!(reasons.contains(&reason), "{name}: {reasons}");
        }
        // Each of these differences alone is enough for doubt.
        let doubtful = [
            Observed {
                channels: 4,
                ..seen.clone()
            },
            Observed {
                width: 256,
                ..seen.clone()
            },
            Observed {
                bits: 24 - seen.bits,
                ..seen.clone()
            },
            Observed {
                columns: seen.columns.iter().skip(1).cloned().collect(),
                experiments: ["mine".to_owned()].into(),
                ..seen.clone()
            },
        ];
        for other in doubtful {
            let found = recognised(&other);
            assert_eq!(found.profile, None, "{name}: {:?}", found.reasons);
        }
    }
}

#[test]
fn a_data_set_that_is_near_one_is_told_what_differs() {
    let found = recognised(&seen(RXRX1, 5, 512, 8, "HELA-01"));
    assert_eq!(
        found.reasons,
        [
            "the nearest is rxrx1, but: 5 channels (expected 6); cell type HELA (expected HEPG2, \
          HUVEC, RPE, U2OS); experiment HELA-01 (expected HEPG2-*, HUVEC-*, RPE-*, U2OS-*)"
        ]
    );
    let found = recognised(&seen(
        &format!("{RXRX1},disease_condition"),
        6,
        512,
        8,
        "HUVEC-01",
    ));
    assert_eq!(
        found.reasons,
        ["the nearest is rxrx1, but: it has the column disease_condition"]
    );
}

#[test]
fn two_profiles_that_fit_are_both_named_and_neither_is_taken() {
    let twin = Profile {
        name: "twin".to_owned(),
        ..Profile::named("rxrx2").unwrap()
    };
    let profiles = vec![Profile::named("rxrx2").unwrap(), twin];
    let found = Recognised::among(profiles, &seen(RXRX2, 6, 1024, 8, "HUVEC-1"));
    assert_eq!(found.profile, None);
    assert_eq!(found.candidates, ["rxrx2", "twin"]);
    assert_eq!(found.reasons, ["it could be rxrx2 or twin"]);
}

#[test]
fn a_choice_goes_before_the_evidence() {
    let rxrx1 = seen(RXRX1, 6, 512, 8, "HUVEC-01");
    let given = ProfileChoice::open("rxrx19a").unwrap();
    let found = Recognised::new(&given, RecognisedBy::Option, &rxrx1);
    assert_eq!(found.profile.unwrap().name, "rxrx19a");
    assert_eq!(found.by, RecognisedBy::Option);
    let nothing = ProfileChoice::open("none").unwrap();
    let found = Recognised::new(&nothing, RecognisedBy::Option, &rxrx1);
    assert_eq!(found.profile, None);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, "name = \"mine\"\ntitle = \"Mine\"\n").unwrap();
    let ProfileChoice::Given(mine) = ProfileChoice::open(path.to_str().unwrap()).unwrap() else {
        panic!("it is a file");
    };
    assert_eq!((mine.title.as_str(), mine.license), ("Mine", None));
    let error = ProfileChoice::open("rxrx4").unwrap_err().to_string();
    assert!(
        error.contains("rxrx1, rxrx2, rxrx19a, rxrx19b, rxrx3, rxrx3-core, none"),
        "{error}"
    );
}

/// The examples of `docs/converting.md`.
#[test]
fn the_documented_profile_and_description_can_be_used() {
    let document = include_str!("../../../../docs/converting.md");
    let example = |language: &str| {
        let (_, example) = document.split_once(&format!("```{language}\n")).unwrap();
        example.split_once("```").unwrap().0
    };
    let profile: Profile = example("toml").parse().unwrap();
    assert_eq!(profile.name, "screen-7");
    let csv = "Run,Plate,Well,drug,dose\nR-1,1,B02,DMSO,0\n";
    let options = TableOptions::default().aliases(vec![profile.table.clone()]);
    let table = options.read("m.csv", csv.as_bytes()).unwrap();
    assert_eq!(table.site_id(0), Some("R-1_1_B02_1"));
    let controls = profile.controls().unwrap();
    assert_eq!(controls.fits(table.columns(), 0), Some(true));
    let described = InputDescription::parse(example("json").trim().as_bytes()).unwrap();
    assert_eq!(described.channels[0].window, Some([0, 4000]));
    // Each profile is in the table of the document.
    for name in texts::names() {
        assert!(document.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn a_wrong_profile_is_refused_with_the_name_of_the_field() {
    let head = "name = \"a\"\ntitle = \"A\"\n";
    let evidence = "[[evidence]]\ncolumns = []\nchannels = 1\nheight = 1\nwidth = 1\n";
    let wrong = [
        ("licence = \"MIT\"\n".to_owned(), "unknown field `licence`"),
        ("name = \"A\"\n".to_owned(), "duplicate key"),
        (
            "[[channels]]\nname = \"DAPI\"\n".to_owned(),
            "\"DAPI\" is no channel",
        ),
        (
            "[[channels]]\nname = \"w1\"\n[[channels]]\nname = \"w1\"\n".to_owned(),
            "w1 is there twice",
        ),
        (
            "[[channels]]\nname = \"w1\"\ncolor = \"red\"\n".to_owned(),
            "the color \"red\"",
        ),
        (
            "[[channels]]\nname = \"w1\"\nwindow = [9, 9]\n".to_owned(),
            "the window [9, 9]",
        ),
        (
            "[[channels]]\nname = \"w1\"\nemission_nm = -461\n".to_owned(),
            "the emission_nm -461 (expected nanometres",
        ),
        (
            "[[channels]]\nname = \"w1\"\nexcitation_nm = nan\n".to_owned(),
            "the excitation_nm NaN",
        ),
        (
            "[table]\naliases = { a = \"b\" }\n".to_owned(),
            "\"a\" stands for \"b\"",
        ),
        ("[table]\nsite = 0\n".to_owned(), "site is 0"),
        (format!("{evidence}bits = 12\n"), "bits is 12"),
        (
            format!("{evidence}bits = 8\nexperiments = [\"[\"]\n"),
            "field evidence",
        ),
        (
            "[negative_controls]\nabout = \"x\"\nrows = []\n".to_owned(),
            "there is no clause",
        ),
        (
            "[[splits]]\nname = \"x\"\nrows = [\"=1\"]\n".to_owned(),
            "\"=1\" is not a clause",
        ),
    ];
    for (text, reason) in wrong {
        let error = format!("{head}{text}")
            .parse::<Profile>()
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
    assert!(
        "name = \"RxRx 1\"\ntitle = \"A\"\n"
            .parse::<Profile>()
            .is_err()
    );
}

#[test]
fn the_published_table_of_wells_is_read_as_one_of_sites() {
    let csv = format!(
        "{RXRX3}\ngene-088_9_Z43,gene-088,9,Z43,RPLP2,RPLP2_guide_4,,,CRISPR,HUVEC\n\
         compound-004_43_B08,compound-004,43,B08,,CRISPR_control,,,COMPOUND,HUVEC\n"
    );
    let table = table(&csv);
    let names: Vec<&str> = table
        .columns()
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names.join(","), RXRX3_READ);
    let ids: Vec<&str> = table.site_ids().collect();
    assert_eq!(ids, ["compound-004_43_B08_1", "gene-088_9_Z43_1"]);
    assert!(table.keys().iter().all(|key| key.site == 1));

    // A table that is complete is read as it is.
    let csv = "experiment,plate,well,site,address,experiment_name\nE,1,B02,3,C03,F\n";
    let table = self::table(csv);
    assert_eq!(table.site_id(0), Some("E_1_B02_3"));
    assert!(table.column("address").is_some());
    // Without the option there are no aliases.
    let plain = TableOptions::default().read("m.csv", format!("{RXRX3}\n").as_bytes());
    assert!(
        plain
            .unwrap_err()
            .to_string()
            .contains("no column \"experiment\", \"well\", \"site\"")
    );
}

#[test]
fn controls_and_splits_are_told_by_the_columns() {
    let rxrx1 = Profile::named("rxrx1").unwrap();
    let rows = table(
        "experiment,plate,well,site,dataset,well_type\n\
         E-1,1,B02,1,train,negative_control\nE-1,1,B03,1,test,positive_control\n",
    );
    let controls = |profile: &Profile, table: &MetadataTable| -> Vec<Option<bool>> {
        (0..=table.len())
            .map(|row| profile.controls()?.fits(table.columns(), row))
            .collect()
    };
    assert_eq!(controls(&rxrx1, &rows), [Some(true), Some(false), None]);
    let train = rxrx1.train().unwrap();
    let is_train = [0, 1].map(|row| train.fits(rows.columns(), row));
    assert_eq!(is_train, [Some(true), Some(false)]);

    let treated = table(
        "experiment,plate,well,site,treatment,treatment_conc\n\
         E-1,1,B02,1,,\nE-1,1,B03,1,Remdesivir,1.0\n",
    );
    for name in ["rxrx19a", "rxrx19b"] {
        let profile = Profile::named(name).unwrap();
        assert_eq!(
            controls(&profile, &treated),
            [Some(true), Some(false), None],
            "{name}"
        );
        assert_eq!(profile.train(), None);
    }
    // Nobody has said which rows of RxRx2 are controls, nor has this table their column.
    let rxrx2 = Profile::named("rxrx2").unwrap();
    assert_eq!(controls(&rxrx2, &treated), [None, None, None]);
    assert_eq!(controls(&rxrx1, &treated), [None, None, None]);

    let guides = table(
        "experiment,plate,well,site,treatment\n\
         gene-001,1,B02,1,EMPTY_control\ngene-001,1,B03,1,RPLP2_guide_4\n",
    );
    for name in ["rxrx3", "rxrx3-core"] {
        let profile = Profile::named(name).unwrap();
        assert_eq!(
            controls(&profile, &guides),
            [Some(true), Some(false), None],
            "{name}"
        );
    }
}

#[test]
fn a_description_in_the_input_may_have_any_known_field_and_no_other() {
    let text =
        br#"{"name": "Mine", "version": "1.0.0", "date_published": "2026-02-28", "channels": [{"name": "w2", "stain": "DAPI", "window": [3, 400]}]}"#;
    let described = InputDescription::parse(text).unwrap();
    assert_eq!(
        described,
        InputDescription {
            name: Some("Mine".to_owned()),
            version: Some("1.0.0".to_owned()),
            date_published: Some("2026-02-28".to_owned()),
            channels: vec![ChannelProfile {
                name: "w2".to_owned(),
                stain: "DAPI".to_owned(),
                window: Some([3, 400]),
                ..ChannelProfile::default()
            }],
            ..InputDescription::default()
        }
    );
    let wrong = [
        (r#"{"licence": "MIT"}"#, "unknown field `licence`"),
        (
            r#"{"channels": [{"name": "w1", "dye": "x"}]}"#,
            "unknown field `dye`",
        ),
        (
            r#"{"channels": [{"name": "DAPI"}]}"#,
            "\"DAPI\" is no channel",
        ),
        (r#"{"name": 7}"#, "invalid type"),
        (r#"{"date_published": "28.11.2026"}"#, "date_published"),
        (r#"{"date_published": "2026-02-30"}"#, "date_published"),
        (
            r#"{"date_published": "2026-02-03T04:05:06"}"#,
            "date_published",
        ),
        (r#"{"version": "1.0"}"#, "version cannot be used"),
        (r#"[]"#, "invalid"),
    ];
    for (text, reason) in wrong {
        let error = InputDescription::parse(text.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}
