"""Called, as `tunekit.search("cnn-digits", max_epochs=9)`, it searches a space and returns what was found.

For the options see `help(tunekit.api.searching.search)`. What is in here is the coordinator and its durable state.
"""
