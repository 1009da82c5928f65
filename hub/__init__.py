"""The house: everything that happens. `app.py` wires the rooms; upper floors import lower ones only."""
