"""How arguments and results become JSON text, and come back as what the function's annotations say."""

from foliot.codec.shape import CLASHING, REST, Shape
from foliot.codec.values import dumps, loads, misfit

__all__ = ["CLASHING", "REST", "Shape", "dumps", "loads", "misfit"]
