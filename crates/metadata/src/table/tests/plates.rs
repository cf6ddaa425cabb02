use super::read;
use crate::column::ColumnValues;

#[test]
fn plates_are_names_unless_all_of_them_are_whole_numbers() {
    let plates = |cells: [&str; 3]| {
        let rows = cells.map(|plate| format!("E,{plate},B02,1\n"));
        let table = read(&format!("experiment,plate,well,site\n{}", rows.concat())).unwrap();
        let keys = table.keys().iter().map(|key| key.plate.to_string());
        let plates = table.column("plate").unwrap().values.clone();
        let is_text = matches!(plates, ColumnValues::String(_));
        assert_eq!(
            table.site_id(0),
            Some(format!("E_{}_B02_1", table.keys()[0].plate).as_str())
        );
        (keys.collect::<Vec<_>>().join(" "), is_text)
    };
    assert_eq!(plates(["2", "10", "0"]), ("0 2 10".to_owned(), false));
    assert_eq!(plates(["2", "10", "A"]), ("10 2 A".to_owned(), true));
    assert_eq!(plates(["2", "10", "01"]), ("01 10 2".to_owned(), true));
    assert_eq!(
        plates(["2", "10", "2147483648"]),
        ("10 2 2147483648".to_owned(), true)
    );
    let names = ["BR00116992", "BR00116991", "P7"];
    assert_eq!(plates(names), ("BR00116991 BR00116992 P7".to_owned(), true));
}

#[test]
fn an_image_finds_its_row_whatever_the_padding_of_its_plate() {
    let table = read("experiment,plate,well,site\nE,01,B02,1\nE,2,B02,1\nE,BR1,B02,1\n").unwrap();
    for (plate, row) in [
        ("1", Some(0)),
        ("001", Some(0)),
        ("02", Some(1)),
        ("BR1", Some(2)),
        ("BR01", None),
    ] {
        let path = format!("E/Plate{plate}/B02_s1_w1.png");
        let key = crate::parse_plane_path(&path).unwrap().key;
        assert_eq!(table.row(&key), row, "{plate}");
    }
}
