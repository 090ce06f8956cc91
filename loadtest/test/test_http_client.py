"""Checks the HTTP client where the loads of test_run.py don't reach it."""

from pathlib import Path

from certificate import Certificate
from scripted_function import scripted_function

from f2c_loadtest.targets.function import TARGET


def test_any_certificate_will_do(tmp_path: Path) -> None:
    with scripted_function(Certificate(tmp_path)) as server:
        client, question = TARGET.client(server.url), TARGET.ask([98.6])
        for is_last in (False, False, True):
            question.check(client.ask(question.request.encode(server.url, is_last)))
        assert server.requests == 3
        client.close()
