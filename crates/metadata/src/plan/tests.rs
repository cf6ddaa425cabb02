use super::geometry::Tiles;
use super::*;
use crate::discover::listing::Listing;
use crate::problem::ProblemKind;
use crate::select::Selection;

fn layout(chunk_sites: usize, chunk_channels: Option<usize>, shard_sites: usize) -> Layout {
    Layout {
        chunk_sites,
        chunk_channels,
        tiles: Tiles::ByBytes,
        shard_sites: Some(shard_sites),
    }
}

fn geometry(layout: Layout) -> Result<ArrayGeometry, PlanError> {
    ArrayGeometry::new(130, 6, 512, 256, DataType::UInt16, layout)
}

/// 5 sites of 2 channels; the last site has one image.
fn join() -> Join {
    let mut csv = "experiment,plate,well,site\n".to_owned();
    let mut paths: Vec<Box<str>> = Vec::new();
    for site in 1..=5 {
        csv += &format!("E,1,B02,{site}\n");
        paths.extend((1..=2).map(|channel| format!("E/Plate1/B02_s{site}_w{channel}.png").into()));
    }
    paths.pop();
    let table = MetadataTable::read("m.csv", csv.as_bytes()).unwrap();
    Join::new(table, Listing::from_paths(paths), &Selection::default()).unwrap()
}

fn plan(layout: Layout) -> Result<Plan, PlanError> {
    Plan::new(join(), 8, 4, DataType::UInt8, layout)
}

#[test]
fn the_default_makes_a_chunk_of_each_site() {
    let geometry = geometry(Layout::default()).unwrap();
    assert_eq!(geometry.shape(), [130, 6, 512, 256]);
    assert_eq!(geometry.chunk_shape(), [1, 6, 512, 256]);
    assert_eq!(geometry.shard_shape(), [64, 6, 512, 256]);
    assert_eq!(
        (
            geometry.shards(),
            geometry.chunks_per_shard(),
            geometry.planes()
        ),
        (3, 64, 780)
    );
    assert_eq!(geometry.plane_bytes(), 262_144);
    assert_eq!(geometry.chunk_bytes(), 6 * 262_144);
    assert_eq!(geometry.raw_bytes(), 780 * 262_144);
}

#[test]
fn chunks_of_some_channels_round_the_shard_up() {
    let geometry = geometry(layout(2, Some(4), 8)).unwrap();
    assert_eq!(geometry.chunk_shape(), [2, 4, 512, 256]);
    assert_eq!(geometry.shard_shape(), [8, 8, 512, 256]);
    assert_eq!((geometry.shards(), geometry.chunks_per_shard()), (17, 8));
    assert_eq!(
        geometry.shape()[1],
        6,
        "the array itself has no more channels"
    );
}

/// The layout of an array of `sites` with six channels, unless another number is given.
fn by_bytes(sites: usize, channels: usize, side: usize, data_type: DataType) -> ArrayGeometry {
    ArrayGeometry::new(sites, channels, side, side, data_type, Layout::default()).unwrap()
}

#[test]
fn the_bytes_of_each_data_set_decide_its_layout() {
    use DataType::{UInt8, UInt16};
    for (set, geometry, chunk, shard_sites, shards) in [
        (
            "rxrx1",
            by_bytes(125_510, 6, 512, UInt8),
            [1, 6, 512, 512],
            64,
            1_962,
        ),
        (
            "rxrx2",
            by_bytes(131_953, 6, 1024, UInt8),
            [1, 6, 1024, 1024],
            64,
            2_062,
        ),
        (
            "rxrx19a",
            by_bytes(305_520, 5, 1024, UInt8),
            [1, 5, 1024, 1024],
            64,
            4_774,
        ),
        (
            "rxrx19b",
            by_bytes(70_384, 6, 2048, UInt8),
            [1, 1, 2048, 2048],
            32,
            2_200,
        ),
        (
            "rxrx3",
            by_bytes(2_222_103, 6, 2048, UInt16),
            [1, 1, 2048, 2048],
            16,
            138_882,
        ),
        (
            "rxrx3-core",
            by_bytes(222_601, 6, 512, UInt8),
            [1, 6, 512, 512],
            64,
            3_479,
        ),
        // Nine tiles of 2 MiB a plane: 8 x 6 x 9 x 2 MiB = 864 MiB.
        (
            "larger",
            by_bytes(100, 6, 2160, UInt16),
            [1, 1, 1024, 1024],
            8,
            13,
        ),
    ] {
        assert_eq!(geometry.chunk_shape(), chunk, "{set}");
        assert_eq!(
            (geometry.shard_sites, geometry.shards()),
            (shard_sites, shards),
            "{set}"
        );
        assert!(geometry.shards() < 150_000, "{set}");
        let bytes: usize = geometry.shard_shape().iter().product();
        assert!(bytes * geometry.data_type.bytes() <= 1 << 30, "{set}");
        let has_plane_chunks = ["rxrx19b", "rxrx3", "larger"].contains(&set);
        assert_eq!(geometry.has_plane_chunks(), has_plane_chunks, "{set}");
    }
}

#[test]
fn planes_are_cut_into_whole_tiles() {
    let tiled = |height, width, tiles| {
        let layout = Layout {
            tiles,
            ..Layout::default()
        };
        ArrayGeometry::new(3, 2, height, width, DataType::UInt16, layout).unwrap()
    };
    let geometry = tiled(2500, 1000, Tiles::Of(1024));
    assert_eq!(geometry.chunk_shape(), [1, 1, 1024, 1000]);
    assert_eq!(geometry.shard_shape()[2..], [3072, 1000]);
    assert_eq!((geometry.tile_grid(), geometry.tiles()), ([3, 1], 3));
    assert_eq!(geometry.chunks_per_shard(), geometry.shard_sites * 2 * 3);
    assert_eq!(geometry.chunk_bytes(), 1024 * 1000 * 2);
    assert_eq!(geometry.group_bytes(), 2500 * 1000 * 2);
    // A small plane may be cut, too, and its tiles may hold all channels.
    let small = tiled(100, 64, Tiles::Of(48));
    assert_eq!(small.chunk_shape(), [1, 2, 48, 48]);
    assert_eq!(small.shard_shape()[2..], [144, 96]);
    // A tile that is no smaller than a plane cuts nothing.
    for tiles in [Tiles::Of(100), Tiles::Whole, Tiles::ByBytes] {
        assert_eq!(tiled(100, 64, tiles).tile, None);
    }
    assert_eq!(
        tiled(4096, 4096, Tiles::Whole).chunk_shape(),
        [1, 1, 4096, 4096]
    );
    // The shard has one chunk along the site axis at least, and whole chunks.
    let large = tiled(30_000, 30_000, Tiles::ByBytes);
    assert_eq!((large.shard_sites, large.tiles()), (1, 900));
    let layout = Layout {
        chunk_sites: 3,
        ..Layout::default()
    };
    assert_eq!(super::tests::geometry(layout).unwrap().shard_sites, 48);
}

#[test]
fn data_types_have_a_size_and_a_largest_value() {
    for (data_type, bytes, max_value) in [(DataType::UInt8, 1, 255), (DataType::UInt16, 2, 65_535)]
    {
        assert_eq!(
            (data_type.bytes(), data_type.max_value()),
            (bytes, max_value)
        );
    }
}

#[test]
fn units_cover_each_site_once_and_the_last_is_shorter() {
    let plan = plan(layout(1, None, 2)).unwrap();
    let units: Vec<Unit> = plan.units().collect();
    assert_eq!(
        units
            .iter()
            .map(|unit| unit.sites.clone())
            .collect::<Vec<_>>(),
        [0..2, 2..4, 4..5]
    );
    assert_eq!(plan.units().len(), 3);
    assert_eq!(plan.unit(2).as_ref(), units.get(2));
    assert_eq!(plan.unit(3), None);

    let whole = super::tests::plan(layout(1, None, 5)).unwrap();
    assert_eq!(
        (whole.units().len(), whole.unit(0).unwrap().sites),
        (1, 0..5)
    );
}

#[test]
fn a_shard_may_be_larger_than_the_array() {
    let plan = plan(Layout::default()).unwrap();
    assert_eq!(plan.geometry().shard_shape(), [64, 2, 8, 4]);
    assert_eq!((plan.units().len(), plan.unit(0).unwrap().sites), (1, 0..5));
}

#[test]
fn a_plan_has_the_rows_sources_and_problems_of_the_join() {
    let plan = plan(Layout::default()).unwrap();
    assert_eq!((plan.table().len(), plan.channels().len()), (5, 2));
    assert_eq!(
        plan.source(SiteIndex(4), 0).as_deref(),
        Some("E/Plate1/B02_s5_w1.png")
    );
    assert_eq!(plan.source(SiteIndex(4), 1), None);
    assert_eq!((plan.present_planes(), plan.missing_planes()), (9, 1));
    assert_eq!(plan.problems().iter().count(), 1);

    let mut found = Problems::default();
    for path in ["a.png", "b.png"] {
        found.add(ProblemKind::MixedShapes, 0, || path.to_owned());
    }
    let plan = plan.with_problems(found.clone()).with_problems(found);
    assert_eq!(plan.problems().iter().count(), 2);
    let mixed = plan.problems().get(ProblemKind::MixedShapes).unwrap();
    assert_eq!(mixed.count, 4);
    assert_eq!(mixed.examples, ["a.png", "b.png", "a.png", "b.png"]);
}

#[test]
fn sizes_of_zero_are_refused() {
    let zero = |sizes: [usize; 4], layout| {
        let [sites, channels, height, width] = sizes;
        let geometry = ArrayGeometry::new(sites, channels, height, width, DataType::UInt8, layout);
        geometry.unwrap_err().to_string()
    };
    for (sizes, layout, what) in [
        ([0, 6, 8, 8], Layout::default(), "the number of sites"),
        ([1, 0, 8, 8], Layout::default(), "the number of channels"),
        ([1, 6, 0, 8], Layout::default(), "the height of the images"),
        ([1, 6, 8, 0], Layout::default(), "the width of the images"),
        (
            [1, 6, 8, 8],
            layout(0, None, 64),
            "the number of sites in a chunk",
        ),
        (
            [1, 6, 8, 8],
            layout(1, Some(0), 64),
            "the number of channels in a chunk",
        ),
        (
            [1, 6, 8, 8],
            layout(1, None, 0),
            "the number of sites in a shard",
        ),
        (
            [1, 6, 8, 8],
            Layout {
                tiles: Tiles::Of(0),
                ..Layout::default()
            },
            "the size of a tile",
        ),
    ] {
        assert_eq!(
            zero(sizes, layout),
            format!("{what} is 0 (expected at least 1)")
        );
    }
}

#[test]
fn shards_without_whole_chunks_are_refused_with_possible_sizes() {
    for (chunk, shard, advice) in [
        (5, 64, "make the shard 60 or 65, or the chunk 4 or 8"),
        (100, 64, "make the shard 100, or the chunk 64"),
        (2, 1, "make the shard 2, or the chunk 1"),
        (48, 64, "make the shard 48 or 96, or the chunk 32 or 64"),
    ] {
        assert_eq!(
            geometry(layout(chunk, None, shard))
                .unwrap_err()
                .to_string(),
            format!(
                "a shard of {shard} sites does not hold whole chunks of {chunk} sites; {advice}"
            )
        );
    }
}

#[test]
fn chunks_of_more_channels_than_the_images_are_refused() {
    assert_eq!(
        geometry(layout(1, Some(7), 64)).unwrap_err().to_string(),
        "a chunk of 7 channels is larger than the 6 channels of the images"
    );
}

#[test]
fn sizes_beyond_memory_are_refused() {
    let huge = ArrayGeometry::new(1, 6, usize::MAX / 2, 8, DataType::UInt8, Layout::default());
    assert_eq!(huge, Err(PlanError::TooLarge { what: "the array" }));
    assert_eq!(
        geometry(layout(1, None, usize::MAX))
            .unwrap_err()
            .to_string(),
        "a shard would have more bytes than this machine can address"
    );
    let many = geometry(layout(1, None, 1_000_000_000)).unwrap_err();
    assert!(many.is_layout());
    assert_eq!(
        many.to_string(),
        "a shard of 1000000000 chunks is too large (expected at most 1048576); make the shard smaller, \
         or the chunks larger"
    );
}
