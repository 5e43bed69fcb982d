"""The world: a loopback Reddit and TMDB that answer as the real ones do, for running without keys or network."""
