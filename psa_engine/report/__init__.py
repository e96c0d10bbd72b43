"""What a run shows: terminal tables and the result folder, written from a summary's numbers."""
