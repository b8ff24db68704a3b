"""A second kind of worker: on the nodes of a Ray cluster. The only room that imports Ray."""
