"""Other servers, each in the simplest configuration that does the same: one room, everybody gets it."""
