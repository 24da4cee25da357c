"""A limit that shows as latency alone.

A gateway that retries behind our back turns refusals into waiting: requests queue up where nobody sees them, and
wait longer each time. When a good part of what leaves comes back late, or with retries on the gateway's count,
the number in flight is limited: to what the rate of answers needs (Little's law) and a few more, so that whoever
queues there keeps a fresh one from leaving. The window then follows the queue, as TCP Vegas does.

Models are slow by themselves, too, when answers are long. So latency alone must be far off to count, and when a
smaller window does not help, it was no queue: the watch is given up.
"""

from __future__ import annotations

from collections import deque

from dagtui.core.pacing.departure import Departure

_LATE_TIMES, _LATE_PLUS = 2.0, 0.5  # late is beyond so many times the usual latency, plus so many seconds
_SHARE = 0.2  # of late ones that means a queue, where the gateway counts retries
_CERTAIN = 0.3  # the same where only latency speaks
_LEAST = 12  # departures before anything is concluded
_SAMPLES = 100
_RATE_S = 0.8  # seconds over which answers are counted
_QUEUE = 3  # requests that may queue at the gateway all the time: without any, nobody knows whether there is room
_GROWTH = 0.05  # of the window, and a request at least: the step in which it grows
_SLOWLY = 4.0  # seconds between two steps after the second queue; before, two round trips
_VAIN = 3  # times that a smaller window may fail to help


class Hidden:
    """Watches latency, and limits what is in flight when it must. Times in seconds."""

    __slots__ = (
        "_answers", "_grows_at", "_late", "_latencies", "_on_time", "_order", "_queues", "_retried", "_share",
        "_shrinks_at", "_stuck", "_vain", "usual", "window",
    )  # fmt: skip

    def __init__(self) -> None:
        self.usual: float | None = None  # the latency of answers that did not queue
        self.window: float | None = None  # how many may be in flight, None while there is no sign of a queue
        self._latencies: deque[float] = deque(maxlen=_SAMPLES)
        self._answers: deque[float] = deque()
        self._order: deque[Departure] = deque()
        self._late = self._on_time = self._stuck = 0
        self._retried = False  # the gateway says that it retries
        self._share = 1.0  # of late ones when the window was made smaller last
        self._queues = self._vain = 0
        self._grows_at = self._shrinks_at = 0.0

    @property
    def given_up(self) -> bool:
        """Latency does not follow what is in flight: it is no limit that shows in it."""
        return self._vain >= _VAIN

    def departed(self, departure: Departure) -> None:
        """Remember who left, to see who stays away for long."""
        self._order.append(departure)

    def ended(self, departure: Departure) -> None:
        """It came to an end that tells nothing of latency."""
        self._stuck -= departure.overdue
        departure.overdue, departure.fate = False, "none"

    def answered(self, departure: Departure, retries: int, now: float) -> bool:
        """Take an answer into account; say whether it came in time."""
        answers, latency = self._answers, now - departure.at
        answers.append(now)
        while now - answers[0] > _RATE_S:
            answers.popleft()
        late = retries > 0 or (self.usual is not None and latency > self._patience(self.usual))
        self._retried = self._retried or retries > 0
        self.ended(departure)
        departure.fate = "late" if late else "in time"
        if not late:
            self._note(latency)
        self._judge(now)
        return not late

    def follow(self, in_flight: int, now: float) -> None:
        """Set the window by what was seen."""
        if self.usual is None:
            return
        seen = self._late + self._on_time
        if self.window is None:
            if seen >= _LEAST and self._late > (_SHARE if self._retried else _CERTAIN) * seen + 1:
                self._shrink(self.usual, now)
            elif seen >= 200:
                self._late //= 2
                self._on_time //= 2
        elif in_flight > self.window:
            self._late = self._on_time = 0  # the queue of before still drains
        elif self._stuck > 2 * _QUEUE and now >= self._shrinks_at:
            self._shrink(self.usual, now)
        elif not self._late and now >= self._grows_at:
            self.window += max(1.0, _GROWTH * self.window)
            self._grows_at = now + (2.0 * self.usual if self._queues < 2 else _SLOWLY)
            self._late = self._on_time = 0
        elif self._late and not self._stuck and now >= self._grows_at:
            self._late = self._on_time = 0
            self._grows_at = now + self._patience(self.usual)

    def _shrink(self, usual: float, now: float) -> None:
        """As many in flight as the rate of answers needs: while requests queue, that is the rate of the limit."""
        needed = usual * len(self._answers) / _RATE_S + _QUEUE
        share = self._late / max(1, self._late + self._on_time)
        vain = self.window is not None and not self._retried and share > 0.8 * self._share
        self._vain = self._vain + 1 if vain else 0
        self._share = share
        self.window = max(
            2.0, needed if self.window is None else max(0.6 * self.window, min(needed, self.window - 1.0))
        )
        self._queues += 1
        self._late = self._on_time = 0
        self._shrinks_at = now + 2.0 * self._patience(usual)
        self._grows_at = now + self._patience(usual)

    @staticmethod
    def _patience(usual: float) -> float:
        return _LATE_TIMES * usual + _LATE_PLUS

    def _note(self, latency: float) -> None:
        latencies = self._latencies
        latencies.append(latency)
        if len(latencies) >= 10 and (self.usual is None or len(self._answers) % 10 == 0):
            middle = sorted(latencies)[len(latencies) // 2]
            self.usual = middle if self.usual is None else self.usual + 0.1 * (middle - self.usual)

    def _judge(self, now: float) -> None:
        """Count those that are old enough to be late, and find those that should be back and are still away."""
        order = self._order
        if self.usual is None:
            if len(order) > 4096:
                order.clear()
            return
        limit = now - self._patience(self.usual)
        while order and order[0].at <= limit:
            departure = order.popleft()
            match departure.fate:
                case "in time":
                    self._on_time += 1
                case "late":
                    self._late += 1
                case "":
                    departure.overdue = True
                    self._stuck += 1
                    self._late += 1
                case _:
                    pass
