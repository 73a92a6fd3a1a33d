"""Requests as raw bytes."""
