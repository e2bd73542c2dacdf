"""The fault campaign: scripts/faults runs it, gw-faults(7) describes it."""
