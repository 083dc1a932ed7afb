"""The subcommands of `tierlink`, each in a file of its own."""
