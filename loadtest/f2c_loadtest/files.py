"""Writes the load generator's own files. results/files.ts, which reads them, says what each column means."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from f2c_loadtest.outcome import Outcome
from f2c_loadtest.recorder import OUTCOMES, Recorder, failures, latencies, percentile, requests, wrong_answers
from f2c_loadtest.settings import Settings
from f2c_loadtest.targets import Target

LOCUST_KINDS = ("stats", "stats_history", "failures", "exceptions")

# Seconds. The percentiles in Locust's history are those of the last ten seconds, and `_seconds.csv` has every second.
HISTORY_INTERVAL = 10

Rows = Iterable[Iterable[object]]


def write_files(directory: Path, settings: Settings, target: Target, outcome: Outcome, verdict: dict[str, Any]) -> None:
    """Writes all files except those of Locust; raises OSError."""
    recorder = outcome.recorder
    tables: dict[str, tuple[str, Rows]] = {
        "steps": (
            "step,users,batch,offered_rate,start_s,end_s,requests,failures,wrong_answers,saturated",
            _steps(settings, outcome),
        ),
        "latency": ("step,clock,outcome,latency_us,count", _latency(outcome)),
        "seconds": ("timestamp_s,users,requests,failures,p50_us,p99_us,max_us", _seconds(recorder)),
        "generator": ("timestamp_s,process,cpu_cores,lag_ms,throttled,stolen_cores,late", _generator(recorder)),
    }
    if target.names_replicas:
        tables["replicas"] = ("timestamp_s,app_id,answers", _replicas(recorder))
    for kind, (header, rows) in tables.items():
        with (directory / f"{target.key}_{kind}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header.split(","))
            writer.writerows(rows)
    text = json.dumps(verdict, indent=2, ensure_ascii=False)
    (directory / f"{target.key}_verdict.json").write_text(text + "\n", encoding="utf-8")


def thin_history(directory: Path, target: str) -> None:
    """Reduces the history that Locust wrote to every tenth second, and the last one."""
    path = directory / f"{target}_stats_history.csv"
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    seconds = list(dict.fromkeys(row[0] for row in rows))
    remaining = {*seconds[::HISTORY_INTERVAL], *seconds[-1:]}
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *(row for row in rows if row[0] in remaining)])


def result_files(directory: Path, target: Target) -> list[Path]:
    """Returns the paths of all files that a load leaves, in order."""
    kinds = [*LOCUST_KINDS, "steps", "latency", "seconds", "generator", *["replicas"] * target.names_replicas]
    return sorted(
        [directory / f"{target.key}_{kind}.csv" for kind in kinds] + [directory / f"{target.key}_verdict.json"]
    )


def _steps(settings: Settings, outcome: Outcome) -> Rows:
    for window in outcome.windows:
        step = settings.steps[window.step]
        counts = outcome.recorder.between(window.start, window.end)
        rate = "" if step.rate is None else step.rate
        users = outcome.recorder.max_users(window.start, window.end) or step.users
        numbers = requests(counts), failures(counts), wrong_answers(counts)
        yield window.step, users, step.batch, rate, window.start, window.end, *numbers, int(window.is_saturated)


def _latency(outcome: Outcome) -> Rows:
    for window in outcome.windows:
        counts = outcome.recorder.between(window.start, window.end)
        clock = "response" if latencies(counts, "response") else "service"
        for kind in OUTCOMES:
            for bucket, count in sorted(counts[f"{clock} {kind}"].items()):
                yield window.step, clock, kind, bucket, count


def _seconds(recorder: Recorder) -> Rows:
    for second in _span(recorder):
        counts = recorder.between(second, second + 1)
        histogram = latencies(counts)
        users = sum(sample.users for sample in recorder.samples if sample.second == second)
        times = [percentile(histogram, share) for share in (0.5, 0.99, 1)]
        yield second, users, requests(counts), failures(counts), *("" if time is None else time for time in times)


def _replicas(recorder: Recorder) -> Rows:
    for second in _span(recorder):
        for replica, answers in sorted(recorder.between(second, second + 1)["answers"].items()):
            yield second, replica, answers


def _generator(recorder: Recorder) -> Rows:
    span = _span(recorder)
    for sample in sorted(recorder.samples_between(span.start, span.stop), key=lambda sample: sample[:2]):
        losses = ("" if value is None else f"{value:.4f}" for value in (sample.throttled, sample.stolen_cores))
        yield sample.second, sample.process, f"{sample.cpu_cores:.4f}", f"{sample.lag_ms:.3f}", *losses, sample.late


def _span(recorder: Recorder) -> range:
    """Returns every second from the first to the last in which there were users or a request ended."""
    seconds = [*recorder.seconds, *(sample.second for sample in recorder.samples if sample.users)]
    return range(min(seconds), max(seconds) + 1) if seconds else range(0)
