"""Checks the HTTP client where the loads of test_run.py don't reach it."""

from pathlib import Path

from certificate import Certificate
from records import built_in
from scripted_function import scripted_function

from f2c_loadtest.question import choose


def test_any_certificate_will_do(tmp_path: Path) -> None:
    with scripted_function(Certificate(tmp_path)) as server:
        target = built_in("function")
        client, question = target.client(server.url), target.ask(choose(target.cases, [0]))
        for is_last in (False, False, True):
            question.check(client.ask(question.request.encode(server.url, is_last)))
        assert server.requests == 3
        client.close()
