"""Every way of asking: the knowledge base as a Python object, the command line, reports."""
