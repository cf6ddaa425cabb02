"""Servers that the tests start on this machine, and clients that prepare their contents."""
