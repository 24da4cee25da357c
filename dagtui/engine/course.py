"""The course of a run as a whole: how many at once, for how much money, paused or not, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from dagtui.core.concurrency import Automatic
from dagtui.core.errors import ErrorKind
from dagtui.core.events import Event, Noted, Phase, PhaseChanged, TargetChanged
from dagtui.core.figures import money
from dagtui.core.model import AttemptError, Outcome
from dagtui.core.settings import RunSettings
from dagtui.core.stop_rule import StopRule, parse_rule
from dagtui.engine.gate import PilotGate, Sentry
from dagtui.engine.limiter import Limiter


class Course:
    """Takes the commands that concern all requests, from the user and from the run itself; they act at once.

    `look` has the run say what binds; `fill` is called when there may be more slots than before, `wind_up` when
    the run is to end, `abandon` when what is in flight is to end too.
    """

    def __init__(
        self,
        limiter: Limiter,
        gate: PilotGate,
        settings: RunSettings,
        *,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        look: Callable[[], object],
        fill: Callable[[], None],
        wind_up: Callable[[], None],
        abandon: Callable[[], object],
    ) -> None:
        self.ending: Phase | None = None
        self.stopped_by: ErrorKind | None = None
        self.stop_reason = ""
        self.alone = False
        """Nobody is there to be asked: at the pilot's gate, and where the stop rule is hit, the run decides."""
        self.halted = False
        """The run has ended itself because too little came of it."""
        self._limiter = limiter
        self._gate = gate
        self._settings = settings
        self._sentry = Sentry(None if settings.stop_rule is None else parse_rule(settings.stop_rule))
        self._emit = emit
        self._clock = clock
        self._look = look
        self._fill = fill
        self._wind_up = wind_up
        self._abandon = abandon

    # --- how many at once, and for how much ---

    def retune(self, target: int, by: str) -> None:
        """Set the concurrency limit; what is in flight stays in flight."""
        self._limiter.automatic = None  # a number set by hand stays
        if target != self._limiter.target:
            self._emit(TargetChanged(self._clock(), target, by))
            self._limiter.retune(target)
            self._fill()
        self._look()

    def follow(self, target: int) -> None:
        """The automatic concurrency has set its limit."""
        self._emit(TargetChanged(self._clock(), target, "automatic"))
        self._fill()

    @property
    def automatic(self) -> bool:
        """Whether the concurrency is left to us."""
        return self._limiter.automatic is not None

    def automate(self, on: bool, by: str) -> None:
        """Leave the concurrency to us, under the ceiling; or to the user again, from where it is."""
        if on == self.automatic:
            return
        self._limiter.automatic = Automatic(self._settings.ceiling, self._limiter.target) if on else None
        words = f"automatic, at most {self._settings.ceiling:,}" if on else f"held at {self._limiter.target:,}"
        self._emit(Noted(self._clock(), f"concurrency {words} ({by})"))
        self._look()

    def cap(self, most: Decimal | None, by: str) -> None:
        """Set the budget in dollars, or none. While all of it is committed, nothing more leaves."""
        if most != self._limiter.budget.cap:
            told = "no budget any more" if most is None else f"budget {money(most)}"
            self._emit(Noted(self._clock(), f"{told} ({by})"))
            self._limiter.set_cap(most)
            self._look()

    # --- paused or not ---

    def pause(self, reason: str = "paused: what is in flight is finished, nothing new is sent") -> None:
        """Send nothing until `resume`."""
        if not self._limiter.paused and self.ending is None:
            self._limiter.pause()
            self.change("paused", reason)
            self._look()

    def resume(self) -> None:
        """Send again after `pause`, and beyond the pilot; judge by the stop rule anew."""
        if self._limiter.paused and self.ending is None:
            self._sentry.forget()
            self._limiter.resume()
            self.change("running", "resumed")
            self._gate.open()
            self._look()

    def set_stop_rule(self, rule: StopRule | None, by: str) -> None:
        """Pause (or, `alone`, stop) when `rule` is hit from now on."""
        self._sentry = Sentry(rule)
        told = "no stop rule any more" if rule is None else f"stop rule {rule.text}"
        self._emit(Noted(self._clock(), f"{told} ({by})"))

    def judge(self, outcome: Outcome) -> None:
        """Hold the outcome of a request, and those before it, against the stop rule."""
        if self._sentry.rule is not None and (told := self._sentry.note(outcome)):
            if self.alone:
                self.halt(f"stopped by the rule {told}")
            else:
                self.pause(f"paused by the stop rule {told}; go on?")

    # --- how it ends ---

    def drain(self, reason: str) -> None:
        """Finish what is in flight and start nothing new."""
        if self.ending is None:
            self._end("draining", reason)

    def cancel(self, reason: str) -> None:
        """Abandon what is in flight. The provider may bill it all the same."""
        if self.ending != "cancelling":
            self._end("cancelling", reason)
            self._abandon()

    def halt(self, reason: str) -> None:
        """Drain, because too little comes of the run."""
        if self.ending is None:
            self.halted = True
            self.drain(reason)

    def stop(self, kind: ErrorKind, reason: str) -> None:
        """Drain, because of something that no other request would survive either."""
        if self.ending is None:
            self.stopped_by = kind
            self.drain(reason)

    def react(self, error: AttemptError) -> None:
        """A request was given up."""
        if error.kind.fatal:
            self.stop(error.kind, f"stopped: {error.message}")
        elif not self._settings.continue_on_error:
            self.stop(error.kind, f"stopped at the first failure: {error.message}")

    def _end(self, phase: Phase, reason: str) -> None:
        self.ending = phase
        self.stop_reason = reason
        self.change(phase, reason)
        self._limiter.close()
        self._wind_up()

    def change(self, phase: Phase, reason: str = "") -> None:
        """Say that the run is in `phase` from now on."""
        self._emit(PhaseChanged(self._clock(), phase, reason))
