"""What all tests share."""

# First of all: JAX reads its flags, and whether numbers have 64 bits, when something is first run.
import psa_engine.engine  # noqa: F401
