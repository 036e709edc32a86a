"""Lines, intent examples and dialect lexicons, one folder a language."""
