"""Command line, progress bars and logs, alike in every command."""
