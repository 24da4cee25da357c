"""When a run goes on in vain and had better stop: it begins with requests that are wrong, or all that comes is no.

Pure: moments are passed in, in seconds of one clock that does not run backwards.
"""

from __future__ import annotations

from dagtui.core.errors import MOST_ASKED, ErrorKind, GatewayError
from dagtui.core.model import AttemptError

FIRST = 20
"""Requests at the start of which most must not be wrong."""

DRY_REFUSALS, DRY_SECONDS = 10, 120.0
"""Refusals in a row, and seconds without an answer, that no limit of a minute explains: two such have passed."""


class Alarm:
    """Is told how each attempt went; says when the run should stop, as the failure that it should stop for."""

    __slots__ = ("_asked", "_last", "_refusals", "_seen", "_since", "_wrong")

    def __init__(self) -> None:
        self._seen = self._wrong = 0
        self._refusals = 0  # in a row, that do not say when to come back
        self._since = self._last = 0.0  # the first and the last of them
        self._asked = 0.0  # the longest wait that was asked for and that nobody would wait

    def answered(self) -> None:
        """A model answered."""
        self._seen += 1
        self._refusals = 0

    def failed(self, error: GatewayError, now: float) -> AttemptError | None:
        """An attempt failed."""
        match error.kind:
            case ErrorKind.BAD_REQUEST:
                return self._is_wrong(error)
            case ErrorKind.RATE_LIMITED | ErrorKind.QUOTA:
                return self._is_refused(error, now)
            case _:
                return None

    def _is_wrong(self, error: GatewayError) -> AttemptError | None:
        self._seen += 1
        self._wrong += 1
        if self._seen > FIRST or self._wrong <= FIRST // 2:
            return None
        said = (
            f"{self._wrong} of the first {self._seen} requests were refused as wrong, so the rest would be, too: "
            f"correct the task or the file. The last one: {error.message}"
        )
        return AttemptError(ErrorKind.CONFIG, said, error.status)

    def _is_refused(self, error: GatewayError, now: float) -> AttemptError | None:
        named = error.blame is not None and error.blame.per_minute is not None
        if error.wait is not None or named:
            self._refusals = 0  # it is a limit
            return None
        if not self._refusals or now - self._last > DRY_SECONDS:  # the first one, perhaps after a pause
            self._refusals, self._since, self._asked = 0, now, 0.0
        self._refusals += 1
        self._last = now
        self._asked = max(self._asked, error.retry_after or 0.0)
        if self._refusals < DRY_REFUSALS or now - self._since < DRY_SECONDS:
            return None
        return AttemptError(ErrorKind.BUDGET, self._dry(error, now - self._since), error.status)

    def _dry(self, error: GatewayError, seconds: float) -> str:
        when = "none says when to come back"
        if self._asked > MOST_ASKED:
            when = f"it asks to stay away for {_long(self._asked)}"
        return (
            f"for {seconds:.0f} s all that came was refusals, and {when}. Is a spend or quota limit reached? "
            f"Look at the provider's or the gateway's console. The last one: {error.message}"
        )


def _long(seconds: float) -> str:
    for unit, name in ((86_400.0, "days"), (3600.0, "hours")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return f"{seconds / 60:.0f} minutes"
