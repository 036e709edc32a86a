"""Turn-taking measured: annotated recordings in, the engine's own ear over them, counts out."""
