"""What can be changed: one noun a file. The bodies are services of the hub, found by the name of the mutation."""
