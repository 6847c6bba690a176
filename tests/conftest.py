"""What all tests share."""

from hypothesis import HealthCheck, settings

# The machine may be busy with something else: no test is a matter of time.
settings.register_profile(
    "chatroom", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("chatroom")
