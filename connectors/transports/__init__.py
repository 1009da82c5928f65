"""Wires: bytes there and back."""
