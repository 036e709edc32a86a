"""Turn-taking on synthetic calls."""
