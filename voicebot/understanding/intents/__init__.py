"""Which intents a turn carries: exact and fuzzy wordings, a model trained on the library's examples, an encoder,
one judgement."""
