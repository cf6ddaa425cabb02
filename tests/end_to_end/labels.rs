//! The small arrays that name what the axes of the images are.

use serde_json::{Value, json};

use super::dataset::Dataset;
use super::input::{HEADER, Input};
use super::run::convert;

fn converted(input: &Input) -> Dataset {
    convert(&input.root(), &input.output(), "").exits_with(0);
    Dataset::at(input.output())
}

#[test]
fn every_column_is_a_coordinate_along_site() {
    let input = Input::of_sites(10);
    let dataset = converted(&input);
    let images = dataset.json("images.zarr/images/zarr.json");
    assert_eq!(
        images["dimension_names"],
        json!(["site", "channel", "y", "x"])
    );
    let coordinates = images["attributes"]["coordinates"].as_str().unwrap();
    let coordinates: Vec<&str> = coordinates.split(' ').collect();
    for column in HEADER.split(',') {
        let name = if column == "site" {
            "site_number"
        } else {
            column
        };
        let array = dataset.json(&format!("images.zarr/{name}/zarr.json"));
        assert_eq!(array["dimension_names"], json!(["site"]), "{name}");
        assert_eq!(array["shape"], json!([10]), "{name}");
        assert!(coordinates.contains(&name), "{name}");
        let data_type = match column {
            "plate" | "site" | "sirna_id" => "int32",
            "dose" => "float64",
            _ => "string",
        };
        assert_eq!(array["data_type"], data_type, "{name}");
    }
    assert!(coordinates.contains(&"stain"));
}

#[test]
fn labels_equal_the_columns_of_the_table() {
    let input = Input::of_sites(10);
    let dataset = converted(&input);
    let table = dataset.sites_table();
    let text = |name: &str| -> Vec<String> {
        let texts = table.texts(name).into_iter();
        texts.map(Option::unwrap_or_default).collect()
    };
    for name in [
        "site_id",
        "well_id",
        "cell_type",
        "dataset",
        "experiment",
        "well",
        "sirna",
    ] {
        assert_eq!(dataset.label::<String>(name), text(name), "{name}");
    }
    assert_eq!(dataset.label::<String>("site"), text("site_id"));
    for array in ["plate", "site_number", "sirna_id"] {
        let metadata = dataset.json(&format!("images.zarr/{array}/zarr.json"));
        let values = table.integers(array);
        let blank = &metadata["attributes"]["blank_value"];
        assert_eq!(blank.is_null(), !values.contains(&None), "{array}");
        let expected: Vec<i64> = values
            .into_iter()
            .map(|value| value.unwrap_or_else(|| blank.as_i64().unwrap()))
            .collect();
        let found = dataset.label::<i32>(array).into_iter().map(i64::from);
        assert_eq!(found.collect::<Vec<_>>(), expected, "{array}");
    }
    let doses = dataset.label::<f64>("dose").into_iter();
    let doses: Vec<Option<f64>> = doses.map(|v| (!v.is_nan()).then_some(v)).collect();
    assert_eq!(doses, table.floats("dose"));
}

#[test]
fn channels_have_names_and_stains() {
    let input = Input::of_sites(1);
    let dataset = converted(&input);
    let names = ["w1", "w2", "w3", "w4", "w5", "w6"];
    assert_eq!(dataset.label::<String>("channel"), names);
    let stains = [
        "Hoechst",
        "Concanavalin A",
        "Phalloidin",
        "Syto14",
        "MitoTracker",
        "WGA",
    ];
    assert_eq!(dataset.label::<String>("stain"), stains);
    let stain = dataset.json("images.zarr/stain/zarr.json");
    assert_eq!(stain["dimension_names"], json!(["channel"]));

    let structures = dataset.label::<String>("structure");
    assert_eq!(structures[5], "Golgi apparatus, plasma membrane");
    let ids = dataset.label::<String>("structure_id");
    assert_eq!(ids[0], "GO:0005634");
    assert_eq!(ids[5], "GO:0005794 GO:0005886");
    let channels = &dataset.attributes()["channels"];
    let shown: Vec<_> = channels
        .as_array()
        .unwrap()
        .iter()
        .map(|channel| (channel["color"].clone(), channel["window"]["end"].clone()))
        .collect();
    let expected = [
        ("1300F9", 51),
        ("2AFF1F", 107),
        ("FF0019", 64),
        ("2DFFFC", 191),
        ("FA00FD", 89),
        ("FEFF28", 191),
    ]
    .map(|(color, end)| (json!(color), json!(end)));
    assert_eq!(shown, expected);
    let colors = dataset.label::<String>("color").into_iter();
    let ends = dataset.label::<i64>("window_end").into_iter();
    let told: Vec<_> = colors.map(Value::from).zip(ends.map(Value::from)).collect();
    assert_eq!(told, expected);
    assert_eq!(dataset.label::<i64>("window_start"), [0; 6]);
}

#[test]
fn present_is_false_where_pixels_are_not() {
    let input = Input::of_sites(3);
    std::fs::remove_file(input.image(0, 2)).unwrap();
    std::fs::write(input.image(2, 6), []).unwrap();
    convert(
        &input.root(),
        &input.output(),
        "--allow-missing --chunk-channels 4",
    )
    .exits_with(3);
    let dataset = Dataset::at(input.output());
    let present = dataset.json("images.zarr/present/zarr.json");
    assert_eq!(present["dimension_names"], json!(["site", "channel"]));
    assert_eq!(present["shape"], json!([3, 6]));
    let mut expected = [true; 18];
    expected[1] = false;
    expected[17] = false;
    assert_eq!(dataset.label::<bool>("present"), expected);
    for (position, plane) in dataset.planes().iter().enumerate() {
        let (site, channel) = (position / 6, position as u16 % 6 + 1);
        if expected[position] {
            assert_eq!(*plane, input.decoded(site, channel));
        } else {
            assert!(plane.iter().all(|&pixel| pixel == 0));
        }
    }
}

#[test]
fn consolidated_metadata_is_that_of_each_array() {
    let input = Input::of_sites(3);
    let dataset = converted(&input);
    let root = dataset.json("images.zarr/zarr.json");
    assert_eq!(root["zarr_format"], 3);
    assert_eq!(root["node_type"], "group");
    assert_eq!(root["consolidated_metadata"]["kind"], "inline");
    assert_eq!(root["consolidated_metadata"]["must_understand"], false);
    let consolidated = root["consolidated_metadata"]["metadata"]
        .as_object()
        .unwrap();
    let objects = dataset.objects();
    let on_disk: Vec<&str> = objects
        .keys()
        .filter_map(|key| key.strip_prefix("images.zarr/")?.strip_suffix("/zarr.json"))
        .collect();
    let mut inline: Vec<&String> = consolidated.keys().collect();
    inline.sort();
    assert_eq!(inline, on_disk);
    // images, overview, site, present, seven arrays of channels and twelve columns.
    assert_eq!(on_disk.len(), 23);
    for (name, metadata) in consolidated {
        assert_eq!(
            *metadata,
            dataset.json(&format!("images.zarr/{name}/zarr.json")),
            "{name}"
        );
    }
    let attributes = dataset.attributes();
    assert_eq!(attributes["settings"]["codec"], "blosc-zstd");
    assert_eq!(attributes["title"], "RxRx1");
    assert_eq!(attributes["license"], "CC-BY-NC-SA-4.0");
}
