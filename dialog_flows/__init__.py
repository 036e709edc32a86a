"""YAML flows, and beside them their conversation tests."""
