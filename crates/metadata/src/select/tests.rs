use super::*;

const TABLE: &str = "\
site_id,experiment,dataset,plate,well,site,sirna,dose
0,HEPG2-01,train,1,B02,1,s1,0.5
1,HEPG2-02,test,1,B02,1,,0.25
2,HUVEC-01,train,1,B02,1,s2,
3,HUVEC-01,train,2,B02,1,s1,2
4,HUVEC-10,test,12,B02,1,EMPTY,1
";

fn table() -> MetadataTable {
    MetadataTable::read("m.csv", TABLE.as_bytes()).unwrap()
}

fn parse(include: &[&str], exclude: &[&str]) -> Result<Selection, SelectionError> {
    let owned = |clauses: &[&str]| {
        clauses
            .iter()
            .map(|&clause| clause.to_owned())
            .collect::<Vec<_>>()
    };
    Selection::parse(&owned(include), &owned(exclude))
}

fn rows(include: &[&str], exclude: &[&str]) -> Vec<usize> {
    parse(include, exclude).unwrap().rows(&table()).unwrap()
}

fn error(include: &[&str], exclude: &[&str]) -> String {
    parse(include, exclude)
        .and_then(|selection| selection.rows(&table()))
        .unwrap_err()
        .to_string()
}

#[test]
fn without_clauses_every_row_is_chosen() {
    assert_eq!(rows(&[], &[]), [0, 1, 2, 3, 4]);
}

#[test]
fn experiments_join_padded_and_unpadded() {
    for clause in ["HUVEC-01", "HUVEC-1", "HUVEC-001", "experiment=HUVEC-1"] {
        assert_eq!(rows(&[clause], &[]), [2, 3], "{clause}");
    }
    assert_eq!(rows(&["HUVEC-*"], &[]), [2, 3, 4]);
    assert_eq!(rows(&["HUVEC-0?"], &[]), [2, 3]);
    assert_eq!(rows(&["{HEPG2,HUVEC}-01"], &[]), [0, 2, 3]);
    assert_eq!(rows(&["*"], &[]), [0, 1, 2, 3, 4]);
}

#[test]
fn values_of_any_type_are_matched_whole() {
    assert_eq!(rows(&["dataset=train"], &[]), [0, 2, 3]);
    assert_eq!(rows(&["dataset=t*"], &[]), [0, 1, 2, 3, 4]);
    assert_eq!(rows(&["plate=1"], &[]), [0, 1, 2]);
    assert_eq!(rows(&["plate=1*"], &[]), [0, 1, 2, 4]);
    assert_eq!(rows(&["dose=0.*"], &[]), [0, 1]);
}

#[test]
fn an_empty_pattern_fits_blank_cells_and_a_star_does_not() {
    assert_eq!(rows(&["sirna="], &[]), [1]);
    assert_eq!(rows(&["dose="], &[]), [2]);
    assert_eq!(rows(&["sirna=*"], &[]), [0, 2, 3, 4]);
}

#[test]
fn includes_of_one_column_are_joined_by_or_and_columns_by_and() {
    assert_eq!(rows(&["HUVEC-1", "HEPG2-1"], &[]), [0, 2, 3]);
    assert_eq!(rows(&["HUVEC-*", "plate=2", "plate=12"], &[]), [3, 4]);
    assert_eq!(rows(&["HUVEC-1", "dataset=train", "sirna=s1"], &[]), [3]);
}

#[test]
fn a_row_that_fits_any_exclude_is_dropped() {
    assert_eq!(rows(&[], &["HUVEC-1", "plate=12"]), [0, 1]);
    assert_eq!(rows(&["dataset=train"], &["sirna=s1"]), [2]);
}

#[test]
fn clauses_that_fit_nothing_list_what_exists() {
    assert_eq!(
        error(&["HUVEC-3"], &[]),
        r#""HUVEC-3" fits no row; column "experiment" holds "HEPG2-01", "HEPG2-02", "HUVEC-01", "HUVEC-10""#
    );
    assert_eq!(
        error(&[], &["dataset=val"]),
        r#""dataset=val" fits no row; column "dataset" holds "test", "train""#
    );
    assert_eq!(
        error(&["cell=HUVEC"], &[]),
        "\"cell=HUVEC\": the table has no column \"cell\"; its columns are \
         \"site_id\", \"experiment\", \"dataset\", \"plate\", \"well\", \"site\", \"sirna\", \"dose\""
    );
    // One clause that fits does not excuse another that does not.
    assert!(error(&["HUVEC-1", "HUVEC-3"], &[]).starts_with("\"HUVEC-3\" fits no row"));
    assert_eq!(
        error(&["HUVEC-1"], &["dataset=train"]),
        r#"no row is left by "HUVEC-1", "dataset=train" together"#
    );
}

#[test]
fn long_lists_are_cut() {
    let values: Vec<String> = (0..75).map(|value| value.to_string()).collect();
    assert!(some_of(&values).ends_with(r#""58", "59" and 15 more"#));
}

#[test]
fn malformed_clauses_are_refused() {
    for clause in ["", " ", "=x", "experiment="] {
        assert_eq!(
            error(&[clause], &[]),
            format!(
                "{clause:?} is not a clause (expected an experiment, such as HUVEC-*, or column=value)"
            )
        );
    }
    let unclosed = parse(&[], &["HUVEC-[0"]).unwrap_err();
    assert!(std::error::Error::source(&unclosed).is_some(), "{unclosed}");
}
