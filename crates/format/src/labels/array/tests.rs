use super::*;

fn column(values: ColumnValues) -> Label {
    let name = "dose".to_owned();
    Label::column(&Column { name, values }).unwrap()
}

#[test]
fn blank_numbers_get_a_marker_that_the_column_does_not_hold() {
    for (values, marker) in [
        (vec![Some(0), None, Some(7)], json!(-1)),
        (vec![Some(-1), None], json!(i64::MIN)),
        (vec![Some(-1), None, Some(i64::MIN)], json!(i64::MIN + 1)),
        (vec![Some(-2), None], json!(-1)),
        (vec![None], json!(-1)),
        (vec![Some(3), Some(-3)], Value::Null),
    ] {
        let label = column(ColumnValues::Integer(values.iter().copied().collect()));
        let attributes = &label.metadata["attributes"];
        assert_eq!(attributes["_FillValue"], marker, "{values:?}");
    }
}

#[test]
fn types_are_those_of_the_column() {
    for (values, data_type, fill_value) in [
        (
            ColumnValues::Integer([Some(1)].into_iter().collect()),
            "int64",
            json!(0),
        ),
        (ColumnValues::Float(vec![None]), "float64", json!("NaN")),
        (
            ColumnValues::String([None::<&str>].into_iter().collect()),
            "string",
            json!(""),
        ),
    ] {
        let label = column(values);
        assert_eq!(label.metadata["data_type"], data_type);
        assert_eq!(label.metadata["fill_value"], fill_value, "{data_type}");
        assert_eq!(label.metadata["dimension_names"], json!(["site"]));
        assert_eq!(label.metadata["shape"], json!([1]));
    }
}

#[test]
fn there_is_one_chunk_even_of_nothing_but_fill_values() {
    let text = Label::text(
        "stain",
        "channel",
        vec![String::new(); 3],
        &ColumnMeaning::of("dye"),
    )
    .unwrap();
    assert_eq!(text.chunk_key, "c/0");
    assert!(!text.chunk.is_empty());
    let shape = [2, 3];
    let flags = Label::flags(
        "present",
        ["site", "channel"],
        shape,
        vec![false; 6],
        &ColumnMeaning::of(""),
    )
    .unwrap();
    assert_eq!(flags.chunk_key, "c/0/0");
    assert!(!flags.chunk.is_empty());
    assert_eq!(
        flags.metadata["chunk_grid"]["configuration"]["chunk_shape"],
        json!([2, 3])
    );
}
