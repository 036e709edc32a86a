"""Requests for a human, the queue, the agents, the brief, the outcome."""
