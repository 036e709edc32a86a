"""One call: the pipeline, its timeline and its hard limits."""
