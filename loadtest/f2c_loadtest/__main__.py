"""The command: runs Locust, judges the load, and prints the verdict and the results. See --help."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from f2c_loadtest import archive
from f2c_loadtest.client import RequestError
from f2c_loadtest.files import result_files, thin_history, write_files
from f2c_loadtest.look import look
from f2c_loadtest.outcome import Outcome
from f2c_loadtest.recorder import in_a_line
from f2c_loadtest.settings import STOP_TIMEOUT, TERMINATION_LOG, Settings, SettingsError, parse
from f2c_loadtest.targets import Target, target_of
from f2c_loadtest.verdict import errors_of, judge, most_frequent

VALID, BROKEN, WRONG_SETTINGS, INVALID = range(4)

PACKAGE = Path(__file__).parent
# Seconds that Locust has to end, beyond those that users have to finish.
STOP_MARGIN = 5
# Kubernetes keeps the first 4096 bytes of a termination message.
MESSAGE_BYTES = 4096
MAX_REASONS_LENGTH = 3000
# Locust's default, which the chart's Service has as well.
WORKERS_PORT = 5557


class BrokenError(Exception):
    """Says in a sentence why there are no results."""


def main() -> int:
    """Runs the command line and returns its exit code."""
    try:
        settings = parse(sys.argv[1:])
        if not settings.is_load:
            # Ctrl-C ends it without a traceback.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            return VALID if look(settings) else BROKEN
        target = target_of(settings)
        prepare(Path(settings.results), target)
    except SettingsError as error:
        emit(TERMINATION_LOG, f"f2c_loadtest: {error}", sys.stderr)
        return WRONG_SETTINGS
    except (OSError, RequestError) as error:
        emit(TERMINATION_LOG, f"BROKEN {settings.target}: {in_a_line(error)}.")
        return BROKEN
    try:
        return run(settings, target)
    except SettingsError as error:
        emit(settings.termination_log, f"f2c_loadtest: {error}", sys.stderr)
        return WRONG_SETTINGS
    except (BrokenError, OSError) as error:
        emit(settings.termination_log, f"BROKEN {settings.target}: {error}")
        return BROKEN


def run(settings: Settings, target: Target) -> int:
    """Runs a load, writes its results and returns the exit code; raises BrokenError, SettingsError or OSError."""
    outcome, stopped_by = run_locust(settings)
    if outcome is None:
        emit(settings.termination_log, f"Worker of {settings.worker_of}: done; the verdict is there.")
        return VALID
    results = Path(settings.results)
    verdict = judge(settings, outcome, stopped_by)
    line = summary(verdict, errors_of(outcome))
    write_files(results, settings, target, outcome, verdict)
    thin_history(results, settings.target)
    files = result_files(results, target)
    for file in files:
        if not file.is_file() or not file.stat().st_size:
            raise BrokenError(f"{file.name} is missing or empty: Locust has not written it.")
    if settings.archive:
        packed = archive.pack(files)
        checksum = f"archive {len(packed)} bytes sha256:{archive.checksum(packed)}"
        emit(settings.termination_log, f"{line} {checksum}")
        print(archive.frame(f"{settings.target}.tar.gz", packed), flush=True)
    else:
        emit(settings.termination_log, line)
    return VALID if verdict["verdict"] == "VALID" else INVALID


def prepare(results: Path, target: Target) -> None:
    """Makes the folder, and removes results of an earlier run, which could be mistaken for those of this one."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        for file in result_files(results, target):
            file.unlink(missing_ok=True)
        tempfile.TemporaryFile(dir=results).close()
    except OSError as error:
        raise SettingsError(f"--results={results} can't be written: {error.strerror}.") from None


def run_locust(settings: Settings) -> tuple[Outcome | None, str | None]:
    """Returns the outcome, None from a worker, and the name of the signal that stopped Locust, if one did."""
    if settings.workers:
        check_workers_port()
    with tempfile.TemporaryDirectory(prefix="f2c-loadtest-") as directory:
        path = Path(directory, "outcome.json")
        # Locust reads options from locust.conf, pyproject.toml and variables, such as the LOCUST_PORT that Kubernetes
        # sets for a service called locust. So it gets a folder and an environment of its own.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
        existing = [path for path in [environment.get("PYTHONPATH")] if path]
        environment |= {"HOME": directory, "PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), *existing])}
        locust = subprocess.Popen(
            locust_command(settings, path),
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        code, stopped_by = wait(locust)
        if settings.worker_of is not None:
            if code or stopped_by:
                raise BrokenError(f"the worker has ended {describe_exit(code)}.")
            return None, None
        try:
            outcome = Outcome.read(path)
        except FileNotFoundError:
            # Only Locust itself knows its options. Python's argparse exits with this code.
            if code == WRONG_SETTINGS and settings.locust:
                raise SettingsError(f"Locust refuses its options {' '.join(settings.locust)}; see above.") from None
            raise BrokenError(f"Locust has ended {describe_exit(code)}.") from None
    if outcome.broken:
        raise BrokenError(outcome.broken)
    if len(outcome.workers) < settings.workers * settings.processes and not stopped_by:
        raise BrokenError(
            f"Only {len(outcome.workers)} of {settings.workers * settings.processes} workers have connected within "
            f"{settings.worker_wait} s. Do they run, and reach port {WORKERS_PORT} of the master?"
        )
    if code:
        raise BrokenError(f"Locust has ended {describe_exit(code)}.")
    return outcome, stopped_by


def locust_command(settings: Settings, outcome: Path) -> list[str]:
    """Returns Locust's command line."""
    return [
        *(sys.executable, "-m", "locust", "--headless", "--only-summary"),
        f"--locustfile={PACKAGE / 'plugin.py'},{settings.locustfile}",
        f"--f2c-settings={settings.to_json()}",
        f"--f2c-outcome={outcome}",
        # The verdict judges failed requests.
        "--exit-code-on-error=0",
        f"--stop-timeout={STOP_TIMEOUT}",
        *role(settings),
        *settings.locust,
    ]


def role(settings: Settings) -> list[str]:
    """Returns the options that make Locust a single process, a master of processes or workers, or a worker."""
    if settings.worker_of is not None:
        processes = [f"--processes={settings.processes}"] if settings.processes > 1 else []
        return ["--worker", f"--master-host={settings.worker_of}", *processes]
    csv = [f"--host={settings.host}", f"--csv={Path(settings.results, settings.target)}", "--csv-full-history"]
    wait_for_workers = f"--expect-workers-max-wait={settings.worker_wait}"
    if settings.workers:
        return [*csv, "--master", f"--expect-workers={settings.sending_processes}", wait_for_workers]
    if settings.processes > 1:
        # Another load test on this machine may have Locust's default port.
        port = free_port()
        bind = ["--master-bind-host=127.0.0.1", f"--master-bind-port={port}", f"--master-port={port}"]
        return [*csv, f"--processes={settings.processes}", wait_for_workers, *bind]
    return csv


def check_workers_port() -> None:
    """Raises BrokenError if workers could not connect; Locust would end with a traceback."""
    with socket.socket() as probe:
        # As Locust does: a connection of an earlier load that has not quite ended is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", WORKERS_PORT))
        except OSError as error:
            reason = f"Port {WORKERS_PORT}, to which workers connect, can't be opened: {error.strerror}."
            raise BrokenError(reason) from None


def free_port() -> int:
    """Returns a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait(locust: "subprocess.Popen[bytes]") -> tuple[int, str | None]:
    """Returns Locust's exit code, and the signal that this process received and passed on, if any."""
    stopped_by: str | None = None
    deadline = float("inf")

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal stopped_by, deadline
        if stopped_by is None:
            stopped_by, deadline = signal.Signals(number).name, time.monotonic() + STOP_TIMEOUT + STOP_MARGIN
            locust.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while True:
        try:
            code = locust.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            locust.kill()
            code = locust.wait()
        # Some processes of Locust may have outlived it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(locust.pid, signal.SIGKILL)
        return code, stopped_by


def describe_exit(code: int) -> str:
    """Returns the end of a sentence about a process that has ended."""
    if code == -signal.SIGKILL:
        return "by SIGKILL, as also happens when memory runs out"
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}: its log tells why"


def summary(verdict: dict[str, Any], errors: Counter[str]) -> str:
    """Returns the verdict as the beginning of a line. `errors` counts the failed requests by the reason."""
    start = f"{verdict['verdict']} {verdict['target']}:"
    if verdict["reasons"]:
        # Kubernetes cuts off long messages, and what follows the reasons must not be lost.
        return f"{start} {'; '.join(reason.rstrip('.') for reason in verdict['reasons'])[:MAX_REASONS_LENGTH]};"
    # Under overload, a latency only shows how long the load went on.
    finding = f"p50 {verdict['p50Us'] / 1000:.2f} ms, p99 {verdict['p99Us'] / 1000:.2f} ms"
    if verdict["saturatedFrom"] is not None:
        finding = f"the target saturated from step {verdict['saturatedFrom']} on"
    return (
        f"{start} {verdict['requests']} requests in {verdict['seconds']} s, {verdict['throughput']:.1f}/s, "
        f"{finding}, {verdict['failures']} failed{most_frequent(errors)};"
    )


def emit(termination_log: str, line: str, stream: TextIO = sys.stdout) -> None:
    """Prints a line, and writes it as the container's termination message."""
    print(line, file=stream, flush=True)
    message = Path(termination_log)
    if message.exists():
        try:
            message.write_bytes(line.encode()[:MESSAGE_BYTES])
        except OSError as error:
            print(f"f2c_loadtest: {message} can't be written: {error.strerror}.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
