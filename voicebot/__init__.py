"""The engine: everything between a ringing telephone and a kept promise."""
