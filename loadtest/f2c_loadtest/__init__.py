"""Loads one target with Locust, judges whether the load can be believed, and packs the results.

`__main__` is the command. It checks the `settings`, runs Locust, and makes of what Locust recorded the `files`, the
`verdict` and the `archive`. Inside of Locust, `plugin` connects these: the `schedule` says when requests are sent,
`targets` what is sent and which answer is right, the `recorder` keeps what came of it, and the `generator` watches
itself.
"""
