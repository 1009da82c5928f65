"""The nouns of the graph, one file each. Every field names its source and its rule on its own line."""
