"""The same search as a user of each tool writes it, to be run side by side."""
