"""The verbs, one a module: each is a function of a recipe that the command line and the Python API call."""
