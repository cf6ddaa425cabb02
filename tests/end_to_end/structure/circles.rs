//! Circles among things that use each other.

use std::collections::{BTreeMap, BTreeSet};

/// Each module with the modules that it uses.
pub(super) type Uses = BTreeMap<String, BTreeSet<String>>;

/// Returns the circles: each is a largest set of modules every one of which leads
/// to every other, with the arrows inside the set.
pub(super) fn circles(uses: &Uses) -> Vec<Uses> {
    let reached: Uses = uses
        .keys()
        .map(|from| (from.clone(), reached(uses, from)))
        .collect();
    let mut circles = Vec::new();
    let mut seen = BTreeSet::new();
    for (module, reached_from_it) in &reached {
        if seen.contains(module) || !reached_from_it.contains(module) {
            continue;
        }
        let circle: BTreeSet<String> = reached_from_it
            .iter()
            .filter(|other| reached[*other].contains(module))
            .cloned()
            .collect();
        let arrows = |from: &String| (from.clone(), &uses[from] & &circle);
        circles.push(circle.iter().map(arrows).collect());
        seen.extend(circle);
    }
    circles
}

/// Returns all that can be reached from `from` by at least one arrow.
fn reached(uses: &Uses, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(module) = open.pop() {
        for next in &uses[&module] {
            if reached.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    reached
}

#[test]
fn circles_are_found_with_their_arrows() {
    let uses = |arrows: &[(&str, &str)]| -> Uses {
        let mut uses = Uses::new();
        for (from, to) in arrows {
            uses.entry((*to).to_owned()).or_default();
            uses.entry((*from).to_owned())
                .or_default()
                .insert((*to).to_owned());
        }
        uses
    };
    let tree = [
        ("lib", "a"),
        ("lib", "b"),
        ("a", "c"),
        ("b", "c"),
        ("c", "d"),
    ];
    assert!(circles(&uses(&tree)).is_empty());
    let two = [
        ("a", "b"),
        ("b", "c"),
        ("c", "a"),
        ("c", "d"),
        ("d", "e"),
        ("e", "d"),
        ("e", "f"),
    ];
    let expected = [
        uses(&[("a", "b"), ("b", "c"), ("c", "a")]),
        uses(&[("d", "e"), ("e", "d")]),
    ];
    assert_eq!(circles(&uses(&two)), expected);
}
