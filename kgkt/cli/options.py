"""Options that several verbs share, declared once: each group is a function from its options to one value.

    @app.command()
    @takes(run=graph_of, form=plain)
    def map_(*, target: Target = None, run: Run, form: str) -> None: ...

gives the verb `map` the options of `graph_of` and `plain` where `run` and `form` stand, and calls it with their values.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgkt.cli.output import OUT, pick_format

if TYPE_CHECKING:
    from kgkt.api import Run

Force = Annotated[bool, typer.Option("--force", help="Replace output files that exist.")]
Target = Annotated[str | None, typer.Option("--target", help="Model B, a .keras file; it is never changed.")]
Output = Annotated[
    str | None, typer.Option("--output", help="Which of B's outputs is taught, where it has several.")
]
Test = Annotated[
    str | None, typer.Option("--test", help="Arrays x and y, or texts with classes: measures what it was worth.")
]
TargetClasses = Annotated[
    str | None,
    typer.Option("--target-classes", help="Classes of B's outputs, in order: a,b,c; else natural order of the names."),
]  # fmt: skip
TargetData = Annotated[
    str | None, typer.Option("--target-data", help="B's view of the same items, matched by item_id; of several inputs, "
                      "an array for each.")
]
TargetPixels = Annotated[
    str | None,
    typer.Option("--target-pixels", help="Range of pixels that B wants: raw, 0..1 or -1..1; else what A was told, "
                 "unless B scales its inputs itself."),
]  # fmt: skip
AllowShift = Annotated[
    bool, typer.Option("--allow-shift", help="Go on with a test set of another range than what B is taught.")
]
FromLogits = Annotated[
    bool, typer.Option("--from-logits", help="B's outputs are logits, where its last layer does not say.")
]
Carry = Annotated[
    str | None,
    typer.Option("--carry", help="concepts: B's last hidden layer also learns which concepts an item is in, for tasks "
                 "to come."),
]  # fmt: skip
CarryWeight = Annotated[float | None, typer.Option("--carry-weight", help="Of that loss beside B's own (1).")]
Balanced = Annotated[bool, typer.Option("--balanced", help="Every class is equally frequent in the pool.")]
Shared = Annotated[
    bool, typer.Option("--shared", help="The database holds other people's nodes too: touch none of them.")
]
AllowLegacy = Annotated[bool, typer.Option("--allow-legacy", help="Open an HDF5 model file, which can hold code.")]
Imports = Annotated[
    list[str] | None, typer.Option("--import", help="Package whose registered objects a model file needs.")
]
IdColumn = Annotated[
    str | None, typer.Option("--id-column", help="Column of item ids, if it is not called item_id.")
]
TextColumn = Annotated[
    str | None, typer.Option("--text-column", help="Column of texts, if it is not called text.")
]
ClassColumn = Annotated[
    str | None, typer.Option("--class-column", help="Column of classes, if it is not called class (of texts: or y).")
]
Columns = Annotated[
    str | None,
    typer.Option("--columns", help="Of a table of features: its columns of numbers, 'f*'; with commas for layers."),
]  # fmt: skip
Params = Annotated[list[str] | None, typer.Option("--param", help="NAME=VALUE of a parameter of the query.")]
Layers = Annotated[
    str | None, typer.Option("--layers", help="Layers of A to read, with commas: mid,emb; else as check says.")
]
Graph = Annotated[str | None, typer.Option("--graph", help="Name of the graph; needed only if there are several.")]
Format = Annotated[str | None, typer.Option("--format", help="table, json or csv; JSON when piped.")]
Dir = Annotated[str | None, typer.Option("--dir", envvar="KGKT_DIR", help="Run directory (kgkt-run).")]
StoreUrl = Annotated[
    str | None,
    typer.Option("--store", help="Database: kglite:PATH (else the run directory's own), or neo4j://HOST; user and "
                 "password come from NEO4J_USERNAME and NEO4J_PASSWORD, or .env."),
]  # fmt: skip
Database = Annotated[
    str | None, typer.Option("--database", help="Name of the database on the server (NEO4J_DATABASE, else neo4j).")
]
RecipePath = Annotated[str | None, typer.Option("--recipe", help="Recipe to read instead of ./kgkt.toml.")]
BEFORE: dict[str, str | None] = {}  # places typed before the verb of a group of verbs


def takes(**groups: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Put the options of `groups` in the place of the parameters that they are named after."""

    def around(verb: Callable[..., None]) -> Callable[..., None]:
        own = _parameters(verb)
        theirs = {name: _parameters(group) for name, group in groups.items()}
        shown: dict[str, inspect.Parameter] = {}
        for name, parameter in own.items():
            shown |= theirs.get(name, {name: parameter})

        @functools.wraps(verb)
        def command(**given: Any) -> None:
            values = {name: groups[name](**{p: given[p] for p in theirs[name]}) for name in groups}
            verb(**values, **{name: given[name] for name in own if name not in groups})

        command.__signature__ = inspect.Signature(list(shown.values()))  # type: ignore[attr-defined]
        command.__annotations__ = {}  # those of `verb` need not be found out: the signature holds them
        return command

    return around


@functools.cache  # a group is asked for by nearly every verb
def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Parameters by name, with their annotations as Typer wants them; all of them are given by name."""
    return {
        name: parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=_evaluated(parameter, function))
        for name, parameter in inspect.signature(function).parameters.items()
    }


def _evaluated(parameter: inspect.Parameter, function: Callable[..., Any]) -> Any:
    try:
        return eval(parameter.annotation, function.__globals__)
    except NameError:  # of a group's value, whose type is imported for the type checker only
        return parameter.annotation


def graph_of(
    graph: Graph = None,
    dir: Dir = None,
    store: StoreUrl = None,
    database: Database = None,
    recipe: RecipePath = None,
) -> Run:
    """The graph that a verb is about."""
    from kgkt.api import open_graph

    run = open_graph(graph, dir, store, database, recipe, OUT.say, OUT.progress)
    OUT.run = run
    return run


def directory(
    dir: Dir = None, store: StoreUrl = None, database: Database = None, recipe: RecipePath = None
) -> Run:
    """All graphs of a run directory, for verbs that take the name of one themselves; options may stand before them."""
    told = {"dir": dir, "store": store, "database": database, "recipe": recipe}
    surroundings = os.environ.get("KGKT_DIR")  # what was typed before the verb goes before that
    told |= {name: said for name in told if (said := BEFORE.get(name)) and told[name] in (None, surroundings)}
    return graph_of(None, **told)


def plain(form: Format = None) -> str:
    """The format of a verb that prints what it did."""
    return pick_format(form)


def plain_of_group(form: Format = None) -> str:
    """The same of a verb of a group: the format may stand before it."""
    return pick_format(form or BEFORE.get("form"))


def rows_of_group(form: Format = None) -> str:
    """The format of a verb of a group that prints rows; it may stand before the verb."""
    return pick_format(form or BEFORE.get("form"), rows=True)


def rows(form: Format = None) -> str:
    """The format of a verb that prints rows."""
    return pick_format(form, rows=True)


def asked_rows(
    form: Annotated[
        str | None,
        typer.Option("--format", help="table, json or csv; JSON when piped. label-studio: --out holds tasks for it."),
    ] = None,
) -> str:
    """The format of the verb that prints items to label."""
    return pick_format(form, rows=True, also=("label-studio",))


def source(
    model: Annotated[
        str | None,
        typer.Option("--model", help="Model A: a .keras file, sentence-transformers:FOLDER for texts, or words:FILE of "
                     "word vectors, whose words are the items."),
    ] = None,
    layers: Layers = None,
    data: Annotated[
        str | None,
        typer.Option("--data", help="Pool: .npz (x, item_id), .npy, a folder of images, or texts: .csv, .tsv, .jsonl, "
                     ".json, .parquet; or words, one a line: .txt."),
    ] = None,
    features: Annotated[
        str | None, typer.Option("--features", help="Features made elsewhere: .parquet, .npz or .npy.")
    ] = None,
    id_column: IdColumn = None,
    text_column: TextColumn = None,
    class_column: ClassColumn = None,
    columns: Columns = None,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="HxW",
                     help="Bring the pictures of a folder to this size; only where A's input leaves it open."),
    ] = None,
    imports: Imports = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", help="One more source of the same items: a2.keras:LAYER,LAYER, a file of features, or "
                     "sentence-transformers:FOLDER, words:FILE; may be repeated."),
    ] = None,
    source_weights: Annotated[
        str | None,
        typer.Option("--source-weights", help="What each source counts, the first one first: 1,0.5. auto: the same, "
                     "unless labels prefer otherwise."),
    ] = None,
    vocabulary: Annotated[
        str | None,
        typer.Option("--vocabulary", help="Of words:FILE, only the words of this file, one a line, or those that a "
                     ".keras model reads."),
    ] = None,
    most_frequent: Annotated[
        int | None, typer.Option("--most-frequent", help="Of words:FILE, only so many words, the first ones.")
    ] = None,
    lower: Annotated[bool, typer.Option("--lower", help="Of words:FILE: lower-case all words.")] = False,
) -> dict[str, Any]:
    """A, and the pool that it looks at: settings of `Run.populate` and `Run.check`."""
    return {
        "model": model, "layers": listed(layers), "id_column": id_column, "columns": listed(columns), "data": data,
        "text_column": text_column, "class_column": class_column, "features": features,
        "size": _size(size) if size else None, "imports": imports, "also": also or None,
        "source_weights": source_weights, "vocabulary": vocabulary, "most_frequent": most_frequent,
        "lower": lower or None,
    }  # fmt: skip


def table_columns(
    id_column: IdColumn = None, text_column: TextColumn = None, class_column: ClassColumn = None
) -> dict[str, str | None]:
    """The columns of a table that is read."""
    return {"id_column": id_column, "text_column": text_column, "class_column": class_column}


def listed(names: str | None) -> list[str] | None:
    """Names with commas between."""
    return [name.strip() for name in names.split(",") if name.strip()] if names else None


def opening(imports: Imports = None, allow_legacy: AllowLegacy = False) -> dict[str, Any]:
    """How model files are opened."""
    return {"imports": imports, "allow_legacy": allow_legacy}


def points(value: float | None) -> float | None:
    """Points of a flag as the share that they are."""
    return None if value is None else value / 100


def params_of(pairs: list[str] | None) -> dict[str, Any]:
    """NAME=VALUE texts as parameters: JSON where it is JSON, else text."""
    import json

    from kgkt.errors import UsageError

    values = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--param {pair!r}: write NAME=VALUE")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    return values


def _size(text: str) -> tuple[int, int]:
    from kgkt.errors import UsageError

    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise UsageError(f"--size {text!r}: write HEIGHTxWIDTH in pixels, e.g. 64x48")
    return int(height), int(width)
