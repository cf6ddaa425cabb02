"""The sites of a plate."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rxrx2zarr._errors import UsageError
from rxrx2zarr._png import coloured, image_tag
from rxrx2zarr.order import Positions

if TYPE_CHECKING:
    from rxrx2zarr._dataset import Dataset


class Plate:
    """The sites of a plate. :meth:`Dataset.plate` makes it."""

    def __init__(self, dataset: "Dataset", experiment: str, plate: str, sites: Positions) -> None:
        self.dataset = dataset
        """The dataset that holds it."""
        self.experiment = experiment
        """Name of the experiment."""
        self.plate = plate
        """Name of the plate in the experiment."""
        self.sites = sites
        """Positions of its sites in the dataset, ascending."""

    def __len__(self) -> int:
        """Number of sites."""
        return len(self.sites)

    @property
    def wells(self) -> dict[str, Positions]:
        """Positions of the sites of each well, by the name of the well."""
        codes, names = self.dataset.metadata.codes("well")
        codes = codes[self.sites]
        return {names[code]: self.sites[codes == code] for code in dict.fromkeys(codes.tolist())}

    def grid(self, site_number: int = 1) -> Positions:
        """Return the position of one site of each well: an array (row, column), -1 for none.

        Row 0 is A, column 0 is 1; the array ends with the last well that has a site.
        """
        numbers = np.ma.filled(self.dataset.metadata.column("site_number"))[self.sites]
        places = {}
        for well, sites in self.wells.items():
            of_well = sites[np.isin(sites, self.sites[numbers == site_number])]
            if len(of_well):
                places[_row_and_column(well)] = int(of_well[0])
        if not places:
            return np.empty((0, 0), np.int64)
        shape = [1 + max(place[axis] for place in places) for axis in (0, 1)]
        grid = np.full(shape, -1, np.int64)
        for place, site in places.items():
            grid[place] = site
        return grid

    def montage(self, site_number: int = 1) -> NDArray[np.uint8]:
        """Return the wells as one picture (y, x, 3) of red, green and blue, each a thumbnail."""
        grid = self.grid(site_number)
        there = np.argwhere(grid >= 0)
        thumbnails = self.dataset.thumbnails(grid[grid >= 0], 32)
        height, width = thumbnails.shape[2:]
        picture = np.zeros((grid.shape[0] * height, grid.shape[1] * width, 3), np.uint8)
        channels: list[dict[str, Any]] = self.dataset.attributes["channels"]
        for (row, column), planes in zip(there, thumbnails, strict=True):
            y, x = row * height, column * width
            picture[y : y + height, x : x + width] = coloured(planes, channels)
        return picture

    def __repr__(self) -> str:
        """Return experiment, plate and the number of sites."""
        return f"<rxrx2zarr.Plate {self.experiment} {self.plate}: {len(self)} sites>"

    def _repr_html_(self) -> str:
        """Show the plate as a picture in a notebook."""
        first = int(np.ma.filled(self.dataset.metadata.column("site_number"))[self.sites].min())
        return f"<div>{repr(self)[1:-1]}<br>{image_tag(self.montage(first), self.experiment)}</div>"


def plate_of(dataset: "Dataset", experiment: str, plate: int | str) -> Plate:
    """Return a plate of a dataset."""
    codes, names = dataset.metadata.codes("experiment")
    if experiment not in names:
        raise UsageError(f"there is no experiment {experiment!r}")
    of_experiment = codes == names.index(experiment)
    plates = np.array([str(value) for value in dataset.metadata.column("plate").tolist()])
    sites = np.flatnonzero(of_experiment & (plates == str(plate)))
    if not len(sites):
        there = ", ".join(dict.fromkeys(plates[of_experiment]))
        raise UsageError(f"{experiment} has no plate {plate}: it has {there}")
    return Plate(dataset, experiment, str(plate), sites)


def _row_and_column(well: str) -> tuple[int, int]:
    letters = well.rstrip("0123456789")
    row = 0
    for letter in letters:
        row = row * 26 + ord(letter.upper()) - ord("A") + 1
    return row - 1, int(well[len(letters) :]) - 1
