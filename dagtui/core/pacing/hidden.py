"""A limit that shows as latency alone.

A gateway that retries behind our back turns refusals into waiting: requests queue up where nobody sees them, and
wait longer each time. When a good part of what leaves comes back late, or with retries on the gateway's count,
the number in flight is limited: to what the rate of answers needs (Little's law) and a few more, so that whoever
queues there keeps a fresh one from leaving. The window then follows the queue, as TCP Vegas does.

Models are slow by themselves, too, when answers are long. So latency alone must be far off to count, and a window
that rests on it alone is a trial: if as many are late with fewer in flight, it was no queue, and the window is
lifted. After some such trials the watch is given up.
"""

from __future__ import annotations

from collections import deque

from dagtui.core.pacing.departure import Departure

_LATE_TIMES, _LATE_PLUS = 2.0, 0.5  # late is beyond so many times the usual latency, plus so many seconds
_SHARE = 0.2  # of late ones that means a queue, where the gateway counts retries
_CERTAIN = 0.3  # the same where only latency speaks
_LEAST = 12  # departures before anything is concluded
_TRIAL = 40  # departures after which a trial ends ...
_HELPED, _FEW = 0.5, 0.15  # ... well, if the share of late ones is so many times what it was, or no more than this
_SAMPLES = 100
_RATE_S = 0.8  # seconds over which answers are counted
_QUEUE = 3  # requests that may queue at the gateway all the time: without any, nobody knows whether there is room
_GROWTH = 0.05  # of the window, and a request at least: the step in which it grows
_SLOWLY = 4.0  # seconds between two steps after the second queue; before, two round trips
_VAIN = 3  # times that a smaller window may fail to help


class Hidden:
    """Watches latency, and limits what is in flight when it must. Times in seconds."""

    __slots__ = (
        "_answers", "_begins_at", "_departed", "_grows_at", "_late", "_latencies", "_on_time", "_order", "_queues",
        "_retried", "_shrinks_at", "_stuck", "_tried", "_vain", "usual", "window",
    )  # fmt: skip

    def __init__(self) -> None:
        self.usual: float | None = None  # the latency of answers that did not queue
        self.window: float | None = None  # how many may be in flight, None while there is no sign of a queue
        self._latencies: deque[float] = deque(maxlen=_SAMPLES)
        self._answers: deque[float] = deque()
        self._order: deque[Departure] = deque()
        self._departed = self._late = self._on_time = self._stuck = 0
        self._retried = False  # the gateway says that it retries
        self._tried: float | None = None  # on trial: the share of late ones before
        self._begins_at = 0.0  # when what counts in the trial begins
        self._queues = self._vain = 0
        self._grows_at = self._shrinks_at = 0.0

    @property
    def given_up(self) -> bool:
        """Latency does not follow what is in flight: it is no limit that shows in it."""
        return self._vain >= _VAIN

    def departed(self, departure: Departure) -> None:
        """Remember who left, to see who stays away for long."""
        self._order.append(departure)
        self._departed += 1

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
            self._begins_at = now + self._patience(self.usual)
        elif self._tried is not None:
            self._try(self._tried, now)
        elif self._queue_stands(seen) and now >= self._shrinks_at:
            self._shrink(self.usual, now)
        elif now < self._grows_at:
            pass
        elif not self._late or (not self._retried and self._late <= _FEW * seen):
            self.window += max(1.0, _GROWTH * self.window)
            self._grows_at = now + (2.0 * self.usual if self._queues < 2 else _SLOWLY)
            self._late = self._on_time = 0
        elif not self._stuck:
            self._late = self._on_time = 0
            self._grows_at = now + self._patience(self.usual)

    def _queue_stands(self, seen: int) -> bool:
        """Whether requests queue although the window is there."""
        if self._retried:
            return self._stuck > 2 * _QUEUE
        return seen >= _LEAST and self._late > _CERTAIN * seen + 1

    def _try(self, before: float, now: float) -> None:
        """Whether the smaller window helped."""
        seen = self._late + self._on_time
        if now < self._begins_at:
            self._late = self._on_time = 0
            return
        if not self._retried:
            if seen < _TRIAL:
                return
            helped = self._late <= max(_FEW, _HELPED * before) * seen
            self._vain = 0 if helped else self._vain + 1
            self.window = self.window if helped else None
        self._tried, self._late, self._on_time = None, 0, 0

    def _shrink(self, usual: float, now: float) -> None:
        """As many in flight as the rate of answers needs: while requests queue, that is the rate of the limit."""
        needed = usual * len(self._answers) / _RATE_S + _QUEUE
        if not self._retried:
            self._tried = self._late / max(1, self._late + self._on_time)
            self._begins_at = now + self._patience(usual)
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
        if self.usual is None:
            # The first to come back are the fastest, and tell little of the others.
            ready = self._retried or 2 * len(latencies) >= min(self._departed, 2 * _SAMPLES)
        else:
            ready = len(self._answers) % 10 == 0
        if ready and len(latencies) >= 10:
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
