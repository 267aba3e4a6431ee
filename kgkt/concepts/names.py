"""Readable names that concepts get by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

TERMS = 3


def names_from_ids(ids: np.ndarray, exemplars: list[np.ndarray]) -> list[str]:
    """Each concept is named after its medoid's item id."""
    return [str(ids[items[0]]) if len(items) else f"concept {number}" for number, items in enumerate(exemplars)]


def names_from_text(texts: list[str], Z: csr_matrix) -> list[str]:
    """Each concept is named after the terms that set it apart: class-based tf-idf.

    Args:
        texts: n item texts.
        Z: (n, k) memberships.

    Returns:
        k names such as "river, flow, water".

    Reference: Grootendorst 2022 (BERTopic), term frequency a concept times log(1 + mean words / frequency).
    """
    import numpy as np
    from sklearn.feature_extraction.text import CountVectorizer

    words = CountVectorizer(stop_words="english", max_features=50_000, token_pattern=r"(?u)\b[^\W\d_]{2,}\b")
    try:
        counts = words.fit_transform(texts)
    except ValueError:  # nothing but stop words and numbers: there is no term to name a concept after
        return [f"concept {number}" for number in range(Z.shape[1])]
    terms = words.get_feature_names_out()
    tf = (Z.T @ counts).tocsr()
    total = np.asarray(tf.sum(axis=0)).ravel()
    idf = np.log1p(tf.sum() / max(Z.shape[1], 1) / np.maximum(total, 1e-12))
    names = []
    for number in range(Z.shape[1]):
        row = slice(tf.indptr[number], tf.indptr[number + 1])
        score, columns = tf.data[row] * idf[tf.indices[row]], tf.indices[row]
        best = columns[np.lexsort((terms[columns], -score))[:TERMS]]
        names.append(", ".join(terms[best]) if len(best) else f"concept {number}")
    return names
