"""A shop that tells a room of its orders."""
