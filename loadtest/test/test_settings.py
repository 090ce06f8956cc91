"""Checks that the command reads its options, and refuses wrong ones with a sentence before anything runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from running import run_command

from f2c_loadtest.settings import MULTI_VALUE, RESERVED, Settings, SettingsError, Step, parse

NEEDED = ["--target=function", "--host=http://localhost:8080"]

# Prints the options of Locust that take several values.
PRINT_MANY = """
import json
from locust.argument_parser import get_parser
many = [option for option in get_parser()._actions if option.nargs in ("*", "+")]
print(json.dumps([name for option in many for name in option.option_strings]))
"""


def test_defaults() -> None:
    settings = parse(NEEDED)
    assert settings.steps == (Step(seconds=300, users=20),)
    assert settings.arrivals == "poisson"
    assert settings.requests_per_connection > 0
    assert Settings.from_json(settings.to_json()) == settings


def test_steps() -> None:
    steps = '[{"seconds": 10, "users": 2}, {"seconds": 20, "users": 4, "rate": 12.5, "batch": 100}]'
    settings = parse([*NEEDED, f"--steps={steps}", "--loglevel=DEBUG"])
    assert settings.steps == (Step(10, 2), Step(20, 4, 12.5, 100))
    assert settings.locust == ("--loglevel=DEBUG",)
    assert Settings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize(
    ("words", "as_one"),
    [
        (["--settle", "7"], ["--settle=7"]),
        (["--wait", "1e1", "--only-case", "7"], ["--wait=1e1", "--only-case=7"]),
        (["--steps", '[{"seconds": 10, "users": 2}]'], ['--steps=[{"seconds": 10, "users": 2}]']),
        (["--no-archive", "--users", "20"], ["--no-archive", "--users=20"]),
        (["--loglevel", "DEBUG", "--users", "20"], ["--loglevel=DEBUG", "--users=20"]),
        (["-L", "DEBUG"], ["-LDEBUG"]),
        (["--header", "a: b"], ["--header=a: b"]),
        (["--html", "-"], ["--html=-"]),
    ],
)
def test_an_option_and_its_value_may_be_two_words(words: list[str], as_one: list[str]) -> None:
    assert parse([*NEEDED, *words]) == parse([*NEEDED, *as_one])


def test_options_of_locust_that_take_several_values() -> None:
    words = ["--tags", "cold", "warm", "--exclude-tags", "hot"]
    assert parse([*NEEDED, *words, "--settle", "7"]).locust == tuple(words)
    # In a process of its own, because Locust patches modules that other tests have loaded.
    parser = subprocess.run([sys.executable, "-c", PRINT_MANY], capture_output=True, text=True, check=True)
    assert set(json.loads(parser.stdout)) == MULTI_VALUE


@pytest.mark.parametrize(("text", "seconds"), [("300", 300), ("300s", 300), ("5m", 300), ("1h30m", 5400)])
def test_run_time(text: str, seconds: int) -> None:
    assert parse([*NEEDED, f"--run-time={text}"]).steps[0].seconds == seconds


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["locust"], "'locust' belongs to no option"),
        (["--users=20", "30"], "'30' belongs to no option"),
        (["--users", "20", "30"], "'30' belongs to no option"),
        (["--loglevel", "DEBUG", "locust"], "'locust' belongs to no option"),
        (["-LDEBUG", "locust"], "'locust' belongs to no option"),
        (["--tags=cold", "locust"], "'locust' belongs to no option"),
        (["--"], "'--' belongs to no option"),
        (["--", "--users=20"], "'--' belongs to no option"),
        (["--no-archive", "locust"], "--no-archive: ignored explicit argument 'locust'"),
        (["--settle"], "--settle: expected one argument"),
        (["--settle", "--users=20"], "--settle: expected one argument"),
        (["--settle", "-5"], "'-5' is not a whole number from 0"),
        (["-u", "20"], "-u can't be passed on to Locust"),
        (["--csv", "mine"], "--csv can't be passed on to Locust"),
        (["--host=f2c-function"], "--host must be like http://name:8080, not 'f2c-function'"),
        (["--host=http://name:port"], "--host must be like"),
        (["--host=http://name/path?a=b"], "--host must be like"),
        (["--host=http://name/a path"], "--host must be like"),
        (["--host=http://me:secret@name"], "--host must be like"),
        (["--host=http://name..local"], "--host must be like"),
        (["--users=0"], "'0' is not a whole number from 1"),
        (["--users=1.5"], "'1.5' is not a whole number from 1"),
        (["--rate=0"], "'0' is not a number from 1e-06"),
        (["--rate=nan"], "'nan' is not a number"),
        (["--rate=inf"], "'inf' is not a number"),
        (["--arrivals=random"], "invalid choice: 'random' (choose from"),
        (["--batch=10001"], "'10001' is not a whole number from 1 to 10000"),
        (["--max-failed=2"], "'2' is not a number from 0 to 1"),
        (["--run-time=soon"], "--run-time must be like 300, 300s, 5m or 1h30m, not 'soon'"),
        (["--run-time=0"], "--run-time must be like"),
        (["--run-time=5"], "a step of 5 s has nothing to measure after --settle=5 s"),
        (["--only-case=-1"], "'-1' is not a whole number from 0"),
        (["--wait=-1"], "'-1' is not a number from 0"),
        (["--users=1", "--processes=2"], "1 users are too few for 2 processes"),
        (["--users=3", "--processes=2", "--workers=2"], "3 users are too few for 4 processes"),
        (["--workers=1", "--worker-of=master"], "--workers and --worker-of exclude each other"),
        (["--locustfile=missing.py"], "--locustfile=missing.py is not there"),
        (["--steps=[]"], "--steps must be a list of steps"),
        (["--steps={}"], "--steps must be a list of steps"),
        (["--steps=[{]"], "--steps is not JSON"),
        (["--steps=[1]"], "each must be an object with seconds, users, rate, batch"),
        (['--steps=[{"seconds": 10}]'], "each must be an object with"),
        (['--steps=[{"seconds": 10, "users": 1, "rates": 1}]'], "each must be an object with"),
        (['--steps=[{"seconds": 10, "users": "1"}]'], "--steps: users must be a whole number from 1, not '1'"),
        (['--steps=[{"seconds": 10, "users": true}]'], "--steps: users must be a whole number from 1, not True"),
        (['--steps=[{"seconds": 10, "users": 1}]', "--users=1"], "--steps takes the place of --users"),
        (["-t5m"], "-t can't be passed on to Locust"),
        *(([f"{option}=1"], f"{option} can't be passed on") for option in sorted(RESERVED) if option.startswith("--")),
    ],
)
def test_wrong_settings(options: list[str], sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse([*NEEDED, *options])
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")


def test_somebodys_locustfile_must_look_like_one(tmp_path: Path) -> None:
    for name in ("a,b.py", "load.txt"):
        (tmp_path / name).touch()
        with pytest.raises(SettingsError, match=r"must end in \.py, and have no comma in it"):
            parse([*NEEDED, f"--locustfile={tmp_path / name}"])


def test_the_command_exits_with_2_and_one_sentence() -> None:
    ended = run_command(*NEEDED, "locust")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("f2c_loadtest: 'locust' belongs to no option")
    assert ended.stderr.count("\n") == 1


def test_results_that_can_not_be_written_are_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run_command(*NEEDED, f"--results={tmp_path / 'file'}")
    assert ended.returncode == 2
    assert ended.stderr == f"f2c_loadtest: --results={tmp_path / 'file'} can't be written: File exists.\n"


def test_help_names_every_option() -> None:
    ended = run_command("--help")
    assert ended.returncode == 0
    for name in Settings.__dataclass_fields__:
        option = {"locust": "Locust", "steps": "--steps"}.get(name, f"--{name.replace('_', '-')}")
        assert option in ended.stdout
