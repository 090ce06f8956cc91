@rem npm's scripts begin with `exec`, so that signals reach the program and not a shell. Windows has no such command.
@%*
