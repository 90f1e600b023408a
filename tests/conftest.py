"""What every test may count on: properties are judged by their truth, never by the speed of the machine."""

from hypothesis import HealthCheck, settings

settings.register_profile("foliot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("foliot")
