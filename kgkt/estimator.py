"""The teacher as a scikit-learn estimator, with the contract of LabelSpreading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from kgkt.errors import KgktError

if TYPE_CHECKING:
    import numpy as np

    from kgkt.values import Clustering


class ConceptSpreading(ClassifierMixin, BaseEstimator):
    """Semi-supervised classification over a graph of concepts.

    The rows are whitened and clustered into concepts; knowledge spreads from the labelled ones over the edges
    between concepts and over nearest items; a logistic head refines the answer in three rounds.

    Args:
        n_concepts: how many; None for a tenth of the rows, 50 to 2500.
        alpha: how far knowledge travels, from 0 to below 1; None: .9, from five labels a class as they choose.
        spread: "concepts", "items" or "both".
        expert: what joins the graph's answer: "auto" weighs a logistic head and class prototypes, which helps where the
            rows are features of a model that knows the classes, and costs a point or two where they are raw; "head"
            and "prototypes" let that one join, "none" neither.
        balanced: whether every class is equally frequent among the rows: it helps where it is true.
        n_components: of the whitening.
        random_state: of whitening and clustering.

    Attributes:
        classes_: (c,) class labels.
        transduction_: (n,) label of each row of fit.
        label_distributions_: (n, c) rows sum to 1.
        concept_distributions_: (k, c) what each concept leans to.
        n_features_in_: d.

    Example:
        >>> import numpy as np
        >>> from sklearn.datasets import load_digits
        >>> from kgkt import ConceptSpreading
        >>> X, y = load_digits(return_X_y=True)
        >>> few = np.where(np.arange(len(y)) < 50, y, -1)
        >>> model = ConceptSpreading(random_state=0).fit(X, few)
        >>> float(np.mean(model.transduction_ == y)) > 0.9
        True

    Reference: Zhou et al. 2004; Liu, He & Chang 2010; Calder et al. 2020.
    """

    def __init__(
        self,
        n_concepts: int | None = None,
        *,
        alpha: float | None = None,
        spread: str = "both",
        expert: str = "none",
        balanced: bool = False,
        n_components: int = 32,
        random_state: Any = None,
    ) -> None:
        self.n_concepts = n_concepts
        self.alpha = alpha
        self.spread = spread
        self.expert = expert
        self.balanced = balanced
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> ConceptSpreading:
        """Spread the labels over the rows.

        Args:
            X: (n, d) features.
            y: (n,) labels, numbers or texts; -1, None, "" or (among texts) NaN says that a row has none.

        Returns:
            self.

        Raises:
            ValueError: rows that are not finite, no label, shapes that do not fit.
        """
        import numpy as np
        from sklearn.utils import check_random_state
        from sklearn.utils.multiclass import check_classification_targets

        y, unlabelled = _marked(y)
        X, y = validate_data(self, X, y, ensure_min_samples=2)
        check_classification_targets(y)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if unlabelled is None:
            unlabelled = np.array([value == -1 for value in y.tolist()])
        self.classes_ = np.unique(y[~unlabelled])
        if not len(self.classes_):
            raise ValueError("no row has a label: y is -1, None or empty everywhere")
        items = np.flatnonzero(~unlabelled)
        classes = np.searchsorted(self.classes_, y[items])
        try:
            P = self._teach(np.asarray(X, np.float64), items, classes, seed)
        except KgktError as error:  # callers of scikit-learn expect its kind
            raise ValueError(str(error)) from error
        self.label_distributions_ = P
        self.transduction_ = self.classes_[P.argmax(axis=1)]
        return self

    def _teach(self, X: np.ndarray, items: np.ndarray, classes: np.ndarray, seed: int) -> np.ndarray:
        """(n, c) the teacher's answer; keeps what new rows need."""
        import numpy as np

        from kgkt.concepts.cluster import choose_k
        from kgkt.concepts.edges import unnamed_graph
        from kgkt.concepts.embed import apply_map, head_features, whiten
        from kgkt.concepts.engine import engine_for
        from kgkt.transfer.items import nearest_items, neighbour_graph
        from kgkt.transfer.teacher import teach
        from kgkt.values import Labels

        self._scale = float(np.abs(X).max()) or 1.0  # float32 holds what is scaled
        narrow = (X / self._scale).astype(np.float32)
        self._map = whiten(narrow, self.n_components, seed)
        vectors = apply_map(narrow, *self._map)
        k, _ = choose_k(vectors, self.n_concepts)
        clustering = engine_for(vectors).fit(vectors, k, seed)
        labels = Labels(items, classes, tuple(str(c) for c in self.classes_))
        near = None if self.spread == "concepts" else neighbour_graph(nearest_items(vectors, seed=seed), vectors)
        c = len(self.classes_)
        targets = teach(
            unnamed_graph(clustering), clustering.memberships, labels,
            head_features(narrow, seed=seed), spread=self.spread, expert=self.expert, alpha=self.alpha,
            prior=np.full(c, 1 / c) if self.balanced else None, neighbours=near,
        )  # fmt: skip
        self._clustering, self.concept_distributions_ = clustering, targets.mass
        return np.asarray(targets.P, np.float64)

    def predict_proba(self, X: Any) -> np.ndarray:
        """(m, c) probabilities for new rows: through the fitted whitening to their concepts, and what those lean to."""
        import numpy as np

        from kgkt.concepts.cluster import memberships
        from kgkt.concepts.embed import apply_map
        from kgkt.concepts.propagate import normalise

        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        clustering: Clustering = self._clustering
        vectors = apply_map((np.asarray(X, np.float64) / self._scale).astype(np.float32), *self._map)
        Z, _ = memberships(vectors, clustering.centroids, clustering.bandwidth)
        return normalise(Z @ self.concept_distributions_, None, len(self.classes_))

    def predict(self, X: Any) -> np.ndarray:
        """(m,) labels of new rows."""
        P = self.predict_proba(X)
        return self.classes_[P.argmax(axis=1)]


def _marked(y: Any) -> tuple[Any, np.ndarray | None]:
    """y as scikit-learn takes it, and (n,) which rows have no label; None where only the number -1 can say so.

    In the place of None, "" and NaN stands some label, for nothing else may stand among labels.
    """
    import numpy as np

    array = np.asarray(y, dtype=object if isinstance(y, list) else None)
    if array.ndim != 1 or array.dtype.kind not in "OUST":
        return y, None
    values = array.tolist()
    unlabelled = np.array([_is_unlabelled(value) for value in values], bool)
    filler = next((value for value, without in zip(values, unlabelled, strict=True) if not without), -1)
    filled = [filler if without else value for value, without in zip(values, unlabelled, strict=True)]
    return np.asarray(filled), unlabelled


def _is_unlabelled(value: Any) -> bool:
    """None, an empty text, -1 (also as text: that is what NumPy makes of it beside texts), and NaN."""
    return value is None or (isinstance(value, str) and value in ("", "-1")) or value != value or value == -1
