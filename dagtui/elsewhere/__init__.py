"""Runs in other processes: one begun there, watched and steered from here."""
