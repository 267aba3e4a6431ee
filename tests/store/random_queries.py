"""Random Cypher queries over a tiny graph, each with its rows; see `brute` for how those are found."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.store.brute import (
    LABELS,
    Chain,
    Graph,
    Node,
    Rel,
    Row,
    both,
    chain_text,
    compare,
    either,
    match,
    multiset,
    one_of,
    random_graph,
)

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
            return f"{text} {sign} {other}", lambda row: compare(get(row), sign, get_other(row))
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
            return f"{one} {sign} {two}", lambda row: compare(row[one], sign, row[two])
        if kind in ("exists", "bare", "count"):
            return self.subquery(kind)
        if kind == "not":
            text, get = self.predicate(depth + 1)
            return f"NOT ({text})", lambda row: None if get(row) is None else not get(row)
        (one, get_one), (two, get_two) = self.predicate(depth + 1), self.predicate(depth + 1)
        joined = {"and": both, "or": either, "xor": one_of}[kind]
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
                return compare(self.graph.value(row[var], "x"), sign, self.graph.value(row[outer], "x")) is True
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


def cases(seed: int, graphs: range, queries: int, share: int = 1) -> Iterator[tuple[str, list[tuple[str, Counter[Any]]]]]:
    """Random graphs, each as the text that makes it, with random queries and their rows.

    `share` graphs one after another, from a multiple of it on, are asked the same queries.
    """
    for number in graphs:
        rng = Random(f"{seed}/{number}")
        graph = random_graph(rng)
        # a query draws by what it finds, and the next one must not feel it
        draws = [Random(f"{seed}/{number // share}/{i}") for i in range(queries)] if share > 1 else [rng] * queries
        asked = [Maker(draw, graph).query() for draw in draws]
        yield graph.text(), [(text, multiset(rows)) for text, rows in asked]


def _named(items: list[str]) -> str:
    return ", ".join(f"{item} AS c{i}" for i, item in enumerate(items))
