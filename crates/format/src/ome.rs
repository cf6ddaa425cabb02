//! The attribute `ome` of the root group: [OME-Zarr 0.5], so that image viewers open the
//! dataset, with coloured channels and a slider over the sites.
//!
//! The specification allows one axis beside channel and space, and only time. The axis
//! `site` has that type: sites are shown one after the other. The names of the axes are the
//! names of the dimensions of the array, as the specification demands.
//!
//! [OME-Zarr 0.5]: https://ngff.openmicroscopy.org/0.5/

use rxrx_metadata::PixelSize;
use serde_json::{Value, json};

use crate::channel_description::ChannelDescription;
use crate::description::Description;
use crate::keys::IMAGES;

/// Channels that a viewer shows at first: more in one picture are hard to tell apart.
const SHOWN: usize = 6;

/// Makes the attribute of a dataset. Without the size of a pixel, planes have no unit.
pub(crate) fn ome(description: &Description, pixel_size: Option<PixelSize>) -> Value {
    let space = |name: &str| match pixel_size {
        Some(_) => json!({"name": name, "type": "space", "unit": "micrometer"}),
        None => json!({"name": name, "type": "space"}),
    };
    let pixel = pixel_size.map_or(1.0, f64::from);
    let scale = json!({"type": "scale", "scale": [1.0, 1.0, pixel, pixel]});
    let channels = description.channels.iter().enumerate();
    let channels = channels.map(|(position, channel)| omero_channel(channel, position < SHOWN));
    json!({
        "version": "0.5",
        "multiscales": [{
            "name": description.name,
            "axes": [
                {"name": "site", "type": "time"},
                {"name": "channel", "type": "channel"},
                space("y"),
                space("x"),
            ],
            "datasets": [{"path": IMAGES, "coordinateTransformations": [scale]}],
        }],
        "omero": {
            "channels": channels.collect::<Vec<_>>(),
            "rdefs": {"defaultT": 0, "defaultZ": 0, "model": "color"},
        },
    })
}

/// Describes a channel as [OMERO's rendering settings] do.
///
/// [OMERO's rendering settings]: https://ngff.openmicroscopy.org/0.5/#omero-md
fn omero_channel(channel: &ChannelDescription, is_active: bool) -> Value {
    let label = match channel.stain.as_str() {
        "" => channel.name.clone(),
        stain => format!("{} {stain}", channel.name),
    };
    json!({
        "label": label,
        "color": channel.color,
        "active": is_active,
        "window": channel.window,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rxrx1;

    #[test]
    fn channels_have_name_colour_and_window() {
        let channel = &ome(&rxrx1(), None)["omero"]["channels"][0];
        assert_eq!(
            *channel,
            json!({
                "label": "w1 Hoechst", "color": "1300F9", "active": true,
                "window": {"start": 0, "end": 51, "min": 0, "max": 255},
            })
        );
    }

    #[test]
    fn planes_have_a_unit_only_where_the_size_of_a_pixel_is_known() {
        let scale = "/multiscales/0/datasets/0/coordinateTransformations/0/scale";
        let unknown = ome(&rxrx1(), None);
        assert_eq!(unknown.pointer(scale), Some(&json!([1.0, 1.0, 1.0, 1.0])));
        assert!(unknown["multiscales"][0]["axes"][3].get("unit").is_none());
        let known = ome(&rxrx1(), Some("0.65".parse().unwrap()));
        assert_eq!(known.pointer(scale), Some(&json!([1.0, 1.0, 0.65, 0.65])));
        assert_eq!(known["multiscales"][0]["axes"][2]["unit"], "micrometer");
    }
}
