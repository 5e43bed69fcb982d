"""The loopback world: servers that answer as Reddit's and TMDB's APIs do."""
