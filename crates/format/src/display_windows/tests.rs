use rxrx_decoder::{PlaneSummary, Statistics};
use rxrx_metadata::ChannelProfile;

use super::*;
use crate::channel_description::WindowOrigin;

/// A plane with these percentiles.
fn plane(p01: f64, p999: f64) -> PlaneRow {
    PlaneRow::Ok {
        source_bytes: 1,
        summary: PlaneSummary {
            statistics: Statistics {
                p01,
                p999,
                ..Statistics::default()
            },
            xxh3_128: 0,
        },
    }
}

fn window(start: u32, end: u32) -> Window {
    Window {
        start,
        end,
        min: 0,
        max: 65535,
    }
}

#[test]
fn a_window_reaches_from_the_lowest_p01_to_the_99th_percentile_of_p999() {
    let mut windows = DisplayWindows::new(2, DataType::UInt16);
    // 200 planes of w1: 198 reach at most 20196.5, two are far brighter. One of w2 is
    // missing, and the others are flat.
    for number in 0..200 {
        let p999 = if number < 198 {
            19_999.5 + f64::from(number)
        } else {
            60_000.0
        };
        windows.add(&plane(300.9 + f64::from(number), p999));
        windows.add(&match number {
            7 => PlaneRow::Missing,
            _ => plane(9.0, 9.0),
        });
    }
    assert_eq!(windows.windows(), [window(300, 20_197), window(9, 10)]);
}

#[test]
fn the_limits_of_the_type_hold() {
    let mut windows = DisplayWindows::new(3, DataType::UInt8);
    for row in [plane(255.0, 255.0), plane(0.0, 0.0), PlaneRow::Missing] {
        windows.add(&row);
    }
    let ends = windows
        .windows()
        .into_iter()
        .map(|w| (w.start, w.end, w.max));
    // A channel without an image keeps all intensities.
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [(254, 255, 255), (0, 1, 255), (0, 255, 255)]
    );
    // A percentile that no image has comes from a table that somebody has changed.
    let mut windows = DisplayWindows::new(1, DataType::UInt8);
    windows.add(&plane(f64::NAN, 1e9));
    assert_eq!(windows.windows()[0].end, 255);
    assert!(DisplayWindows::new(0, DataType::UInt8).windows().is_empty());
}

#[test]
fn only_windows_of_the_data_are_set() {
    let given = ChannelProfile {
        name: "w1".to_owned(),
        window: Some([3, 51]),
        ..ChannelProfile::default()
    };
    let of = |known: &ChannelProfile| ChannelDescription::new(known, DataType::UInt8);
    // 8-bit images cannot have the second window, so it is to come from the data.
    let impossible = ChannelProfile {
        window: Some([3, 300]),
        ..given.clone()
    };
    let mut channels = [of(&given), of(&impossible)];
    let mut windows = DisplayWindows::new(2, DataType::UInt8);
    windows.add(&plane(1.0, 2.0));
    windows.add(&plane(1.0, 2.0));
    windows.set(&mut channels);
    let found = channels.map(|channel| {
        (
            channel.window.start,
            channel.window.end,
            channel.window_from,
        )
    });
    let expected = [
        (3, 51, Some(WindowOrigin::Given)),
        (1, 2, Some(WindowOrigin::Data)),
    ];
    assert_eq!(found, expected);
}
