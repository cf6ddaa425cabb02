//! The tiles of a plane: rectangles of pixels that are stored as chunks of their own.
//!
//! ```text
//! +--------+--------+----      Tiles are numbered row by row. Those at the ends of the
//! |   0    |   1    |  2 :     axes keep the full shape; their pixels beyond the plane
//! +--------+--------+----      are 0.
//! |   3    |   4    |  5 :
//! ```
#![allow(
    clippy::indexing_slicing,
    reason = "spans of rows lie inside the planes and tiles of the grid"
)]

use std::ops::Range;

use rxrx_metadata::ArrayGeometry;

/// How the planes of an array are cut into tiles. Pixels are bytes in C order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileGrid {
    height: usize,
    tile_height: usize,
    columns: usize,
    /// Bytes of a row of pixels of a plane.
    plane_row: usize,
    /// Bytes of a row of pixels of a tile.
    tile_row: usize,
}

/// A row of pixels in a tile and in its plane, as bytes.
struct RowSpan {
    in_tile: Range<usize>,
    in_plane: Range<usize>,
}

impl TileGrid {
    /// Returns the tiles of the planes of `geometry`; `None` where they are not cut.
    pub fn of(geometry: &ArrayGeometry) -> Option<Self> {
        geometry.tile?;
        let [_, columns] = geometry.tile_grid();
        let sample_bytes = geometry.data_type.bytes();
        Some(Self {
            height: geometry.height,
            tile_height: geometry.tile_height(),
            columns,
            plane_row: geometry.width * sample_bytes,
            tile_row: geometry.tile_width() * sample_bytes,
        })
    }

    /// Bytes of a tile.
    fn tile_bytes(&self) -> usize {
        self.tile_height * self.tile_row
    }

    /// Copies the pixels of a tile from its plane. Those beyond the plane become 0.
    pub fn cut(&self, plane: &[u8], tile: usize, pixels: &mut [u8]) {
        if !self.is_inside(tile) {
            pixels.fill(0);
        }
        for RowSpan { in_tile, in_plane } in self.rows(tile) {
            pixels[in_tile].copy_from_slice(&plane[in_plane]);
        }
    }

    /// Copies the pixels of a tile to its plane, without those beyond the plane.
    pub fn paste(&self, pixels: &[u8], tile: usize, plane: &mut [u8]) {
        for RowSpan { in_tile, in_plane } in self.rows(tile) {
            plane[in_plane].copy_from_slice(&pixels[in_tile]);
        }
    }

    /// Whether the pixels of a tile beyond its plane are 0.
    pub fn is_padded_with_zeros(&self, pixels: &[u8], tile: usize) -> bool {
        let mut end = 0;
        let is_zero = |range: Range<usize>| pixels[range].iter().all(|&byte| byte == 0);
        for RowSpan { in_tile, .. } in self.rows(tile) {
            if !is_zero(end..in_tile.start) {
                return false;
            }
            end = in_tile.end;
        }
        is_zero(end..self.tile_bytes())
    }

    /// Whether no pixel of a tile lies beyond its plane.
    fn is_inside(&self, tile: usize) -> bool {
        let (row, column) = (tile / self.columns, tile % self.columns);
        (row + 1) * self.tile_height <= self.height
            && (column + 1) * self.tile_row <= self.plane_row
    }

    /// The rows of pixels of a tile that lie inside its plane.
    fn rows(&self, tile: usize) -> impl Iterator<Item = RowSpan> {
        let Self {
            height,
            tile_height,
            plane_row,
            tile_row,
            ..
        } = *self;
        let (row, column) = (tile / self.columns, tile % self.columns);
        let first = (row * tile_height).min(height);
        let start = (column * tile_row).min(plane_row);
        let length = tile_row.min(plane_row - start);
        (0..tile_height.min(height - first)).map(move |row| {
            let (in_tile, in_plane) = (row * tile_row, (first + row) * plane_row + start);
            RowSpan {
                in_tile: in_tile..in_tile + length,
                in_plane: in_plane..in_plane + length,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use rxrx_metadata::{DataType, Layout, Tiles};

    use super::*;

    fn geometry(height: usize, width: usize, data_type: DataType) -> ArrayGeometry {
        let layout = Layout {
            tiles: Tiles::Of(4),
            ..Layout::default()
        };
        ArrayGeometry::new(1, 1, height, width, data_type, layout).unwrap()
    }

    #[test]
    fn a_tile_at_both_ends_is_padded() {
        let grid = TileGrid::of(&geometry(5, 6, DataType::UInt8)).unwrap();
        let plane: Vec<u8> = (1..=30).collect();
        let mut tile = [99; 16];
        grid.cut(&plane, 0, &mut tile);
        assert_eq!(tile[..8], [1, 2, 3, 4, 7, 8, 9, 10]);
        grid.cut(&plane, 3, &mut tile);
        assert_eq!(tile, [29, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(grid.is_padded_with_zeros(&tile, 3));
        for beyond in 2..16 {
            let mut tile = tile;
            tile[beyond] = 1;
            assert!(!grid.is_padded_with_zeros(&tile, 3), "{beyond}");
        }
    }

    #[test]
    fn tiles_make_the_plane_again() {
        for data_type in [DataType::UInt8, DataType::UInt16] {
            for (height, width) in [(5, 6), (4, 9), (8, 8), (3, 5), (13, 1)] {
                let geometry = geometry(height, width, data_type);
                let grid = TileGrid::of(&geometry).unwrap();
                let plane: Vec<u8> = (0..geometry.plane_bytes()).map(|at| at as u8 | 1).collect();
                let mut again = vec![0; plane.len()];
                for tile in 0..geometry.tiles() {
                    let mut pixels = vec![99; geometry.tile_bytes()];
                    grid.cut(&plane, tile, &mut pixels);
                    assert!(grid.is_padded_with_zeros(&pixels, tile));
                    grid.paste(&pixels, tile, &mut again);
                }
                assert_eq!(again, plane);
            }
        }
    }

    #[test]
    fn planes_that_are_not_cut_have_no_grid() {
        assert_eq!(TileGrid::of(&geometry(4, 4, DataType::UInt8)), None);
    }
}
