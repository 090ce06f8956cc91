"""Lists the targets. A new one is a module of its own, and a line here."""

from f2c_loadtest.targets import function, tfserving, tfserving_grpc
from f2c_loadtest.targets.target import Target

TARGETS: dict[str, Target] = {
    target.key: target
    for target in (
        function.TARGET,
        tfserving.TARGET,
        tfserving_grpc.TARGET,
    )
}
"""The targets by key, which is what `--target` takes."""
