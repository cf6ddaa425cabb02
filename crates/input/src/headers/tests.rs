use super::*;
use crate::testing::{Images, png};

fn survey(images: &[(&str, Vec<u8>)]) -> Headers {
    let source = Images(
        images
            .iter()
            .map(|(path, png)| ((*path).to_owned(), png.clone()))
            .collect(),
    );
    let paths: Vec<String> = images.iter().map(|(path, _)| (*path).to_owned()).collect();
    Headers::read(&source, &paths).unwrap()
}

fn size(survey: &Headers) -> Option<(u32, u32)> {
    survey.shape().map(|shape| (shape.height, shape.width))
}

#[test]
fn the_most_frequent_shape_wins_and_of_two_the_larger() {
    let [small, large] = [png(2, 3, 0), png(4, 3, 0)];
    let mixed = [("a", small.clone()), ("b", large.clone()), ("c", small)];
    assert_eq!(size(&survey(&mixed)), Some((2, 3)));
    assert_eq!(size(&survey(&mixed[..2])), Some((4, 3)));
    assert_eq!(size(&survey(&[("a", b"no PNG".to_vec())])), None);
}

#[test]
fn odd_images_are_reported_by_name() {
    let sound = png(2, 3, 0);
    let survey = survey(&[
        ("a", sound.clone()),
        ("b", png(4, 3, 0)),
        ("c", sound[..20].to_vec()),
        ("d", sound),
    ]);
    let mut problems = Problems::default();
    survey.report(survey.shape().unwrap(), &mut problems);
    let mixed = problems.get(ProblemKind::MixedShapes).unwrap();
    assert_eq!(mixed.count, 1);
    assert!(mixed.examples[0].starts_with("b is "), "{mixed:?}");
    assert!(mixed.examples[0].contains("unlike a, "), "{mixed:?}");
    let unreadable = problems.get(ProblemKind::UnreadableHeaders).unwrap();
    assert_eq!(unreadable.count, 1);
    assert!(unreadable.examples[0].starts_with("c: "), "{unreadable:?}");
    assert_eq!(survey.first_error().as_ref(), unreadable.examples.first());
}

#[test]
fn one_odd_image_in_twenty_is_a_stray() {
    let sound = png(2, 3, 0);
    let names: Vec<String> = (0..20).map(|number| format!("{number:02}")).collect();
    for (strays, kind) in [(1, ProblemKind::StrayShapes), (2, ProblemKind::MixedShapes)] {
        let images: Vec<(&str, Vec<u8>)> = (0..20)
            .map(|number| match number < strays {
                true => (names[number].as_str(), png(4, 3, 0)),
                false => (names[number].as_str(), sound.clone()),
            })
            .collect();
        let survey = survey(&images);
        let mut problems = Problems::default();
        survey.report(survey.shape().unwrap(), &mut problems);
        let found: Vec<_> = problems.iter().map(|p| (p.kind, p.count)).collect();
        assert_eq!(found, [(kind, strays)]);
    }
}

#[test]
fn a_header_is_enough() {
    let head = png(2, 3, 0)[..HEADER_BYTES].to_vec();
    let survey = survey(&[("a", head)]);
    assert_eq!(size(&survey), Some((2, 3)));
    assert_eq!(survey.mean_file_bytes(), HEADER_BYTES as f64);
}
