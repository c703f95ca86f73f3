"""Errors that people read: what happened, which value (masked if personal), what to do.

Every error carries the exit code that ``linkage`` ends with, so the scheduler can tell a wrong
configuration (2) from a gate that stopped the night (3) and from an input that cannot be read (4).
"""

from typing import ClassVar


class LinkageError(Exception):
    """A failure with a remedy. Shown to the user as two lines, never as a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n  -> {self.remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        # Airflow and multiprocessing send exceptions between processes; keyword arguments need help.
        return _rebuild, (type(self), self.what, self.remedy)


def _rebuild(kind: type[LinkageError], what: str, remedy: str) -> LinkageError:
    return kind(what, remedy=remedy)


class ConfigurationError(LinkageError):
    """Bad arguments or configuration."""

    exit_code = 2


class GateStopped(LinkageError):
    """A quality gate stopped the night; nothing was published."""

    exit_code = 3


class UnreadableInput(LinkageError):
    """An input could not be read at all."""

    exit_code = 4


class VerificationFailed(LinkageError):
    """A release does not match its manifest or its signature."""

    exit_code = 1
