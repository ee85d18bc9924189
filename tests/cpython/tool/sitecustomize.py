# SPDX-License-Identifier: MIT
"""A tool of sys.monitoring's that does nothing, in plain Python, for the events
that --trace calls asks for: what differs with it differs with any tool."""
import sys

monitoring = sys.monitoring
monitoring.use_tool_id(4, "nothing")
wanted = 0
for name in ("PY_START", "PY_RESUME", "PY_RETURN", "PY_YIELD", "PY_UNWIND",
             "PY_THROW", "CALL", "C_RETURN", "C_RAISE"):
    event = getattr(monitoring.events, name)
    monitoring.register_callback(4, event, lambda *args: None)
    wanted |= event
monitoring.set_events(4, wanted)
