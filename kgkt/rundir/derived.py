"""What `map`, `fuse` and `diff` wrote into a graph, which goes with its concepts when it is populated again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.errors import nearest
from kgkt.rundir.folder import RunDir

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kgkt.store.protocol import Store

Written = dict[str, list[str]]
KINDS = ("maps", "rows", "measured", "models", "graphs", "from")
WORDS = {"lost": "lost", "arrived": "arrived", "corresponding": "alike"}  # queries of what diff found -> as said
NEVER = "nothing of the kind is in the graph: kgkt diff compares it with a B, or with another graph"


def read_written(store: Store, graph: str) -> Written:
    """Names of what the graph holds beside itself.

    Returns:
        maps (models that it is mapped to), rows (models whose Embedding rows it has), measured (mapped ones that `fuse`
        measured), models and graphs (that it was compared with), from (graphs that were compared with it).
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
    }


def all_gone(people: Mapping[str, Any]) -> Written:
    """What went with this graph's concepts, now or at a populate before and was not made again.

    Args:
        people: from `save_edits` or `edits_before`.
    """
    now, earlier = people.get("written", {}), (people.get("populate") or {}).get("figures", {}).get("gone", {})
    return {kind: sorted({*now.get(kind, []), *earlier.get(kind, [])}) for kind in KINDS}


def gone_in_words(gone: Written, graph: str) -> str:
    """What goes, and how it is made again; nothing where nothing does.

    >>> gone_in_words({"maps": ["b"], "measured": ["b"]}, "main").partition("; ")[0]
    'with the concepts as they were goes: the map of b, what fuse measured for b'
    >>> gone_in_words({"models": ["f"], "graphs": ["g"]}, "main").partition("; ")[2]
    'to make it again: kgkt diff main --target f.keras; kgkt diff main g'
    """
    maps, found = gone.get("maps", []), [*gone.get("models", []), *gone.get("graphs", [])]
    parts = [f"the map of {', '.join(maps)}"] if maps else []
    parts += [f"the rows of {', '.join(gone['rows'])}"] if gone.get("rows") else []
    parts += [f"what fuse measured for {', '.join(gone['measured'])}"] if gone.get("measured") else []
    parts += [f"what diff found in {', '.join(found)}"] if found else []
    parts += [f"what diff found of {', '.join(gone['from'])} in this graph"] if gone.get("from") else []
    if not parts:
        return ""
    again = [f"kgkt map --target {name}.keras" for name in maps]
    again += [f"kgkt fuse --method rows --target {name}.keras" for name in gone.get("rows", [])]
    again += ["kgkt fuse"] if gone.get("measured") else []
    again += _diffs(gone, graph)
    return f"with the concepts as they were goes: {', '.join(parts)}; to make it again: {'; '.join(again)}"


def not_again(run: RunDir, here: Written) -> Written:
    """What went at a populate, of what diff found, and is not in the graph again."""
    gone = run.state().get("stages", {}).get("populate", {}).get("figures", {}).get("gone", {})
    return {kind: [name for name in gone.get(kind, []) if name not in here[kind]] for kind in ("models", "graphs")}


def diff_in_words(run: RunDir, here: Written) -> str:
    """What diff compared the graph with, and what of it went; nothing where neither is."""
    found, gone = [*here["models"], *here["graphs"]], not_again(run, here)
    said = [f"in the graph: {', '.join(found)}"] if found else []
    said += [_went(gone, run.graph)] if any(gone.values()) else []
    return "; ".join(said)


def nothing_found(word: str, run: RunDir, store: Store, into: str = "") -> str:
    """Why a query of what diff found gives nothing: nothing is so, or it was never asked, or it went.

    Args:
        word: lost, arrived or corresponding.
        into: a model or graph, or "" for any.
    """
    here = read_written(store, run.graph)
    gone = not_again(run, here)
    if word == "corresponding":
        here, gone = {**here, "models": []}, {**gone, "models": []}
    known = [*here["models"], *here["graphs"]]
    if into and into not in known:
        if any(into in names for names in gone.values()):
            return _went({kind: [name for name in names if name == into] for kind, names in gone.items()}, run.graph)
        return (f"no diff with {into}{nearest(into, known)}; known: {', '.join(known)}" if known
                else f"no diff with {into}: " + (_went(gone, run.graph) if any(gone.values()) else NEVER))
    if known:
        return f"nothing is {WORDS[word]} in {into or ', '.join(known)}"
    return _went(gone, run.graph) if any(gone.values()) else NEVER


def _went(gone: Written, graph: str) -> str:
    names = [*gone.get("models", []), *gone.get("graphs", [])]
    return (f"what diff found in {', '.join(names)} went when the graph was populated again; to make it again: "
            + "; ".join(_diffs(gone, graph)))  # fmt: skip


def _diffs(gone: Mapping[str, Sequence[str]], graph: str) -> list[str]:
    return [
        *(f"kgkt diff {graph} --target {name}.keras" for name in gone.get("models", [])),
        *(f"kgkt diff {graph} {name}" for name in gone.get("graphs", [])),
        *(f"kgkt diff {name} {graph}" for name in gone.get("from", [])),
    ]
