"""Which word each row of a matrix is of, from the lists that people have beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from kgkt.errors import InputError, count
from kgkt.files import read_parquet
from kgkt.source.columns import is_list
from kgkt.source.lines import Lines
from kgkt.source.safety import MAX_CONFIG, read_head

BESIDE = ("vocab.txt", "tokenizer.json")  # where there is no STEM.txt
MOST = 8 * MAX_CONFIG  # bytes of a tokenizer.json: those of 250,000 pieces stay below 20 MB
WANTED = "a list of words, one a line"
VECTOR = re.compile(r"([ \t][-+]?\d*\.?\d+(e[-+]?\d+)?){2,}[ \t]*$", re.IGNORECASE)
COUNTED = re.compile(r"(.+?)[ \t](\d+)")  # as GloVe and word2vec write their vocabularies
NAMES = ("word", "words", "token", "item_id")  # of a column of words, the first that is there


def read_vocabulary(path: Path | str) -> list[str | None]:
    """The words of a list in the order of the rows; None of a row without one.

    Args:
        path: one word a line, packed with gzip or not (a count behind each is passed over, an empty line is a row
            without a word); JSON: a list, {word: row}, or the tokenizer.json of Hugging Face's tokenizers; or Parquet
            with a column of words.

    Raises:
        InputError: not there, another kind of file, not UTF-8, no word, a row that is given twice.
    """
    path = Path(path)
    head = read_head(path, 64)
    if head.startswith(b"PAR1"):
        table = read_parquet(path)
        words: list[str | None] = table.column(word_column(path, table.schema)).to_pylist()
    elif path.suffix.lower() == ".json":
        words = _of_json(path, head)
    else:
        words = _of_lines(path)
    if not any(words):
        raise InputError(f"the vocabulary {path} has no word: expected one a line, in the order of the rows")
    return [word or None for word in words]


def beside(path: Path, named: str = "") -> Path:
    """The list of the words of a matrix.

    Args:
        path: the matrix, FILE.npy.
        named: the list that the user named; "": FILE.txt beside it, else vocab.txt, else tokenizer.json.

    Raises:
        InputError: there is none.
    """
    if named:
        if not Path(named).is_file():
            raise InputError(f"{named}, which should list the words of {path}, is not there")
        return Path(named)
    places = [path.with_suffix(".txt"), *(path.with_name(name) for name in BESIDE)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise InputError(f"{path} does not say which word each row is of: name a list of the words, one a line in the "
                         f"order of the rows, as {path},WORDS.txt, or put it beside as {places[0].name} or "
                         f"{' or '.join(BESIDE)}")
    return found


def fitting(path: Path, rows: int, listed: Path) -> list[str | None]:
    """The words of a list, which has as many as a matrix has rows.

    Raises:
        InputError: it has not; or as `read_vocabulary`.
    """
    words = read_vocabulary(listed)
    if len(words) != rows:
        raise InputError(f"{listed} lists {count(len(words), 'word')}, {path} has {count(rows, 'row')}: is it the list "
                         "of another file?")
    return words


def word_column(path: Path, schema: Any) -> str:
    """The column of a Parquet file that holds words: word, words, token or item_id, else the only one of texts.

    Raises:
        InputError: none, or several.
    """
    import pyarrow as pa

    kinds = {field.name: getattr(field.type, "value_type", field.type) for field in schema if not is_list(field.type)}
    texts = [name for name, kind in kinds.items() if pa.types.is_string(kind) or pa.types.is_large_string(kind)]
    named = [name for name in NAMES if name in texts]
    if not named and len(texts) != 1:
        held = ", ".join(texts or schema.names)
        raise InputError(f"{path} has {'several columns' if texts else 'no column'} of texts ({held}), and none is "
                         "called word: call the column of words so")
    return (named or texts)[0]


def _of_lines(path: Path) -> list[str | None]:
    lines = [line.rstrip("\r\n") for line in Lines(path, WANTED, lambda number: f"{path}, line {number:,}")]
    if lines and all(map(VECTOR.search, lines[:20])):
        raise InputError(f"{path} holds words with vectors, not {WANTED}; name the list of words with a comma, as "
                         "vectors.npy,WORDS.txt")
    counted = [COUNTED.fullmatch(line) for line in lines]
    if lines and all(counted):
        return [match[1] for match in counted if match]
    return list(lines)


def _of_json(path: Path, head: bytes) -> list[str | None]:
    if path.stat().st_size > MOST:
        raise InputError(f"{path} has {path.stat().st_size:,} bytes, above {MOST:,}: this is no list of words")
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"the vocabulary {path} is not JSON ({error})") from error
    if isinstance(found, dict) and isinstance(found.get("model"), dict):
        return _of_tokenizer(path, found)
    if isinstance(found, list) and all(isinstance(word, str | None) for word in found):
        return found
    if isinstance(found, dict):
        return _by_row(path, list(found.items()))
    raise InputError(f"the vocabulary {path}: expected a list of words, {{word: row}}, or a tokenizer.json")


def _of_tokenizer(path: Path, tokenizer: dict[str, Any]) -> list[str | None]:
    """The pieces of a tokenizer.json with those that were added to it."""
    vocabulary = tokenizer["model"].get("vocab")
    if isinstance(vocabulary, list):  # Unigram: pieces with their scores
        pairs = [(piece[0], row) for row, piece in enumerate(vocabulary) if isinstance(piece, list) and piece]
    elif isinstance(vocabulary, dict):
        pairs = list(vocabulary.items())
    else:
        raise InputError(f"the vocabulary {path} is a tokenizer without a list of its pieces")
    added = [(entry.get("content"), entry.get("id")) for entry in tokenizer.get("added_tokens") or []]
    known = {row for _, row in pairs}
    return _by_row(path, pairs + [(word, row) for word, row in added if row not in known])


def _by_row(path: Path, pairs: list[tuple[Any, Any]]) -> list[str | None]:
    """Words by the numbers of their rows."""
    if not all(isinstance(word, str) and type(row) is int and row >= 0 for word, row in pairs):
        raise InputError(f"the vocabulary {path}: expected words, each with the number of its row")
    most = max((row for _, row in pairs), default=-1) + 1
    if most > 10 * len(pairs) + 1000:
        raise InputError(f"the vocabulary {path} names {count(len(pairs), 'word')}, and row {most - 1:,}: this is no "
                         "list of words in the order of rows")
    words: list[str | None] = [None] * most
    for word, row in pairs:
        if words[row] is not None:
            raise InputError(f"the vocabulary {path} gives row {row:,} to {words[row]!r} and to {word!r}")
        words[row] = word
    return words
