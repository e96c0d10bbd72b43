"""The commands' arguments and help, and nothing heavy, so that help answers at once."""
