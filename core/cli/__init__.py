"""The command line: one verb per question, the same functions as window and notebook."""
