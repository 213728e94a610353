"""The errors a user can act on, each with the exit code it ends the program with.

A message says what is wrong, where (file, line, column, value) and what to do about it. Anything that
is not a ``LurmError`` is a bug, and is reported as one.
"""

import errno

# Faults of the machine, after which the same work goes on.
OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


class LurmError(Exception):
    """Failure while running (exit code 1)."""

    exit_code = 1


class UsageError(LurmError):
    """Wrong usage, wrong configuration or unreadable raw input (exit code 2)."""

    exit_code = 2


class ArtifactError(LurmError):
    """An input artifact is missing, damaged or of another schema (exit code 3)."""

    exit_code = 3


class OutputExistsError(LurmError):
    """The output exists, made from other inputs or with other parameters (exit code 4)."""

    exit_code = 4


class IncompleteError(LurmError):
    """The work stopped before its end; the same command resumes it (exit code 5)."""

    exit_code = 5
