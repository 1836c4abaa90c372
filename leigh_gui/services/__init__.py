"""Processes and threads behind the window: inference, jobs, opening of projects, thumbnails."""
