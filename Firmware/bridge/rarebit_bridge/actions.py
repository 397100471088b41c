"""What is done on "seen": an address is called, a program started. Each has a thread, so that neither waits for the other."""

import json
import os
import queue
import signal
import subprocess
import threading
import urllib.error
import urllib.request

from log import Trouble, tell

MOST_WAITING = 100
TRIES, FIRST_PAUSE_S = 5, 1.0
TIMEOUT_S = 10
GRACE_S = 1


class Action:
    """Does `perform(text)` with the JSON text of each event, one after the other; the newest are lost where many wait."""

    def __init__(self, what):
        self.trouble = Trouble(what)
        self.failed = self.lost = 0
        self.is_full = False
        self.waiting = queue.Queue(MOST_WAITING)
        self.is_stopping = threading.Event()
        threading.Thread(target=self.work, daemon=True).start()

    def perform(self, text):
        """Why it could not be done; None: it is done."""
        raise NotImplementedError

    def add(self, event):
        try:
            self.waiting.put_nowait(json.dumps(event, ensure_ascii=False))
        except queue.Full:
            self.lost += 1
            if not self.is_full:
                tell(f"{self.trouble.what}: {MOST_WAITING} events wait: others that come now are lost")
            self.is_full = True
        else:
            # One place that is free is soon taken again.
            self.is_full = self.is_full and self.waiting.qsize() > MOST_WAITING // 2

    def work(self):
        while not self.is_stopping.is_set():
            reason = self.perform(self.waiting.get())
            if reason:
                self.failed += 1
                self.trouble.failed(reason)
            else:
                self.trouble.is_over()

    def stop(self):
        self.is_stopping.set()
        waiting = self.waiting.qsize()
        if waiting + self.failed + self.lost:
            tell(f"{self.trouble.what}: {self.failed} events failed, {self.lost} were lost, {waiting} still waited")


class Calling(Action):
    """POSTs the event as JSON; an address that does not answer, or has a fault of its own, is tried again."""

    def __init__(self, address):
        self.address = address
        super().__init__(f"webhook {address}")

    def perform(self, text):
        reason = None
        for attempt in range(TRIES):
            if attempt and self.is_stopping.wait(FIRST_PAUSE_S * 2 ** (attempt - 1)):
                break
            request = urllib.request.Request(self.address, text.encode(), {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S):
                    return None
            except urllib.error.HTTPError as error:
                reason = f"status {error.code}"
                if error.code < 500 and error.code not in (408, 429):
                    break
            except (OSError, ValueError) as error:
                reason = str(getattr(error, "reason", error))
        return reason


class Starting(Action):
    """Starts the program with the event as JSON on its standard input; after `limit` seconds it is ended, with all it started."""

    def __init__(self, command, limit):
        self.command, self.limit, self.program = command, limit, None
        super().__init__(f"program {command[0]}")

    def perform(self, text):
        try:
            self.program = subprocess.Popen(self.command, stdin=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            return error.strerror or str(error)
        try:
            self.program.communicate(text.encode() + b"\n", timeout=self.limit)
        except subprocess.TimeoutExpired:
            end_group(self.program)
            return f"ended after {self.limit:g} s"
        status = self.program.returncode
        return f"ended with status {status}" if status else None

    def stop(self):
        super().stop()
        if self.program and self.program.poll() is None:
            end_group(self.program)


def end_group(program):
    for what in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(program.pid, what)
            program.wait(GRACE_S)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
