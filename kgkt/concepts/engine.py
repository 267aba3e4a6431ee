"""What finds the concepts of an embedding, behind one protocol; the only place that chooses an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kgkt.concepts.cluster import fit_local
from kgkt.values import Clustering

if TYPE_CHECKING:
    import numpy as np


class ClusterEngine(Protocol):
    """Finds concepts; its name stands in `Clustering.engine`, and in concepts.safetensors."""

    name: str

    def fit(self, vectors: np.ndarray, k: int, seed: int) -> Clustering:
        """The k concepts of an embedding; memory does not grow with n beyond one batch and the centroids.

        Args:
            vectors: (n, e) unit rows.
            k: number of concepts, at most the number of distinct rows.
            seed: the same one finds the same concepts.

        Returns:
            Memberships as `kgkt.concepts.cluster.memberships` gives them, whatever found the centroids.
        """
        ...


class Local:
    """KMeans on this machine."""

    name = "local"

    def fit(self, vectors: np.ndarray, k: int, seed: int) -> Clustering:
        """As `fit_local`."""
        return fit_local(vectors, k, seed)


ENGINES: tuple[ClusterEngine, ...] = (Local(),)


def engine_for(vectors: np.ndarray) -> ClusterEngine:
    """The engine for an embedding (n, e)."""
    return ENGINES[0]
