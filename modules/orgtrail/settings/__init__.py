"""Settings of an environment file: models, rules, the HCL reader and the reference page."""
