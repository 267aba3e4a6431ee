"""Cuts Cypher text into tokens, so that what stands in strings, names and comments is not taken for code."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from kgkt.errors import QueryError

# One engine takes more characters for white space than another (U+180E, say): none of them is ever code.
_SPACE = re.compile(r"(?:\s|[\x00-\x1f\x7f]|[^\w\x00-\x7f])+")
_WORD = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"\d\w*(\.\d\w*)?")
_ESCAPE = re.compile(r"\\u+([0-9a-fA-F]{4})")
# An escape whose backslash is not itself escaped.
_LONE_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u+([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of Cypher.

    Args:
        kind: "word", "name" (in back-ticks), "string", "number" or "symbol".
        text: a word as it stands, a name without its back-ticks, a symbol's one character.
        start, end: its place in the text.
    """

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """A word in capitals, as keywords compare; nothing for any other kind."""
        if self.kind != "word":
            return ""
        if self.text.isascii():
            return self.text.upper()
        # The long s or the Kelvin sign may count as a letter of a keyword: read them as one.
        return unicodedata.normalize("NFKC", self.text).upper()


def tokenize(text: str) -> list[Token]:
    """Cut Cypher text into tokens; comments and white space are left out.

    Raises:
        QueryError: a string, a name or a comment without end, or a comment that the engines end at
            different places.
    """
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        if space := _SPACE.match(text, place):
            place = space.end()
            continue
        two = text[place:place + 2]
        if two in ("//", "/*"):
            place = _comment_end(text, place)
            continue
        token = _token(text, place)
        tokens.append(token)
        place = token.end
    return tokens


def _token(text: str, place: int) -> Token:
    first = text[place]
    if first in "'\"":
        return Token("string", "", place, _string_end(text, place))
    if first == "`":
        end = _name_end(text, place)
        return Token("name", text[place + 1:end - 1].replace("``", "`"), place, end)
    for kind, pattern in (("word", _WORD), ("number", _NUMBER)):
        if match := pattern.match(text, place):
            return Token(kind, match.group(), place, match.end())
    return Token("symbol", first, place, place + 1)


def _string_end(text: str, start: int) -> int:
    place = start + 1
    while place < len(text):
        if text[place] == "\\":
            place += 2
        elif text[place] == text[start]:
            return place + 1
        else:
            place += 1
    raise QueryError(f"the string that begins at {where(text, start)} has no end: close it with {text[start]}")


def _name_end(text: str, start: int) -> int:
    place = start
    while (place := text.find("`", place + 1)) >= 0:
        if text[place:place + 2] != "``":
            return place + 1
        place += 1
    raise QueryError(f"the name that begins at {where(text, start)} has no end: close it with `")


def _comment_end(text: str, start: int) -> int:
    if text.startswith("/*", start):
        end = text.find("*/", start + 2)
        if end < 0:
            raise QueryError(f"the comment that begins at {where(text, start)} has no end: close it with */")
        return end + 2
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    if "\r" in text[start:end].removesuffix("\r"):
        raise QueryError(f"the comment at {where(text, start)} holds a carriage return, where one engine ends it "
                         "and another does not: use line feeds")
    return end


def where(text: str, place: int) -> str:
    """A place in a text as people count it."""
    return f"line {text.count(chr(10), 0, place) + 1}, column {place - text.rfind(chr(10), 0, place)}"


def readings(text: str) -> list[list[Token]]:
    """The text as each engine may read it: Neo4j resolves \\uXXXX before it parses, kglite only in strings.

    The plain text must be well formed; another reading that is not cannot be run by anyone and is left out.
    """
    found = [tokenize(text)]
    if "\\u" not in text:
        return found
    plain = _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text)
    lone = _LONE_ESCAPE.sub(lambda match: match.group(1) + chr(int(match.group(2), 16)), text)
    for other in dict.fromkeys((plain, lone)):
        try:
            found.append(tokenize(other))
        except QueryError:
            continue
    return found
