"""What Home Assistant is told of the camera: its MQTT discovery, one message an entity.

Keys and their meaning: home-assistant.io, the pages of the MQTT integration. Tests/System/Bridge holds the messages to them.
"""

# The sliders of the page have the same ranges.
NUMBERS = {
    "alpha": {"name": "Alpha", "min": 0, "max": 3, "step": 0.05, "icon": "mdi:tune"},
    "threshold": {"name": "Threshold", "min": 0, "max": 1, "step": 0.01, "icon": "mdi:filter-variant"},
}


class Topics:
    """Where things are told: "bridge", "camera", "answer", "problem", "seen", "last_seen", "snapshot", "settings"."""

    def __init__(self, settings):
        self.root = f"{settings.topic}/{settings.identifier}"

    def of(self, name):
        return f"{self.root}/{name}"

    def setting(self, key):
        return self.of(f"{key}/set")


def entity_messages(settings):
    """Topic to message; None: an entity that an earlier run may have told of, and that is no more."""
    topics = Topics(settings)

    def entity(name, **more):
        return {"name": name, **more}

    # The bridge's last will, and what it knows of the camera.
    of_bridge = [{"topic": topics.of("bridge")}]
    of_camera = [*of_bridge, {"topic": topics.of("camera")}]
    answer, problem, last = topics.of("answer"), topics.of("problem"), topics.of("last_seen")
    with_page = settings.page is not None
    found = {
        ("sensor", "answer"): entity(
            "Answer", state_topic=answer, value_template="{{ value_json.name }}", json_attributes_topic=answer,
            icon="mdi:eye", availability=of_camera),
        ("sensor", "probability"): entity(
            "Probability", state_topic=answer, value_template="{{ (value_json.probability * 100) | round(1) }}",
            unit_of_measurement="%", state_class="measurement", icon="mdi:percent", availability=of_camera),
        ("sensor", "last_seen"): entity(
            "Last seen", state_topic=last, value_template="{{ value_json.name }}", json_attributes_topic=last,
            icon="mdi:eye-check", availability=of_bridge),
        ("event", "seen"): entity(
            "Seen", state_topic=topics.of("seen"), event_types=["seen"], qos=1, icon="mdi:eye-plus", availability=of_bridge),
        ("binary_sensor", "problem"): entity(
            "Camera", state_topic=problem, value_template="{{ value_json.problem }}", json_attributes_topic=problem,
            device_class="problem", entity_category="diagnostic", availability=of_bridge),
        ("image", "snapshot"): entity(
            "Snapshot", image_topic=topics.of("snapshot"), content_type="image/jpeg", availability=of_bridge)
        if with_page and settings.snapshot is not None else None,
    }
    for key, looks in NUMBERS.items():
        found["number", key] = entity(
            **looks, command_topic=topics.setting(key), state_topic=topics.of("settings"), optimistic=False,
            value_template="{{ value_json.%s }}" % key, mode="slider", entity_category="config", availability=of_camera,
        ) if with_page else None
    common = {
        "availability_mode": "all",
        "device": {"identifiers": [f"rarebit_{settings.identifier}"], "name": settings.name, "manufacturer": "Rarebit",
                   "model": "Camera"},
        "origin": {"name": "rarebit-bridge"},
    }
    return {
        f"{settings.discovery}/{component}/rarebit_{settings.identifier}/{name}/config":
            message and {**message, **common, "unique_id": f"rarebit_{settings.identifier}_{name}"}
        for (component, name), message in found.items()
    }
