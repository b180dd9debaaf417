"""Chromium, told what to do over a pipe: pages as people meet them, keys, pictures, what was asked of the net.

It speaks the DevTools protocol on two inherited descriptors, so that no port is opened.
"""

import base64
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
MISSING = "no Chromium, so nobody looked at the page (Debian: apt-get install chromium)"
PATIENCE_S = 90.0
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# Keys that are no letters: what the page reads as `key`, and the code Chromium moves the focus by.
_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowUp": 38, "ArrowDown": 40}


class Browser:
    """One Chromium. Its answers come in order; `events` holds what it said in between."""

    def __init__(self, process: "subprocess.Popen[bytes]", to: int, back: int) -> None:
        self._process = process
        self._to, self._back = to, back
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Call a method of the protocol. Raises RuntimeError where the browser refuses."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") != self._number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            else:
                return dict(answer["result"])

    def wait_for(self, method: str, session: str) -> None:
        """Until that event has come for this page."""
        seen = 0
        while True:
            for event in self.events[seen:]:
                if event.get("method") == method and event.get("sessionId") == session:
                    self.events.remove(event)
                    return
            seen = len(self.events)
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        until = monotonic() + PATIENCE_S
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._back], [], [], max(until - monotonic(), 0))
            part = os.read(self._back, 1 << 20) if ready else b""
            if not part:
                raise RuntimeError(f"the browser says nothing more (ended: {self._process.poll()})")
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(line))

    def page(
        self, file: Path | str, *, width: int = 1280, height: int = 800, **look: Any
    ) -> "Page":
        """The page at a path or address, loaded, in a window of this many CSS pixels.

        `look` is what it is to look like: `dark`, `printed`, `still` (reduced motion), `script`.
        """
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        page = Page(self, str(attached["sessionId"]), str(target))
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.ask(f"{domain}.enable")
        page.look(width=width, height=height, **look)
        page.ask("Page.navigate", url=file.as_uri() if isinstance(file, Path) else file)
        self.wait_for("Page.loadEventFired", page.session)
        return page


class Page:
    """One page of the browser."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser, self.session, self._target = browser, session, target

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol on this page."""
        return self._browser.ask(method, self.session, **params)

    def look(
        self,
        *,
        width: int,
        height: int,
        dark: bool = False,
        printed: bool = False,
        still: bool = False,
        script: bool = True,
    ) -> None:
        """Set the window, and what the reader's system asks of pages."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        media = "print" if printed else ""
        self.ask("Emulation.setEmulatedMedia", media=media, features=features)
        self.ask("Emulation.setScriptExecutionDisabled", value=not script)

    def value(self, expression: str) -> Any:
        """What the expression is in the page, waited for where it is a promise."""
        answer = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression[:80]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Type these keys, one after the other."""
        for key in keys:
            code = _KEYS.get(key, ord(key.upper()[0]))
            text = "\r" if key == "Enter" else key if len(key) == 1 else ""
            down = {"key": key, "windowsVirtualKeyCode": code, "text": text}
            self.ask("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **down)
            self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """What the window shows, as PNG; the whole length of the page if asked for."""
        taken = self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(taken["data"]))

    def complaints(self) -> list[str]:
        """What the console has: errors, refusals of the policy, whatever was logged."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self._mine() if event["method"] in kinds]

    def requests(self) -> list[str]:
        """The addresses that were asked for, the page itself left out."""
        asked = [e["params"] for e in self._mine() if e["method"] == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in asked if one["type"] != "Document"]

    def close(self) -> None:
        """Close it."""
        self._browser.ask("Target.closeTarget", targetId=self._target)

    def _mine(self) -> Iterator[dict[str, Any]]:
        return (event for event in self._browser.events if event.get("sessionId") == self.session)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A Chromium with an empty profile there; it is gone afterwards."""
    assert PROGRAM is not None, MISSING
    to_read, to_write = os.pipe()
    back_read, back_write = os.pipe()
    # The protocol is spoken on descriptors 3 (in) and 4 (out) of the browser.
    shell = f'exec 3<&{to_read} 4>&{back_write}; exec "$@"'
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [
            "bash",
            "-c",
            shell,
            "browser",
            PROGRAM,
            *_OPTIONS,
            *sandbox,
            f"--user-data-dir={profile}",
        ],
        pass_fds=(to_read, back_write),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(to_read)
    os.close(back_write)
    try:
        yield Browser(process, to_write, back_read)
    finally:
        os.close(to_write)
        os.close(back_read)
        process.kill()
        process.wait()
