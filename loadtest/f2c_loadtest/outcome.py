"""What Locust leaves to the command when it ends."""

import dataclasses
import json
from pathlib import Path

from f2c_loadtest.recorder import Record


@dataclasses.dataclass(frozen=True)
class Window:
    """The seconds of a step that are measured: unix seconds from `start` on, and before `end`."""

    step: int
    start: int
    end: int
    is_saturated: bool = False
    """Whether the target could not keep up with the rate."""


@dataclasses.dataclass
class Outcome:
    """How the load went, and all that was recorded."""

    record: Record = dataclasses.field(default_factory=Record)
    windows: list[Window] = dataclasses.field(default_factory=list)
    is_complete: bool = False
    """Whether the load came to its end, and did not have to be stopped."""
    workers: list[str] = dataclasses.field(default_factory=list)
    """Those that connected."""
    lost_workers: list[str] = dataclasses.field(default_factory=list)
    """Those of them whose results are not complete."""
    broken: str | None = None
    """Why the load could not be made: a sentence."""

    def write(self, path: Path) -> None:
        """Writes what `read` reads, and empties the record."""
        members = {**vars(self), "record": self.record.take(), "windows": [vars(window) for window in self.windows]}
        path.write_text(json.dumps(members), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Outcome":
        """Reads what `write` wrote; raises OSError or ValueError."""
        members = json.loads(path.read_text(encoding="utf-8"))
        record = Record()
        record.add(members.pop("record"))
        windows = [Window(**window) for window in members.pop("windows")]
        return cls(**members, record=record, windows=windows)
