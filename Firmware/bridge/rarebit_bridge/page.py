"""The camera's page, as another program asks it: settings and pictures."""

import json
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT_S = 10
MOST_BYTES = 4 << 20


class PageError(Exception):
    """Why there is no answer, as one sentence."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None  # the token is for this address alone


class Page:
    def __init__(self, address, token):
        self.address, self.token = address, token
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirects)

    def ask(self, path, form=None):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        body = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(self.address + path, body, headers)
        try:
            with self.opener.open(request, timeout=TIMEOUT_S) as answer:
                content = answer.read(MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            raise PageError(f"status {error.code}: {reason_in(error.read(4096))}") from error
        except (OSError, ValueError) as error:
            raise PageError(str(getattr(error, "reason", error))) from error
        if len(content) > MOST_BYTES:
            raise PageError(f"{path} has more than {MOST_BYTES} bytes")
        return content

    def settings(self, form=None):
        """What is set now; `form`: what is to be changed before."""
        try:
            settings = json.loads(self.ask("/settings", form))
            return {key: float(settings[key]) for key in ("alpha", "threshold")}
        except (ValueError, KeyError, TypeError) as error:
            raise PageError("/settings has no alpha and threshold: this is no page of rarebit run") from error

    def snapshot(self):
        picture = self.ask("/snapshot.jpg")
        if not picture.startswith(b"\xff\xd8"):
            raise PageError("/snapshot.jpg is no JPEG file")
        return picture


def reason_in(body):
    try:
        return json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return "no reason given"
