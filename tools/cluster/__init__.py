"""A cluster on one machine, for trying: PostgreSQL, Redis, three chatroom servers, and HAProxy in front.

`make cluster` runs it. Everything listens on loopback, and is kept in one folder.
"""
