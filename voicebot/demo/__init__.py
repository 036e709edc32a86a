"""The demo: the engine and real telephones on one machine, three calls from the first ring to the evidence."""
