from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgkt.errors import QueryError, UnsafeError
from kgkt.store.guard import Schema, check, check_bounded, single, split, unknown_names
from kgkt.store.tokens import readings, tokenize
from tests.store.hostile import GREEDY, NEVER, WRITES


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("text", NEVER)
def test_what_reads_files_or_calls_procedures_is_refused_always(text, write):
    with pytest.raises(UnsafeError, match=r"(LOAD CSV|IN TRANSACTIONS|CALL \S+|SHOW|USE|function \S+) is refused|would change the graph"):
        check(text, write=write)


@pytest.mark.parametrize("text", WRITES)
def test_a_write_is_refused_unless_asked_for(text):
    with pytest.raises(UnsafeError, match=r"^[A-Z]+ would change the graph: add --rw"):
        check(text)
    check(text, write=True)


def test_the_refusal_names_the_clause():
    with pytest.raises(UnsafeError, match=r"^DETACH would change the graph"):
        check("MATCH (n) DETACH DELETE n")
    with pytest.raises(UnsafeError, match=r"^CALL apoc\.load\.json is refused: only db\.labels, .*db\.index\.\*\.query\* may be called"):
        check("CALL apoc.load.json('x')", write=True)
    for text in ("CALL dbms.components()", "MATCH (n) CALL { call `DBMS`.Components() YIELD name RETURN name } RETURN name"):
        for write in (False, True):
            with pytest.raises(UnsafeError, match=r"^CALL (dbms\.c|DBMS\.C)omponents is refused: it asks about the server, not the "
                                                  r"graph; Neo4j Browser and cypher-shell answer it$"):
                check(text, write=write)
    assert UnsafeError("").exit_code == 5


@pytest.mark.parametrize("text", [
    *GREEDY,
    "MATCH (n) RETURN n.set, n.delete AS create, n . create AS x",
    "MATCH (n:Set {set: 1})-[:DELETE]->() RETURN $create",
    "RETURN {create: 1, merge: 2} AS `DELETE`",
    "RETURN 'LOAD CSV', \"CALL apoc.x()\", 'it\\'s; SET', 'a\\\\' // DELETE LOAD CSV\n",
    "MATCH (n) /* CREATE (m) */ RETURN n",
    "MATCH (n) CALL { WITH n RETURN 1 AS x } RETURN x",
    "MATCH (n) CALL (n) { RETURN 1 AS x } RETURN x",
    "CALL db.labels()", "call DB.Labels() yield label return label", "CALL `db`.`labels`()",
    "CALL db.relationshipTypes()", "CALL db.propertyKeys()", "CALL db.schema.visualization()",
    "CALL db.schema.nodeTypeProperties()",
    "CALL db.index.vector.queryNodes('x', 5, [1.0])", "CALL db.index.fulltext.queryNodes('x', 'y')",
    "MATCH (show) WHERE show.use = 1 RETURN show, show.use AS use", "MATCH (n:Show {use: 1}) RETURN n.show",
    "RETURN date.truncate('day', datetime()) AS d, point.distance($p, $q) AS x, apoc.text.join(['a'], '') AS t",
    "MATCH (n) WITH n.list AS use UNWIND use AS x RETURN x ORDER BY x.y SKIP (1) LIMIT (2)",
    "MATCH (load) RETURN load.csv, load", "MATCH (n) WHERE n.x IN [1] RETURN n AS transactions",
    "RETURN 'caf\u00e9 \U0001f600 \u202e' AS `na\u00efve`",
])
def test_what_only_reads_goes_on(text):
    check(text)


@pytest.mark.parametrize("text", ["MATCH (a)-[*]-(b) RETURN a", "MATCH (a)-[r:X|Y*]->(b) RETURN a",
                                  "MATCH (a)<-[*2..]-(b) RETURN a", "MATCH (a)\n-[* ..]-(b) RETURN a",
                                  "MATCH (a)-[:X* {w: 2}]-(b) RETURN a"])
def test_a_path_without_end_is_refused_for_an_engine_that_ends_it(text):
    with pytest.raises(QueryError, match=r"^the \* at line \d, column \d+ has no upper bound, .*such as \*1\.\.5$"):
        check_bounded(text)


@pytest.mark.parametrize("text", ["MATCH (a)-[*1..3]-(b)-[*2]-(c)-[r:X*..4]->(d) RETURN 2 * 3, [x IN [1] | x * 2][0] * 2",
                                  "MATCH (a)-[r:X {w: 2 * a.x}]-(b) RETURN count(*), -[2 * 3][0] AS n, '-[*]-'",
                                  "MATCH (a) RETURN a.x -[1][0] * 2"])
def test_other_stars_are_none_of_that(text):
    check_bounded(text)


@pytest.mark.parametrize(("text", "parts"), [
    ("RETURN 1", ["RETURN 1"]),
    ("RETURN ';' AS a; RETURN 2 AS b;", ["RETURN ';' AS a", "RETURN 2 AS b"]),
    (";;RETURN `;`;; // ; end", ["RETURN `;`"]),
    ("RETURN 1 /* ; */ ;\n// only a comment\n", ["RETURN 1 /* ; */"]),
    ("", []), (" \n// nothing", []),
])
def test_statements_are_cut_at_semicolons(text, parts):
    assert split(text) == parts


def test_one_statement_at_a_time():
    assert single(" RETURN 1 ; ") == "RETURN 1"
    with pytest.raises(QueryError, match="expected one statement, received 2"):
        single("RETURN 1; RETURN 2")
    with pytest.raises(QueryError, match="expected one statement, received 0"):
        single("// nothing")


@pytest.mark.parametrize(("text", "said"), [
    ("RETURN 'abc", "the string that begins at line 1, column 8 has no end: close it with '"),
    ("RETURN 1,\n \"abc\\\"", "the string that begins at line 2, column 2 has no end"),
    ("RETURN `abc``", "the name that begins at line 1, column 8 has no end: close it with `"),
    ("RETURN 1 /* abc", r"the comment that begins at line 1, column 10 has no end: close it with \*/"),
    ("RETURN 1 // a\rb", "the comment at line 1, column 10 holds a carriage return"),
])
def test_text_that_cannot_be_cut_is_refused_with_its_place(text, said):
    with pytest.raises(QueryError, match=said):
        check(text)


def test_tokens():
    tokens = tokenize("MATCH (n:`A``b` {x: 1.5e3})-[*1..3]->() RETURN 'it\\'s', $p // end")
    assert [(t.kind, t.text) for t in tokens] == [
        ("word", "MATCH"), ("symbol", "("), ("word", "n"), ("symbol", ":"), ("name", "A`b"), ("symbol", "{"),
        ("word", "x"), ("symbol", ":"), ("number", "1.5e3"), ("symbol", "}"), ("symbol", ")"), ("symbol", "-"),
        ("symbol", "["), ("symbol", "*"), ("number", "1"), ("symbol", "."), ("symbol", "."), ("number", "3"),
        ("symbol", "]"), ("symbol", "-"), ("symbol", ">"), ("symbol", "("), ("symbol", ")"), ("word", "RETURN"),
        ("string", ""), ("symbol", ","), ("symbol", "$"), ("word", "p")]


ANY_TEXT = st.text(alphabet=st.sampled_from(list("'\"`\\/*;\n\r aLOADCSVu0027{}().:$-[]\u180e\u017f\x00")), max_size=60)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=80) | ANY_TEXT)
def test_any_text_is_cut_or_refused(text):
    try:
        tokens = tokenize(text)
    except QueryError:
        return
    place = 0
    for token in tokens:
        assert place <= token.start < token.end <= len(text)
        place = token.end
    assert ";" not in [t.text for part in split(text) for t in tokenize(part) if t.kind == "symbol"]
    assert 1 <= len(readings(text)) <= 3


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=40) | ANY_TEXT, st.sampled_from(["'", '"', "`"]))
def test_what_stands_in_quotes_is_never_code(inner, quote):
    escaped = inner.replace("\\", "\\\\").replace(quote, quote * 2 if quote == "`" else "\\" + quote)
    if quote == "`":
        escaped = inner.replace("`", "``")
    text = f"RETURN {quote}{escaped} CREATE{quote}"
    tokens = tokenize(text)
    assert [t.kind for t in tokens] == ["word", "name" if quote == "`" else "string"]
    if "\\u" not in text:
        check(text)


SPACE = st.lists(st.sampled_from([" ", "\t", "\n", "/**/", "// x\n", "\u00a0", "\u180e", "\u2028"]),
                 min_size=1, max_size=4).map("".join)


@st.composite
def disguised(draw: st.DrawFn, word: str) -> str:
    letters = [draw(st.sampled_from([c.upper(), c.lower(), f"\\u{ord(c):04x}", f"\\u{ord(c.upper()):04X}"]))
               for c in word.lower()]
    return "".join(letters)


@settings(max_examples=500, deadline=None)
@given(disguised("load"), SPACE, disguised("csv"), ANY_TEXT.filter(lambda t: not set(t) & set("'\"`/\\\r")))
def test_load_csv_is_seen_in_any_disguise(load, space, csv, before):
    with pytest.raises(UnsafeError):
        check(f"{before} {load}{space}{csv} FROM 'x' AS r RETURN r", write=True)


@settings(max_examples=300, deadline=None)
@given(disguised("call"), SPACE, disguised("apoc"), st.sampled_from([".x", " . x", "./**/`x`"]))
def test_a_procedure_is_seen_in_any_disguise(call, space, name, rest):
    with pytest.raises(UnsafeError):
        check(f"{call}{space}{name}{rest}('x')", write=True)


SCHEMA = Schema(frozenset({"Concept", "Class", "Item"}), frozenset({"SIMILAR_TO", "LEANS_TO"}),
                frozenset({"name", "weight", "mass"}))


@pytest.mark.parametrize(("text", "lines"), [
    ("MATCH (c:Concpt) RETURN c", ["No label Concpt in this graph; did you mean Concept?"]),
    ("MATCH (:`Concpt` {name: 'x'}) RETURN 1", ["No label Concpt in this graph; did you mean Concept?"]),
    ("MATCH (c:Concept|Clas) RETURN c", ["No label Clas in this graph; did you mean Class?"]),
    ("MATCH (c:Concept)-[:SIMILAR]-(d) RETURN c.nam, d.name",
     ["No relationship type SIMILAR in this graph; did you mean SIMILAR_TO?",
      "No property nam in this graph; did you mean name?"]),
    ("MATCH ()-[e:SIMILAR_TO|LEANS]->() RETURN e.weigth",
     ["No relationship type LEANS in this graph; did you mean LEANS_TO?",
      "No property weigth in this graph; did you mean weight?"]),
    ("MATCH (c:Xyz) RETURN c", ["No label Xyz in this graph; known: Class, Concept, Item"]),
    ("MATCH (c:Concept {name: 'a'})-[e:LEANS_TO]->(k:Class) WHERE e.mass > .5 RETURN c {.name}, count(*) AS n", []),
    ("CALL db.labels() YIELD label RETURN label", []),
    ("WITH {a: 1} AS m MATCH (c:Concept) RETURN m.a, c.name", []),
    ("MERGE (c:New {key: 1}) SET c.nam = 2", []),
    ("RETURN 'MATCH (c:Concpt)' AS x", []),
])
def test_a_name_the_graph_does_not_have_is_said(text, lines):
    assert unknown_names(text, SCHEMA) == lines
