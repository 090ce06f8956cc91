"""Loads one target with Locust, judges whether the load can be believed, and packs the results.

`__main__` is the command. It checks the `settings` and runs Locust, which leaves an `outcome`. From that it writes the
`files` and their `archive`, and reaches the `verdict`. Or it has a `look` at single answers.

Inside Locust, the `plugin` runs the steps. `arrivals` draws the instants at which requests are due. The `schedule`
gives each to a user, whom a `timer` wakes then. `targets` reads how a target is asked from a record, and makes each
`question`: of `templates`, into which cases are filled, and over gRPC of `grpc_messages`, by descriptors that the
record has or the server tells (`reflection`). `answers` checks what comes. A `client` sends a question: the
`http_client`, or the `grpc_client` over `http2`, both on the connection of a `socket_client`. The `recorder` keeps
every result, and `locust_stats` adds them to Locust's own statistics. The `self_monitor` measures how busy and how late
this process is, and how much CPU it could get (`available_cpu`).
"""
