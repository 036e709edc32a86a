"""Calls and media over SIP, Twilio, AudioSocket and the browser. Imports nothing of the engine."""
