"""Voice activity, recognisers, synthesisers, the prompt cache and the model catalogue."""
