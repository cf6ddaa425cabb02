"""Opens groups with programs for OME-Zarr, and prints what they find as JSON.

The standard input is a JSON list of paths. Runs with the packages of the group `ome` of
tests/pins.toml. napari's reader needs no window and no Qt.
"""

from __future__ import annotations

import json
import sys
import warnings
from contextlib import redirect_stdout


def by_models(path: str) -> dict:
    """Validates the metadata and the array against the specification."""
    import zarr
    from ome_zarr_models import open_ome_zarr

    image = open_ome_zarr(zarr.open_group(path, mode="r"))
    ome = image.attributes.ome
    (multiscale,) = ome.multiscales
    return {
        "type": f"{type(image).__module__}.{type(image).__name__}",
        "axes": [[axis.name, axis.type, getattr(axis, "unit", None)] for axis in multiscale.axes],
        "paths": [dataset.path for dataset in multiscale.datasets],
    }


def by_ome_zarr_py(path: str) -> dict:
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    (node,) = Reader(parse_url(path))()
    (scale,) = node.metadata["coordinateTransformations"][0]
    return {
        "shape": list(node.data[0].shape),
        "plane": node.data[0][1, 1].compute().tolist(),
        "channels": node.metadata["channel_names"],
        "windows": node.metadata["contrast_limits"],
        "scale": scale["scale"],
    }


def by_napari(path: str) -> dict:
    from napari_ome_zarr import napari_get_reader

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ((data, shown, kind),) = napari_get_reader(path)(path)
    axis = shown["channel_axis"]
    layer = data[0] if isinstance(data, list) else data
    return {
        "kind": kind,
        "layers": [name.split(": ")[-1] for name in shown["name"]],
        "colors": [colormap.colors[-1][:3].round(4).tolist() for colormap in shown["colormap"]],
        "windows": shown["contrast_limits"],
        "sliders": [name for name in shown["axis_labels"] if name not in ("y", "x")],
        "steps": [length for at, length in enumerate(layer.shape[:-2]) if at != axis],
        "scale": list(shown["scale"]),
        "visible": shown["visible"],
    }


def by_ngff_zarr(path: str) -> dict:
    from ngff_zarr import from_ngff_zarr

    opened = from_ngff_zarr(path)
    (image,) = opened.images
    channels = opened.metadata.omero.channels
    return {
        "shape": list(image.data.shape),
        "plane": image.data[1, 1].compute().tolist(),
        "channels": [channel.label for channel in channels],
        "windows": [[channel.window.start, channel.window.end] for channel in channels],
        "scale": [image.scale[name] for name in image.dims],
    }


def by_iohub(path: str) -> dict:
    from iohub import open_ome_zarr

    with open_ome_zarr(path, mode="r", layout="fov") as opened:
        image = opened["images"]
        windows = [channel.window for channel in opened.metadata.omero.channels]
        return {
            "shape": list(image.shape),
            "plane": image[1, 1].tolist(),
            "channels": opened.channel_names,
            "windows": [[window["start"], window["end"]] for window in windows],
            "scale": opened.scale,
        }


if __name__ == "__main__":
    paths = json.load(sys.stdin)
    with redirect_stdout(sys.stderr):  # napari's reader prints the attributes
        answers = [
            {
                "models": by_models(path),
                "ome-zarr-py": by_ome_zarr_py(path),
                "ngff-zarr": by_ngff_zarr(path),
                "iohub": by_iohub(path),
                "napari": by_napari(path),
            }
            for path in paths
        ]
    print(json.dumps(answers))
