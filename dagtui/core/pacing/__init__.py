"""Pacing at the provider's limit: pure decisions about when the next attempt may leave."""
