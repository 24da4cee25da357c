"""A command that a shell takes as it is meant, whatever the request holds."""

from __future__ import annotations

import json
import subprocess

from dagtui.core.curl import curl

HOSTILE = [
    'it\'s $HOME and `id` and $(id) and \\ and "quotes" and ! and \n a line',
    "$PORTKEY_API_KEY",
    "'; touch /nonexistent/x; '",
    "\x1b]52;c;aGk=\x07 \x9b31m \u202e \x7f \u2028 \U000e0041 ü 日本",
]


def given(command: str, **variables: str) -> list[str]:
    """The words that a real shell makes of `command`."""
    script = command.replace("curl", "printf '%s\\0'", 1)
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, env={"PATH": "/bin", **variables})
    return done.stdout.decode().split("\0")[:-1]


def test_a_shell_gives_curl_every_header_and_the_body_as_they_were() -> None:
    for text in HOSTILE:
        line = text.replace("\n", " ")
        body = json.dumps({"text": text}, ensure_ascii=False)
        words = given(curl("http://x/v1/messages", {"x-metadata": line}, body, {}))
        assert words[:2] == ["-sS", "http://x/v1/messages"]
        assert words[words.index("-H") + 1] == f"x-metadata: {line}"
        assert json.loads(words[words.index("--data-binary") + 1]) == {"text": text}


def test_only_the_header_that_holds_a_key_has_its_variable_put_in() -> None:
    headers = {"x-api-key": "$THE_KEY", "authorization": "Bearer $THE_KEY", "x-record": "$THE_KEY"}
    variables = {"x-api-key": "THE_KEY", "authorization": "THE_KEY"}
    words = given(curl("http://x", headers, "{}", variables), THE_KEY='a"b$c')
    assert 'x-api-key: a"b$c' in words
    assert 'authorization: Bearer a"b$c' in words
    assert "x-record: $THE_KEY" in words


def test_the_command_itself_cannot_steer_the_terminal_it_is_pasted_into() -> None:
    command = curl("http://x", {}, json.dumps({"text": HOSTILE[3]}, ensure_ascii=False), {})
    assert all(sign.isprintable() or sign == "\n" for sign in command)
