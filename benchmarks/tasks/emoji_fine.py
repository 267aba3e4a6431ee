"""The emoji pictures by subcategory: many classes, few pictures of each, nothing known of their shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.emoji import POOL_SHARE, read_pictures, through_pretrained
from tasks.prepared import Prepared, arrays, folder

if TYPE_CHECKING:
    import numpy as np

FEWEST = 12  # pictures of a subcategory that is a class


def prepare() -> Prepared:
    """Subcategories of at least 12 pictures; two thirds of the emoji of each for the pool, one for the test."""
    import numpy as np

    def make() -> dict[str, np.ndarray]:
        pictures, kind, emoji = read_pictures()
        classes, y, sizes = np.unique(kind, return_inverse=True, return_counts=True)
        rng = np.random.default_rng(0)
        kept, in_pool = sizes[y] >= FEWEST, np.zeros(len(y), bool)
        for number in np.flatnonzero(sizes >= FEWEST):
            own = np.unique(emoji[y == number])
            in_pool |= np.isin(emoji, rng.permutation(own)[: round(POOL_SHARE * len(own))])
        names, y = np.unique(classes[y[kept]], return_inverse=True)
        pool, pictures = in_pool[kept], pictures[kept]
        return {
            "pool_x": pictures[pool], "pool_y": y[pool], "test_x": pictures[~pool], "test_y": y[~pool], "names": names
        }  # fmt: skip

    data = arrays(folder("emoji_fine") / "data.npz", make)
    names = tuple(data.pop("names").tolist())
    return through_pretrained("emoji_fine", data, names)
