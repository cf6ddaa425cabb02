//! Planes that are a part of an image file, or that are made of several.

use std::collections::HashMap;

/// Before the number of a page at the end of a path.
const PAGE: &str = "#page=";

/// How the planes of an input lie in its image files, where not each file is a plane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaneParts {
    /// Pages of each file, which are the channels in their order; 0 if a file is a plane.
    pages: usize,
    /// The files of each stack in the order of their depths, by the path of the first.
    stacks: HashMap<Box<str>, Vec<Box<str>>>,
    /// Files of the stack that has most.
    deepest: usize,
}

impl PlaneParts {
    /// Files whose pages are the channels.
    pub(crate) fn of_pages(pages: usize) -> Self {
        Self {
            pages: if pages > 1 { pages } else { 0 },
            ..Self::default()
        }
    }

    /// Files whose pages are the channels, if there are several, and the files of each plane that
    /// is made of several, in the order of their depths.
    pub fn new(pages: usize, stacks: impl IntoIterator<Item = Vec<Box<str>>>) -> Self {
        let mut parts = Self::of_pages(pages);
        stacks.into_iter().for_each(|files| parts.add_stack(files));
        parts
    }

    /// Adds a stack of several files.
    pub(crate) fn add_stack(&mut self, files: Vec<Box<str>>) {
        self.deepest = self.deepest.max(files.len());
        if let Some(first) = files.first() {
            self.stacks.insert(first.clone(), files);
        }
    }

    /// Whether each file is a plane.
    pub fn is_empty(&self) -> bool {
        self.pages == 0 && self.stacks.is_empty()
    }

    /// Pages of each file, which are the channels; `None` if files have no pages.
    pub fn pages(&self) -> Option<usize> {
        (self.pages > 0).then_some(self.pages)
    }

    /// Most files of which a plane is made.
    pub fn files_at_most(&self) -> usize {
        self.deepest.max(1)
    }

    /// Splits the path of a plane into that of its first file and the number of its page,
    /// counted from 1.
    pub fn split<'path>(&self, path: &'path str) -> (&'path str, Option<usize>) {
        let parts = path.rsplit_once(PAGE).filter(|_| self.pages > 0);
        let parts = parts.and_then(|(file, page)| Some((file, page.parse().ok()?)));
        match parts {
            Some((file, page)) => (file, Some(page)),
            None => (path, None),
        }
    }

    /// The files of the plane at `path`, in the order of their depths, and the page of each.
    pub fn files<'a>(&'a self, path: &'a str) -> (Vec<&'a str>, Option<usize>) {
        let (first, page) = self.split(path);
        let files = match self.stacks.get(first) {
            Some(files) => files.iter().map(|file| &**file).collect(),
            None => vec![first],
        };
        (files, page)
    }
}

/// The path of the plane that is page `number` of the file at `path`.
pub(crate) fn page_path(path: &str, number: usize) -> Box<str> {
    format!("{path}{PAGE}{number}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_files_and_the_page_of_a_plane() {
        let mut parts = PlaneParts::of_pages(3);
        parts.add_stack(["a_z1.tif", "a_z2.tif"].map(Into::into).to_vec());
        let path = page_path("a_z1.tif", 3);
        assert_eq!(&*path, "a_z1.tif#page=3");
        assert_eq!(parts.files(&path), (vec!["a_z1.tif", "a_z2.tif"], Some(3)));
        assert_eq!(parts.files("b.tif#page=x"), (vec!["b.tif#page=x"], None));
        assert_eq!((parts.pages(), parts.files_at_most()), (Some(3), 2));
        // Without pages, the end of a path is a part of it.
        let none = PlaneParts::of_pages(1);
        assert!(none.is_empty());
        assert_eq!(none.split("a#page=1"), ("a#page=1", None));
    }
}
