"""Notices to another system of how attempts and promises ended: signed, retried, and listed when they are given up."""
