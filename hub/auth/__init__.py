"""The authorization server and what the rest of the house needs of it: tokens, proofs, profiles.

It knows OAuth and no HTTP: `web.oauth` turns requests into values and back. People, passkeys and their sessions are a
room of their own; this one sees them through `sessions`.
"""
