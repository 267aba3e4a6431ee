"""What is evaluated: one pool, one A, one B, and how often labels are drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import kgkt
from kgkt.errors import InputError, count
from kgkt.transfer.inputs import by_name
from kgkt.transfer.teacher import REVISION

if TYPE_CHECKING:
    import keras
    import numpy as np

    from kgkt.proof.view import View
    from kgkt.values import Features

TrainB = tuple[tuple[str, ...], tuple[int, ...], int]  # methods, label counts, seeds
BEST_RIVAL = "best rival"  # the row without kgkt's teacher that is best on the pool
# where a B takes long to train
DEAR: TrainB = (("scratch", "keras distillation", "head+rounds", BEST_RIVAL, "kgkt"), (2, 10), 5)


@dataclass(frozen=True, slots=True)
class Task:
    """A pool as A sees it, its true classes for the judge, and a B to teach.

    Args:
        name: in tables.
        view: of the pool through A: its embedding and head features; the graph is made anew for each seed.
        pool_y: (n,) class index of every item: draws come from it and answers are judged by it, nothing else.
        names: (c,) class names.
        features: A's activations, layer -> (n, d), for feature distillation; or None.
        prior: (c,) class shares that the user knows, given to every row that can take them; or None.
        raw_inputs: the pool as its own inputs show it; None skips that row.
        untrained: the pool through A before its training; None skips that row.
        b: makes B anew; a function that worker processes can import, or None to leave B out.
        pool_x: (n, ...) the pool as B reads it.
        test_x, test_y: (t, ...) and (t,) class index, what B is judged on.
        text: whether A is a sentence model.
        concepts: of each graph; None for the default.
        own_answer: (n, c) A's own probabilities where they are B's classes, for plain distillation; or None.
        second: items (m, ...) as B reads them and class indices (m,) of a task that no B is taught; or None.
    """

    name: str
    view: View
    pool_y: np.ndarray
    names: tuple[str, ...]
    features: Mapping[str, np.ndarray] | Features | None = None
    prior: np.ndarray | None = None
    raw_inputs: View | None = None
    untrained: View | None = None
    b: Callable[[], keras.Model] | None = None
    pool_x: Any = None
    test_x: Any = None
    test_y: np.ndarray | None = None
    text: bool = False
    concepts: int | None = None
    own_answer: np.ndarray | None = None
    second: tuple[np.ndarray, np.ndarray] | None = None

    def __post_init__(self) -> None:
        n, c = len(self.pool_y), len(self.names)
        if len(self.view.vectors) != n:
            raise InputError(f"{self.name}: {len(self.view.vectors)} items in the view, {n} true classes")
        if self.b is not None and (self.pool_x is None or self.test_x is None or self.test_y is None):
            raise InputError(f"{self.name}: B needs pool_x to learn from, test_x and test_y to be judged on")
        for what, y in (("pool", self.pool_y), ("test set", self.test_y)):
            if y is not None and len(y) and not (y.min() >= 0 and y.max() < c):
                raise InputError(f"{self.name}: the {what} has class {y.max()}, outside of {c} names")
        check_classes(self.name, self.pool_y, self.names, "pool")
        if self.test_y is not None:
            check_classes(self.name, self.test_y, self.names, "test set")


@dataclass(frozen=True, slots=True)
class Options:
    """How much is run; equal for every row.

    Args:
        labels: labels a class, ascending.
        seeds: draws of labels; each comes with a graph of its own seed.
        train_b: which rows teach a B: "all", "none", or (methods, label counts, number of seeds).
        jobs: processes.
        methods: rows to run; None for all. `kgkt` is always among them.
        spread: of the row `kgkt`.
        expert: of the row `kgkt`: "auto", "head", "prototypes" or "none".
        alpha: of the teacher; None: as the labels choose.
        steps: Adam steps of each B.
        batch: items a step.
        learning_rate: of Adam.
        from_logits: whether B's outputs are logits, where its last layer does not say.
        carry_weight: of the concepts that the row kgkt+carry carries into B; None leaves that row out.
    """

    labels: tuple[int, ...] = (1, 2, 5, 10)
    seeds: int = 20
    train_b: TrainB | Literal["all", "none"] = "all"
    jobs: int = 1
    methods: tuple[str, ...] | None = None
    spread: str = "both"
    expert: str = "auto"
    alpha: float | None = None
    steps: int = 400
    batch: int = 64
    learning_rate: float = 1e-3
    from_logits: bool | None = None
    carry_weight: float | None = None

    def __post_init__(self) -> None:
        if not self.labels or min(self.labels) < 1 or sorted(set(self.labels)) != list(self.labels):
            raise InputError(f"labels a class: ascending whole numbers from 1, received {self.labels}")
        for name, value in (("seeds", self.seeds), ("jobs", self.jobs), ("steps", self.steps)):
            if value < 1:
                raise InputError(f"{name} must be 1 or more, received {value}")


def check_classes(where: str, y: np.ndarray, names: tuple[str, ...], what: str) -> None:
    """Refuse true classes that leave a class out: nothing could be said of it.

    Raises:
        InputError: the missing classes, by name.
    """
    missing = [name for index, name in enumerate(names) if not (y == index).any()]
    if missing:
        shown = ", ".join(missing[:5]) + (f", … ({len(missing)} in all)" if len(missing) > 5 else "")
        raise InputError(f"{where}: the {what} has no item of {shown}; add some, or leave the class out of the task")


def check_counts(task: Task, labels: tuple[int, ...]) -> None:
    """Refuse label counts that leave no item of a class to judge the answers by.

    Raises:
        InputError: the smallest class, with its items and the largest count that works.
    """
    import numpy as np

    sizes = np.bincount(task.pool_y, minlength=len(task.names))
    least = int(sizes.argmin())
    if max(labels) >= sizes[least]:
        raise InputError(f"{task.name}: with {count(max(labels), 'label')} a class nothing is left to judge by: the "
                         f"pool has {count(sizes[least], 'item')} of {task.names[least]}; take --labels up to "
                         f"{sizes[least] // 2}")


def digest(task: Task, options: Options) -> str:
    """Digest of everything that a finished cell hangs on: data, views, B, the settings that are equal for all rows."""
    import numpy as np

    sha = hashlib.sha256()

    def add(value: Any) -> None:
        if value is None or isinstance(value, str | int | float | bool | tuple):
            sha.update(repr(value).encode())
            return
        array = np.ascontiguousarray(value)
        sha.update(f"{array.dtype}{array.shape}".encode())
        sha.update(repr(array.tolist()).encode() if array.dtype == object else array.tobytes())

    for view in (task.view, task.raw_inputs, task.untrained):
        for part in (None, None) if view is None else (view.vectors, view.head):
            add(part)
    for value in (task.pool_y, task.prior, task.test_y, task.own_answer, task.pool_x, task.test_x,
                  *(task.second or ())):  # fmt: skip
        for part in by_name(value).values():
            add(part)
    add((kgkt.__version__, REVISION, task.names, task.text, task.concepts))
    add((options.steps, options.batch, options.learning_rate, options.spread, options.expert,
         options.from_logits, *(() if options.alpha is None else (options.alpha,)),
         *(() if options.carry_weight is None else ("carry", options.carry_weight))))
    if task.b is not None:
        model = task.b()
        add(model.to_json())
        for weight in model.get_weights():
            add(weight)
    return sha.hexdigest()[:16]


def draw_labels(pool_y: np.ndarray, names: tuple[str, ...], per_class: int, rng: np.random.Generator) -> Any:
    """Draw `per_class` labels of each class from the pool; from one `rng` state, fewer are a part of more.

    Args:
        pool_y: (n,) class indices.
        names: (c,) class names.
        per_class: labels of each class; all of it where a class has fewer.
        rng: of the draw.

    Returns:
        Labels of at most c x per_class items.
    """
    import numpy as np

    from kgkt.values import Labels

    order = rng.permutation(len(pool_y))
    items = np.concatenate([order[pool_y[order] == j][:per_class] for j in range(len(names))])
    return Labels(items, pool_y[items], names)
