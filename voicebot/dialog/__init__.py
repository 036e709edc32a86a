"""Flows: schema, loader, checks and the state machine. Pure."""
