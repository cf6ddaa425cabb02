//! Writes the first corpora into a folder, one below it for each target.

use std::path::PathBuf;
use std::{env, fs, io};

use rxrx_metadata_fuzz::archive::Kind;

const TABLES: [(&str, &str); 14] = [
    (
        "published",
        "site_id,well_id,cell_type,dataset,experiment,plate,well,site,well_type,sirna,sirna_id\n\
         HEPG2-08_1_B02_1,HEPG2-08_1_B02,HEPG2,test,HEPG2-08,1,B02,1,negative_control,EMPTY,1138\n\
         HEPG2-08_1_B03_1,HEPG2-08_1_B03,HEPG2,test,HEPG2-08,1,B03,1,treatment,s21721,855\n",
    ),
    ("least", "experiment,plate,well,site\nE,1,B02,1\n"),
    (
        "padded",
        "experiment,plate,well,site\nE-01,1,B2,1\nE-2,10,AA48,4294967295\nE-0,1,AF01,1\n",
    ),
    (
        "quoted",
        "\u{feff}\"experiment\",plate,well,site,\"a,b\"\r\nE,1,B02,1,\"x\r\n\"\"y\"\r\n\r\n",
    ),
    (
        "open quote",
        "experiment,plate,well,site\nE,1,B02,\"1\nE,1,B03,1\n",
    ),
    (
        "old Mac",
        "experiment,plate,well,site\rE,1,B02,1\r\rE,1,B03,1\r",
    ),
    (
        "numbers",
        "experiment,plate,well,site,a,b,c\nE,1,B02,1,NaN,-9223372036854775808,1e300\n\
         E,1,B03,1,1.5,0,-0\nE,1,B04,1,-inf,,9007199254740993\n",
    ),
    ("ragged", "experiment,plate,well,site\nE,1,B02,1,5\n"),
    (
        "doubled",
        "experiment,plate,well,site\nE-1,1,B02,1\nE-01,1,B2,1\n",
    ),
    (
        "traversal",
        "experiment,plate,well,site,../x\n../../etc,1,B02,1,/\n",
    ),
    (
        "reserved",
        "experiment,plate,well,site,zarr.json\nE,1,B02,1,\n",
    ),
    (
        "not UTF-8",
        "experiment,plate,well,site\nE\u{fffd},1,B02,1\n",
    ),
    (
        "globs",
        "experiment,plate,well,site,g\n[a,1,B02,1,{*\n*,1,B02,1,\\\n=,1,B02,1,?\n",
    ),
    ("blank", "\n\n\r\n"),
];

const PATHS: [(&str, &str); 11] = [
    (
        "published",
        "rxrx1/images/train/HUVEC-01/Plate4/B02_s1_w6.png",
    ),
    (
        "unpadded",
        "HUVEC-1/Plate4/AA2_s1_w6.png\nHUVEC-01/Plate4/AA02_s01_w06.png",
    ),
    ("last well", "E/Plate4294967295/AF48_s4294967295_w65535.png"),
    ("beyond", "E/Plate4294967296/AG49_s0_w65536.png"),
    (
        "names",
        "HUVEC-2\nHUVEC-10\nHUVEC\nHUVEC-\n-0\n-\nHUVEC-99999999999999999999",
    ),
    (
        "traversal",
        "../../etc/Plate1/B02_s1_w1.png\n/Plate1/B02_s1_w1.png",
    ),
    (
        "other",
        "metadata.csv\nx/metadata.csv.gz\nrxrx1-metadata.zip\n._metadata.zip\na.PNG",
    ),
    ("signs", "E/Plate+1/B02_s-1_w 1.png\nE/Plate1/b02_s1_w1.png"),
    (
        "wide",
        "\u{dc}/Plate1/B02_s1_w1.png\n\u{a0}/Plate1/B\u{662}_s1_w1.png",
    ),
    (
        "clauses",
        "plate=1\nexperiment=HUVEC-*\nsirna=\n=x\nwell={A,B}[0-9]\n[\\",
    ),
    (
        "nested",
        "E/Plate1/B02_s1_w1.png/E/Plate1/B02_s1_w1.png\n//Plate1//B02_s1_w1.png",
    ),
];

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("usage: seeds FOLDER"))?;
    let write = |target: &str, name: &str, input: &[u8]| {
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name.replace(' ', "-")), input)
    };
    for (name, text) in TABLES {
        write("table", name, text.as_bytes())?;
    }
    let saved = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/data/tables");
    for entry in fs::read_dir(saved)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.ends_with(".py") {
            write("saved", &name.replace('.', "-"), &fs::read(&path)?)?;
        }
    }
    for (name, text) in PATHS {
        write("path", name, text.as_bytes())?;
    }
    for (name, text) in &TABLES[..4] {
        for kind in [Kind::Gzip, Kind::Stored, Kind::Deflated] {
            let mut input = vec![kind.first_byte(), 0];
            input.extend(text.as_bytes());
            write("archive", &format!("{name} {kind:?}"), &input)?;
        }
    }
    for (name, at) in [("count", 11), ("offset", 5), ("size", 55), ("method", 83)] {
        let mut input = vec![Kind::Stored.first_byte(), 1, at, 0, 0xff];
        input.extend(TABLES[1].1.as_bytes());
        write("archive", &format!("lying {name}"), &input)?;
    }
    for (name, bytes) in [
        ("empty", &b"PK\x05\x06"[..]),
        ("head", b"PK\x03\x04"),
        ("gzip", b"\x1f\x8b"),
    ] {
        let mut input = vec![Kind::File.first_byte()];
        input.extend(bytes);
        input.extend([0; 18]);
        write("archive", name, &input)?;
    }
    let mut input = vec![Kind::File.first_byte()];
    input.extend(TABLES[1].1.as_bytes());
    write("archive", "plain", &input)
}
