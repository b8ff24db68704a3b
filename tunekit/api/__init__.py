"""tunekit from Python: what `import tunekit` offers."""
