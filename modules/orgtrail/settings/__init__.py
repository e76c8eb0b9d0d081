"""Settings of an environment file: the models, the rules and the HCL reader."""
