"""What the bridge's test is made of: a broker, a camera, bridges, and somebody who listens to all of it."""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 30  # seconds for what should take one
USER, PASSWORD = "camera", "correct-horse-battery"


def fail(reason):
    sys.exit(f"bridge: {reason}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def new_client():
    versions = getattr(mqtt, "CallbackAPIVersion", None)
    client = mqtt.Client(*((versions.VERSION2,) if versions else ()))
    client.username_pw_set(USER, PASSWORD)
    return client


class Program:
    """A program that is ended with the test."""

    running = []

    def __init__(self, *command, **more):
        self.process = subprocess.Popen([str(word) for word in command], **more)
        Program.running.append(self)

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        try:
            return self.process.wait(PATIENCE)
        finally:
            Program.running.remove(self)

    @classmethod
    def end_all(cls):
        for program in list(cls.running):
            program.end(signal.SIGKILL)


class Mosquitto:
    """It keeps nothing on a disk: what is retained after a restart, somebody has told it again."""

    def __init__(self, folder):
        self.port = free_port()
        passwords, self.settings = folder / "passwords", folder / "mosquitto.conf"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD], check=True)
        self.settings.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nuser {os.environ.get('USER', 'root')}\n"
            "persistence false\nlog_type error\n")
        self.start()

    def start(self):
        self.program = Program("mosquitto", "-c", self.settings, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    fail("mosquitto does not start")

    def kill(self):
        self.program.end(signal.SIGKILL)


class Camera:
    """`rarebit run` on a recording, ten frames a second, in which every change of the answer is told as seen."""

    def __init__(self, folder, program, model):
        self.socket, self.port, self.token = folder / "answers.sock", free_port(), "sesame-open"
        (folder / "token").write_text(self.token + "\n")
        frames = folder / "frames"
        subprocess.run([ROOT / "Tools/recordings/make-frames", "12", frames], check=True)
        self.command = [
            program, "run", model, "--frames", frames, "--loop", "--fps", "10", "--confirm", "1/1", "--json",
            "--output", f"unix:{self.socket}", "--page", self.port, "--page-token", folder / "token"]
        self.start()

    def start(self):
        self.program = Program(*self.command, stderr=subprocess.DEVNULL)


class Bridge:
    """One bridge; `lines`: what it says on standard error."""

    def __init__(self, folder, broker, identifier, **settings):
        self.identifier, self.lines, self.has_said = identifier, [], threading.Condition()
        password = folder / "password"
        password.write_text(PASSWORD + "\n")
        given = {"broker": f"mqtt://127.0.0.1:{broker.port}", "id": identifier, "name": f"Camera {identifier}", "user": USER,
                 "password-file": password, **{key.replace("_", "-"): value for key, value in settings.items()}}
        path = folder / f"{identifier}.conf"
        path.write_text("".join(f"{key} = {value}\n" for key, value in given.items()))
        self.program = Program(
            sys.executable, "-I", "-B", ROOT / "Firmware/bridge/rarebit_bridge", "--config", path,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        threading.Thread(target=self.hear, daemon=True).start()

    def hear(self):
        for line in self.program.process.stderr:
            with self.has_said:
                self.lines.append(line.decode().rstrip())
                self.has_said.notify_all()

    def until_said(self, part):
        with self.has_said:
            if not self.has_said.wait_for(lambda: any(part in line for line in self.lines), PATIENCE):
                fail(f"bridge {self.identifier} never said '{part}', but {self.lines}")

    def topic(self, name):
        return f"rarebit/{self.identifier}/{name}"


class Watcher:
    """Hears all topics: `messages` in order, `last` by topic."""

    def __init__(self, broker):
        self.messages, self.last, self.retained = [], {}, {}
        self.has_heard = threading.Condition()
        self.client = new_client()
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.on_message = self.hear
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def hear(self, client, data, message):
        with self.has_heard:
            self.messages.append((message.topic, message.payload))
            self.last[message.topic] = message.payload
            if message.retain:
                self.retained[message.topic] = message.payload
            self.has_heard.notify_all()

    def until(self, holds, what):
        with self.has_heard:
            if not self.has_heard.wait_for(holds, PATIENCE):
                said = {topic: payload[:60] for topic, payload in self.last.items() if not topic.endswith("/config")}
                fail(f"never so: {what}; last heard {said}")
        print(f"bridge: {what}", flush=True)

    def value(self, topic):
        payload = self.last.get(topic)
        return json.loads(payload) if payload else {}

    def seen(self, bridge):
        """Numbers of the frames that were told as seen; what is delivered twice counts once."""
        frames = [json.loads(payload)["frame"] for topic, payload in self.messages if topic == bridge.topic("seen")]
        return list(dict.fromkeys(frames))

    def send(self, topic, payload):
        self.client.publish(topic, payload, qos=1).wait_for_publish(PATIENCE)

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


class Listener:
    """Hears the camera's own socket: which frames were seen."""

    def __init__(self, camera):
        self.frames, self.has_heard = [], threading.Condition()
        self.socket = camera.socket
        threading.Thread(target=self.hear, daemon=True).start()

    def hear(self):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(str(self.socket))
            for line in stream.makefile("rb"):
                record = json.loads(line)
                if record.get("event") == "seen":
                    with self.has_heard:
                        self.frames.append(record["frame"])
                        self.has_heard.notify_all()

    def until_more(self, count):
        """The frames that were seen by now, once `count` more were."""
        with self.has_heard:
            wanted = len(self.frames) + count
            if not self.has_heard.wait_for(lambda: len(self.frames) >= wanted, PATIENCE):
                fail("the camera sees nothing any more")
            return list(self.frames)


class Hook:
    """A web server that is called; the first call meets a fault of its own."""

    def __init__(self):
        self.events, self.calls, self.has_called = [], 0, threading.Condition()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with hook.has_called:
                    hook.calls += 1
                    is_broken = hook.calls == 1
                    if not is_broken:
                        hook.events.append(event)
                    hook.has_called.notify_all()
                self.send_response(500 if is_broken else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/seen"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def until(self, count):
        with self.has_called:
            if not self.has_called.wait_for(lambda: len(self.events) >= count, PATIENCE):
                fail(f"the webhook was called {self.calls} times")
