"""What can be listened to: one noun a file. What is told of each event is read by the planner."""
