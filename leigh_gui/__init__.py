"""The window of Leigh Explorer: pages, widgets and the processes that keep it responsive."""
