"""What a kind of failure means, and what to do about those that met it: sentences for people."""

from __future__ import annotations

from dagtui.core.errors import ErrorKind

_GO_ON = "go on with the run"
_DONE = (ErrorKind.ABANDONED, ErrorKind.SUPERSEDED)
_CUT_OFF, _REFUSED = "cut off at max_tokens", "the model refused"

_MEANINGS = {
    ErrorKind.RATE_LIMITED: "The provider's limit was reached. Nothing was paid; they wait and are asked again.",
    ErrorKind.QUOTA: "A limit of the gateway was reached, not one of the provider.",
    ErrorKind.OVERLOADED: "The provider is full at the moment. Nothing was paid; they wait and are asked again.",
    ErrorKind.SERVER: "The provider or the gateway broke down over it. It may have been paid all the same.",
    ErrorKind.TIMEOUT: "No answer came within the time of an attempt. It may have been paid all the same.",
    ErrorKind.CONNECTION: "The gateway could not be reached, or hung up.",
    ErrorKind.INVALID_RESPONSE: "What came back is no answer of a model. It may have been paid all the same.",
    ErrorKind.INVALID_OUTPUT: "The model answered, and was paid, but its text does not fit the task's schema.",
    ErrorKind.BAD_REQUEST: "The provider refuses the request itself, so it would refuse it again.",
    ErrorKind.BAD_INPUT: "The record lacks what the prompt needs. Nothing was sent.",
    ErrorKind.GUARDRAIL: "A guardrail of the gateway denied it.",
    ErrorKind.UNKNOWN_MODEL: "The provider does not know the model, or not for this key.",
    ErrorKind.AUTH: "The key was refused.",
    ErrorKind.CONFIG: "The gateway refuses the configuration that it is given.",
    ErrorKind.BUDGET: "A spending limit at the gateway or the provider is used up.",
    ErrorKind.PLUGIN: "The task's own code raised.",
    ErrorKind.ABANDONED: "Somebody cancelled the attempt. It may have been paid all the same.",
    ErrorKind.SUPERSEDED: "Another attempt of the same request was answered first.",
}
_ADVICE = {
    ErrorKind.RATE_LIMITED: "Leave the concurrency to automatic, or lower it; nothing is lost by waiting.",
    ErrorKind.QUOTA: "Raise the limit at the gateway, or lower the concurrency.",
    ErrorKind.OVERLOADED: "Wait, or lower the concurrency; ask those that were given up again later.",
    ErrorKind.SERVER: "Ask them again later; if it goes on, the provider's status page will know.",
    ErrorKind.TIMEOUT: "Raise the timeout, or ask for shorter answers; then ask them again.",
    ErrorKind.CONNECTION: "See whether the gateway is up; then ask them again.",
    ErrorKind.INVALID_RESPONSE: "Ask them again; if it goes on, look at the gateway's address and version.",
    ErrorKind.INVALID_OUTPUT: "Ask them again, or say it more plainly in the prompt.",
    ErrorKind.BAD_REQUEST: "Write them out and mend the records (a text that is too long, mostly), or skip them.",
    ErrorKind.BAD_INPUT: "Write them out, mend the records, and run that file.",
    ErrorKind.GUARDRAIL: "Skip them, or change the guardrail and ask them again.",
    ErrorKind.UNKNOWN_MODEL: "Correct the model's name in the task or with --model, and go on with the run.",
    ErrorKind.AUTH: "Put the right key into the environment, and go on with the run.",
    ErrorKind.CONFIG: "Correct the gateway's configuration, and go on with the run.",
    ErrorKind.BUDGET: "Raise the limit where it is kept, and go on with the run.",
    ErrorKind.PLUGIN: "Mend the code, and go on with the run.",
    ErrorKind.ABANDONED: "Nothing is to be done: they are asked again as after a timeout.",
    ErrorKind.SUPERSEDED: "Nothing is to be done.",
}


def needs_tokens(message: str) -> bool:
    """Whether `message` tells of an answer that more tokens would have let come to its end."""
    return _CUT_OFF in message


def meaning(kind: ErrorKind, message: str) -> str:
    """What it means that an attempt failed so."""
    if needs_tokens(message):
        return "The model did not finish within max_tokens, so its answer has no end. It was paid."
    if message.startswith(_REFUSED):
        return "The model declines to answer this. It was paid."
    return _MEANINGS[kind]


def advice(kind: ErrorKind, message: str, *, ended: bool = False) -> str:
    """What to do about requests that failed so, while the run goes on or when it has `ended`."""
    if needs_tokens(message):
        if ended:
            return "Raise max_tokens in the task, and go on with the run."
        return "Give them more tokens. Edit the run, so that those to come get more, too."
    if message.startswith(_REFUSED):
        told = "Look at one, and change the prompt or skip them: asked again, they mostly decline again."
    else:
        told = _ADVICE[kind]
    if not ended or _GO_ON in told or kind in _DONE:
        return told
    return f"{told} The run has ended: to ask them again, {_GO_ON}."
