"""The checker's rules, one a file. Each module names its RULE and yields its findings from a Subject."""
