//! Compares JSON with the tables of fields in `docs/json.md`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{Field, Section};

/// Holds the output of a command against the fields that a section lists: each
/// field of the output is listed with its type, and each listed field occurs.
pub(super) fn holds(heading: &str, outputs: &[Value]) {
    let section = Section::of(heading);
    let fields = section.fields();
    let mut seen = BTreeSet::new();
    let examples = section.examples();
    assert!(!examples.is_empty(), "{heading} has no example");
    for output in outputs.iter().chain(&examples) {
        assert!(output.is_object(), "{heading}: {output}");
        compare(heading, &fields, "", output, &mut seen);
        let required = fields.iter().filter(|(name, field)| {
            !name.contains(['.', '[']) && !field.null.starts_with("absent")
        });
        for (name, _) in required {
            assert!(
                output.get(name).is_some(),
                "{heading}: no {name} in {output:#}"
            );
        }
    }
    for name in fields.keys() {
        assert!(seen.contains(*name), "{heading}: {name} does not occur");
    }
}

/// Demands that `value` at `path` has the type that the document gives, and goes
/// on with its parts.
fn compare(
    heading: &str,
    fields: &BTreeMap<&str, Field>,
    path: &str,
    value: &Value,
    seen: &mut BTreeSet<String>,
) {
    let kind = if path.is_empty() {
        "object"
    } else {
        let field = fields.get(path);
        let field = field.unwrap_or_else(|| panic!("{heading}: {path} is not documented"));
        if value.is_null() {
            assert!(field.null.starts_with("null"), "{heading}: {path} is null");
            return;
        }
        seen.insert(path.to_owned());
        field.kind
    };
    let has_kind = match kind {
        "object" | "map" => value.is_object(),
        "object of info" => {
            let fields = Section::of("### info").fields();
            for (key, part) in value.as_object().unwrap() {
                compare(heading, &fields, &format!("{path}.{key}"), part, seen);
            }
            return;
        }
        "list" => value.is_array(),
        "text" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "integer or text" => value.is_u64() || value.is_string(),
        "number" => value.is_f64() || value.is_u64(),
        other => panic!("{heading}: {path} has the unknown type {other}"),
    };
    assert!(has_kind, "{heading}: {path} is {value}, not of type {kind}");
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}.")
    };
    for (key, part) in value.as_object().into_iter().flatten() {
        let key = if kind == "map" { "*" } else { key };
        compare(heading, fields, &format!("{prefix}{key}"), part, seen);
    }
    for part in value.as_array().into_iter().flatten() {
        compare(heading, fields, &format!("{path}[]"), part, seen);
    }
}

/// Holds the output of a command that failed against the fields of a failure.
pub(super) fn holds_failure(told: &Value) {
    let fields = Section::of("### Failure").fields();
    compare("### Failure", &fields, "", told, &mut BTreeSet::new());
    assert_eq!(told.as_object().unwrap().len(), 2, "{told}");
    assert_eq!(told["error"].as_object().unwrap().len(), 3, "{told}");
}
