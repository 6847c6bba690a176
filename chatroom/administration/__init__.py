"""What the `chatroom` command does for whoever runs a server: on its database, also while it runs.

A running server notices within a second, by the changes that each write leaves.
"""
