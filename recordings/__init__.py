"""Two-channel recorder, evidence, encryption, retention. Imports nothing of the engine."""
