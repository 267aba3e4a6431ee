"""Files that a client may name: in the working folder or the run directory, wherever links lead; nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kgkt.serve.kinds import Refused

KERAS = ".keras"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders whose files may be named.

    Args:
        folder: the working folder; names are relative to it.
        run_dir: the run directory.
    """

    folder: Path
    run_dir: Path

    @property
    def roots(self) -> tuple[Path, Path]:
        """Both, with every link followed."""
        return self.folder.resolve(), (self.folder / self.run_dir).resolve()

    def inside(self, what: str, name: str) -> Path:
        """The file or folder of that name, with every link followed; whether it is there is not asked.

        Args:
            what: the setting that names it, for the message.
            name: as the client gave it.

        Raises:
            Refused: it lies outside, whether it is there or not.
        """
        try:
            place = (self.folder / name).resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a name that no system takes
            raise Refused("input", f"{what} {name!r} is no name of a file") from error
        if not any(place.is_relative_to(root) for root in self.roots):
            raise Refused("input", f"{what} {name!r} lies outside of the folder that is served: name a file in it, "
                          "relative to it")  # fmt: skip
        return place

    def there(self, what: str, name: str) -> Path:
        """The same, of what must be there."""
        place = self.inside(what, name)
        if not place.exists():
            raise Refused("input", f"{what} {name!r} is not there")
        return place

    def model(self, what: str, name: str) -> Path:
        """A Keras file that must be there."""
        if Path(name).suffix != KERAS:
            raise Refused("input", f"{what} {name!r}: B is a Keras file, NAME{KERAS}")
        place = self.there(what, name)
        if place.suffix != KERAS or not place.is_file():
            raise Refused("input", f"{what} {name!r} is no Keras file")
        return place

    def out(self, what: str, name: str) -> Path:
        """Where a Keras file may be written: its folder must be there."""
        if Path(name).suffix != KERAS:
            raise Refused("input", f"{what} {name!r}: a fused B is a Keras file; name it {Path(name).stem}{KERAS}")
        place = self.inside(what, name)
        if place.suffix != KERAS or not place.parent.is_dir() or place.is_dir():
            raise Refused("input", f"{what} {name!r}: there is no folder for such a file")
        return place

    def shown(self, place: Path) -> str:
        """A place as people read it and verbs take it: relative to the working folder where it lies there."""
        here = self.roots[0]
        resolved = place.resolve()
        return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(resolved)
