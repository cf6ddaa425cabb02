"""Interruptions: a proxy that breaks connections, runs that are killed, and their tally."""
