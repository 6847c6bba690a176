"""Between the nodes of one server: what is news now."""
