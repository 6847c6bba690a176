"""Answers what is said with the same: python echo_bot.py PORT SECRET_FILE"""

import hmac
import json
import sys
import time
from base64 import b64decode, b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TOLERANCE = 300
"""Seconds by which the two clocks may differ: what is older was recorded, and is played again."""


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """What the chat signs with (standardwebhooks.com)."""
    key = b64decode(secret.removeprefix("whsec_"))
    proof = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return "v1," + b64encode(proof).decode()


class Bot(BaseHTTPRequestHandler):
    secret = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.is_signed(body):
            self.send_error(401)
            return
        event = json.loads(body)
        answer = {"text": event["data"]["text"]} if event["type"] == "message" else {}
        self.answer(json.dumps(answer).encode())

    def is_signed(self, body: bytes) -> bool:
        message_id, timestamp, given = (
            self.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
        )
        if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE:
            return False
        right = signature(self.secret, message_id, timestamp, body)
        return any(hmac.compare_digest(one, right) for one in given.split())

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    port, file = sys.argv[1:]
    Bot.secret = Path(file).read_text().strip()
    ThreadingHTTPServer(("127.0.0.1", int(port)), Bot).serve_forever()
