"""EVSI."""
