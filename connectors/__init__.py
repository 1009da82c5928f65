"""The other ground: how to speak with partner networks. Imports neither `hub` nor `schema`."""
