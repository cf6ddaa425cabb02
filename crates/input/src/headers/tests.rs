use super::*;
use crate::testing::{Images, png};

fn headers(images: &[(&str, Vec<u8>)]) -> Headers {
    let source = Images(
        images
            .iter()
            .map(|(path, png)| ((*path).to_owned(), png.clone()))
            .collect(),
    );
    let paths: Vec<String> = images.iter().map(|(path, _)| (*path).to_owned()).collect();
    Headers::read(&source, &paths, NonZeroUsize::MIN).unwrap()
}

fn size(headers: &Headers) -> Option<(u32, u32)> {
    let shape = headers.shape().ok()?;
    Some((shape.height, shape.width))
}

#[test]
fn the_most_frequent_shape_is_chosen_and_the_larger_of_two() {
    let [small, large] = [png(2, 3, 0), png(4, 3, 0)];
    let mixed = [("a", small.clone()), ("b", large.clone()), ("c", small)];
    assert_eq!(size(&headers(&mixed)), Some((2, 3)));
    assert_eq!(size(&headers(&mixed[..2])), Some((4, 3)));
    assert_eq!(size(&headers(&[("a", b"no PNG".to_vec())])), None);
}

#[test]
fn images_of_another_shape_are_reported_by_name() {
    let sound = png(2, 3, 0);
    let headers = headers(&[
        ("a", sound.clone()),
        ("b", png(4, 3, 0)),
        ("c", sound[..20].to_vec()),
        ("d", sound),
    ]);
    let mut problems = Problems::default();
    headers.report(headers.shape().unwrap(), &mut problems);
    let mixed = problems.get(ProblemKind::MixedShapes).unwrap();
    assert_eq!(mixed.count, 1);
    assert!(mixed.examples[0].starts_with("b is "), "{mixed:?}");
    assert!(mixed.examples[0].contains("unlike a, "), "{mixed:?}");
    let unreadable = problems.get(ProblemKind::UnreadableHeaders).unwrap();
    assert_eq!(unreadable.count, 1);
    assert!(unreadable.examples[0].starts_with("c: "), "{unreadable:?}");
    assert_eq!(headers.first_error(), unreadable.examples[0]);
}

#[test]
fn one_image_in_twenty_may_have_another_shape() {
    let sound = png(2, 3, 0);
    let names: Vec<String> = (0..20).map(|number| format!("{number:02}")).collect();
    for (strays, kind) in [(1, ProblemKind::StrayShapes), (2, ProblemKind::MixedShapes)] {
        let images: Vec<(&str, Vec<u8>)> = (0..20)
            .map(|number| match number < strays {
                true => (names[number].as_str(), png(4, 3, 0)),
                false => (names[number].as_str(), sound.clone()),
            })
            .collect();
        let headers = headers(&images);
        let mut problems = Problems::default();
        headers.report(headers.shape().unwrap(), &mut problems);
        let found: Vec<_> = problems.iter().map(|p| (p.kind, p.count)).collect();
        assert_eq!(found, [(kind, strays)]);
    }
}

#[test]
fn a_header_is_enough() {
    let head = png(2, 3, 0)[..HEADER_BYTES].to_vec();
    let headers = headers(&[("a", head)]);
    assert_eq!(size(&headers), Some((2, 3)));
    assert_eq!(headers.mean_file_bytes(), HEADER_BYTES as f64);
}

#[test]
fn headers_are_in_the_order_of_the_paths_whatever_the_number_of_threads() {
    let images = Images::of(150, 2);
    let paths: Vec<String> = images.0.keys().rev().cloned().collect();
    for jobs in [1, 3, 50] {
        let headers = Headers::read(&images, &paths, NonZeroUsize::new(jobs).unwrap()).unwrap();
        let found = headers.headers.iter().map(|header| &header.path);
        assert!(found.eq(&paths), "{jobs}");
    }
}
