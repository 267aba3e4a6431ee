"""kgkt.toml: everything a run needs, as one frozen value; flags of the command line override it."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from kgkt.errors import InputError, nearest
from kgkt.files import DEFAULT_DIR

FILE = "kgkt.toml"
SENTENCES = "sentence-transformers:"
WORD_VECTORS = "words:"
SCHEMES = (SENTENCES, WORD_VECTORS)  # what a source model's name may begin with; kgkt.source.choose says what each is
METHODS = ("communities", "network", "auto")  # by which hidden layers get concepts; the first is the default
TABLES, ARRAYS = ("parquet", "csv", "tsv"), ("npz", "npy")  # files of features, by the ends of their names
# of word vectors a file may be followed by which of its arrays is meant, and by the list of its words
NAMED = re.compile(r"(.+?\.(?:npy|npz|safetensors|parquet|keras))((?::[^,]+)?)(?:,(.+))?", re.IGNORECASE | re.DOTALL)
LAYERED = re.compile(rf"(.+?\.(?:keras|h5|hdf5|{'|'.join(TABLES + ARRAYS)})):(.+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What model A is, and the pool it looks at; classes only where A's outputs are B's classes."""

    model: str | None = None
    layers: tuple[str, ...] = ()
    data: str | None = None
    features: str | None = None
    pixels: str = "raw"
    imports: tuple[str, ...] = ()
    allow_legacy: bool = False
    drop_bad: bool = False
    folder_labels: bool = False
    size: tuple[int, int] | None = None
    id_column: str = "item_id"
    text_column: str | None = None
    class_column: str | None = None
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    weights: str | None = None
    vocabulary: str | None = None
    most_frequent: int | None = None
    lower: bool = False

    @property
    def each(self) -> tuple[Self, ...]:
        """Every source by itself, the first one first; how data is read is the same for all."""
        first = dataclasses.replace(self, also=(), weights=None)
        return (first, *(_beside(first, text) for text in self.also))

    @property
    def scheme(self) -> str:
        """What the model's name begins with, among SCHEMES; "" for a plain file."""
        return next((scheme for scheme in SCHEMES if (self.model or "").startswith(scheme)), "")

    @property
    def vocabulary_path(self) -> Path | None:
        """The file that `vocabulary` names, without the layer of a `.keras` model."""
        if self.vocabulary is None:
            return None
        named = NAMED.fullmatch(self.vocabulary) if not Path(self.vocabulary).exists() else None
        return Path(self.vocabulary if named is None else named[1])

    @property
    def model_path(self) -> Path | None:
        """The file or folder of A."""
        if self.model is None:
            return None
        place = self.model.removeprefix(self.scheme)
        named = NAMED.fullmatch(place) if self.holds_words and not Path(place).exists() else None
        return Path(named[1] if named else place)

    @property
    def holds_words(self) -> bool:
        """Whether the items are the words of the first source, which brings them itself."""
        return self.scheme == WORD_VECTORS


def _beside(first: SourceSettings, text: str) -> Any:
    """The settings of one source of `also`: FILE, FILE:LAYER,LAYER, words:FILE or sentence-transformers:FOLDER."""
    place, layers = text, ""
    if not text.startswith(SCHEMES) and (named := LAYERED.fullmatch(text)):
        place, layers = named.groups()
    names = tuple(name.strip() for name in layers.split(",") if name.strip())
    given = place.rpartition(".")[2].lower() in TABLES + ARRAYS and not text.startswith(SCHEMES)
    return dataclasses.replace(
        first, model=None if given else place, features=place if given else None, layers=names, drop_bad=False,
        vocabulary=None, most_frequent=None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Concepts:
    """How the graph is made."""

    k: int | None = None
    seed: int = 0
    dims: int = 32


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the graph is kept; without a url in the run directory."""

    url: str | None = None
    database: str | None = None
    shared: bool = False
    text: bool = True


@dataclass(frozen=True, slots=True)
class Teach:
    """How knowledge spreads from labels; spread is chosen by the size of the pool where None, alpha by the labels."""

    labels: str | None = None
    id_column: str = "item_id"
    class_column: str = "class"
    spread: str | None = None
    expert: str = "auto"
    balanced: bool = False
    prior: dict[str, float] = field(default_factory=dict)
    alpha: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What model B is and how it is trained."""

    model: str | None = None
    out: str | None = None
    data: str | None = None
    test: str | None = None
    id_column: str | None = None
    text_column: str | None = None
    class_column: str | None = None
    pixels: str | None = None
    allow_shift: bool = False
    classes: tuple[str, ...] = ()
    map: bool = True
    map_method: str | None = None
    steps: int = 400
    batch: int = 64
    learning_rate: float = 1e-3
    patience: int = 5
    seed: int = 0
    from_logits: bool | None = None
    carry: str | None = None
    carry_weight: float | None = None
    imports: tuple[str, ...] = ()
    output: str | None = None
    require_gain: float | None = None
    method: str = "auto"
    temperature: float | None = None
    class_weights: str | dict[str, float] | None = None
    log: str | None = None
    grow: tuple[str, ...] = ()
    trainer: str | None = None
    layer: str | None = None
    vocabulary: str | None = None
    special: tuple[str, ...] = ()
    lower: bool = False
    strip_accents: bool = False
    rank: int | str | None = None
    row_norm: float | str | None = None
    projection: str = "auto"
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """One run, from A to B.

    Args:
        graph: name of the graph; None: the only one in the run directory, else "main".
        dir: run directory.
        path: the file it was read from, if any; relative paths in it are relative to its folder.
    """

    graph: str | None = None
    dir: str = DEFAULT_DIR
    path: Path | None = None
    source: SourceSettings = field(default_factory=SourceSettings)
    concepts: Concepts = field(default_factory=Concepts)
    store: StoreSettings = field(default_factory=StoreSettings)
    teach: Teach = field(default_factory=Teach)
    target: Target = field(default_factory=Target)

    def override(self, section: str | None = None, **flags: Any) -> Self:
        """A copy with the flags that were given (None: not given) in place of what the file says."""
        given = {key: value for key, value in flags.items() if value is not None}
        if not given:
            return self
        if section is None:
            return dataclasses.replace(self, **given)
        return dataclasses.replace(self, **{section: dataclasses.replace(getattr(self, section), **given)})


SECTIONS: dict[str, type] = {
    "source": SourceSettings, "concepts": Concepts, "store": StoreSettings, "teach": Teach, "target": Target,
}  # fmt: skip
PATHS = {"source": ("model", "data", "features", "vocabulary"), "teach": ("labels",),
         "target": ("model", "out", "data", "test", "log", "vocabulary")}  # fmt: skip


def read_recipe(path: Path | None = None) -> Recipe:
    """Read a recipe; without a path, `kgkt.toml` of this folder where there is one.

    Raises:
        InputError: not TOML, an unknown section or key (with the nearest one), a value of the wrong kind.
    """
    if path is None:
        path = Path(FILE)
        if not path.exists():
            return Recipe()
    try:
        text = path.read_text(encoding="utf-8-sig")
        table = tomllib.loads(text)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    parts: dict[str, Any] = {"path": path}
    for key, value in table.items():
        if key in SECTIONS and isinstance(value, dict):
            parts[key] = _section(path, key, value)
        elif key in ("graph", "dir"):
            parts[key] = _value(path, key, value, "str")
        else:
            raise InputError(f"{path}: unknown key {key!r}{nearest(key, [*SECTIONS, 'graph', 'dir'])}")
    if "dir" in parts:
        parts["dir"] = str(path.parent / parts["dir"])
    return Recipe(**parts)


def _section(path: Path, name: str, table: dict[str, Any]) -> Any:
    kinds = {f.name: str(f.type) for f in dataclasses.fields(SECTIONS[name])}
    given = {}
    for key, value in table.items():
        if key not in kinds:
            raise InputError(f"{path}: unknown key {key!r} in [{name}]{nearest(key, kinds)}")
        given[key] = _value(path, f"{name}.{key}", value, kinds[key])
        if key in PATHS.get(name, ()):
            given[key] = _beside_recipe(path, given[key]) if name == "source" else str(path.parent / given[key])
        if (name, key) == ("source", "also"):
            given[key] = tuple(_beside_recipe(path, text) for text in given[key])
    section = SECTIONS[name](**given)
    for key, allowed in CHOICES.items():
        if key in given and given[key] not in allowed:
            raise InputError(f"{path}: {name}.{key} is {given[key]!r}{nearest(str(given[key]), allowed)}")
    for key in AT_LEAST_ONE:
        if key in given and given[key] < 1 and (key, given.get("method"), given[key]) != ("steps", "write", 0):
            raise InputError(f"{path}: {name}.{key} must be at least 1, received {given[key]}")
    return section


def _beside_recipe(path: Path, place: str) -> str:
    """A place that a recipe names, relative to the recipe's folder."""
    scheme = next((scheme for scheme in SCHEMES if place.startswith(scheme)), "")
    return scheme + in_folder(path.parent, place.removeprefix(scheme), scheme == WORD_VECTORS)


def in_folder(folder: Path, place: str, words: bool = False) -> str:
    """A place relative to a folder; of word vectors the list of their words too.

    >>> in_folder(Path("a"), "v.npy,w.txt", words=True)
    'a/v.npy,a/w.txt'
    """
    named = NAMED.fullmatch(place) if words and not (folder / place).exists() else None
    if named is None:
        return str(folder / place)
    return str(folder / named[1]) + named[2] + (f",{folder / named[3]}" if named[3] else "")


def _value(path: Path, key: str, value: Any, kind: str) -> Any:
    """Check `value` against the annotation `kind` of its field; class names given as numbers become text."""
    base = kind.split(" | ")[0]
    if base == "tuple[int, int]":
        if isinstance(value, list) and len(value) == 2 and all(type(v) is int and v > 0 for v in value):
            return tuple(value)
    elif base.startswith("tuple") and isinstance(value, list) and all(isinstance(v, str | int) for v in value):
        return tuple(str(v) for v in value)
    if kind in ("int | str | None", "float | str | None") and isinstance(value, str):
        return value
    if "dict" in kind and isinstance(value, dict):
        return {str(k): _value(path, f"{key}.{k}", v, "float") for k, v in value.items()}
    wanted: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
    if isinstance(value, wanted.get(base, ())) and not (base != "bool" and isinstance(value, bool)):
        return float(str(value)) if base == "float" else value
    raise InputError(f"{path}: {key} must be {WORDS[kind.replace(' | None', '')]}, received {value!r}")


CHOICES: dict[str, tuple[str, ...]] = {"pixels": ("raw", "0..1", "-1..1"), "spread": ("concepts", "items", "both"),
                                 "expert": ("auto", "head", "prototypes", "none"), "map_method": METHODS,
                                 "carry": ("concepts",),
                                 "method": ("auto", "soft-targets", "write", "distil", "rows"),
                                 "projection": ("auto", "pca", "whitened", "learned")}  # fmt: skip
AT_LEAST_ONE = ("k", "dims", "steps", "batch", "patience", "most_frequent")
WORDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false",
         "tuple[str, ...]": "a list of names", "tuple[int, int]": "two whole numbers, [height, width]",
         "dict[str, float]": "a table of numbers", "int | str": "a whole number or \"full\"",
         "float | str": "a number, \"keep\" or \"tuned\"",
         "str | dict[str, float]": "\"balanced\" or a table of numbers"}  # fmt: skip


TEMPLATE = '''\
# kgkt.toml: what `kgkt run` does, from A to B. Flags override it; `kgkt check` shows the plan.
# A line that begins with # is off: take the # away to set it. Paths are relative to this file.
# The lines that are on say what holds without them; what names your own files is off.

# graph = "main"               # name of the graph in the run directory; else the only one there, else main
dir = "kgkt-run"               # run directory

[source]                       # what model A knows
# model = "a.keras"            # a Keras 3 model file, "sentence-transformers:FOLDER" for texts, or "words:FILE"
# layers = ["mid", "emb"]      # one or two of its layers; else a middle one and the last hidden one, as check shows
# data = "pool.npz"            # array x (and item_id, if there), a folder of images, or a table of texts
# features = "f.parquet"       # instead of model, layers and data: features made elsewhere
pixels = "raw"                 # what A wants: raw, 0..1 or -1..1
# size = [64, 64]              # height and width for pictures of several sizes; only where A's input leaves it open
# id_column = "item_id"        # of a table of texts or of features: the column that holds the items' ids
# text_column = "text"         # of a table of texts: the column of texts; else the only one that looks like text
# class_column = "y"           # of a table of texts: the classes, where it has them; they are not learned from
# columns = ["f*"]             # of a table of features: its columns of numbers, one layer for each pattern
# classes = ["cat", "dog"]     # only if A's own outputs are B's classes: evaluate then compares plain distillation
# also = ["a2.keras:emb"]      # further sources of the same items: models with their layers, or files of features
# vocabulary = "words.txt"     # of "words:FILE": only these words, one a line, or those that a .keras model reads
# most_frequent = 20000        # of "words:FILE": only the first ones
# lower = true                 # of "words:FILE": lower-case all words
# weights = "1,0.5"            # what each source counts, the first one first; auto: equal, or as labels prefer

[concepts]
# k = 500                      # number of concepts; without it a tenth of the items, 50 to 2500
seed = 0

[store]
# url = "neo4j://localhost"    # a server in place of the file in the run directory; user and password come
                               # from NEO4J_USERNAME and NEO4J_PASSWORD, or from .env
# database = "neo4j"           # its name on the server
# shared = true                # the database holds other people's nodes too: touch none of them
text = true                    # false keeps item texts and paths out of the database

[teach]
# labels = "labels.csv"        # columns item_id,class
# id_column = "item_id"        # if the columns of that file are called otherwise
# class_column = "class"
balanced = false               # true if every class is equally frequent in the pool: it helps
# prior = {cat = 0.7, dog = 0.3}   # or the shares, if you know them
# spread = "both"              # over concepts, items or both: both up to 300,000 items, concepts above
expert = "auto"                # what joins the graph: auto weighs a head and class prototypes; head, prototypes, none
# alpha = 0.9                  # how far knowledge travels over the concepts; else 0.9 (0.3 above 20 classes), from
                               # five labels a class as they choose

[target]                       # model B
# model = "b.keras"
# out = "b-fused.keras"
# data = "pool_b.npz"          # B's view of the same items, matched by item_id; else the pool itself
# test = "test.npz"            # arrays x and y: measures what it was worth
# output = "class"             # which of B's outputs is taught, where it has several
# text_column = "text"         # of these two, where they are tables of texts and call their columns otherwise than
# id_column = "item_id"        # the pool does
# class_column = "y"
# pixels = "0..1"              # what B wants: raw, 0..1 or -1..1; else what A was told, unless B begins with Rescaling
# classes = ["cat", "dog"]     # order of B's outputs; else natural order of the names; one output speaks for the second
# from_logits = true           # B's outputs are logits (false: probabilities), where its last layer does not say
# grow = ["classes=fox,owl"]   # a trained B gets slots for classes it lacks; "units=64", "units=hidden:64": wider
# carry = "concepts"           # B's last hidden layer also learns which concepts an item is in, for tasks to come
# carry_weight = 1.0           # of that loss beside B's own
map = true                     # also write B's weights from the graph, where a held-out check favours it
# map_method = "communities"   # by what hidden layers get their concepts: communities, network, auto
method = "auto"                # auto; write without that check; soft-targets: write nothing; distil: A's own answer;
                               # rows: rows of B's Embedding, where A knows words, and no training
# layer = "embedding"          # with rows: which Embedding, where B has several
# vocabulary = "words.txt"     # the words of its rows, one a line; else of B's TextVectorization or StringLookup
# lower = true                 # capitals do not count where a word is looked up; strip_accents: accents do not
# rank = 32                    # of what a row has beside its concept's centroid; 0, or "full"
# row_norm = "keep"            # mean length of the rows: as B's own, a number, or "tuned" by test, texts with classes
# projection = "whitened"      # how A's vectors come to the rows' width: pca, whitened, learned; else auto
# temperature = 2              # of A's answer, with method = "distil"
# class_weights = "balanced"   # or {cat = 2, dog = 1}: what an item counts by its class
# log = "log"                  # folder that gets the losses, for TensorBoard
# trainer = "train.py"         # a command of yours, run in this folder once out is written: kgkt run --allow-trainer
steps = 400
batch = 64
learning_rate = 0.001
seed = 0
'''
