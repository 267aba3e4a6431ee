"""The right answers of small queries on tiny graphs, found by trying everything.

`random_queries.cases` makes the queries: any engine can be asked the same. Rows are compared as multisets and
lists as multisets too: nothing here has an order unless the query says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

Row = dict[str, Any]  # variable -> ("n", i), ("r", j), a tuple of those, a value, or None
LABELS, TYPES = ("A", "B"), ("R", "S")


@dataclass
class Graph:
    nodes: list[tuple[str, int | None]] = field(default_factory=list)  # label, x
    rels: list[tuple[int, int, str, int | None]] = field(default_factory=list)  # start, end, type, w

    def text(self) -> str:
        parts = [f"(n{i}:{label} {{key: 'n{i}', name: 'n{i}'{'' if x is None else f', x: {x}'}}})"
                 for i, (label, x) in enumerate(self.nodes)]
        parts += [f"(n{s})-[:{kind}{'' if w is None else f' {{w: {w}}}'}]->(n{e})" for s, e, kind, w in self.rels]
        return "CREATE " + ", ".join(parts)

    def value(self, entity: Any, name: str) -> Any:
        if entity is None:
            return None
        kind, i = entity
        if kind == "n":
            return f"n{i}" if name == "name" else self.nodes[i][1]
        return self.rels[i][3]


def random_graph(rng: Random) -> Graph:
    nodes = [(rng.choice(LABELS), rng.choice((0, 1, 2, None))) for _ in range(rng.randint(1, 9))]
    for label in LABELS:  # kglite refuses a property in a pattern that no node of the label has
        first = next((i for i, (other, _) in enumerate(nodes) if other == label), None)
        if first is not None:
            nodes[first] = (label, rng.randrange(3))
    pairs = {(rng.randrange(len(nodes)), rng.randrange(len(nodes)), rng.choice(TYPES))
             for _ in range(rng.randint(0, 12))}
    return Graph(nodes, [(*pair, rng.choice((0, 1, 2, None))) for pair in sorted(pairs)])


@dataclass
class Node:
    var: str
    label: str | None = None
    x: int | None = None

    def text(self) -> str:
        inner = self.var + (f":{self.label}" if self.label else "")
        return f"({inner}{'' if self.x is None else f' {{x: {self.x}}}'})"

    def fits(self, graph: Graph, i: int) -> bool:
        label, x = graph.nodes[i]
        return (self.label is None or label == self.label) and (self.x is None or x == self.x)


@dataclass
class Rel:
    var: str
    kinds: tuple[str, ...]
    way: str  # ">", "<", "-"
    hops: tuple[int, int] | None = None

    def text(self) -> str:
        inner = self.var + (":" + "|".join(self.kinds) if self.kinds else "")
        inner += f"*{self.hops[0]}..{self.hops[1]}" if self.hops else ""
        return {">": f"-[{inner}]->", "<": f"<-[{inner}]-", "-": f"-[{inner}]-"}[self.way]

    def steps(self, graph: Graph, i: int) -> Iterator[tuple[int, int]]:
        """(relationship, other end) of each step from node i."""
        for j, (start, end, kind, _) in enumerate(graph.rels):
            if self.kinds and kind not in self.kinds:
                continue
            if start == i and self.way in ">-":
                yield j, end
            if end == i and self.way in "<-" and not (self.way == "-" and start == end):
                yield j, start


Chain = list[Any]  # Node, Rel, Node, ...


def chain_text(chain: Chain) -> str:
    return "".join(part.text() for part in chain)


def match(graph: Graph, chains: list[Chain], row: Row) -> Iterator[Row]:
    """Every way to bind the chains, no relationship twice in one MATCH."""
    def walk(chain: Chain, at: int, row: Row, used: frozenset[int], rest: list[Chain]) -> Iterator[Row]:
        if not chain:
            yield from begin(rest, row, used)
            return
        rel, node, *more = chain
        lo, hi = rel.hops or (1, 1)
        def hop(i: int, path: tuple[int, ...], used: frozenset[int]) -> Iterator[Row]:
            if len(path) >= lo and node.fits(graph, i) and row.get(node.var, ("n", i)) == ("n", i):
                bound = tuple(("r", j) for j in path) if rel.hops else ("r", path[0])
                if not rel.var or row.get(rel.var, bound) == bound:
                    new = {**row, **({rel.var: bound} if rel.var else {}), **({node.var: ("n", i)} if node.var else {})}
                    yield from walk(more, i, new, used, rest)
            if len(path) < hi:
                for j, other in rel.steps(graph, i):
                    if j not in used:
                        yield from hop(other, (*path, j), used | {j})
        yield from hop(at, (), used)

    def begin(chains: list[Chain], row: Row, used: frozenset[int]) -> Iterator[Row]:
        if not chains:
            yield row
            return
        node, *chain = chains[0]
        for i in range(len(graph.nodes)):
            if node.fits(graph, i) and row.get(node.var, ("n", i)) == ("n", i):
                new = {**row, node.var: ("n", i)} if node.var else row
                yield from walk(chain, i, new, used, chains[1:])

    yield from begin(chains, row, frozenset())


def multiset(rows: Any) -> Counter[Any]:
    """Rows without an order, and without one in their lists."""
    return Counter(tuple(tuple(sorted(v)) if isinstance(v, list) else v for v in row) for row in rows)


def compare(one: Any, sign: str, two: Any) -> bool | None:
    if one is None or two is None:
        return None
    signs: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
    return signs[sign](one, two)


def both(one: bool | None, two: bool | None) -> bool | None:
    return False if one is False or two is False else None if one is None or two is None else True


def either(one: bool | None, two: bool | None) -> bool | None:
    return True if one is True or two is True else None if one is None or two is None else False


def one_of(one: bool | None, two: bool | None) -> bool | None:
    return None if one is None or two is None else one != two
