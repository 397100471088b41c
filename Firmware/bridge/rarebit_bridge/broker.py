"""The broker of MQTT messages, who may be away and come back.

What is so (states) is retained by the broker, and told again whenever the connection is: the last of each, nothing in between.
What happened (events) waits for a broker that is away, as many as the settings say, and is delivered in order and at least once.
"""

import json
import threading

import paho.mqtt.client as mqtt

from log import Trouble, tell

KEEP_ALIVE_S = 20
MOST_RETRY_S = 30
GOODBYE_S = 2


def new_client(identifier):
    """Debian 12 has paho-mqtt 1, later ones have 2, which asks for the manner of calling back; ours suits both."""
    versions = getattr(mqtt, "CallbackAPIVersion", None)
    first = (versions.VERSION2,) if versions else ()
    return mqtt.Client(*first, client_id=f"rarebit-{identifier}")


class Broker:
    """`on_message(topic, payload)` is called in a thread of the client's, for the topics of `subscribe`."""

    def __init__(self, settings, will_topic, subscribe, on_message):
        self.settings, self.will_topic, self.subscribe, self.on_message = settings, will_topic, subscribe, on_message
        self.lock = threading.Lock()
        self.states = {}  # topic to payload: what the broker is to retain
        self.lost = 0
        self.trouble = Trouble(f"broker {settings.broker_host}:{settings.broker_port}")
        self.client = new_client(settings.identifier)
        self.client.max_queued_messages_set(settings.keep)
        self.client.reconnect_delay_set(1, MOST_RETRY_S)
        if settings.user:
            self.client.username_pw_set(settings.user, settings.password)
        if settings.broker_is_encrypted:
            self.client.tls_set()
        self.client.will_set(will_topic, "offline", qos=1, retain=True)
        self.client.on_connect = self.connected
        self.client.on_connect_fail = lambda *_: self.trouble.failed("it cannot be reached")
        self.client.on_disconnect = self.disconnected
        self.client.on_message = lambda client, data, message: on_message(message.topic, message.payload)

    def start(self):
        self.client.connect_async(self.settings.broker_host, self.settings.broker_port, keepalive=KEEP_ALIVE_S)
        self.client.loop_start()

    def connected(self, client, data, flags, reason, *_):
        if reason != 0:
            self.trouble.failed(mqtt.connack_string(reason) if isinstance(reason, int) else str(reason))
            return
        self.trouble.is_over()
        tell(f"connected to the broker {self.settings.broker_host}:{self.settings.broker_port}")
        self.client.subscribe([(topic, 1) for topic in self.subscribe])
        self.tell_again()

    def disconnected(self, client, data, *reason):
        # Of what was asked for nothing needs to be said.
        code = reason[-2] if len(reason) > 2 else reason[0]
        if code != 0:
            self.trouble.failed("the connection is lost")

    def tell_again(self):
        """All states, the bridge's own last: what is online has told what it is."""
        with self.lock:
            for topic, payload in self.states.items():
                self.client.publish(topic, payload, retain=True)
            self.client.publish(self.will_topic, "online", retain=True)

    def state(self, topic, value):
        """`value`: text, bytes or what JSON can tell; None: nothing is so any more."""
        payload = "" if value is None else value if isinstance(value, (str, bytes)) else json.dumps(value, ensure_ascii=False)
        with self.lock:
            self.states[topic] = payload
            if self.client.is_connected():
                self.client.publish(topic, payload, retain=True)

    def event(self, topic, value):
        with self.lock:
            sent = self.client.publish(topic, json.dumps(value, ensure_ascii=False), qos=1)
            if sent.rc == mqtt.MQTT_ERR_QUEUE_SIZE:
                self.lost += 1
                if self.lost == 1:
                    tell(f"more than {self.settings.keep} events wait for the broker: those that come now are lost")
            elif self.lost:
                tell(f"{self.lost} events were lost")
                self.lost = 0

    def stop(self):
        if self.client.is_connected():
            self.client.publish(self.will_topic, "offline", qos=1, retain=True).wait_for_publish(GOODBYE_S)
        self.client.disconnect()
        self.client.loop_stop()
        waiting = len(self.client._out_messages)  # the client has no other way to ask
        if waiting + self.lost:
            tell(f"{waiting + self.lost} events were not delivered")
