"""The aiohttp application: JSON API, live events, health, metrics and pages."""
