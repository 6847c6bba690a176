"""What is wrong with a database that cannot be opened."""


class Unusable(Exception):
    """A database that the server cannot work with; the message says why and how to mend it."""
