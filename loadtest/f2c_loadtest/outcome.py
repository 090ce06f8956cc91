"""Defines what Locust hands over to the command when it ends."""

import dataclasses
import json
from pathlib import Path

from f2c_loadtest.recorder import Recorder


@dataclasses.dataclass(frozen=True)
class Window:
    """The measured seconds of a step: from the Unix time `start` on, and before `end`."""

    step: int
    start: int
    end: int
    is_saturated: bool = False
    """Whether the target did not sustain the offered rate."""


@dataclasses.dataclass
class Outcome:
    """How the load went, and everything that was recorded."""

    recorder: Recorder = dataclasses.field(default_factory=Recorder)
    windows: list[Window] = dataclasses.field(default_factory=list)
    is_complete: bool = False
    """Whether the load ended by itself."""
    workers: list[str] = dataclasses.field(default_factory=list)
    """Workers that connected."""
    lost_workers: list[str] = dataclasses.field(default_factory=list)
    """Workers whose results are incomplete."""
    late_workers: list[str] = dataclasses.field(default_factory=list)
    """Workers that connected after the load had begun, and sent nothing."""
    broken: str | None = None
    """A sentence that says why there was no load, if there was none."""

    def write(self, path: Path) -> None:
        """Writes a file for `read`, and empties the recorder."""
        members = {**vars(self), "recorder": self.recorder.take(), "windows": [vars(window) for window in self.windows]}
        path.write_text(json.dumps(members), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Outcome":
        """Reads a file of `write`; raises OSError or ValueError."""
        members = json.loads(path.read_text(encoding="utf-8"))
        recorder = Recorder()
        recorder.add(members.pop("recorder"))
        windows = [Window(**window) for window in members.pop("windows")]
        return cls(**members, recorder=recorder, windows=windows)
