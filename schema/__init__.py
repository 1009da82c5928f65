"""The ground: what exists and who may see it. Imports neither `hub` nor `connectors`."""
