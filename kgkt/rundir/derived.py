"""What `map`, `fuse`, `diff` and `lexicon` wrote into a graph, which goes with its concepts at the next `populate`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from kgkt.errors import nearest
from kgkt.rundir.folder import RunDir
from kgkt.rundir.rows_again import rows_again

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kgkt.store.protocol import Store

Written = dict[str, list[str]]
KINDS = ("maps", "rows", "measured", "models", "graphs", "from", "lexicons")
WORDS = {"lost": "lost", "arrived": "arrived", "corresponding": "alike"}  # queries of what diff found -> as said
NEVER = "nothing of the kind is in the graph: kgkt diff compares it with a B, or with another graph"
ROWS = {"concept_of_row", "rows_of_concept"}  # queries of what fuse --method rows wrote
NO_ROWS = ("no row of an Embedding is in the graph: kgkt fuse{flags} --method rows --target b.keras --out b-rows.keras "
           "writes them")  # fmt: skip


def read_written(store: Store, graph: str) -> Written:
    """Names of what the graph holds beside itself.

    Returns:
        maps (models that it is mapped to), rows (models whose Embedding rows it has), measured (mapped ones that `fuse`
        measured), models and graphs (that it was compared with), from (graphs that were compared with it), lexicons
        (pairs of it and another: "en,fr").
    """
    from kgkt.store.readback import rows

    mapped, diffed = rows(store, "read_mapped", graph=graph), rows(store, "read_diffed", graph=graph)
    return {
        "maps": [str(row["model"]) for row in mapped],
        "rows": [str(row["model"]) for row in rows(store, "row_models", graph=graph)],
        "measured": [str(row["model"]) for row in mapped if row["measured"]],
        "models": [str(row["into"]) for row in diffed if row["model"]],
        "graphs": [str(row["into"]) for row in diffed if not row["model"]],
        "from": [str(row["first"]) for row in rows(store, "read_diffed_by", graph=graph)],
        "lexicons": [f"{row['first']},{row['second']}" for row in rows(store, "read_translated", graph=graph)],
    }


def all_gone(people: Mapping[str, Any]) -> Written:
    """What went with this graph's concepts, now or at a populate before and was not made again.

    Args:
        people: from `save_edits` or `edits_before`.
    """
    now, earlier = people.get("written", {}), (people.get("populate") or {}).get("figures", {}).get("gone", {})
    return {kind: sorted({*now.get(kind, []), *earlier.get(kind, [])}) for kind in KINDS}


def gone_in_words(gone: Written, run: RunDir, flags: Sequence[str] = ()) -> str:
    """What goes, and how it is made again; nothing where nothing does.

    Args:
        gone: as `read_written`.
        run: of the graph.
        flags: by which a command finds it, from `place_flags`.

    >>> run = RunDir("kgkt-run", "main")
    >>> gone_in_words({"maps": ["b"], "measured": ["b"]}, run).partition("; ")[0]
    'with the concepts as they were goes: the map of b, what fuse measured for b'
    >>> gone_in_words({"models": ["f"], "graphs": ["g"]}, run).partition("; ")[2]
    'to make it again: kgkt diff main --target f.keras; kgkt diff main g'
    """
    maps, found = gone.get("maps", []), [*gone.get("models", []), *gone.get("graphs", [])]
    parts = [f"the map of {', '.join(maps)}"] if maps else []
    parts += [f"the rows of {', '.join(gone['rows'])}"] if gone.get("rows") else []
    parts += [f"what fuse measured for {', '.join(gone['measured'])}"] if gone.get("measured") else []
    parts += [f"what diff found in {', '.join(found)}"] if found else []
    parts += [f"what diff found of {', '.join(gone['from'])} in this graph"] if gone.get("from") else []
    parts += [f"the lexicon of {' and of '.join(gone['lexicons'])}"] if gone.get("lexicons") else []
    if not parts:
        return ""
    told = flags_text(flags)
    again = [f"kgkt map{told} --target {name}.keras" for name in maps]
    again += [rows_again(run, name, told) for name in gone.get("rows", [])]
    again += [f"kgkt fuse{told}"] if gone.get("measured") else []
    again += [*_diffs(gone, run.graph, flags), *lexicons_again(gone.get("lexicons", []), flags)]
    return f"with the concepts as they were goes: {', '.join(parts)}; to make it again: {'; '.join(again)}"


def lexicons_again(pairs: Sequence[str], flags: Sequence[str]) -> list[str]:
    """The commands that make lexicons again: "en,fr" of two graphs each."""
    told = flags_text(flags, graph=False)
    return [f"kgkt lexicon{told} --graphs {pair} --seeds pairs.tsv" for pair in pairs]


def flags_text(flags: Sequence[str], graph: bool = True) -> str:
    """The same as text, with a space before each; without the graph where a command names it otherwise."""
    kept = list(flags)
    if not graph and "--graph" in kept:
        del kept[kept.index("--graph") : kept.index("--graph") + 2]
    return "".join(f" {shlex.quote(part)}" for part in kept)


def not_again(run: RunDir, here: Written) -> Written:
    """What went at a populate, of what diff found, and is not in the graph again."""
    gone = run.state().get("stages", {}).get("populate", {}).get("figures", {}).get("gone", {})
    return {kind: [name for name in gone.get(kind, []) if name not in here[kind]] for kind in ("models", "graphs")}


def diff_in_words(run: RunDir, here: Written, flags: Sequence[str] = ()) -> str:
    """What diff compared the graph with, and what of it went; nothing where neither is."""
    found, gone = [*here["models"], *here["graphs"]], not_again(run, here)
    said = [f"in the graph: {', '.join(found)}"] if found else []
    said += [_went(gone, run.graph, flags)] if any(gone.values()) else []
    return "; ".join(said)


def nothing_found(word: str, run: RunDir, store: Store, into: str = "", flags: Sequence[str] = ()) -> str:
    """Why a query of what diff found gives nothing: nothing is so, or it was never asked, or it went.

    Args:
        word: lost, arrived or corresponding.
        into: a model or graph, or "" for any.
        flags: as for `gone_in_words`.
    """
    here = read_written(store, run.graph)
    gone = not_again(run, here)
    if word == "corresponding":
        here, gone = {**here, "models": []}, {**gone, "models": []}
    known = [*here["models"], *here["graphs"]]
    if into and into not in known:
        if any(into in names for names in gone.values()):
            return _went({kind: [name for name in names if name == into] for kind, names in gone.items()}, run.graph,
                         flags)  # fmt: skip
        return (f"no diff with {into}{nearest(into, known)}; known: {', '.join(known)}" if known
                else f"no diff with {into}: " + (_went(gone, run.graph, flags) if any(gone.values())
                                                        else NEVER))  # fmt: skip
    if known:
        return f"nothing is {WORDS[word]} in {into or ', '.join(known)}"
    return _went(gone, run.graph, flags) if any(gone.values()) else NEVER


def _went(gone: Written, graph: str, flags: Sequence[str]) -> str:
    names = [*gone.get("models", []), *gone.get("graphs", [])]
    return (f"what diff found in {', '.join(names)} went when the graph was populated again; to make it again: "
            + "; ".join(_diffs(gone, graph, flags)))  # fmt: skip


def _diffs(gone: Mapping[str, Sequence[str]], graph: str, flags: Sequence[str]) -> list[str]:
    told = flags_text(flags, graph=False)
    return [
        *(f"kgkt diff{told} {graph} --target {name}.keras" for name in gone.get("models", [])),
        *(f"kgkt diff{told} {graph} {name}" for name in gone.get("graphs", [])),
        *(f"kgkt diff{told} {name} {graph}" for name in gone.get("from", [])),
    ]


def no_row(word: str, run: RunDir, store: Store, params: Mapping[str, Any], flags: Sequence[str] = ()) -> str:
    """Why a query of rows gives nothing: the word has none, or none were written, or they went.

    Args:
        word: concept_of_row or rows_of_concept.
        params: of the query.
        flags: as for `gone_in_words`.
    """
    here, state = read_written(store, run.graph)["rows"], run.state().get("stages", {})
    model = str(params.get("model", ""))
    if here and (not model or model in here):
        where = f"the Embedding of {model or ', '.join(here)}"
        return (f"{str(params['word'])!r} is no word of {where}" if word == "concept_of_row"
                else f"no row of {where} comes from concept {params['concept']}")  # fmt: skip
    gone = state.get("populate", {}).get("figures", {}).get("gone", {}).get("rows", [])
    if went := [name for name in gone if name not in here and model in ("", name)]:
        again = [rows_again(run, name, flags_text(flags)) for name in went]
        return (f"the rows of {', '.join(went)} went when the graph was populated again; to make them again: "
                + "; ".join(again))  # fmt: skip
    return f"no rows of {model}{nearest(model, here)}" if here else NO_ROWS.format(flags=flags_text(flags))
