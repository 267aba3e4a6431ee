"""English and French sentences of the same meaning, from Debian's package descriptions.

Debian's translators keep a French text beside the English one of many packages, with a digest that says which English
text it is of. Titles are pairs as they stand; paragraphs are taken where both sides have as many sentences. Texts of a
family of packages stay on one side of the split into training, dev and test, and so do sentences that are nearly equal.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

HELPER = "/usr/lib/apt/apt-helper"
SHORT, LONG = 3, 20  # words of a sentence, marks not counted, on both sides
HELD = 1000  # sentences of dev, and of test
WORD = re.compile(r"\w+(?:[-']\w+)*|[^\w\s]")
END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀÂÇÉÈÊÎÔÙ0-9«\"(])")
LEAST = 4  # letters of a name that make a family; shorter first parts are lib, r, kde and the like
COMMON = {
    "python", "ruby", "node", "golang", "haskell", "fonts", "task", "texlive", "linux", "debian", "gnome", "plasma",
    "gstreamer", "xserver", "education", "science", "games",
}  # fmt: skip

Pair = tuple[str, str]


def tokens_of(text: str) -> list[str]:
    """Words and marks of a text, as they are written."""
    return WORD.findall(text.replace("’", "'"))


def words_of(text: str) -> list[str]:
    """Words and marks of an English text, in lower case."""
    return [token.lower() for token in tokens_of(text)]


def fetch(folder: Path) -> None:
    """Have apt download the lists of packages and their descriptions into a folder of their own; needs no root.

    Raises:
        SystemExit: there is no apt here, or it cannot reach its mirror.
    """
    if shutil.which("apt-get") is None or not Path(HELPER).is_file():
        raise SystemExit("apt, which Debian and Ubuntu have, is not here: put pairs of your own into data/, as "
                         "train.tsv, dev.tsv and test.tsv, two texts a line parted by a tab")
    lists, cached = folder / "apt" / "lists", folder / "apt" / "cache"
    for needed in (lists / "partial", cached / "archives" / "partial"):
        needed.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "-qq", "-o", "Acquire::Languages=fr,en", "-o", f"Dir::State::Lists={lists.resolve()}",
               "-o", f"Dir::Cache={cached.resolve()}", "update"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not list(lists.glob("*_i18n_Translation-fr*")):
        raise SystemExit(f"{' '.join(command)}: {(done.stderr or 'no French descriptions').strip()[-400:]}")


def stanzas(folder: Path, ending: str) -> Iterator[dict[str, str]]:
    """The records of apt's lists whose names end so, one a package: field -> value with its line breaks."""
    for path in sorted((folder / "apt" / "lists").glob(f"*_{ending}*")):
        text = subprocess.run([HELPER, "cat-file", str(path)], capture_output=True, check=True).stdout.decode()
        for stanza in text.split("\n\n"):
            fields = re.split(r"\n(?=\S)", stanza.strip())
            yield dict(field.split(": ", 1) for field in fields if ": " in field)


def paragraphs(text: str) -> list[str]:
    """The title and the paragraphs of a description, each in one line; points of a list are paragraphs."""
    title, *lines = text.split("\n")
    found, new = [title.strip()], True
    for line in lines:
        if line.strip() in (".", ""):
            new = True
            continue
        point = re.match(r"\s+[-*+•o]\s+", line)
        if new or point:
            found.append("")
        found[-1] = f"{found[-1]} {line[point.end():] if point else line.strip()}".strip()
        new = False
    return [" ".join(unicodedata.normalize("NFC", text).replace("\u202f", " ").split()) for text in found]


def aligned(english: str, french: str) -> Iterator[Pair]:
    """Sentences of two descriptions that stand for each other."""
    ours, theirs = paragraphs(english), paragraphs(french)
    if len(ours) != len(theirs):
        ours, theirs = ours[:1], theirs[:1]
    for one, other in zip(ours, theirs, strict=True):
        left, right = END.split(one), END.split(other)
        if len(left) == len(right):
            yield from (pair for pair in zip(left, right, strict=True) if fits(*pair))


def fits(english: str, french: str) -> bool:
    """Whether a pair can be learned from: 3 to 20 words, no addresses, about as long as each other, not the same."""
    counts = [sum(word[0].isalnum() for word in words_of(text)) for text in (english, french)]
    if min(counts) < SHORT or max(counts) > LONG or max(counts) > 2 * min(counts) + 2:
        return False
    letters = sum(letter.isalpha() or letter.isspace() for letter in english)
    return english != french and letters >= 0.75 * len(english) and not re.search(r"://|@|www\.|_|\\|<", english)


def name_parts(package: str, source: str) -> set[str]:
    """What ties a package to others: its source, and the first part of both names."""
    stems = set()
    for name in (package, source):
        parts = [part.removeprefix("lib") for part in re.split(r"[-.+\d]+", name)]
        stems |= set([part for part in parts if len(part) >= LEAST and part not in COMMON][:1])
    return {f"source:{source}", *stems}


def families(packages: dict[str, str]) -> dict[str, str]:
    """Package -> its family: all that share a source or a name, and what these share with others, have one."""
    parent: dict[str, str] = {}

    def top(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = key = parent[parent[key]]
        return key

    for package, source in packages.items():
        for part in name_parts(package, source):
            parent[top(part)] = top(f"source:{source}")
    return {package: top(f"source:{source}") for package, source in packages.items()}


def sentences(folder: Path) -> dict[str, list[Pair]]:
    """Family -> its pairs; an English sentence stands once in all."""
    sources, english = {}, {}
    for record in stanzas(folder, "Packages"):
        name = record.get("Package", "")
        sources[name] = record.get("Source", name).split(" ")[0]
    for record in stanzas(folder, "Translation-en"):
        if "Description-en" in record:
            english[record["Description-md5"]] = record["Description-en"]
    known, found, seen = families(sources), defaultdict(list), set()
    for record in stanzas(folder, "Translation-fr"):
        text, name = english.get(record.get("Description-md5", "")), record.get("Package", "")
        if text is None or name not in known or "Description-fr" not in record:
            continue
        for pair in aligned(text, record["Description-fr"]):
            key = " ".join(words_of(pair[0]))
            if key not in seen:
                seen.add(key)
                found[known[name]].append(pair)
    return dict(found)


def order(text: str) -> str:
    """A place for a text that looks random and is always the same."""
    return hashlib.sha256(text.encode()).hexdigest()


def split(found: dict[str, list[Pair]], most: int = 40) -> tuple[list[list[Pair]], list[Pair], list[Pair]]:
    """Training pairs by family, dev pairs, test pairs; families of more than `most` pairs are for training."""
    names = sorted(found, key=order)
    small = [name for name in names if len(found[name]) <= most]
    held: list[Pair] = []
    taken = set()
    for name in small:
        if len(held) >= 3 * HELD:
            break
        held += found[name]
        taken.add(name)
    training = [found[name] for name in names if name not in taken]
    kept = unlike(held, [pair for family in training for pair in family])
    return training, kept[:HELD], kept[HELD : 2 * HELD]


def unlike(held: list[Pair], training: list[Pair], limit: float = 0.7) -> list[Pair]:
    """The held-out pairs whose English shares less than `limit` of its words (Jaccard) with any in training."""
    sets = [frozenset(words_of(english)) for english, _ in training]
    places = defaultdict(list)
    for number, words in enumerate(sets):
        for word in words:
            places[word].append(number)
    kept = []
    for pair in held:
        words = frozenset(words_of(pair[0]))
        rare = sorted(words, key=lambda word: len(places[word]))
        near = {number for word in rare[: int((1 - limit) * len(words)) + 1] for number in places[word]}
        if not any(len(words & sets[n]) >= limit * len(words | sets[n]) for n in near):
            kept.append(pair)
    return kept


def write(path: Path, pairs: list[Pair]) -> None:
    """A pair a line, English and French parted by a tab."""
    path.write_text("".join(f"{english}\t{french}\n" for english, french in pairs), encoding="utf-8")


def read(path: Path) -> list[Pair]:
    """The pairs of a file of `write`, or of your own.

    Raises:
        SystemExit: a line that is not two texts parted by a tab.
    """
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        parts = line.split("\t")
        if len(parts) != 2 or not all(part.strip() for part in parts):
            raise SystemExit(f"{path} line {number}: expected two texts parted by a tab, received {line[:80]!r}")
        pairs.append((parts[0], parts[1]))
    return pairs
