// Set up with the target's first type.
