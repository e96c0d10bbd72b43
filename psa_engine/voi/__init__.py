"""What more information would be worth: one estimator a file, one common signature."""
