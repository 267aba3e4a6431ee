"""What the documents name is there: files, headings, verbs and their options, keys of the recipe, shipped queries."""

from __future__ import annotations

import dataclasses
import itertools
import re
import shlex
from pathlib import Path

import pytest

from kgkt.recipe import SECTIONS
from kgkt.store.statements import shipped
from tests.docs.conftest import DOCUMENTS, ROOT, read

# Options of other programs that the documents name: embedding-atlas, docker compose, the benchmarks.
OTHERS = {"--x", "--y", "--neighbors", "--wait", "--first", "--tasks", "--draws", "--sentences", "--lengths"}

documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def links(text: str) -> list[str]:
    """The targets of a text's Markdown links that are not addresses."""
    outside = re.sub(r"^```.*?^```|`[^`\n]+`", "", text, flags=re.M | re.S)
    found = re.findall(r"\]\(([^)\s]+)\)", outside)
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """The names that a text's headings have on a page, as GitHub makes them."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)", outside, re.M)}


def code(text: str) -> list[str]:
    """Every line of a text's code blocks, and every piece of code within its lines."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.M | re.S)
    rest = re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S)
    return [*(line.strip() for block in blocks for line in block.splitlines()), *re.findall(r"`([^`]+)`", rest)]


def commands(text: str) -> list[list[str]]:
    """The words of every command of kgkt in a text, `kgkt` left out."""
    found = []
    for line in code(text):
        if not re.search(r"\bkgkt \w|\bkgkt -", line):
            continue
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="&|;")
        lexer.whitespace_split, lexer.quotes = True, '"'
        for joins, part in itertools.groupby(lexer, lambda word: not word.strip("&|;")):
            words = list(part)
            if not joins and Path(words[0]).name == "kgkt":
                found.append(words[1:])
    return found


def verbs() -> dict[str, set[str]]:
    """The options of every verb, as `kgkt VERB --help` shows them."""
    import typer.main

    from kgkt.cli.app import app

    def options(command: object) -> set[str]:
        params = getattr(command, "params", ())
        return {name for p in params if not getattr(p, "hidden", False) for name in (*p.opts, *p.secondary_opts)
                if name.startswith("-")} | {"--help"}  # fmt: skip

    found = {"": options(group := typer.main.get_command(app)) | {"--version"}}
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        found[name] = options(command)
        found |= {f"{name} {sub}": options(c) for sub, c in getattr(command, "commands", {}).items()}
    return found


VERBS = verbs()


def unknown(words: list[str]) -> list[str]:
    """What a command names that kgkt does not have: the verb, or options."""
    rest = list(itertools.dropwhile(lambda word: word.startswith("-"), words))
    wrong = [f"kgkt {word}" for word in words[: len(words) - len(rest)] if word not in VERBS[""]]
    if not rest or rest[0] == "VERB":
        return wrong
    verb = " ".join(rest[:2]) if " ".join(rest[:2]) in VERBS else rest[0]
    if verb not in VERBS:
        return [*wrong, f"kgkt {verb}"]
    given = [word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)]
    return [*wrong, *(f"kgkt {verb} {word}" for word in given if word not in VERBS[verb])]


@documents
def test_links_lead_to_what_is_there(path: Path) -> None:
    for target in links(read(path)):
        place, _, anchor = target.partition("#")
        to = (path.parent / place).resolve() if place else path
        assert to.exists(), target
        assert to.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(read(to)), target


@documents
def test_files_that_are_named_are_there(path: Path) -> None:
    for piece in re.findall(r"`((?:kgkt|tests|cypher|benchmarks|docs|examples)/[\w./-]+)`", read(path)):
        assert (ROOT / piece).exists() or "NAME" in piece, piece


@documents
def test_verbs_and_options_are_those_of_the_program(path: Path) -> None:
    assert [name for words in commands(read(path)) for name in unknown(words)] == []
    named = {option for piece in code(read(path)) for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", piece)}
    assert named - set().union(*VERBS.values()) - OTHERS == set()


@documents
def test_keys_of_the_recipe_exist(path: Path) -> None:
    keys = {section: {field.name for field in dataclasses.fields(kind)} for section, kind in SECTIONS.items()}
    for section, key in re.findall(r"`\[(\w+)\] (\w+)", read(path)):
        assert key in keys[section], f"[{section}] {key}"


def test_what_is_looked_for_is_found() -> None:
    assert links("[a](b.md) `[no](c.md)` [d](https://e.f) ![g](h.png#i)") == ["b.md", "h.png#i"]
    assert anchors("# What it is worth, and where it is not\n```\n# none\n```\n") == {
        "what-it-is-worth-and-where-it-is-not"}  # fmt: skip
    assert commands("```\n$ kgkt label --file a && kgkt map # on\n```\nand `kgkt query \"RETURN 'x y'\" --rw`") == [
        ["label", "--file", "a"], ["map"], ["query", "RETURN 'x y'", "--rw"]]  # fmt: skip
    assert commands("`.venv/bin/kgkt query \"RETURN [x IN l | x] AS l\" | jq`") == [["query", "RETURN [x IN l | x] AS l"]]
    assert unknown(["label", "--file", "a"]) == unknown(["--quiet", "graphs", "drop", "x", "--force"]) == []
    assert unknown(["lable", "--file", "a"]) == ["kgkt lable"]
    assert unknown(["label", "--balanced", "-n"]) == ["kgkt label --balanced", "kgkt label -n"]
    assert unknown(["--silent", "label"]) == ["kgkt --silent"]


def test_every_verb_and_every_document_is_in_the_list() -> None:
    table = read(ROOT / "docs" / "commands.md")
    assert [name for name in VERBS if name and " " not in name and f"`{name}`" not in table] == []
    assert [path.name for path in DOCUMENTS[1:] if path.name not in read(ROOT / "README.md")] == []


def test_shipped_queries_that_are_named_exist() -> None:
    names = {query.name for query in shipped()}
    asked = [words[1:] for path in DOCUMENTS for words in commands(read(path)) if words[0] == "query"]
    named = {word for words in asked for word in words[:1] if re.fullmatch(r"[a-z_]+", word)}
    assert "doubtful" in named
    assert named <= names
