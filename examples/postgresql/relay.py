"""Publishes what a database's triggers write down, each row once: python relay.py DSN"""

import json
import os
import sys
import time
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import psycopg

NEXT = "SELECT id, room, text, data FROM chat_outbox ORDER BY id LIMIT 1 FOR UPDATE"
PAUSE = 2.0
"""Seconds until something is tried again."""


def publish(row_id: int, room: str, text: str, data: dict) -> None:
    """Publish, however long that takes; the key makes it one message, however often it is sent."""
    request = Request(
        f"{os.environ['CHATROOM_URL']}/api/v1/rooms/{quote(room, safe='')}/messages",
        json.dumps({"text": text, "data": data}).encode(),
        {
            "Authorization": f"Bearer {os.environ['CHATROOM_KEY']}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"chat_outbox {row_id}",
        },
    )
    while True:
        try:
            with urlopen(request, timeout=20) as answer:
                print(f"{room} {json.load(answer)['seq']}: {text}", flush=True)
                return
        except HTTPError as error:
            reason = error.read().decode("utf-8", "replace")
            if error.code not in (429, 502, 503, 504):
                # It would be refused again. Say so, and go on with the next.
                print(f"row {row_id} is not published: {reason}", file=sys.stderr, flush=True)
                return
        except (URLError, OSError):
            pass
        time.sleep(PAUSE)


def relay(connection: psycopg.Connection) -> bool:
    """Publish the oldest row and take it away; whether there was one."""
    with connection.transaction():
        row = connection.execute(NEXT).fetchone()
        if row is None:
            return False
        publish(*row)
        connection.execute("DELETE FROM chat_outbox WHERE id = %s", row[:1])
    return True


def run(dsn: str) -> None:
    """Publish what is there, then wait to be told of more."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("LISTEN chat_outbox")
        print("ready", flush=True)
        while True:
            while relay(connection):
                pass
            for _ in connection.notifies(timeout=30, stop_after=1):
                pass


if __name__ == "__main__":
    while True:
        try:
            run(sys.argv[1])
        except psycopg.OperationalError as error:
            print(f"the database: {error}".strip(), file=sys.stderr, flush=True)
            time.sleep(PAUSE)
