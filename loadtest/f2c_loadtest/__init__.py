"""Loads one target with Locust, judges whether the load can be believed, and packs the results.

`__main__` is the command. It checks the `settings`, runs Locust, and makes of what Locust recorded the `files`, the
`verdict` and the `archive`. Inside of Locust, `plugin` connects these: the `schedule` says, by a `timer`, when to send,
and one of the `targets` makes each `question` and knows its right answer. A `client`, either the `http_client` or the
`grpc_client`, sends it. The `recorder` keeps what came of it, and the `tally` brings it to Locust's own statistics. The
`generator` watches itself, and what the `machine` lets it have.
"""
