"""What `sparq new-plugin` and `sparq new-domain` write: files to be filled in, and one working method for every hook."""
