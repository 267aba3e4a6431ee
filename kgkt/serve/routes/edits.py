"""Routes that write what people say: labels, names, switches, merges, and their undoing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends

from kgkt.errors import UsageError, count
from kgkt.serve.held import Held
from kgkt.serve.kinds import read_only
from kgkt.serve.schemas import Apart, Label, Merge, Name, Switch, Undo

SHOWN = 3  # labels that a notice names


def router(held: Held) -> APIRouter:
    """The routes, of what is held."""
    def may_write() -> None:
        if not held.write:
            raise read_only()

    routes = APIRouter(prefix="/api/graphs/{graph}", dependencies=[Depends(may_write)])

    def edited(graph: str, words: str, edit: int | None, said: list[str]) -> dict[str, Any]:
        return {"edit": edit, "words": words, "notices": said, "state": held.graph(graph).state()}

    def run(graph: str, verb: Callable[[Any, Callable[[str], None]], Any]) -> tuple[Any, list[str]]:
        """Run a verb of (recipe, say) on a graph that may be written."""
        said: list[str] = []
        one = held.graph(graph)
        done = one.edit(lambda: verb(one.recipe, said.append))
        held.labelled(graph)
        return done, said

    @routes.post("/label")
    def label(graph: str, body: Label) -> dict[str, Any]:
        """Write labels and ticks: the concepts' answer follows at once, the items' a little later."""
        from kgkt.source.labels import read_pairs

        if not body.labels and not body.ticks:
            raise UsageError("neither a label nor a tick")
        said: list[str] = []
        one = held.graph(graph)
        pairs = [(s.item, s.class_) for s in body.labels] + [(s.item, f"not:{s.class_}") for s in body.ticks]
        edit = one.label(read_pairs(pairs, one.now().rows.keys()), said.append)
        held.labelled(graph)
        return edited(graph, _labelled(body) if edit is not None else "it was so before", edit, said)

    @routes.post("/name")
    def name(graph: str, body: Name) -> dict[str, Any]:
        """Call a concept otherwise."""
        from kgkt.verbs.name import name as rename

        done, said = run(
            graph, lambda recipe, say: rename(recipe, say, str(body.concept), body.name, body.name is None))
        return edited(graph, f"concept {done.concept} is called {done.name}", done.edit, said)

    @routes.post("/switch")
    def switch(graph: str, body: Switch) -> dict[str, Any]:
        """Switch concepts off, so that what they hold teaches nothing, or on again."""
        from kgkt.verbs.switch import switch as turn

        before = held.graph(graph).now().current.silent()
        done, said = run(graph, lambda recipe, say: turn(recipe, say, body.on, None, list(map(str, body.concepts)),
                                                      tell=False))  # fmt: skip
        muted = [label for label in held.graph(graph).now().current.silent() if label not in before]
        if muted:
            shown = ", ".join(muted[:SHOWN]) + (f", … ({len(muted):,} labels)" if len(muted) > SHOWN else "")
            said.append(f"{shown}: nothing is learned of {'it' if len(muted) == 1 else 'them'} until a concept that "
                        "holds it is on again")  # fmt: skip
        held_by = f"{count(len(done.concepts), 'concept')} with {count(done.items, 'item')}"
        words = f"{held_by} switched {'on' if body.on else 'off'}"
        return edited(graph, words, done.edit, said)

    @routes.post("/merge")
    def merge(graph: str, body: Merge) -> dict[str, Any]:
        """Count concepts as parts of another one."""
        from kgkt.verbs.merge import merge as join

        done, said = run(graph, lambda recipe, say: join(recipe, say, str(body.kept), list(map(str, body.others))))
        return edited(graph, f"{count(len(done.parts), 'concept')} merged into concept {body.kept}", done.edit, said)

    @routes.post("/apart")
    def apart(graph: str, body: Apart) -> dict[str, Any]:
        """Let merged concepts stand by themselves again."""
        from kgkt.verbs.merge import merge as join

        done, said = run(graph, lambda recipe, say: join(recipe, say, None, list(map(str, body.concepts))))
        return edited(graph, f"{count(len(done.parts), 'concept')} taken apart", done.edit, said)

    @routes.post("/undo")
    def undo(graph: str, body: Undo) -> dict[str, Any]:
        """Take back an edit of a verb; an undo is an edit itself."""
        from kgkt.verbs.undo import undo as take_back

        done, said = run(graph, lambda recipe, say: take_back(recipe, say, body.edit, tell=False))
        words = f"{'again' if done.again else 'undone'}: {done.verb} {done.what}"
        return edited(graph, words, done.number, said)

    return routes


def _labelled(body: Label) -> str:
    parts = [f"{s.item} is {s.class_}" for s in body.labels] + [f"{s.item} is not {s.class_}" for s in body.ticks]
    return ", ".join(parts[:3]) + (f" and {len(parts) - 3:,} more" if len(parts) > 3 else "")
