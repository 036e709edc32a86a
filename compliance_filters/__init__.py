"""Phrase guard, contact policy, disclosures and masking, from rule packs in YAML. Imports nothing of the engine."""
