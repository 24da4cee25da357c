"""Runs that were, by their journals: to list, compare, replay, report, export, look into and go on with."""
