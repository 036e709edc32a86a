"""How exactly the two channels of a recorded call lie on one clock."""
