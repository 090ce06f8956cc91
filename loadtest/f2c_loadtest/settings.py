"""Defines the options of the command, and checks them at the start."""

import argparse
import dataclasses
import json
import math
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from f2c_loadtest.arrivals import ARRIVALS, POISSON

MAX_BATCH = 10_000

# In the open loop, users are added while requests wait for one, up to this number or to the one in the settings. With
# so many requests in flight and more that wait, the target is saturated.
MAX_USERS = 512

# Seconds that users have to finish at the end, so that no request is cut off: it can take 5 s to connect, and 10 s to
# be answered (client.py).
STOP_TIMEOUT = 16

# Kubernetes reads a container's termination message here.
TERMINATION_LOG = "/dev/termination-log"

BUILT_IN_RECORD = Path(__file__).with_name("built-in.json")
DEFAULT_LOCUSTFILE = Path(__file__).parent.with_name("locustfile.py")

# Locust's options that this command sets itself.
RESERVED = {
    *("-f", "-u", "-r", "-t", "-H", "-s"),
    *("--headless", "--headful", "--autostart", "--autoquit", "--config", "--class-picker", "--reset-stats"),
    *("--csv", "--csv-full-history", "--only-summary", "--print-stats", "--exit-code-on-error", "--stop-timeout"),
    *("--master", "--master-host", "--master-port", "--master-bind-host", "--master-bind-port", "--worker"),
    *("--expect-workers", "--expect-workers-max-wait", "--f2c-settings", "--f2c-outcome"),
}

# Locust's options that take any number of values, each as an argument of its own.
MULTI_VALUE = {"-T", "--tags", "-E", "--exclude-tags", "--config-users"}

EPILOG = """\
examples:
  20 users for five minutes, each of whom sends the next request when it has an answer:
    python -m f2c_loadtest --target=function --host=http://f2c-function
  200 requests/s for five minutes, however long the answers take, at random instants as from independent clients:
    python -m f2c_loadtest --target=tfserving --host=http://f2c-tfserving:8501 --users=50 --rate=200
  the same rate in an even row, as vegeta sends by default:
    python -m f2c_loadtest --target=tfserving --host=http://f2c-tfserving:8501 --users=50 --rate=200 --arrivals=even
  1, 2, 4 and 8 users, for 30 s each:
    python -m f2c_loadtest --target=function --host=http://localhost:8080 \\
      --steps='[{"seconds":30,"users":1},{"seconds":30,"users":2},{"seconds":30,"users":4},{"seconds":30,"users":8}]'

any other option goes to Locust, such as --loglevel=DEBUG.

exit codes:
  0  VALID: you can use the figures
  1  it broke: there are no results, and the message says why
  2  a setting is wrong: the message says which one, and what is accepted
  3  INVALID: there are results, but don't use the figures; the verdict says why
"""


class SettingsError(Exception):
    """Says in a sentence what is wrong with a setting."""


@dataclasses.dataclass(frozen=True)
class Step:
    """A period with the same load."""

    seconds: int
    users: int
    rate: float | None = None  # requests/s that all users together offer; None for a closed loop
    batch: int = 1  # cases per request

    @property
    def max_users(self) -> int:
        """The number up to which users may be added."""
        return self.users if self.rate is None else max(self.users, MAX_USERS)

    def __post_init__(self) -> None:
        """Checks the values, which come from JSON or from options."""
        check(_is_whole(self.seconds, 1), f"seconds must be a whole number from 1, not {self.seconds!r}")
        check(_is_whole(self.users, 1), f"users must be a whole number from 1, not {self.users!r}")
        check(self.rate is None or _is_positive(self.rate), f"rate must be a number above 0, not {self.rate!r}")
        check(
            _is_whole(self.batch, 1) and self.batch <= MAX_BATCH,
            f"batch must be a whole number from 1 to {MAX_BATCH}, not {self.batch!r}",
        )


@dataclasses.dataclass(frozen=True)
class Settings:
    """Every option with its value; --help says what each does."""

    record: str
    target: str
    host: str
    once: bool
    check: bool
    wait: float | None  # seconds
    only_case: int | None
    steps: tuple[Step, ...]
    arrivals: str
    spawn_rate: float
    seed: int
    requests_per_connection: int
    seconds_per_connection: float
    settle: int
    processes: int
    workers: int
    worker_wait: int
    worker_of: str | None
    ready_replicas: int | None
    max_failed: float
    results: str
    archive: bool
    locustfile: str
    termination_log: str
    locust: tuple[str, ...]  # options that go to Locust

    def __post_init__(self) -> None:
        """Checks each option against the others."""
        if self.worker_of is None or not self.is_load:
            check(_is_url(self.host), f"--host must be like http://name:8080, not {self.host!r}")
        for step in self.steps:
            check(
                step.seconds > self.settle,
                f"a step of {step.seconds} s has nothing to measure after --settle={self.settle} s: make it longer",
            )
            check(
                step.users >= self.sending_processes,
                f"{step.users} users are too few for {self.sending_processes} processes: each needs one",
            )
        check(not (self.workers and self.worker_of), "--workers and --worker-of exclude each other")

    @property
    def is_load(self) -> bool:
        """Whether there is a load, and not only a look at the answers."""
        return not (self.once or self.check or self.wait is not None)

    @property
    def sending_processes(self) -> int:
        """Number of processes that send requests, on all workers together."""
        return self.processes * max(self.workers, 1)

    @property
    def as_options(self) -> dict[str, Any]:
        """Every option of a load by name."""
        options = dataclasses.asdict(self)
        return {name.replace("_", "-"): options[name] for name in options if name not in ("once", "check", "wait")}

    def to_json(self) -> str:
        """Returns JSON for `from_json`."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """Reads the JSON of `to_json`."""
        members = json.loads(text)
        steps = tuple(Step(**step) for step in members.pop("steps"))
        return cls(**{**members, "steps": steps, "locust": tuple(members["locust"])})


def parse(arguments: list[str]) -> Settings:
    """Reads the command line; raises SettingsError, and exits after --help."""
    options, for_locust = _parser().parse_known_args(_join_values(arguments))
    for argument in for_locust:
        name = argument.partition("=")[0] if argument.startswith("--") else argument[:2]
        check(name not in RESERVED, f"{name} can't be passed on to Locust: the load test sets it itself")
    members = vars(options)
    steps = _steps(*(members.pop(name) for name in ("steps", "users", "run_time", "rate", "batch")))
    check(Path(options.locustfile).is_file(), f"--locustfile={options.locustfile} is not there")
    # To Locust, a comma separates two names.
    check(
        options.locustfile.endswith(".py") and "," not in options.locustfile,
        f"--locustfile={options.locustfile} must end in .py, and have no comma in it",
    )
    # Locust runs in another folder.
    for name in ("record", "results", "locustfile"):
        members[name] = str(Path(members[name]).absolute())
    return Settings(**{**members, "host": options.host.rstrip("/")}, steps=steps, locust=tuple(for_locust))


def _join_values(arguments: list[str]) -> list[str]:
    """Joins each option and its value into one argument, so that Locust refuses a value for an option without one.

    Raises SettingsError if a word belongs to no option: Locust would take it for the name of a user class.
    """
    joined: list[str] = []
    option = ""  # may take the next word
    for argument in arguments:
        # A negative number is a value, and so is -, which means the standard input.
        if re.match(r"-[^-\d.]|--.", argument):
            option = "" if "=" in argument or re.match(r"-[^-].", argument) else argument
            joined.append(argument)
            continue
        check(option != "", f"{argument!r} belongs to no option: options are like --users=20 or --users 20")
        if option in MULTI_VALUE:
            joined.append(argument)
            continue
        joined[-1] += f"={argument}" if option.startswith("--") else argument
        option = ""
    return joined


def check(is_right: bool, sentence: str) -> None:
    """Raises SettingsError with a sentence, to which it adds the full stop, unless a setting is right."""
    if not is_right:
        raise SettingsError(f"{sentence}.")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; --help lists the options.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="f2c_loadtest",
        usage="python -m f2c_loadtest --target=… --host=… [options]",
        description="Loads one target with Locust, judges whether the load can be believed, and packs the results.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    whole, number = partial(_number, int), partial(_number, float)

    def add(name: str, metavar: str, meaning: str, kind: Any = str, default: Any = None) -> None:  # noqa: ANN401
        if default is not None and "(default" not in meaning:
            meaning += f" (default: {str(default).removesuffix('.0')})"
        group.add_argument(name, metavar=metavar, help=meaning, type=kind, default=default)

    group = parser.add_argument_group("the target")
    group.add_argument("--target", required=True, metavar="NAME", help="what to load: one of the targets of the record")
    record = "the cases, and how each target is asked (default: function, tfserving and tfserving-grpc)"
    add("--record", "FILE", record, default=str(BUILT_IN_RECORD))
    add(
        "--host",
        "URL",
        "its address, such as http://name:8080 or https://name/path; required unless --worker-of is given",
        default="",
    )
    once = "ask one question in place of a load; say whether the answer is right, and exit with 0 if it is, else with 1"
    group.add_argument("--once", action="store_true", help=once)
    every = "ask every case once in place of a load; print each in a line of JSON; exit with 0 if all are right, else 1"
    group.add_argument("--check", action="store_true", help=every)
    add("--wait", "SECONDS", "ask the first case again and again until it is right, or the time is over", number(0))

    group = parser.add_argument_group("the load")
    add("--users", "N", "concurrent users; with --rate, only to begin with (default: 20)", whole(1))
    add("--spawn-rate", "N", "users to start per second", number(0.01), 20.0)
    add("--run-time", "TIME", "how long to send: 300, 300s, 5m or 1h30m (default: 5m)")
    rate = "requests/s to offer, by all users together (default: each user sends the next when it has an answer)"
    add("--rate", "N", rate, number(1e-6))
    arrivals = "when the requests of a rate are due: poisson, at random; even, in a row (default: poisson)"
    group.add_argument("--arrivals", choices=ARRIVALS, default=POISSON, metavar="NAME", help=arrivals)
    add("--batch", "N", "cases per request (default: 1)", whole(1, MAX_BATCH))
    several_loads = "several loads in turn, in place of --users, --run-time, --rate and --batch; see the examples"
    add("--steps", "JSON", several_loads)
    fresh = "requests after which a user opens a new connection, so that new replicas get their share; 0 for never"
    add("--requests-per-connection", "N", fresh, whole(0), 200)
    add("--seconds-per-connection", "N", "seconds after which it does so as well; 0 for never", number(0), 0.0)
    locustfile = "a locustfile of your own, in place of the load generator's (default: its own)"
    add("--locustfile", "FILE", locustfile, default=str(DEFAULT_LOCUSTFILE))

    group = parser.add_argument_group("the cases")
    add("--only-case", "N", "ask only this case, from 0 on (default: any of them, at random)", whole(0))
    seed = "seed of the random cases and arrivals: the same seed, steps and number of processes, the same load"
    add("--seed", "N", seed, whole(0), 1)

    group = parser.add_argument_group("the verdict")
    add("--settle", "SECONDS", "seconds at the beginning of each step that are not measured", whole(0), 5)
    add("--max-failed", "SHARE", "share of the requests that may fail, from 0 to 1", number(0, 1), 0.01)
    replicas = "replicas of the target that are ready, and must all answer in the last step (default: any number)"
    add("--ready-replicas", "N", replicas, whole(1))

    group = parser.add_argument_group("the processes of the load generator")
    add("--processes", "N", "processes that send; each can use one CPU", whole(1), 1)
    add("--workers", "N", "let N other load generators send, each started with --worker-of", whole(0), 0)
    add("--worker-wait", "SECONDS", "seconds to wait until all of them have connected", whole(1), 60)
    add("--worker-of", "HOST", "send for the load generator on HOST, which was started with --workers")

    group = parser.add_argument_group("the results")
    add("--results", "FOLDER", "where to write the files", default="results")
    archive = "also print the files as an archive, at the end of the log (default: yes)"
    group.add_argument("--archive", action=argparse.BooleanOptionalAction, default=True, help=archive)
    add("--termination-log", "FILE", "where to write the verdict as well, if the file exists", default=TERMINATION_LOG)
    return parser


def _number(kind: type[int] | type[float], low: float = -math.inf, high: float = math.inf) -> Callable[[str], float]:
    """Returns a type for argparse that accepts numbers between two bounds."""

    def convert(text: str) -> float:
        name = "a whole number" if kind is int else "a number"
        bounds = f" from {low:g}" * (low > -math.inf) + f" to {high:g}" * (high < math.inf)
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or math.isinf(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {name}{bounds}")
        return value

    return convert


def _steps(
    steps: str | None, users: int | None, run_time: str | None, rate: float | None, batch: int | None
) -> tuple[Step, ...]:
    if steps is None:
        return (Step(seconds=_seconds(run_time or "5m"), users=users or 20, rate=rate, batch=batch or 1),)
    check(
        all(option is None for option in (users, run_time, rate, batch)),
        "--steps takes the place of --users, --run-time, --rate and --batch: don't give both",
    )
    try:
        members = json.loads(steps)
    except json.JSONDecodeError as error:
        raise SettingsError(f"--steps is not JSON: {error}.") from None
    check(isinstance(members, list) and members != [], "--steps must be a list of steps")
    try:
        return tuple(Step(**step) for step in members)
    except TypeError:
        known = ", ".join(field.name for field in dataclasses.fields(Step))
        raise SettingsError(f"--steps: each must be an object with {known}; the first two are needed.") from None
    except SettingsError as error:
        raise SettingsError(f"--steps: {error}") from None


def _seconds(text: str) -> int:
    """Returns the seconds of a time in Locust's notation."""
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    check(total > 0, f"--run-time must be like 300, 300s, 5m or 1h30m, not {text!r}")
    return total


def _is_whole(value: object, low: int) -> bool:
    return type(value) is int and value >= low


def _is_positive(value: object) -> bool:
    return type(value) in (int, float) and 0 < value < math.inf  # type: ignore[operator]


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # A name with an empty or too long part has no encoding.
        is_host = bool((parts.hostname or "").encode("idna")) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    is_bare = not ("@" in parts.netloc or parts.query or parts.fragment)
    return is_host and is_bare and parts.scheme in ("http", "https") and re.fullmatch(r"[!-~]*", parts.path) is not None
