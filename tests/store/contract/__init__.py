"""What `chatroom.domain.ports.Store` promises, of every store there is, the tests' own included."""
