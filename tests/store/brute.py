"""Random Cypher queries on tiny graphs with their right answers, found by trying everything.

`cases(seed, n)` gives (text that makes a graph, [(query, rows)]): any engine can be asked the same. Rows are
compared as multisets and lists as multisets too: nothing here has an order unless the query says so.
"""

from __future__ import annotations

import itertools
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


Predicate = tuple[str, Callable[[Row], bool | None]]


class Maker:
    """Makes one random query and its rows on a graph."""

    def __init__(self, rng: Random, graph: Graph) -> None:
        self.rng, self.graph = rng, graph
        self.nodes: list[str] = []
        self.rels: list[str] = []
        self.fresh = itertools.count()

    def chain(self, start: str | None = None, most: int = 2) -> Chain:
        rng = self.rng
        def node(var: str | None = None) -> Node:
            known = var is not None
            return Node(var or f"v{next(self.fresh)}", rng.choice((None, None, *LABELS)) if not known else None,
                        rng.choice((None, None, None, 0, 1, 2)) if not known else None)
        out: Chain = [node(start)]
        for _ in range(rng.randint(0 if start is None else 1, most)):
            hops = rng.choice((None, None, None, None, (1, 2), (1, 3), (2, 2)))
            kinds = rng.choice(((), ("R",), ("S",), ("R", "S")))
            again = self.nodes and rng.random() < 0.1
            out += [Rel(f"v{next(self.fresh)}" if rng.random() < 0.7 else "", kinds, rng.choice("><-"), hops),
                    node(rng.choice(self.nodes)) if again else node()]
        return out

    def know(self, chain: Chain) -> None:
        self.nodes += [part.var for part in chain[::2] if part.var not in self.nodes]
        self.rels += [part.var for part in chain[1::2] if part.var and not part.hops]

    def value(self) -> tuple[str, Callable[[Row], Any]]:
        if self.rels and self.rng.random() < 0.3:
            var, name = self.rng.choice(self.rels), "w"
        else:
            var, name = self.rng.choice(self.nodes), self.rng.choice(("x", "x", "name"))
        return f"{var}.{name}", lambda row: self.graph.value(row[var], name)

    def number(self) -> tuple[str, Callable[[Row], Any]]:
        while True:
            text, get = self.value()
            if not text.endswith("name"):
                return text, get

    def predicate(self, depth: int = 0) -> Predicate:
        rng = self.rng
        kind = rng.choice(("compare", "compare", "null", "in", "label", "same", "exists", "bare", "count",
                           *(("not", "and", "or", "xor") if depth < 2 else ())))
        if kind == "compare":
            (text, get), sign = self.number(), rng.choice(("=", "<>", "<", "<=", ">", ">="))
            if rng.random() < 0.5:
                other, get_other = self.number()
            else:
                constant = rng.randrange(3)
                other, get_other = str(constant), lambda row: constant
            return f"{text} {sign} {other}", lambda row: _compare(get(row), sign, get_other(row))
        if kind == "null":
            text, get = self.number()
            negated = rng.random() < 0.5
            return (f"{text} IS {'NOT ' if negated else ''}NULL", lambda row: (get(row) is None) != negated)
        if kind == "in":
            text, get = self.number()
            some = rng.sample(range(3), 2)
            return f"{text} IN {some}", lambda row: None if get(row) is None else get(row) in some
        if kind == "label":
            var, label = rng.choice(self.nodes), rng.choice(LABELS)
            return f"{var}:{label}", lambda row: None if row[var] is None else self.graph.nodes[row[var][1]][0] == label
        if kind == "same":
            one, two = rng.choice(self.nodes), rng.choice(self.nodes)
            sign = rng.choice(("=", "<>"))
            return f"{one} {sign} {two}", lambda row: _compare(row[one], sign, row[two])
        if kind in ("exists", "bare", "count"):
            return self.subquery(kind)
        if kind == "not":
            text, get = self.predicate(depth + 1)
            return f"NOT ({text})", lambda row: None if get(row) is None else not get(row)
        (one, get_one), (two, get_two) = self.predicate(depth + 1), self.predicate(depth + 1)
        joined = {"and": _and, "or": _or, "xor": _xor}[kind]
        return f"({one}) {kind.upper()} ({two})", lambda row: joined(get_one(row), get_two(row))

    def subquery(self, kind: str) -> Predicate:
        rng = self.rng
        chain = self.chain(rng.choice(self.nodes), most=3)
        if kind == "bare":  # a pattern as a predicate makes no variables
            for part in chain[1:]:
                part.var = part.var if part.var in self.nodes else ""
        where, holds = "", lambda row: True
        if kind != "bare" and rng.random() < 0.3:
            var, outer, sign = chain[-1].var, rng.choice(self.nodes), rng.choice(("=", "<>", "<"))
            where = f" WHERE {var}.x {sign} {outer}.x"
            def holds(row: Row) -> bool:
                return _compare(self.graph.value(row[var], "x"), sign, self.graph.value(row[outer], "x")) is True
        body = f"{chain_text(chain)}{where}"

        def found(row: Row) -> Iterator[Row]:
            if any(row.get(node.var, 0) is None for node in chain[::2]):
                return
            for new in match(self.graph, [chain], row):
                if holds(new):
                    yield new
        if kind == "bare":
            return body, lambda row: any(True for _ in found(row))
        if kind == "exists":
            return f"EXISTS {{ MATCH {body} }}", lambda row: any(True for _ in found(row))
        least = rng.randint(0, 2)
        return f"{least} < COUNT {{ {body} }}", lambda row: sum(1 for _ in found(row)) > least

    def query(self) -> tuple[str, list[tuple[Any, ...]]]:
        rng = self.rng
        rows: list[Row] = [{}]
        text = self.clause("MATCH", rows, rng.choice((1, 1, 2)), None)
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            start = rng.choice(self.nodes)
            text += " " + self.clause(rng.choice(("OPTIONAL MATCH", "OPTIONAL MATCH", "MATCH")), rows, 1, start)
            if rng.random() < 0.25:
                text += self.narrow(rows)
        return self.returned(text, rows)

    def clause(self, word: str, rows: list[Row], chains: int, start: str | None) -> str:
        parts = []
        for _ in range(chains):
            parts.append(self.chain(start))
            if not start:
                self.know(parts[-1])
        for part in parts:
            self.know(part)
        where, holds = "", lambda row: True
        if self.rng.random() < 0.6:
            where, holds = self.predicate()
            where = f" WHERE {where}"
        new: list[Row] = []
        names = [part.var for chain in parts for part in chain if part.var]
        for row in rows:
            unbound = any(row.get(name, 0) is None for name in names)
            found = [] if unbound else [r for r in match(self.graph, parts, row) if holds(r) is True]
            if word == "OPTIONAL MATCH" and not found:
                found = [{**dict.fromkeys(names), **row}]
            new += found
        rows[:] = new
        return f"{word} {', '.join(chain_text(part) for part in parts)}{where}"

    def narrow(self, rows: list[Row]) -> str:
        """WITH one variable, DISTINCT or with a count that may be filtered."""
        var = self.rng.choice(self.nodes)
        self.nodes, self.rels = [var], []
        if self.rng.random() < 0.5:
            rows[:] = [{var: value} for value in dict.fromkeys(row[var] for row in rows)]
            return f" WITH DISTINCT {var}"
        counts = Counter(row[var] for row in rows)
        least = self.rng.randint(0, 2)
        name = f"n{next(self.fresh)}"
        rows[:] = [{var: value, name: n} for value, n in counts.items() if n > least]
        return f" WITH {var}, count(*) AS {name} WHERE {name} > {least}"

    def returned(self, text: str, rows: list[Row]) -> tuple[str, list[tuple[Any, ...]]]:
        rng = self.rng
        plain = [self.value() for _ in range(rng.randint(1, 3))]
        if rng.random() < 0.5:
            keys = plain[: rng.randint(0, 2)]
            aggregates = [self.aggregate() for _ in range(rng.randint(1, 2))]
            groups: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): []}
            for row in rows:
                groups.setdefault(tuple(get(row) for _, get in keys), []).append(row)
            answer = [(*group, *(fold(members) for _, fold in aggregates)) for group, members in groups.items()]
            items = [t for t, _ in keys] + [t for t, _ in aggregates]
            return f"{text} RETURN {_named(items)}", answer
        answer = [tuple(get(row) for _, get in plain) for row in rows]
        distinct = rng.random() < 0.3
        if distinct:
            answer = list(dict.fromkeys(answer))
        text = f"{text} RETURN {'DISTINCT ' if distinct else ''}{_named([t for t, _ in plain])}"
        if rng.random() < 0.2 and all(None not in row for row in answer):
            most = rng.randint(0, 4)
            answer = sorted(answer)[:most]
            text += " ORDER BY " + ", ".join(f"c{i}" for i in range(len(plain))) + f" LIMIT {most}"
        return text, answer

    def aggregate(self) -> tuple[str, Callable[[list[Row]], Any]]:
        kind = self.rng.choice(("count(*)", "count", "count distinct", "sum", "min", "max", "collect"))
        if kind == "count(*)":
            return kind, len
        if kind == "count" and self.rng.random() < 0.5:
            var = self.rng.choice(self.nodes)
            return f"count({var})", lambda rows: sum(row[var] is not None for row in rows)
        text, get = self.number()
        def given(rows: list[Row]) -> list[Any]:
            return [value for value in map(get, rows) if value is not None]
        folds: dict[str, tuple[str, Callable[[list[Row]], Any]]] = {
            "count": (f"count({text})", lambda rows: len(given(rows))),
            "count distinct": (f"count(DISTINCT {text})", lambda rows: len(set(given(rows)))),
            "sum": (f"sum({text})", lambda rows: sum(given(rows))),
            "min": (f"min({text})", lambda rows: min(given(rows), default=None)),
            "max": (f"max({text})", lambda rows: max(given(rows), default=None)),
            "collect": (f"collect({text})", lambda rows: given(rows))}
        return folds[kind]


def cases(seed: int, graphs: int, queries: int) -> Iterator[tuple[str, list[tuple[str, Counter[Any]]]]]:
    """Random graphs, each as the text that makes it, with random queries and their rows."""
    for number in range(graphs):
        rng = Random(f"{seed}/{number}")
        graph = random_graph(rng)
        asked = [Maker(rng, graph).query() for _ in range(queries)]
        yield graph.text(), [(text, multiset(rows)) for text, rows in asked]


def multiset(rows: Any) -> Counter[Any]:
    """Rows without an order, and without one in their lists."""
    return Counter(tuple(tuple(sorted(v)) if isinstance(v, list) else v for v in row) for row in rows)


def _named(items: list[str]) -> str:
    return ", ".join(f"{item} AS c{i}" for i, item in enumerate(items))


def _compare(one: Any, sign: str, two: Any) -> bool | None:
    if one is None or two is None:
        return None
    signs: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
    return signs[sign](one, two)


def _and(one: bool | None, two: bool | None) -> bool | None:
    return False if one is False or two is False else None if one is None or two is None else True


def _or(one: bool | None, two: bool | None) -> bool | None:
    return True if one is True or two is True else None if one is None or two is None else False


def _xor(one: bool | None, two: bool | None) -> bool | None:
    return None if one is None or two is None else one != two
