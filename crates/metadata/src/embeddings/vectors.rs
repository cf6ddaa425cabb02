//! A vector for each site.

/// Vectors of one length in array order, such as the published embeddings of
/// RxRx1. A site may have no vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// Numbers in a vector.
    length: usize,
    /// Whether each site has a vector.
    present: Vec<bool>,
    /// Shape (site, length); 0 if a site has no vector.
    values: Vec<f32>,
}

impl Embeddings {
    /// Most numbers of all vectors together: 2 GiB of memory. The published embeddings of
    /// RxRx19a are 305,520 x 1,024 numbers, 1.2 GiB.
    pub const VALUES_AT_MOST: usize = 1 << 29;

    /// Makes room for vectors of `length` numbers for `sites` sites, which have no
    /// vector yet. Returns `None` if there would be more numbers than
    /// [`Self::VALUES_AT_MOST`].
    pub fn absent(sites: usize, length: usize) -> Option<Self> {
        let values = sites.checked_mul(length);
        let values = values.filter(|values| *values <= Self::VALUES_AT_MOST)?;
        Some(Self {
            length,
            present: vec![false; sites],
            values: vec![0.0; values],
        })
    }

    /// Numbers in a vector.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Number of sites, with or without a vector.
    pub fn sites(&self) -> usize {
        self.present.len()
    }

    /// Returns the vector of one site, if it has one.
    pub fn vector(&self, site: usize) -> Option<&[f32]> {
        let start = site.checked_mul(self.length)?;
        let is_there = *self.present.get(site)?;
        let vector = self.values.get(start..start.checked_add(self.length)?);
        vector.filter(|_| is_there)
    }

    /// Whether each site has a vector.
    pub(super) fn present(&self) -> &[bool] {
        &self.present
    }

    /// Gives `site` a vector of zeros, to be filled. Returns `None` if there is no
    /// such site.
    pub fn insert(&mut self, site: usize) -> Option<&mut [f32]> {
        let start = site.checked_mul(self.length)?;
        *self.present.get_mut(site)? = true;
        self.values.get_mut(start..start.checked_add(self.length)?)
    }
}
