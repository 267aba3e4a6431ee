"""all-MiniLM-L6-v2's forward pass in NumPy from its safetensors file: texts to vectors, nothing else needed."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

EPS = 1e-12
MAX_TOKENS = 256
WORD = re.compile(r"[a-z0-9]+|[^\sa-z0-9]")


def embed(texts: Sequence[str], model: Path, seed: int | None = None, batch: int = 64) -> np.ndarray:
    """Sentence vectors: mean of the last layer over the tokens, to unit length.

    Args:
        texts: n texts.
        model: folder with model.safetensors, config.json and vocab.txt.
        seed: None takes the trained weights; a number the same architecture with random ones.
        batch: texts a step, sorted by length.

    Returns:
        (n, 384) float32.

    Reference: Reimers & Gurevych 2019; Wang et al. 2020 (MiniLM).
    """
    import numpy as np
    from safetensors.numpy import load_file

    weights = load_file(model / "model.safetensors")
    if seed is not None:
        weights = _random(weights, seed)
    heads = json.loads((model / "config.json").read_text())["num_attention_heads"]
    vocabulary = {word: i for i, word in enumerate((model / "vocab.txt").read_text(encoding="utf-8").splitlines())}
    tokens = [tokenize(text, vocabulary) for text in texts]
    out = np.zeros((len(texts), weights["embeddings.word_embeddings.weight"].shape[1]), np.float32)
    order = np.argsort([len(t) for t in tokens], kind="stable")
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        longest = max(len(tokens[i]) for i in rows)
        ids = np.array([tokens[i] + [0] * (longest - len(tokens[i])) for i in rows])
        mask = np.array([[1.0] * len(tokens[i]) + [0.0] * (longest - len(tokens[i])) for i in rows], np.float32)
        hidden = forward(weights, ids, mask, heads)
        mean = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        out[rows] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    return out


def tokenize(text: str, vocabulary: dict[str, int]) -> list[int]:
    """BERT's uncased word pieces: lower case, no accents, longest known piece first."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
    ids = [vocabulary["[CLS]"]]
    for word in WORD.findall(plain):
        pieces, start = [], 0
        while start < len(word):
            for stop in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:stop]
                if piece in vocabulary:
                    pieces.append(vocabulary[piece])
                    start = stop
                    break
            else:
                pieces, start = [vocabulary["[UNK]"]], len(word)
        ids += pieces
    return [*ids[: MAX_TOKENS - 1], vocabulary["[SEP]"]]


def forward(weights: dict[str, np.ndarray], ids: np.ndarray, mask: np.ndarray, heads: int) -> np.ndarray:
    """The last layer's hidden states.

    Args:
        weights: by the names of the file.
        ids: (b, t) token numbers.
        mask: (b, t) 1 for a token, 0 for padding.
        heads: of the attention.

    Returns:
        (b, t, d) float32.

    Reference: Devlin et al. 2018.
    """
    import numpy as np
    from scipy.special import erf, softmax

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        flat = x.reshape(-1, x.shape[-1]) @ weights[f"{name}.weight"].T  # one large product, not one a text
        return flat.reshape(*x.shape[:-1], -1) + weights[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt((x**2).mean(axis=-1, keepdims=True) + EPS)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def split(x: np.ndarray) -> np.ndarray:
        return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    root = "embeddings"
    x = weights[f"{root}.word_embeddings.weight"][ids] + weights[f"{root}.token_type_embeddings.weight"][0]
    x = norm(x + weights[f"{root}.position_embeddings.weight"][: ids.shape[1]], f"{root}.LayerNorm")
    hide = np.where(mask[:, None, None, :] > 0, 0.0, -1e9).astype(np.float32)
    n_layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
    for number in range(n_layers):
        layer = f"encoder.layer.{number}"
        q, k, v = (split(dense(x, f"{layer}.attention.self.{part}")) for part in ("query", "key", "value"))
        attention = softmax(q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(q.shape[-1])) + hide, axis=-1)
        context = (attention @ v).transpose(0, 2, 1, 3).reshape(x.shape)
        x = norm(x + dense(context, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        inner = dense(x, f"{layer}.intermediate.dense")
        inner = 0.5 * inner * (1 + erf(inner / np.float32(np.sqrt(2))))
        x = norm(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return x


def _random(weights: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """The same shapes as BERT starts them: N(0, .02), biases 0, norms 1."""
    import numpy as np

    rng = np.random.default_rng(seed)
    out = {}
    for name, value in weights.items():
        if name.endswith("bias"):
            out[name] = np.zeros_like(value)
        elif "LayerNorm" in name:
            out[name] = np.ones_like(value)
        else:
            out[name] = 0.02 * rng.standard_normal(value.shape, np.float32)
    return out
