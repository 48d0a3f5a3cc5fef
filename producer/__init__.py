"""The operator's commands: plan parts, enqueue them, follow their progress."""
