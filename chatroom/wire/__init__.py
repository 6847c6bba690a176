"""Bytes to commands, events and replies to bytes."""
